//! Names from the command line: what an interpreter runs, an application server hosts, a wrapper
//! starts. The rules of each language stand in a file of their own below [`script`](super::script).

use std::path::{Path, PathBuf};

use super::script::{self, dotnet, erlang, java, node, perl, php, python, ruby};
use super::telling::{self, absolute};
use super::words::{last_part, unquoted};
use super::wrapper::{Wrapped, is_assignment, unwrapped};
use super::{executable, title};
use crate::process::{Files, Process};
use crate::resolve::Named;

/// Wrappers within wrappers that are followed.
const DEPTH_MAX: u8 = 8;

/// One command line: the process's own, or the one that a wrapper starts.
pub(crate) struct Command<'a> {
    /// Base name of the program, without version.
    pub(crate) program: String,
    /// The words after it.
    pub(crate) words: Vec<&'a str>,
    /// Where it was started.
    pub(crate) directory: PathBuf,
    pub(crate) process: &'a Process,
    pub(crate) files: &'a dyn Files,
    depth: u8,
}

/// Gives a name by a program's own rules, if it has some, and the words behind it.
type Tool = fn(&Command<'_>, &str, &[&str]) -> Option<Named>;

/// Rules of programs by their own name, whoever runs them: `gunicorn` also when a wrapper starts
/// it without its interpreter.
const TOOLS: &[Tool] =
    &[python::tool, ruby::tool, node::tool, perl::tool, php::tool, dotnet::tool, erlang::tool];

/// The name that the command line, or the title in its place, gives.
pub fn name(process: &Process, files: &dyn Files) -> Option<Named> {
    let mut command = Command {
        program: String::new(),
        words: Vec::new(),
        directory: PathBuf::from(&process.directory),
        process,
        files,
        depth: 0,
    };
    // What it was called as, or else its file: a link to an interpreter may have any name.
    let called = executable::base_name(process);
    let file = executable::without_version(executable::last_part(&process.executable));
    let words: Vec<&str> = match process.argv.as_slice() {
        // A program that overwrote its arguments left one text.
        [text] if text.contains(' ') => {
            let text = text.trim();
            if let Some(named) = title::name(text, &command) {
                return Some(named);
            }
            // Only one that begins with the program is a command line still.
            let words: Vec<&str> = text.split_ascii_whitespace().collect();
            let first = words.first().map(|word| executable::without_version(last_part(word)));
            let is_command = first.is_some_and(|first| first == called || first == file);
            if !is_command && let Some(named) = title::own(text, &called) {
                return Some(named);
            }
            if is_command { words } else { Vec::new() }
        }
        argv => argv.iter().map(String::as_str).collect(),
    };
    command.words = words.get(1..).unwrap_or_default().to_vec();
    let is_same = file == called;
    command.program = called;
    command
        .named()
        .or_else(|| {
            command.program = file;
            (!is_same).then(|| command.named()).flatten()
        })
        // Who wrote the script's path over the whole command line is called by it.
        .or_else(|| match process.argv.as_slice() {
            [script] if script.contains('/') => command.tool(last_part(script), &[]),
            _ => None,
        })
}

impl<'a> Command<'a> {
    fn named(&self) -> Option<Named> {
        if let Some(wrapped) = unwrapped(&self.program, &self.words) {
            return self.wrapped(&wrapped);
        }
        if self.program == "busybox" || self.program == "toybox" {
            return self.inner(&self.words);
        }
        if self.program == "java" {
            return java::name(self);
        }
        if let Some(found) = script::name(self) {
            return found;
        }
        self.tool(&self.program, &self.words)
    }

    /// The name by the rules of a program that is a tool of a language.
    pub(crate) fn tool(&self, program: &str, words: &[&'a str]) -> Option<Named> {
        TOOLS.iter().find_map(|tool| tool(self, program, words))
    }

    /// The name of what a wrapper starts; `None` if `program` is none.
    pub(crate) fn within(&self, program: &str, words: &[&'a str]) -> Option<Named> {
        self.wrapped(&unwrapped(program, words)?)
    }

    fn wrapped(&self, wrapped: &Wrapped<'_, 'a>) -> Option<Named> {
        match wrapped {
            Wrapped::Words(words) => self.inner(words),
            Wrapped::Text(text) => self.shell(text),
        }
    }

    /// The name of a command line within this one.
    pub(crate) fn inner(&self, words: &[&'a str]) -> Option<Named> {
        self.inner_at(words, self.directory.clone())
    }

    fn inner_at(&self, words: &[&'a str], directory: PathBuf) -> Option<Named> {
        let start = words.iter().position(|word| !is_assignment(word))?;
        let (path, rest) = words.get(start..)?.split_first()?;
        if self.depth >= DEPTH_MAX || path.starts_with('-') {
            return None;
        }
        let inner = Command {
            program: executable::without_version(last_part(path)),
            words: rest.to_vec(),
            directory,
            process: self.process,
            files: self.files,
            depth: self.depth + 1,
        };
        let by_ending = || script::by_ending(&inner, path);
        inner.named().or_else(by_ending).or_else(|| inner.program_itself(path))
    }

    fn program_itself(&self, path: &str) -> Option<Named> {
        let path = if path.contains('/') { absolute(path, &self.directory) } else { path.into() };
        Some(executable::named(&path, &self.program, &self.directory))
    }

    /// The name of the last command in a text for a shell, if the text is a simple one.
    pub(crate) fn shell(&self, text: &'a str) -> Option<Named> {
        if text.contains(['|', '`', '(', '\n', '<', '{']) {
            return None;
        }
        let mut directory = self.directory.clone();
        let mut last: Vec<&'a str> = Vec::new();
        for part in text.split("&&").flat_map(|part| part.split(';')) {
            let words = part.split_ascii_whitespace().map(unquoted);
            let words = words.filter(|word| *word != "&" && !word.contains('>'));
            let words: Vec<&'a str> = words.collect();
            if let ["cd", folder] = words.as_slice() {
                directory = absolute(folder, &directory);
            } else if !words.is_empty() {
                last = words;
            }
        }
        let is_exec = last.first() == Some(&"exec");
        self.inner_at(last.get(usize::from(is_exec)..)?, directory)
    }

    /// A path among the words, as the process sees it.
    pub(crate) fn path(&self, word: &str) -> PathBuf {
        absolute(word, &self.directory)
    }

    /// A name after a path: the file's stem or a telling folder.
    pub(crate) fn by_path(&self, word: &str, reason: &'static str) -> Option<Named> {
        Some(Named::new(telling::by_path(&self.path(word))?, reason))
    }

    /// A name after the folder, or the nearest one above it that tells something.
    pub(crate) fn by_folder(&self, folder: &Path, reason: &'static str) -> Option<Named> {
        Some(Named::new(telling::nearest_folder(folder)?, reason))
    }
}
