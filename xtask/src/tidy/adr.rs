//! Every decision record is in the index, and their numbers run without a hole.

use crate::finding::Finding;
use crate::tree::Tree;

const FOLDER: &str = "docs/adr/";
const INDEX: &str = "docs/adr/README.md";
const RULE: &str = "adr";

/// Compares the folder with its index.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let index = tree.file(INDEX).map_or("", |file| file.text.as_str());
    let mut findings = Vec::new();
    let mut expected = 1;
    for file in tree.below(FOLDER) {
        let Some(number) = number(file.name()) else {
            continue;
        };
        if number != expected {
            let message = format!("is number {number}; the next free one is {expected}");
            findings.push(Finding::new(RULE, &file.path, 0, message));
        }
        expected = number + 1;
        if !index.contains(&format!("({})", file.name())) {
            findings.push(Finding::new(RULE, &file.path, 0, format!("is not listed in {INDEX}")));
        }
    }
    findings
}

/// `12` of `0012-title.md`.
fn number(name: &str) -> Option<u32> {
    let (number, _) = name.strip_suffix(".md")?.split_once('-')?;
    if number.len() == 4 { number.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_records_pass() {
        let tree = Tree::of(&[
            ("docs/adr/0001-a.md", ""),
            ("docs/adr/template.md", ""),
            (INDEX, "| 1 | [a](0001-a.md) |"),
        ]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn unlisted_record_and_hole_are_found() {
        let tree = Tree::of(&[("docs/adr/0002-b.md", ""), (INDEX, "")]);
        assert_eq!(check(&tree).len(), 2);
    }
}
