//! Every source file opens by saying what it is for.

use crate::finding::Finding;
use crate::tree::{SourceFile, Tree};

const RULE: &str = "documented";

/// Looks at the first lines of every source file.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files()
        .filter(|file| !file.is_case())
        .filter_map(|file| {
            let wanted = missing(file)?;
            Some(Finding::new(RULE, &file.path, 1, format!("open with {wanted}: what it is for")))
        })
        .collect()
}

/// What the file should open with and does not.
fn missing(file: &SourceFile) -> Option<&'static str> {
    let mut lines = file.text.lines().filter(|line| !line.trim().is_empty());
    let behind_shebang = lines.clone().find(|line| !line.starts_with("#!"));
    match file.extension() {
        "rs" => {
            let documented = |syntax: &syn::File| {
                syntax.attrs.iter().any(|attribute| attribute.path().is_ident("doc"))
            };
            file.syntax().is_some_and(|syntax| !documented(syntax)).then_some("a `//!` doc")
        }
        "c" | "h" => {
            let first = lines.next().unwrap_or_default();
            let comment = first.starts_with("/*") || first.starts_with("//");
            (!comment).then_some("a comment")
        }
        "py" => {
            let docstring = behind_shebang.is_some_and(|line| line.starts_with("\"\"\""));
            (!docstring).then_some("a docstring")
        }
        "sh" => {
            let comment = behind_shebang.is_some_and(|line| line.starts_with('#'));
            (!comment).then_some("a comment")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documented_files_pass() {
        let tree = Tree::of(&[
            ("a.rs", "//! Adds.\nfn a() {}\n"),
            ("b.rs", "#![forbid(unsafe_code)]\n//! Adds.\n"),
            ("a.bpf.c", "// SPDX\n"),
            ("a.py", "#!/usr/bin/env python3\n\"\"\"Adds.\"\"\"\n"),
            ("a.sh", "#!/bin/sh\n# Adds.\n"),
        ]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn silent_files_are_found() {
        let tree = Tree::of(&[
            ("a.rs", "/// Adds.\nfn a() {}\n"),
            ("a.bpf.c", "int a;\n"),
            ("a.py", "import a\n"),
            ("a.sh", "#!/bin/sh\nexit\n"),
        ]);
        assert_eq!(check(&tree).len(), 4);
    }
}
