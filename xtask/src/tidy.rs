//! The rules of STYLE.md that a program can check. One file a rule, one line here.

mod adr;
mod arrows;
mod columns;
mod documented;
mod doors;
mod exceptions;
mod functions;
mod imports;
mod limits;
mod links;
mod names;
mod open_ends;
mod pages;
mod panics;
mod platform;
mod protocols;
mod purity;
mod syntax;
mod unsafety;

use std::process::ExitCode;

use crate::finding::Finding;
use crate::tree::Tree;

/// A rule reads the tree and says what is wrong with it.
type Rule = fn(&Tree) -> Vec<Finding>;

const RULES: &[Rule] = &[
    adr::check,
    arrows::check,
    columns::check,
    documented::check,
    doors::check,
    functions::check,
    imports::check,
    limits::check,
    links::check,
    names::check,
    open_ends::check,
    pages::check,
    panics::check,
    platform::check,
    protocols::check,
    purity::check,
    syntax::check,
    unsafety::check,
];

/// Runs every rule, prints what they found, and fails if that is anything.
pub(crate) fn command(tree: &Tree) -> ExitCode {
    let findings = findings(tree);
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: {} files, {} rules, no findings", tree.files().count(), RULES.len());
        return ExitCode::SUCCESS;
    }
    println!("tidy: {} findings", findings.len());
    ExitCode::FAILURE
}

fn findings(tree: &Tree) -> Vec<Finding> {
    let found = RULES.iter().flat_map(|rule| rule(tree)).collect();
    let mut findings = exceptions::apply(tree, found);
    findings.sort();
    findings
}

/// True if the attributes say `#[cfg(test)]` or `#[test]`.
fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let path = attribute.path();
        path.is_ident("test")
            || path.is_ident("cfg")
                && attribute
                    .parse_args::<syn::Path>()
                    .is_ok_and(|condition| condition.is_ident("test"))
    })
}

/// True for files that hold nothing but tests: `tests.rs` and what lies in a `tests` folder.
fn is_test_file(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.split('/').any(|part| part == "tests")
}
