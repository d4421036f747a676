//! The stages in the middle ask nothing of the machine: no clock, no files, no sockets, no locks.
//!
//! Time and bytes come in as arguments. That is why replay and live give the same answer, and why
//! their tests need no set-up.

use super::is_test_file;
use crate::finding::Finding;
use crate::tree::Tree;

const RULE: &str = "purity";
const PURE: [&str; 6] = [
    "foundation/model/src/",
    "foundation/abi/src/",
    "pipeline/connections/src/",
    "pipeline/decrypt/src/",
    "pipeline/dissect/src/",
    "pipeline/metrics/src/",
];
const BANNED: [(&str, &str); 9] = [
    ("Instant::now", "take the time as an argument"),
    ("SystemTime::now", "take the time as an argument"),
    ("thread::sleep", "take the time as an argument"),
    ("std::fs", "take the bytes as an argument"),
    ("std::env::var", "take the value as an argument"),
    ("TcpStream", "taps do I/O, stages do not"),
    ("UdpSocket", "taps do I/O, stages do not"),
    ("Mutex", "a worker owns its share: nothing to lock"),
    ("RwLock", "a worker owns its share: nothing to lock"),
];

/// Reads the stages in the middle, without their tests.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust_files() {
        let pure = PURE.iter().any(|folder| file.path.starts_with(folder));
        if !pure || is_test_file(&file.path) {
            continue;
        }
        let product = file.text.lines().take_while(|line| !line.contains("#[cfg(test)]"));
        for (number, line) in (1..).zip(product) {
            let code = line.split("//").next().unwrap_or(line);
            for (word, instead) in BANNED {
                if code.contains(word) {
                    let message = format!("`{word}` is not for this stage: {instead}");
                    findings.push(Finding::new(RULE, &file.path, number, message));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLOCK: &str = "/// Never Instant::now.\nfn f() {\n    let _ = Instant::now();\n}\n";

    #[test]
    fn stages_in_the_middle_read_no_clock() {
        assert_eq!(check(&Tree::of(&[("pipeline/dissect/src/a.rs", CLOCK)])).len(), 1);
    }

    #[test]
    fn taps_agent_and_tests_may() {
        let in_tests = format!("#[cfg(test)]\nmod tests {{ {CLOCK} }}");
        let tree = Tree::of(&[
            ("pipeline/capture/src/a.rs", CLOCK),
            ("apps/agent/src/main.rs", CLOCK),
            ("pipeline/dissect/src/a.rs", &in_tests),
        ]);
        assert_eq!(check(&tree), []);
    }
}
