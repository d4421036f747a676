//! Files stay small: 500 lines of source, 200 kB of anything outside `cases/`.

use crate::finding::Finding;
use crate::tree::Tree;

const RULE: &str = "limits";
const LINES_MAX: usize = 500;
const BYTES_MAX: u64 = 200_000;

/// Measures every file.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().filter(|file| !file.is_case()) {
        if file.size > BYTES_MAX {
            let message = format!("{} bytes; at most {BYTES_MAX}", file.size);
            findings.push(Finding::new(RULE, &file.path, 0, message));
        }
        let lines = file.text.lines().count();
        let source = matches!(file.extension(), "rs" | "c" | "h" | "py" | "sh" | "go");
        if source && lines > LINES_MAX {
            let message = format!("{lines} lines; at most {LINES_MAX}: split by reason to change");
            findings.push(Finding::new(RULE, &file.path, 0, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_at_the_limit_pass() {
        let text = "\n".repeat(LINES_MAX);
        assert_eq!(check(&Tree::of(&[("a.rs", &text)])), []);
    }

    #[test]
    fn long_source_and_big_files_are_found() {
        let text = "\n".repeat(LINES_MAX + 1);
        let big = "x".repeat(BYTES_MAX as usize + 1);
        let tree = Tree::of(&[("a.rs", &text), ("b.md", &big), ("p/cases/c.pcap", &big)]);
        assert_eq!(check(&tree).len(), 2);
    }
}
