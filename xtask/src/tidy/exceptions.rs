//! Exceptions to rules, each with a reason and a date: `xtask/tidy-exceptions.txt`.
//!
//! One a line: `rule path date reason`. A line that excuses nothing is itself a finding, so that
//! the list only ever holds what is needed.

use crate::finding::Finding;
use crate::tree::Tree;

const FILE: &str = "xtask/tidy-exceptions.txt";
const RULE: &str = "exceptions";

struct Exception<'a> {
    line: usize,
    rule: &'a str,
    path: &'a str,
}

/// Takes away what an exception covers, and adds what is wrong with the exceptions themselves.
pub(super) fn apply(tree: &Tree, found: Vec<Finding>) -> Vec<Finding> {
    let (exceptions, mut kept) = read(tree);
    let mut used = vec![false; exceptions.len()];
    for finding in found {
        let excuse = exceptions.iter().zip(&mut used).find(|(exception, _)| {
            exception.rule == finding.rule && exception.path == finding.path
        });
        match excuse {
            Some((_, used)) => *used = true,
            None => kept.push(finding),
        }
    }
    for (exception, used) in exceptions.iter().zip(used) {
        if !used {
            kept.push(Finding::new(RULE, FILE, exception.line, "excuses nothing: remove the line"));
        }
    }
    kept
}

fn read(tree: &Tree) -> (Vec<Exception<'_>>, Vec<Finding>) {
    let (mut exceptions, mut findings) = (Vec::new(), Vec::new());
    let text = tree.file(FILE).map_or("", |file| file.text.as_str());
    for (number, line) in (1..).zip(text.lines()) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some(rule), Some(path), Some(date), Some(_)) if is_date(date) => {
                exceptions.push(Exception { line: number, rule, path });
            }
            _ => findings.push(Finding::new(RULE, FILE, number, "want: rule path date reason")),
        }
    }
    (exceptions, findings)
}

fn is_date(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    let digits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    matches!(parts.as_slice(), [year, month, day] if year.len() == 4
        && month.len() == 2 && day.len() == 2 && parts.iter().all(digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn long_file() -> Vec<Finding> {
        vec![Finding::new("limits", "a.rs", 0, "too long")]
    }

    #[test]
    fn exception_covers_its_rule_and_path() {
        let tree = Tree::of(&[(FILE, "# list\nlimits a.rs 2026-01-31 a table of the standard\n")]);
        assert_eq!(apply(&tree, long_file()), []);
    }

    #[test]
    fn exception_without_reason_or_use_is_a_finding() {
        let tree = Tree::of(&[(FILE, "limits a.rs 2026-01-31\nlimits b.rs 2026-01-31 old\n")]);
        let lines: Vec<usize> =
            apply(&tree, long_file()).iter().map(|finding| finding.line).collect();
        assert_eq!(lines, [1, 0, 2]);
    }
}
