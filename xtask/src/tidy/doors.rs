//! `lib.rs` and `mod.rs` are doors: declarations and trait implementations, no logic of their own.
//!
//! Tolerant on purpose: a private function that serves a trait implementation in the same file may
//! stay beside it. What no door may hold is a public free function, or functions and nothing else.

use syn::{Item, Visibility};

use super::{is_test, is_test_file};
use crate::finding::Finding;
use crate::tree::Tree;

const RULE: &str = "doors";

/// Looks into every `lib.rs` and `mod.rs`.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust_files() {
        if !matches!(file.name(), "lib.rs" | "mod.rs") || is_test_file(&file.path) {
            continue;
        }
        let Some(syntax) = file.syntax() else {
            continue;
        };
        let serves_trait = syntax
            .items
            .iter()
            .any(|item| matches!(item, Item::Impl(block) if block.trait_.is_some()));
        for item in &syntax.items {
            let Item::Fn(function) = item else { continue };
            let private = matches!(function.vis, Visibility::Inherited);
            if is_test(&function.attrs) || private && serves_trait {
                continue;
            }
            let line = function.sig.ident.span().start().line;
            let message = format!("move `{}` to a file named for what it does", function.sig.ident);
            findings.push(Finding::new(RULE, &file.path, line, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        check(&Tree::of(&[("a/src/lib.rs", text)])).len()
    }

    #[test]
    fn declarations_and_trait_implementations_pass() {
        assert_eq!(found("mod a;\npub use a::A;\nimpl P for A { fn p() { q() } }\nfn q() {}"), 0);
    }

    #[test]
    fn free_functions_are_found() {
        assert_eq!(found("mod a;\nfn q() {}"), 1);
        assert_eq!(found("impl P for A {}\npub fn q() {}"), 1);
    }
}
