//! The files of programs, read once each: which language and runtime a process has.
//!
//! What a file says is remembered by device, inode, time and size, so that a thousand processes
//! of one program cost one look into it. What a process has mapped is its own and read for each,
//! unless the program's file already said everything.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use super::read::ProcFs;
use crate::process::{Files, Process, Runtime};
use crate::sources::runtime::constants::{self, Budget, Marks, Spent};
use crate::sources::runtime::elf::{Bytes, Elf};
use crate::sources::runtime::rules::{Rule, VersionIn};
use crate::sources::runtime::{self, Mapped, Program, version};

/// Files remembered. Beyond this all are forgotten and read again.
const FILES_MAX: usize = 4_096;
/// Mapped files kept of one process: rules name some tens of libraries.
const MAPPED_MAX: usize = 32;
/// Folders above a Java machine in which its `release` is looked for: `jre/lib/amd64/server`.
const HOME_DEPTH: usize = 6;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct Programs {
    known: HashMap<Key, Known>,
    budget: Budget,
    /// Room for `maps`.
    buffer: Vec<u8>,
}

/// What was found, and whether it may still change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Detected {
    pub(super) runtime: Runtime,
    pub(super) certainty: Certainty,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certainty {
    /// The program's file said it.
    Final,
    /// A library that is loaded later may say more.
    Provisional,
    /// There was no time to look: ask again in the next scan.
    Postponed,
}
use Certainty::{Final, Postponed, Provisional};

/// Names a file's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    device: u64,
    inode: u64,
    changed_ns: i64,
    size: u64,
}

#[derive(Debug, Default)]
struct Known {
    program: Program,
    /// Texts looked for among its constants, and what they gave.
    texts: Vec<(VersionIn, String)>,
    /// What it always is, if no library has a say in it.
    runtime: Option<Runtime>,
}

/// An open file of the process.
struct Opened {
    file: File,
    key: Key,
}

impl Bytes for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let mut length = 0;
        while let Some(room) = buffer.get_mut(length..).filter(|room| !room.is_empty()) {
            match FileExt::read_at(self, room, offset.saturating_add(length as u64)) {
                Ok(0) | Err(_) => break,
                Ok(got) => length += got,
            }
        }
        length
    }
}

impl Opened {
    fn new(file: File) -> Option<Self> {
        let is = file.metadata().ok().filter(std::fs::Metadata::is_file)?;
        let changed_ns = is.mtime().wrapping_mul(1_000_000_000).wrapping_add(is.mtime_nsec());
        let key = Key { device: is.dev(), inode: is.ino(), changed_ns, size: is.size() };
        Some(Self { file, key })
    }
}

/// One process while its language is worked out.
struct Look<'a> {
    proc: &'a mut ProcFs,
    process: &'a Process,
    program: Option<Opened>,
    /// `None` while nobody had to know.
    mapped: Option<Vec<Mapped>>,
}

impl Programs {
    pub(super) fn new() -> Self {
        Self { known: HashMap::new(), budget: Budget::full(), buffer: Vec::new() }
    }

    /// A new scan may read as much again.
    pub(super) fn refill(&mut self) {
        self.budget = Budget::full();
        if self.known.len() > FILES_MAX {
            self.known.clear();
        }
    }

    /// Looks at the process's program and at what it has mapped.
    pub(super) fn detect(&mut self, proc: &mut ProcFs, process: &Process) -> Detected {
        let program = proc.open_program(process.pid).and_then(Opened::new);
        let key = program.as_ref().map(|opened| opened.key);
        if let Some(key) = key
            && let Some(runtime) = self.known.get(&key).and_then(|known| known.runtime.clone())
        {
            return Detected { runtime, certainty: Final };
        }
        let mut look = Look { proc, process, program, mapped: None };
        let detected = self.work_out(&mut look).unwrap_or_else(|Spent| Detected {
            runtime: process.runtime.clone(),
            certainty: Postponed,
        });
        let known = key.and_then(|key| self.known.get_mut(&key));
        if detected.certainty == Final
            && let Some(known) = known
        {
            known.runtime = Some(detected.runtime.clone());
        }
        detected
    }

    fn work_out(&mut self, look: &mut Look<'_>) -> Result<Detected, Spent> {
        let file = match look.process.executable.as_str() {
            "" => &look.process.command,
            path => path,
        };
        let name = runtime::base(file).to_owned();
        let known = entry(&mut self.known, look.program.as_ref());
        if let Some(go) = &known.program.go {
            let runtime = Runtime {
                language: "go",
                name: "go",
                version: go.go_version.clone(),
                program: go.path.clone(),
                program_version: go.version.clone(),
                ..Runtime::default()
            };
            return Ok(Detected { runtime, certainty: Final });
        }
        let by_file = known.program.rule(&name);
        let rule = match by_file {
            Some(rule) => Some(rule),
            None => runtime::by_library(self.mapped(look)),
        };
        match rule.filter(|rule| !rule.language.is_empty()) {
            Some(rule) => self.ruled(look, rule, by_file.is_some()),
            None => self.native(look, rule.is_some()),
        }
    }

    /// A rule applies: what is left to find is the version.
    fn ruled(
        &mut self,
        look: &mut Look<'_>,
        rule: &'static Rule,
        is_by_file: bool,
    ) -> Result<Detected, Spent> {
        let mut runtime =
            Runtime { language: rule.language, name: rule.runtime, ..Runtime::default() };
        let mut is_files_own = true;
        if !rule.library.is_empty() {
            self.mapped(look);
        }
        for &place in rule.versions {
            if let VersionIn::Release = place {
                look.release(rule, &mut runtime);
                continue;
            }
            let found = self.version(look, rule, place)?;
            if runtime.version.is_empty() || version::is_whole(&found) {
                runtime.version = found;
                // Two programs of one file may run on different versions of its library.
                is_files_own = !matches!(place, VersionIn::Folder(_));
            }
            if version::is_whole(&runtime.version) {
                break;
            }
        }
        // Right after exec its library is not mapped yet, which may know more than a file's name.
        let is_all_there = rule.library.is_empty() || look.library(rule).is_some();
        let is_known = match runtime.version.as_str() {
            "" => rule.versions.is_empty(),
            version => is_all_there || version::is_whole(version),
        };
        let is_final = is_by_file && is_files_own && is_known;
        let certainty = if is_final { Final } else { Provisional };
        Ok(Detected { runtime, certainty })
    }

    /// No rule applies, or one that says to look at the machine code.
    fn native(&mut self, look: &Look<'_>, is_host: bool) -> Result<Detected, Spent> {
        let Some(opened) = look.program.as_ref() else {
            return Ok(Detected { runtime: Runtime::default(), certainty: Provisional });
        };
        let Self { known, budget, .. } = self;
        let known = entry(known, Some(opened));
        if !known.program.is_elf {
            return Ok(Detected { runtime: Runtime::default(), certainty: Final });
        }
        let (language, name, version) = known.program.native(|| {
            Elf::new(&opened.file)
                .map_or(Ok(Marks::default()), |elf| constants::marks(&elf, budget))
        })?;
        let runtime = Runtime { language, name, version, ..Runtime::default() };
        let certainty = if is_host || language == "rust" { Final } else { Provisional };
        Ok(Detected { runtime, certainty })
    }

    /// The version at one place: in the library first, then in the program.
    fn version(
        &mut self,
        look: &mut Look<'_>,
        rule: &Rule,
        place: VersionIn,
    ) -> Result<String, Spent> {
        let library = look.library(rule).cloned();
        let executable = look.process.executable.clone();
        let paths = [library.as_ref().map(|mapped| &mapped.path), Some(&executable)];
        let mut paths = paths.into_iter().flatten();
        let mut in_names = paths.clone().filter_map(|path| version::in_name(runtime::base(path)));
        let in_names = in_names.next();
        let found = match place {
            VersionIn::Name => in_names,
            VersionIn::Folders => {
                let found = paths.find_map(|path| version::in_folders(path));
                // A folder may tell the version of something that brings its own interpreter.
                found.filter(|found| in_names.is_none_or(|name| found.starts_with(name)))
            }
            VersionIn::Folder(before) => paths.find_map(|path| version::in_folder(path, before)),
            VersionIn::Text(text) => {
                let opened = look.open(library.as_ref());
                return self.constant(opened.as_ref().or(look.program.as_ref()), place, text);
            }
            VersionIn::Patch => {
                let opened = look.open(library.as_ref());
                let known = in_names.unwrap_or_default();
                return self.constant(opened.as_ref().or(look.program.as_ref()), place, known);
            }
            VersionIn::Release => None,
        };
        Ok(found.unwrap_or_default().to_owned())
    }

    /// A version among the constants of a file, looked for once.
    fn constant(
        &mut self,
        opened: Option<&Opened>,
        place: VersionIn,
        text: &str,
    ) -> Result<String, Spent> {
        let Some(opened) = opened.filter(|_| !text.is_empty()) else {
            return Ok(String::new());
        };
        let Self { known, budget, .. } = self;
        let known = entry(known, Some(opened));
        if let Some((_, found)) = known.texts.iter().find(|(at, _)| *at == place) {
            return Ok(found.clone());
        }
        let found = match Elf::new(&opened.file) {
            None => String::new(),
            Some(elf) if place == VersionIn::Patch => constants::patch(&elf, text, budget)?,
            Some(elf) => constants::behind(&elf, text, budget)?,
        };
        known.texts.push((place, found.clone()));
        Ok(found)
    }

    /// The mapped files that a rule may name.
    fn mapped<'a>(&mut self, look: &'a mut Look<'_>) -> &'a [Mapped] {
        let Look { proc, process, mapped, .. } = look;
        mapped.get_or_insert_with(|| {
            let mut files: Vec<Mapped> = Vec::new();
            proc.mapped(process.pid, &mut self.buffer, |addresses, path| {
                let is_new = files.last().is_none_or(|last| last.path != path);
                if is_new && files.len() < MAPPED_MAX && runtime::is_of_interest(path) {
                    let (path, addresses) = (path.to_owned(), addresses.to_owned());
                    files.push(Mapped { path, addresses });
                }
            });
            files
        })
    }
}

impl Look<'_> {
    /// The library a rule speaks of, if it is mapped.
    fn library(&self, rule: &Rule) -> Option<&Mapped> {
        runtime::mapped(self.mapped.as_deref().unwrap_or_default(), rule.library)
    }

    /// A mapped file by its path, or else by its addresses.
    fn open(&mut self, mapped: Option<&Mapped>) -> Option<Opened> {
        let mapped = mapped?;
        let pid = self.process.pid;
        let by_path = self.proc.files(pid).opened(Path::new(&mapped.path)).map(|(file, _)| file);
        let file = by_path.or_else(|| self.proc.open_mapped(pid, &mapped.addresses));
        file.and_then(Opened::new)
    }

    /// What the Java home says: `KEY="value"` lines.
    fn release(&self, rule: &Rule, runtime: &mut Runtime) {
        let library = self.library(rule).map(|mapped| mapped.path.as_str());
        let files = self.proc.files(self.process.pid);
        for path in library.into_iter().chain([self.process.executable.as_str()]) {
            for home in Path::new(path).ancestors().skip(1).take(HOME_DEPTH) {
                let Some(text) = files.read(&home.join("release")) else {
                    continue;
                };
                let value = |key: &str| {
                    let mut lines = text.lines().filter_map(|line| line.split_once('='));
                    let (_, value) = lines.find(|(known, _)| *known == key)?;
                    Some(value.trim_matches('"').to_owned())
                };
                let Some(version) = value("JAVA_VERSION") else {
                    continue;
                };
                runtime.version = version;
                runtime.vendor = value("IMPLEMENTOR").unwrap_or_default();
                if value("JVM_VARIANT").is_some_and(|variant| variant.contains("penj9")) {
                    runtime.name = "openj9";
                } else if value("GRAALVM_VERSION").is_some() {
                    runtime.name = "graalvm";
                }
                return;
            }
        }
    }
}

/// What is remembered of a file; read now if nothing is.
fn entry<'a>(known: &'a mut HashMap<Key, Known>, opened: Option<&Opened>) -> &'a mut Known {
    // Without a file there is one entry for all, which says nothing.
    let nobody = Key { device: 0, inode: 0, changed_ns: 0, size: 0 };
    let key = opened.map_or(nobody, |opened| opened.key);
    known.entry(key).or_insert_with(|| {
        let elf = opened.and_then(|opened| Elf::new(&opened.file));
        let program = elf.map(|elf| Program::read(&elf)).unwrap_or_default();
        Known { program, ..Known::default() }
    })
}
