//! Every protocol folder has the same shape and is one word in `protocols.rs`.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::protocol_docs::{FOLDER, LIST, TEMPLATE, listed};
use crate::tree::Tree;

const RULE: &str = "protocols";
const CASES_MIN: usize = 3;

/// Compares each folder with the shape, and the folders with the list.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let listed: Vec<&str> = tree.file(LIST).map(|file| listed(&file.text)).unwrap_or_default();
    let mut findings = Vec::new();
    if !listed.is_sorted() {
        findings.push(Finding::new(RULE, LIST, 0, "the list is not in alphabetical order"));
    }
    let folders = folders(tree);
    for name in &listed {
        if !folders.contains(name) {
            findings.push(Finding::new(RULE, LIST, 0, format!("`{name}` has no folder")));
        }
    }
    for name in folders {
        let mut found = |what: String| {
            findings.push(Finding::new(RULE, &format!("{FOLDER}{name}"), 0, what));
        };
        // The template is compiled into the unit tests only.
        if name != TEMPLATE && !listed.contains(&name) {
            found(format!("is not listed in {LIST}"));
        }
        shape(tree, name).into_iter().for_each(&mut found);
    }
    findings
}

/// What the folder of one protocol lacks.
fn shape(tree: &Tree, name: &str) -> Vec<String> {
    let folder = format!("{FOLDER}{name}/");
    let door = tree.file(&format!("{folder}mod.rs"));
    // A protocol that rides on another one's streams reads no bytes of its own.
    let is_rider = door.is_some_and(|door| door.text.contains("fn rides("));
    let parts: &[&str] = if is_rider { &["mod.rs"] } else { &["mod.rs", "frame.rs", "session.rs"] };
    let mut lacks: Vec<String> = parts
        .iter()
        .filter(|file| tree.file(&format!("{folder}{file}")).is_none())
        .map(|file| format!("lacks {file}"))
        .collect();
    let cases = format!("{folder}cases/");
    let (mut count, mut captures) = (0, 0);
    for case in tree.below(&cases) {
        count += usize::from(matches!(case.extension(), "case" | "pcap" | "pcapng"));
        captures += usize::from(matches!(case.extension(), "pcap" | "pcapng"));
    }
    if count < CASES_MIN {
        lacks.push(format!("has {count} cases; at least {CASES_MIN}"));
    }
    if captures > 0 && tree.file(&format!("{cases}PROVENANCE.md")).is_none() {
        lacks.push("has captures but no cases/PROVENANCE.md that says where from".to_owned());
    }
    lacks
}

fn folders(tree: &Tree) -> BTreeSet<&str> {
    tree.below(FOLDER)
        .filter_map(|file| file.path.get(FOLDER.len()..)?.split_once('/'))
        .map(|(name, _)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(list: &str, files: &[&str]) -> usize {
        let paths: Vec<String> = files.iter().map(|file| format!("{FOLDER}redis/{file}")).collect();
        let mut tree: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
        tree.push((LIST, list));
        check(&Tree::of(&tree)).len()
    }

    const WHOLE: [&str; 6] =
        ["mod.rs", "frame.rs", "session.rs", "cases/a.case", "cases/b.case", "cases/c.case"];

    #[test]
    fn whole_and_listed_folder_passes() {
        assert_eq!(found("protocols! { redis }", &WHOLE), 0);
    }

    #[test]
    fn missing_parts_are_found() {
        assert_eq!(found("protocols! { redis }", &["mod.rs", "session.rs", "cases/a.case"]), 2);
    }

    #[test]
    fn folder_and_list_must_agree() {
        assert_eq!(found("protocols! {}", &WHOLE), 1);
        assert_eq!(found("protocols! { redis, stomp }", &WHOLE), 1);
        assert_eq!(found("protocols! { redis, redis2, kafka }", &WHOLE), 3);
    }

    #[test]
    fn captures_need_a_provenance() {
        let files = ["mod.rs", "frame.rs", "session.rs", "cases/a.pcap", "cases/b.case"];
        assert_eq!(found("protocols! { redis }", &files), 2);
    }
}
