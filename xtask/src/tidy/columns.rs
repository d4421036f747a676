//! Lines of source fit in 100 columns.

use crate::finding::Finding;
use crate::tree::Tree;

const RULE: &str = "columns";
const COLUMNS_MAX: usize = 100;

/// Tabs count as eight columns, as in the C sources of the kernel.
const TAB: usize = 8;

/// Measures every line of source.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().filter(|file| {
        !file.is_case() && matches!(file.extension(), "rs" | "c" | "h" | "py" | "sh" | "go")
    }) {
        for (number, line) in (1..).zip(file.text.lines()) {
            let columns = columns(line);
            // A link cannot be broken, nor can a line that is one word.
            let is_breakable = line.trim().contains(' ') && !line.contains("://");
            if columns > COLUMNS_MAX && is_breakable {
                let message = format!("{columns} columns; at most {COLUMNS_MAX}");
                findings.push(Finding::new(RULE, &file.path, number, message));
            }
        }
    }
    findings
}

fn columns(line: &str) -> usize {
    line.chars().map(|character| if character == '\t' { TAB } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hundred_columns_pass_and_one_more_is_found() {
        let line = "x ".repeat(COLUMNS_MAX / 2);
        assert_eq!(check(&Tree::of(&[("a.rs", &line)])), []);
        assert_eq!(check(&Tree::of(&[("a.rs", &format!("{line}x"))])).len(), 1);
    }

    #[test]
    fn links_words_and_cases_may_be_longer() {
        let link = format!("// https://example.org/{}", "x".repeat(COLUMNS_MAX));
        let word = format!("    \"{}\",", "x".repeat(COLUMNS_MAX));
        let line = "x ".repeat(COLUMNS_MAX);
        let tree = [("a.rs", link.as_str()), ("b.rs", &word), ("p/cases/a.py", &line)];
        assert_eq!(check(&Tree::of(&tree)), []);
    }
}
