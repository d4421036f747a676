//! Relative links in Markdown lead to files that exist.

use crate::finding::Finding;
use crate::tree::Tree;

const RULE: &str = "links";

/// Follows every link of every page.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for page in tree.files().filter(|file| file.extension() == "md" && !file.is_case()) {
        let folder = page.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for (line, target) in targets(&page.text) {
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            if !resolve(folder, path).is_some_and(|path| tree.exists(&path)) {
                let message = format!("`{target}` leads nowhere");
                findings.push(Finding::new(RULE, &page.path, line, message));
            }
        }
    }
    findings
}

/// Targets of `[text](target)` outside code.
fn targets(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        // Every second piece between backticks is code.
        for prose in line.split('`').step_by(2) {
            for piece in prose.split("](").skip(1) {
                if let Some((target, _)) = piece.split_once(')') {
                    found.push((number, target.split(' ').next().unwrap_or(target)));
                }
            }
        }
        // A link whose text is code, such as [`x`](y), has its target at the start of a piece.
        found.extend(code_links(line).map(|target| (number, target)));
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn code_links(line: &str) -> impl Iterator<Item = &str> {
    line.split("`](").skip(1).filter_map(|piece| piece.split_once(')')).map(|(target, _)| target)
}

/// `folder/path` without `.` and `..`; `None` if it leaves the repository.
fn resolve(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    let start = if path.starts_with('/') { "" } else { folder };
    for part in start.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        check(&Tree::of(&[("docs/a.md", text), ("docs/b.md", ""), ("src/c.rs", "")])).len()
    }

    #[test]
    fn links_to_files_folders_and_the_web_pass() {
        let text = "[b](b.md#part) [c](../src/c.rs) [`d`](../src/) [e](https://e.org) [f](#f)";
        assert_eq!(found(text), 0);
    }

    #[test]
    fn broken_links_are_found_once() {
        assert_eq!(found("[b](c.md) [`x`](x.md) and [y](../../y.md)"), 3);
    }

    #[test]
    fn code_is_not_read_as_links() {
        assert_eq!(found("`a[0](x.md)`\n```\n[b](c.md)\n```\n"), 0);
    }
}
