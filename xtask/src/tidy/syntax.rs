//! Every Rust file parses, so that no rule passes over a file in silence.

use crate::finding::Finding;
use crate::tree::Tree;

/// Asks for the syntax of every Rust file.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.rust_files()
        .filter(|file| file.syntax().is_none())
        .map(|file| Finding::new("syntax", &file.path, 0, "does not parse"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_does_not_parse_is_found() {
        assert_eq!(check(&Tree::of(&[("a.rs", "fn a() {}"), ("b.rs", "fn b( {}")])).len(), 1);
    }
}
