//! Files and folders are named for the noun they hold, not for being handy.

use crate::finding::Finding;
use crate::tree::Tree;

const RULE: &str = "names";
const BANNED: [&str; 10] =
    ["util", "utils", "common", "helper", "helpers", "manager", "misc", "stuff", "shared", "base"];

/// Looks at every part of every path.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files()
        .filter(|file| !file.is_case())
        .filter_map(|file| {
            let banned = file.path.split('/').find(|part| {
                let stem = part.split('.').next().unwrap_or(part);
                BANNED.contains(&stem)
            })?;
            let message = format!("`{banned}` says nothing: name it for the noun it holds");
            Some(Finding::new(RULE, &file.path, 0, message))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nouns_pass() {
        assert_eq!(check(&Tree::of(&[("a/src/baseline.rs", ""), ("a/src/uptime.rs", "")])), []);
    }

    #[test]
    fn empty_words_are_found_in_files_and_folders() {
        let tree = Tree::of(&[("a/src/utils.rs", ""), ("a/common/b.rs", ""), ("a/misc.bpf.h", "")]);
        assert_eq!(check(&tree).len(), 3);
    }
}
