//! Which language a process was written in and what runs it, by its files alone.
//!
//! ```text
//! program's file ──▶ Go's build info ──▶ rule by section or name ──▶ rule by mapped library
//!                                                                        │ none
//!                     C ◀── C++'s library linked in ◀── Rust's marks ◀───┘
//! ```
//! The rules are [data](rules); [`elf`] reads the few parts of a file that are needed. Nothing is
//! executed and nothing is asked of the process. Opening files is the business of
//! [`procfs`](super::procfs), and so is remembering what was found.

pub mod constants;
pub mod elf;
pub mod go;
pub mod rules;
pub mod version;

use constants::{Marks, Spent};
use elf::{Elf, Range};
use rules::{RULES, Rule, Sign};

use crate::process::{Files, Process};
use crate::resolve::Named;

/// Bytes taken of what compilers say about themselves.
const COMMENT_BYTES_MAX: u64 = 4 * 1024;
/// Libraries of C++: GCC's and Clang's.
const CPP_LIBRARIES: &[&str] = &["libstdc++.so", "libc++.so"];

/// Names of program files that say nothing, where Go's own name for the program says more.
const NAMELESS: &[&str] =
    &["a.out", "app", "application", "exe", "main", "program", "server", "service"];

/// What the file of a program, or of a library, says about itself. Worked out once a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// True if it is machine code.
    pub is_elf: bool,
    /// What Go's linker wrote into it.
    pub go: Option<go::Build>,
    /// Those of its sections that rules name.
    sections: Vec<&'static str>,
    /// True if it was linked with a library of C++.
    needs_cpp: bool,
    /// Version that Rust's compiler left.
    rustc: Option<String>,
    /// What its constants say; `None` while nobody had to ask.
    marks: Option<Marks>,
}

impl Program {
    /// Reads the headers and the small sections.
    pub fn read(elf: &Elf<'_>) -> Self {
        let sections = RULES.iter().filter_map(|rule| match rule.sign {
            Sign::Section(name) => elf.section(name).map(|_| name),
            Sign::Program(_) | Sign::Library(_) => None,
        });
        let needs_cpp = elf
            .needed()
            .iter()
            .any(|needed| CPP_LIBRARIES.iter().any(|library| needed.starts_with(library)));
        Self {
            is_elf: true,
            go: go::read(elf),
            sections: sections.collect(),
            needs_cpp,
            rustc: rustc(elf),
            marks: None,
        }
    }

    /// The rule for a program of this name, by its sections or by the name.
    pub fn rule(&self, name: &str) -> Option<&'static Rule> {
        RULES.iter().find(|rule| match rule.sign {
            Sign::Section(section) => self.sections.contains(&section),
            Sign::Program(names) => names.iter().any(|known| is_called(name, known)),
            Sign::Library(_) => false,
        })
    }

    /// The language of the machine code itself, with the compiler's version where it is known.
    /// `marks` is asked at most once a program.
    pub fn native(
        &mut self,
        marks: impl FnOnce() -> Result<Marks, Spent>,
    ) -> Result<Native, Spent> {
        if let Some(version) = &self.rustc {
            return Ok(("rust", "rust", version.clone()));
        }
        let known = match self.marks.take() {
            Some(known) => known,
            None => marks()?,
        };
        let known = self.marks.insert(known);
        Ok(if known.is_rust {
            ("rust", "rust", known.rust_version.clone())
        } else if self.needs_cpp || known.has_cpp {
            ("cpp", "", String::new())
        } else {
            ("c", "", String::new())
        })
    }
}

/// Language, runtime, version.
pub type Native = (&'static str, &'static str, String);

/// A file that is part of a process's memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapped {
    /// Its path as the process sees it.
    pub path: String,
    /// The addresses of its first part, as `/proc` spells them.
    pub addresses: String,
}

/// The first rule that one of the mapped files stands for.
pub fn by_library(libraries: &[Mapped]) -> Option<&'static Rule> {
    RULES.iter().find(|rule| match rule.sign {
        Sign::Library(before) => mapped(libraries, before).is_some(),
        Sign::Section(_) | Sign::Program(_) => false,
    })
}

/// The first mapped file whose name begins so.
pub fn mapped<'a>(libraries: &'a [Mapped], before: &str) -> Option<&'a Mapped> {
    libraries.iter().find(|file| !before.is_empty() && base(&file.path).starts_with(before))
}

/// True if a rule names mapped files like this one.
pub fn is_of_interest(path: &str) -> bool {
    let name = base(path);
    RULES.iter().any(|rule| {
        let by_sign = matches!(rule.sign, Sign::Library(before) if name.starts_with(before));
        by_sign || !rule.library.is_empty() && name.starts_with(rule.library)
    })
}

/// The last part of a path, also of a file that was deleted.
pub fn base(path: &str) -> &str {
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    path.rsplit('/').next().unwrap_or(path)
}

/// The name that Go's linker knows, for a program whose file is called like every other.
pub fn name(process: &Process, _files: &dyn Files) -> Option<Named> {
    let file = base(&process.executable);
    let is_nameless = NAMELESS.contains(&file) || file.starts_with("__debug_bin");
    let mut parts = process.runtime.program.rsplit('/').filter(|part| !is_major(part));
    let last = parts.next().filter(|last| is_nameless && !last.is_empty())?;
    // `example.com/shop/cmd/server` is the server of the shop.
    let better = (NAMELESS.contains(&last)).then(|| parts.find(|part| *part != "cmd")).flatten();
    let name = better.unwrap_or(last);
    (name != "command-line-arguments").then(|| Named::new(name, "go module"))
}

/// True for the `v2` of a module path.
fn is_major(part: &str) -> bool {
    part.strip_prefix('v').is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// True if the file is called `known`, with a version and flags of its build behind it or not:
/// `python3.13t`, `php-fpm8.2`, `ruby3.1`.
fn is_called(file: &str, known: &str) -> bool {
    let file = file.strip_suffix(".exe").unwrap_or(file);
    file.strip_prefix(known).is_some_and(|rest| {
        let rest = rest.trim_end_matches(['d', 'm', 't', 'u']);
        let is_version = rest.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
        is_version && (rest.len() == file.len() - known.len() || !rest.is_empty())
    })
}

/// What Rust's compiler leaves beside those of other languages.
fn rustc(elf: &Elf<'_>) -> Option<String> {
    let place = elf.section(".comment")?;
    let length = place.length.min(COMMENT_BYTES_MAX);
    let comment = elf.read(Range { length, ..place })?;
    let comment = String::from_utf8_lossy(&comment).into_owned();
    let (_, rest) = comment.split_once("rustc version ")?;
    version::leading(rest.as_bytes()).map(str::to_owned)
}

#[cfg(test)]
mod tests;
