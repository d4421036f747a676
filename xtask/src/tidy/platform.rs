//! The operating system is asked for at the doors only: `lib.rs`, `main.rs`, `mod.rs`, `build.rs`,
//! the agent's commands and examples, which are programs, and the files of a list.

use crate::finding::Finding;
use crate::tree::Tree;

const RULE: &str = "platform";
const DOORS: [&str; 4] = ["lib.rs", "main.rs", "mod.rs", "build.rs"];

/// Doors that carry another name: the file that chooses among folders of its own name.
const LISTED: [&str; 2] = ["pipeline/entities/src/sources.rs", "xtask/src/tidy/platform.rs"];

/// Each file here starts something, and says for itself where it can.
const PROGRAMS: [&str; 2] = ["apps/agent/src/commands/", "/examples/"];

/// Looks for `target_os` and its kin in every Rust file.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust_files() {
        let path = file.path.as_str();
        let is_program = PROGRAMS.iter().any(|folder| path.contains(folder));
        if DOORS.contains(&file.name()) || LISTED.contains(&path) || is_program {
            continue;
        }
        for (number, line) in (1..).zip(file.text.lines()) {
            let code = line.split("//").next().unwrap_or(line);
            if code.contains("cfg") && (code.contains("target_os") || code.contains("(unix)")) {
                let message = "choose the platform at a door: lib.rs, mod.rs or a listed file";
                findings.push(Finding::new(RULE, &file.path, number, message));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINUX: &str = "#[cfg(target_os = \"linux\")]\nmod linux;\n";

    #[test]
    fn doors_may_choose() {
        let command = "apps/agent/src/commands/run.rs";
        let tree = Tree::of(&[("a/src/lib.rs", LINUX), (LISTED[0], LINUX), (command, LINUX)]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn rooms_may_not() {
        assert_eq!(check(&Tree::of(&[("a/src/red.rs", LINUX)])).len(), 1);
    }
}
