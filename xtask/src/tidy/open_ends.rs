//! What is left to do is in the tracker: a note in the source names its issue, such as `#12`.

use crate::finding::Finding;
use crate::tree::Tree;

const RULE: &str = "open-ends";

/// Written in two parts, so that this file does not find itself.
const WORDS: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Reads every line of source.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files().filter(|file| !file.is_case() && file.extension() != "md") {
        for (number, line) in (1..).zip(file.text.lines()) {
            if is_note(line) && !names_issue(line) {
                let message = "name the issue as #number, or do it now";
                findings.push(Finding::new(RULE, &file.path, number, message));
            }
        }
    }
    findings
}

fn is_note(line: &str) -> bool {
    let is_edge = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    WORDS.iter().any(|word| {
        line.match_indices(word).any(|(at, _)| {
            let (before, rest) = line.split_at(at);
            let behind = rest.strip_prefix(word).and_then(|rest| rest.chars().next());
            is_edge(before.chars().next_back()) && is_edge(behind)
        })
    })
}

fn names_issue(line: &str) -> bool {
    line.split('#').skip(1).any(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(note: &str) -> usize {
        check(&Tree::of(&[("a.rs", note)])).len()
    }

    #[test]
    fn note_with_its_issue_passes() {
        assert_eq!(found(concat!("// TO", "DO(#12): split")), 0);
        assert_eq!(found(concat!("const TO", "DO_LIST: u8 = 1;")), 0);
    }

    #[test]
    fn note_without_issue_is_found() {
        assert_eq!(found(concat!("// FIX", "ME: later")), 1);
    }
}
