//! Dependency arrows between the crates, read from their manifests.
//!
//! Stages and surfaces depend on `foundation` only, `foundation` on nothing above it, and only
//! the agent names stages. `testkit` is for tests. Which crates are ours is read from the root
//! manifest, so a new crate is covered without a word here.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::tree::{SourceFile, Tree};

const RULE: &str = "arrows";
const TESTKIT: &str = "foundation/testkit";

/// Arrows inside `foundation`, as (from, to).
const INSIDE_FOUNDATION: [(&str, &str); 2] =
    [("foundation/kernel-logic", "foundation/abi"), (TESTKIT, "foundation/model")];

/// Crates that may name stages: the agent, and the fuzz targets, which ship nothing.
const KNOW_ALL: [&str; 2] = ["apps/agent", "fuzz"];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Product,
    Test,
}

/// Checks every manifest below the root.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(root) = tree.file("Cargo.toml") else {
        return Vec::new();
    };
    let ours = our_crates(root);
    let mut findings = Vec::new();
    for manifest in tree.files().filter(|file| file.path.ends_with("/Cargo.toml")) {
        let from = manifest.path.trim_end_matches("/Cargo.toml");
        for (line, name, purpose) in dependencies(manifest) {
            let Some(to) = ours.get(name) else { continue };
            if let Some(why) = objection(from, to, purpose) {
                let message = format!("{from} must not depend on {to}: {why}");
                findings.push(Finding::new(RULE, &manifest.path, line, message));
            }
        }
    }
    findings
}

fn objection(from: &str, to: &str, purpose: Use) -> Option<&'static str> {
    if to == TESTKIT && purpose == Use::Product {
        return Some("testkit is a dev-dependency");
    }
    if KNOW_ALL.contains(&from) || from == to {
        return None;
    }
    if !to.starts_with("foundation/") {
        return Some("only apps/agent names stages and surfaces");
    }
    if from.starts_with("foundation/") && purpose == Use::Product {
        let allowed = INSIDE_FOUNDATION.contains(&(from, to));
        return (!allowed).then_some("inside foundation only kernel-logic → abi, testkit → model");
    }
    None
}

/// Dependency name → folder, from the lines `name = { path = "folder", …` of the root manifest.
fn our_crates(root: &SourceFile) -> BTreeMap<&str, &str> {
    root.text
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once('=')?;
            let (_, rest) = rest.split_once("path = \"")?;
            let (folder, _) = rest.split_once('"')?;
            Some((name.trim(), folder))
        })
        .collect()
}

/// Line, name and purpose of each dependency in a manifest.
fn dependencies(manifest: &SourceFile) -> Vec<(usize, &str, Use)> {
    let mut section = None;
    let mut found = Vec::new();
    for (number, line) in (1..).zip(manifest.text.lines()) {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            let header = header.trim_end_matches(']');
            section = purpose(header);
            // `[dependencies.name]` names its crate in the header.
            if let Some((_, name)) = header.rsplit_once("dependencies.") {
                let purpose = if header.contains("dev-") { Use::Test } else { Use::Product };
                found.push((number, name, purpose));
            }
        } else if let Some(purpose) = section
            && let Some(name) = line.split(['=', '.', ' ']).next()
            && !name.is_empty()
        {
            found.push((number, name, purpose));
        }
    }
    found
}

fn purpose(header: &str) -> Option<Use> {
    let last = header.rsplit('.').next().unwrap_or(header);
    match last {
        "dependencies" | "build-dependencies" => Some(Use::Product),
        "dev-dependencies" => Some(Use::Test),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "[workspace.dependencies]\n\
        model = { path = \"foundation/model\", package = \"x\" }\n\
        testkit = { path = \"foundation/testkit\" }\n\
        dissect = { path = \"pipeline/dissect\" }\n";

    fn messages(path: &str, manifest: &str) -> usize {
        check(&Tree::of(&[("Cargo.toml", ROOT), (path, manifest)])).len()
    }

    #[test]
    fn stage_on_foundation_is_fine() {
        let manifest = "[dependencies]\nmodel.workspace = true\nserde = \"1\"\n\
            [dev-dependencies]\ntestkit.workspace = true\n";
        assert_eq!(messages("pipeline/metrics/Cargo.toml", manifest), 0);
    }

    #[test]
    fn stage_on_stage_is_found_in_every_section() {
        let manifest = "[dependencies]\ndissect.workspace = true\n\
            [target.x.dependencies]\ndissect = { workspace = true }\n\
            [dev-dependencies]\ndissect.workspace = true\n[dependencies.dissect]\n";
        assert_eq!(messages("pipeline/metrics/Cargo.toml", manifest), 4);
    }

    #[test]
    fn testkit_in_the_product_is_found() {
        let manifest = "[dependencies]\ntestkit.workspace = true\n";
        assert_eq!(messages("apps/agent/Cargo.toml", manifest), 1);
    }

    #[test]
    fn foundation_looks_at_nothing_but_the_listed_pairs() {
        let manifest = "[dependencies]\nmodel.workspace = true\n";
        assert_eq!(messages("foundation/testkit/Cargo.toml", manifest), 0);
        assert_eq!(messages("foundation/abi/Cargo.toml", manifest), 1);
    }
}
