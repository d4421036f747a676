//! `cargo xtask new-protocol NAME`: a folder in the right shape, and its word in the list.
//!
//! The folder is a copy of `protocols/template`, a real protocol that is compiled and tested, so
//! the copy compiles and its cases pass before the first line is changed.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};

use crate::protocol_docs::{FOLDER, LIST, TEMPLATE, listed};
use crate::tree::Tree;

/// Copies the template.
pub(crate) fn command(tree: &Tree, name: &str) -> Result<ExitCode> {
    let files = plan(tree, name)?;
    for (from, path, text) in files {
        let on_disk: PathBuf = tree.root().join(&path);
        if let Some(folder) = on_disk.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("making {folder:?}"))?;
        }
        let bytes = match text {
            Some(text) => text.into_bytes(),
            None => {
                let copy = std::fs::read(tree.root().join(&from));
                replace_bytes(copy.with_context(|| format!("reading {from}"))?, name)
            }
        };
        std::fs::write(&on_disk, bytes).with_context(|| format!("writing {path}"))?;
        println!("wrote {path}");
    }
    println!("next: the module doc, frame.rs, cases/; then `cargo test -p redsight-dissect`");
    println!("      and `cargo xtask protocol-docs && cargo xtask tidy`");
    Ok(ExitCode::SUCCESS)
}

/// What to write: source path, target path, and the text unless it is to be read as bytes.
fn plan(tree: &Tree, name: &str) -> Result<Vec<(String, String, Option<String>)>> {
    let valid = name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    ensure!(valid, "`{name}` is not a lower-case word of letters and digits");
    let target = format!("{FOLDER}{name}/");
    ensure!(!tree.exists(&target), "{target} exists");
    let source = format!("{FOLDER}{TEMPLATE}/");
    let mut files: Vec<_> = tree
        .below(&source)
        .map(|file| {
            let rest = file.path.strip_prefix(&source).unwrap_or(&file.path);
            let path = format!("{target}{}", rest.replace(TEMPLATE, name));
            (file.path.clone(), path, None)
        })
        .collect();
    if files.is_empty() {
        bail!("{source} is empty: nothing to copy");
    }
    let list = tree.file(LIST).with_context(|| format!("{LIST} is missing"))?;
    files.push((LIST.to_owned(), LIST.to_owned(), Some(with_word(&list.text, name)?)));
    Ok(files)
}

/// The list with one more word, in its place; the words are laid out by rustfmt's width.
fn with_word(text: &str, name: &str) -> Result<String> {
    let words = listed(text);
    ensure!(!words.contains(&name), "`{name}` is listed in {LIST}");
    let before = words.iter().rev().find(|word| **word < name);
    let (head, rest) = text.rsplit_once("protocols! {").context("no `protocols! { … }` list")?;
    let rest = match before {
        // Behind its predecessor, where the comma that follows still serves the next word.
        Some(word) => insert_behind(rest, word, name)?,
        None if words.is_empty() => format!(" {name} {}", rest.trim_start()),
        None => insert_first(rest, name),
    };
    Ok(format!("{head}protocols! {{{rest}"))
}

fn insert_behind(rest: &str, word: &str, name: &str) -> Result<String> {
    let is_edge = |c: Option<char>| !c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let at = rest
        .match_indices(word)
        .map(|(at, _)| at)
        .find(|at| {
            let (before, behind) = rest.split_at(*at);
            is_edge(before.chars().next_back()) && is_edge(behind.chars().nth(word.len()))
        })
        .context("a listed word is not where it was")?;
    let (before, behind) = rest.split_at(at + word.len());
    Ok(format!("{before}, {name}{behind}"))
}

fn insert_first(rest: &str, name: &str) -> String {
    let body = rest.trim_start();
    let space = rest.strip_suffix(body).unwrap_or(" ");
    format!("{space}{name}, {body}")
}

/// `template` → `kafka`, `Template` → `Kafka`, `TEMPLATE` → `KAFKA`, in text and in case files.
/// Captures keep their length and content: they are binary, and hold no name to replace.
fn replace_bytes(bytes: Vec<u8>, name: &str) -> Vec<u8> {
    match String::from_utf8(bytes) {
        Ok(text) => rename(&text, name).into_bytes(),
        Err(binary) => binary.into_bytes(),
    }
}

fn rename(text: &str, name: &str) -> String {
    let mut letters = name.chars();
    let title: String =
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    text.replace(TEMPLATE, name)
        .replace("Template", &title)
        .replace(&TEMPLATE.to_uppercase(), &name.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn word_lands_in_alphabetical_order() {
        let one = with_word("protocols! { http1, redis, template }", "kafka").expect("a list");
        assert_eq!(one, "protocols! { http1, kafka, redis, template }");
        let first = with_word("protocols! {\n    http1,\n    redis,\n}\n", "amqp").expect("a list");
        assert_eq!(listed(&first), ["amqp", "http1", "redis"]);
        let last = with_word("protocols! { http1, redis }", "stomp").expect("a list");
        assert_eq!(last, "protocols! { http1, redis, stomp }");
    }

    #[test]
    fn names_are_replaced_in_all_three_spellings() {
        assert_eq!(rename("template Template TEMPLATE", "kafka"), "kafka Kafka KAFKA");
    }

    #[test]
    fn folder_is_copied_with_its_cases() {
        let tree = Tree::of(&[
            (LIST, "protocols! { template }"),
            ("pipeline/dissect/src/protocols/template/mod.rs", ""),
            ("pipeline/dissect/src/protocols/template/cases/a.case", ""),
        ]);
        let plan = plan(&tree, "kafka").expect("a plan");
        let paths: Vec<&str> = plan.iter().map(|(_, path, _)| path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "pipeline/dissect/src/protocols/kafka/cases/a.case",
                "pipeline/dissect/src/protocols/kafka/mod.rs",
                LIST
            ]
        );
    }

    #[test]
    fn bad_and_taken_names_are_refused() {
        let tree = Tree::of(&[
            (LIST, "protocols! { template }"),
            ("pipeline/dissect/src/protocols/template/mod.rs", ""),
        ]);
        for name in ["Kafka", "", "1st", "a-b", "template"] {
            assert!(plan(&tree, name).is_err(), "{name}");
        }
    }
}
