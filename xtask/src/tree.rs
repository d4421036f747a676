//! The files of the repository, read once and shared by all rules.
//!
//! Tests build a tree from literals, so that no rule touches the disk.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// Extensions of files that rules read; of the others only the size matters.
const TEXT: [&str; 12] =
    ["rs", "c", "h", "py", "sh", "md", "toml", "txt", "yml", "json", "js", "go"];

/// One file.
pub(crate) struct SourceFile {
    /// Path from the root of the repository, with `/`.
    pub(crate) path: String,
    /// Bytes on disk.
    pub(crate) size: u64,
    /// The text; empty for files that are not text.
    pub(crate) text: String,
    parsed: OnceCell<Option<syn::File>>,
}

impl SourceFile {
    /// The part of the name behind the last dot; empty if there is none.
    pub(crate) fn extension(&self) -> &str {
        self.name().rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The syntax tree of a Rust file; `None` for other files and for text that does not parse.
    pub(crate) fn syntax(&self) -> Option<&syn::File> {
        let parse = || (self.extension() == "rs").then(|| syn::parse_file(&self.text).ok())?;
        self.parsed.get_or_init(parse).as_ref()
    }

    /// True for recorded and hand-written cases, which follow no rule of form.
    pub(crate) fn is_case(&self) -> bool {
        self.path.split('/').any(|part| part == "cases")
    }
}

/// All files that git knows or would add.
pub(crate) struct Tree {
    root: PathBuf,
    files: BTreeMap<String, SourceFile>,
}

impl Tree {
    /// Reads the repository that `cargo xtask` was called in.
    pub(crate) fn of_repository() -> Result<Self> {
        // Asked for at run time: clones that share a target folder share this program as well.
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR");
        let manifest = manifest.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest)
            .parent()
            .context("xtask lies in the root of the repository")?
            .to_owned();
        let listing = Command::new("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .current_dir(&root)
            .output()
            .context("running git ls-files")?;
        let listing = String::from_utf8(listing.stdout).context("file names are not UTF-8")?;
        let mut files = BTreeMap::new();
        for path in listing.split('\0').filter(|path| !path.is_empty()) {
            // A file that was removed but not yet staged is listed and absent.
            if let Some(file) = read(&root, path) {
                files.insert(path.to_owned(), file);
            }
        }
        Ok(Self { root, files })
    }

    /// A tree of literals, for tests.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let files = files
            .iter()
            .map(|(path, text)| (path.to_string(), source(path, text.len() as u64, text)))
            .collect();
        Self { root: PathBuf::new(), files }
    }

    /// Where the repository lies.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// All files in order of their path.
    pub(crate) fn files(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.values()
    }

    /// The Rust files.
    pub(crate) fn rust_files(&self) -> impl Iterator<Item = &SourceFile> {
        self.files().filter(|file| file.extension() == "rs" && !file.is_case())
    }

    /// Files below a folder given with its closing `/`.
    pub(crate) fn below<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a SourceFile> {
        self.files().filter(move |file| file.path.starts_with(folder))
    }

    /// The file at `path`.
    pub(crate) fn file(&self, path: &str) -> Option<&SourceFile> {
        self.files.get(path)
    }

    /// True if `path` is a file or a folder of the tree.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let path = path.trim_end_matches('/');
        path.is_empty()
            || self.files.contains_key(path)
            || self.below(&format!("{path}/")).next().is_some()
    }
}

fn read(root: &Path, path: &str) -> Option<SourceFile> {
    let on_disk = root.join(path);
    let size = std::fs::symlink_metadata(&on_disk).ok().filter(std::fs::Metadata::is_file)?.len();
    let is_text = path.rsplit_once('.').is_some_and(|(_, end)| TEXT.contains(&end));
    let text =
        if is_text { std::fs::read_to_string(&on_disk).unwrap_or_default() } else { "".into() };
    Some(source(path, size, &text))
}

fn source(path: &str, size: u64, text: &str) -> SourceFile {
    SourceFile { path: path.to_owned(), size, text: text.to_owned(), parsed: OnceCell::new() }
}
