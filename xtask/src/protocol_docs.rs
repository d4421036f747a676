//! `docs/protocols/NAME.md` from the `//!` doc of `protocols/NAME/mod.rs`, and an index of them.
//!
//! What counts as an operation, an error, a session is written once, beside the code that counts.

use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::tree::Tree;

/// Where the protocol folders lie.
pub(crate) const FOLDER: &str = "pipeline/dissect/src/protocols/";
/// The list of protocols.
pub(crate) const LIST: &str = "pipeline/dissect/src/protocols.rs";
/// The toy protocol that others are copied from; it has no page.
pub(crate) const TEMPLATE: &str = "template";

const PAGES: &str = "docs/protocols/";
const NOTE: &str =
    "<!-- Written by `cargo xtask protocol-docs` from the module docs; edit those. -->";

/// Writes the pages that are stale.
pub(crate) fn write(tree: &Tree) -> Result<ExitCode> {
    for (path, text) in pages(tree) {
        let on_disk = tree.root().join(&path);
        if let Some(folder) = on_disk.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("making {folder:?}"))?;
        }
        if tree.file(&path).is_none_or(|file| file.text != text) {
            std::fs::write(&on_disk, text).with_context(|| format!("writing {path}"))?;
            println!("wrote {path}");
        }
    }
    for path in left_over(tree) {
        std::fs::remove_file(tree.root().join(&path))
            .with_context(|| format!("removing {path}"))?;
        println!("removed {path}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Fails if any page is stale.
pub(crate) fn check(tree: &Tree) -> ExitCode {
    let stale = stale(tree);
    for path in &stale {
        println!("{path} is stale: run `cargo xtask protocol-docs`");
    }
    if stale.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Paths of the pages that differ from their module docs, or have none any more.
pub(crate) fn stale(tree: &Tree) -> Vec<String> {
    let differ = pages(tree)
        .into_iter()
        .filter(|(path, text)| tree.file(path).is_none_or(|file| file.text != *text))
        .map(|(path, _)| path);
    differ.chain(left_over(tree)).collect()
}

/// The words of `protocols! { a, b }`. Braces and commas may lie on lines of their own.
pub(crate) fn listed(text: &str) -> Vec<&str> {
    // The last one: above it stands the macro's definition and perhaps a mention in a comment.
    let Some((_, rest)) = text.rsplit_once("protocols! {") else {
        return Vec::new();
    };
    let body = rest.split('}').next().unwrap_or_default();
    body.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect()
}

/// Pages as they should be: path and text.
fn pages(tree: &Tree) -> Vec<(String, String)> {
    let list = tree.file(LIST).map(|file| listed(&file.text)).unwrap_or_default();
    let mut index = format!("{NOTE}\n# Protocols\n\nWhat counts as an operation, an error and a ");
    index.push_str("session, protocol by protocol.\n\n| protocol | in one sentence |\n|---|---|\n");
    let mut pages = Vec::new();
    for name in list.into_iter().filter(|name| *name != TEMPLATE) {
        let source = format!("{FOLDER}{name}/mod.rs");
        let Some(module) = tree.file(&source) else {
            continue;
        };
        let doc = module_doc(&module.text);
        let summary = first_sentence(&doc);
        index.push_str(&format!("| [{name}]({name}.md) | {summary} |\n"));
        let page = format!("{NOTE}\n# {name}\n\n{doc}\n\nSource: [`{source}`](../../{source}).\n");
        pages.push((format!("{PAGES}{name}.md"), page));
    }
    if !pages.is_empty() {
        pages.push((format!("{PAGES}README.md"), index));
    }
    pages
}

/// Pages of protocols that are gone.
fn left_over(tree: &Tree) -> Vec<String> {
    let wanted = pages(tree);
    tree.below(PAGES)
        .filter(|file| {
            file.extension() == "md" && !wanted.iter().any(|(path, _)| *path == file.path)
        })
        .map(|file| file.path.clone())
        .collect()
}

/// The `//!` lines of a file, headings one level down, since the page has a title of its own.
fn module_doc(text: &str) -> String {
    let lines: Vec<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("//!"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .map(|line| if line.starts_with('#') { format!("#{line}") } else { line.to_owned() })
        .collect();
    lines.join("\n").trim().to_owned()
}

/// Up to the first full stop of the first paragraph, on one line of a table.
fn first_sentence(doc: &str) -> String {
    let paragraph = doc.split("\n\n").next().unwrap_or_default().replace('\n', " ");
    let sentence = paragraph.split_inclusive(". ").next().unwrap_or_default();
    sentence.trim().replace('|', "\\|")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = "//! Redis, RESP2 and RESP3. Port 6379.\n//!\n\
        //! # Operation\n//! A key.\nmod frame;\n";
    const WORDS: &str =
        "macro_rules! protocols { () => {} }\nprotocols! {\n    redis, // RESP\n}\n";

    fn module() -> Vec<(&'static str, &'static str)> {
        vec![(LIST, WORDS), ("pipeline/dissect/src/protocols/redis/mod.rs", MODULE)]
    }

    #[test]
    fn list_is_read_with_comments_and_line_breaks() {
        assert_eq!(listed(WORDS), ["redis"]);
        assert_eq!(listed("protocols! { http1, redis, template }"), ["http1", "redis", "template"]);
    }

    #[test]
    fn page_holds_the_module_doc_one_level_down() {
        let pages = pages(&Tree::of(&module()));
        let (path, text) = pages.first().expect("one page");
        assert_eq!(path, "docs/protocols/redis.md");
        assert!(text.contains("## Operation\nA key.\n"), "{text}");
        let (_, index) = pages.last().expect("an index");
        assert!(index.contains("| [redis](redis.md) | Redis, RESP2 and RESP3. |"), "{index}");
    }

    #[test]
    fn fresh_pages_are_not_stale_and_left_over_ones_are() {
        let written = pages(&Tree::of(&module()));
        let mut files = module();
        files.extend(written.iter().map(|(path, text)| (path.as_str(), text.as_str())));
        assert_eq!(stale(&Tree::of(&files)), Vec::<String>::new());
        files.push(("docs/protocols/gone.md", ""));
        assert_eq!(stale(&Tree::of(&files)), ["docs/protocols/gone.md"]);
        assert_eq!(stale(&Tree::of(&module())).len(), 2);
    }
}
