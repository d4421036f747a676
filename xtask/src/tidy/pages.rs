//! The generated pages of `docs/protocols/` say what the module docs say.

use crate::finding::Finding;
use crate::protocol_docs;
use crate::tree::Tree;

const RULE: &str = "pages";

/// Compares each page with what `cargo xtask protocol-docs` would write.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    protocol_docs::stale(tree)
        .into_iter()
        .map(|path| Finding::new(RULE, &path, 0, "is stale: run `cargo xtask protocol-docs`"))
        .collect()
}
