//! Chores of this repository: `cargo xtask tidy | new-protocol NAME | protocol-docs [--check]`.
//!
//! `tidy` checks the rules of STYLE.md that a program can check; the other two keep the protocol
//! folders and their pages in one shape. No command here builds or runs the product.

mod finding;
mod new_protocol;
mod protocol_docs;
mod tidy;
mod tree;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::tree::Tree;

const USAGE: &str = "usage: cargo xtask tidy | new-protocol NAME | protocol-docs [--check]";

fn main() -> Result<ExitCode> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let tree = Tree::of_repository()?;
    match words.as_slice() {
        ["tidy"] => Ok(tidy::command(&tree)),
        ["new-protocol", name] => new_protocol::command(&tree, name),
        ["protocol-docs"] => protocol_docs::write(&tree),
        ["protocol-docs", "--check"] => Ok(protocol_docs::check(&tree)),
        _ => bail!(USAGE),
    }
}
