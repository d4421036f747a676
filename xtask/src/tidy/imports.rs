//! Imports name what they import, and a protocol folder imports no other protocol.
//!
//! `use super::*` in a test module is the one exception. What sits on HTTP/2 says so by `rides`.

use syn::visit::{self, Visit};
use syn::{ItemMod, ItemUse, UseTree};

use super::{is_test, is_test_file};
use crate::finding::Finding;
use crate::tree::Tree;

const RULE: &str = "imports";
const PROTOCOLS: &str = "pipeline/dissect/src/protocols/";

/// Reads the `use` items of every Rust file.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust_files() {
        let Some(syntax) = file.syntax() else {
            continue;
        };
        let protocol = file.path.strip_prefix(PROTOCOLS).and_then(|rest| rest.split('/').next());
        let mut visitor = ImportVisitor {
            path: &file.path,
            protocol,
            in_tests: is_test_file(&file.path),
            findings: &mut findings,
        };
        visitor.visit_file(syntax);
    }
    findings
}

struct ImportVisitor<'a> {
    path: &'a str,
    protocol: Option<&'a str>,
    in_tests: bool,
    findings: &'a mut Vec<Finding>,
}

impl ImportVisitor<'_> {
    fn walk(&mut self, tree: &UseTree, prefix: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                prefix.push(path.ident.to_string());
                self.walk(&path.tree, prefix);
                prefix.pop();
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.walk(item, prefix));
            }
            UseTree::Glob(glob) => {
                if !(self.in_tests && prefix.as_slice() == ["super"]) {
                    let line = glob.star_token.spans[0].start().line;
                    let message = "name what is imported instead of `*`";
                    self.findings.push(Finding::new(RULE, self.path, line, message));
                }
            }
            UseTree::Name(name) => self.leaf(&name.ident, prefix),
            UseTree::Rename(rename) => self.leaf(&rename.ident, prefix),
        }
    }

    fn leaf(&mut self, name: &syn::Ident, prefix: &[String]) {
        let Some(own) = self.protocol else { return };
        let last = name.to_string();
        let mut words = prefix.iter().chain([&last]).map(String::as_str);
        let other = match (words.next(), words.next(), words.next()) {
            (Some("crate"), Some("protocols"), Some(other)) => other,
            _ => return,
        };
        if other != own && !self.in_tests {
            let message = format!("a protocol folder must not import another (`{other}`)");
            self.findings.push(Finding::new(RULE, self.path, name.span().start().line, message));
        }
    }
}

impl<'ast> Visit<'ast> for ImportVisitor<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let outside = self.in_tests;
        self.in_tests |= is_test(&module.attrs);
        visit::visit_item_mod(self, module);
        self.in_tests = outside;
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.walk(&item.tree, &mut Vec::new());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn named_imports_and_the_test_glob_pass() {
        let text = "use a::{b, c::D};\n#[cfg(test)]\nmod tests { use super::*; }";
        assert_eq!(found("a/src/b.rs", text), 0);
    }

    #[test]
    fn globs_are_found() {
        assert_eq!(found("a/src/b.rs", "use a::{b, c::*};"), 1);
        assert_eq!(found("a/src/b.rs", "#[cfg(test)]\nmod tests { use a::*; }"), 1);
    }

    #[test]
    fn one_protocol_must_not_import_another() {
        let path = "pipeline/dissect/src/protocols/redis/session.rs";
        assert_eq!(found(path, "use crate::protocols::redis::frame::Frame;"), 0);
        assert_eq!(found(path, "use crate::protocols::http1::frame::Frame;"), 1);
    }
}
