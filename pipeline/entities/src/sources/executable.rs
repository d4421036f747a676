//! Names from the program file: the last resort that nearly always has something.

use std::path::Path;

use crate::process::{Files, Process};
use crate::resolve::Named;
use crate::sources::telling::{self, absolute};

/// Programs that are many in one file and tell by their first argument which they are.
const MULTICALL: &[&str] = &["busybox", "coreutils", "toybox"];

/// Linux cuts command names to this length.
const COMMAND_BYTES: usize = 15;

/// The base name of the executable; of one called `server` or so, the folder that tells more.
pub fn name(process: &Process, _files: &dyn Files) -> Option<Named> {
    let base = base_name(process);
    if base.is_empty() {
        return None;
    }
    // A program built for one run lies in a folder of the compiler's.
    let is_passing = process.executable.contains("/go-build");
    let file = if is_passing { "" } else { process.executable.as_str() };
    let directory = Path::new(&process.directory);
    Some(named(&absolute(file, directory), &base, directory))
}

/// The same for a program at a path that is called by `base`.
pub(super) fn named(path: &Path, base: &str, directory: &Path) -> Named {
    if telling::is_generic(base) {
        let folders = [path.parent().unwrap_or(path), directory];
        if let Some(folder) = folders.into_iter().find_map(telling::nearest_folder) {
            return Named::new(folder, "executable folder");
        }
    }
    Named::new(base, "executable")
}

/// What the program was called as, if command name and first argument agree on it, else the base
/// name of its file: Debian's `redis-server` is a link to `redis-check-rdb`.
///
/// Without version and suffix: `python3.11` is `python3`, `php-fpm8.2` is `php-fpm`.
pub(crate) fn base_name(process: &Process) -> String {
    let file = last_part(&process.executable);
    let called = called(process);
    let is_agreed =
        !called.is_empty() && called.get(..COMMAND_BYTES).unwrap_or(called) == process.command;
    let is_only = file.is_empty() || MULTICALL.contains(&file);
    // An overwritten title may be anything, and is taken only where there is nothing else.
    let base = if is_agreed || is_only && !called.is_empty() {
        called
    } else if file.is_empty() {
        &process.command
    } else {
        file
    };
    without_version(base)
}

/// The first word of the arguments: a path, or the start of a title (`nginx: worker process`).
fn called(process: &Process) -> &str {
    let first = process.argv.first().map_or("", String::as_str);
    let word = first.split([' ', ':']).next().unwrap_or_default();
    // A login shell has a dash before its name.
    last_part(word).trim_start_matches('-')
}

/// The last part of a path; also of one whose file was replaced or that never was on a disk.
pub(crate) fn last_part(path: &str) -> &str {
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    let base = path.rsplit('/').next().unwrap_or(path);
    base.strip_prefix("memfd:").unwrap_or(base)
}

/// Words by which a file says for which machine it was built.
const MACHINES: &[&str] =
    &["amd64", "arm64", "aarch64", "x86", "64", "x64", "armv7", "gnu", "musl", "static", "unknown"];

/// Without the machine it was built for: `shop_linux_amd64` is `shop`.
fn without_machine(base: &str) -> &str {
    let Some((stem, rest)) = base.rsplit_once("linux") else {
        return base;
    };
    let separators = ['-', '_', '.'];
    let mut words = rest.split(separators).filter(|word| !word.is_empty());
    let is_apart = stem.ends_with(separators) && (rest.is_empty() || rest.starts_with(separators));
    let name = stem.trim_end_matches(separators);
    if is_apart && !name.is_empty() && words.all(|word| MACHINES.contains(&word)) {
        return name;
    }
    base
}

/// Cuts a dotted version off the end. Python keeps its first digit: that is the command's name.
pub(crate) fn without_version(base: &str) -> String {
    let base = without_machine(base.strip_suffix(".exe").unwrap_or(base));
    let stem = base.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let version = &base[stem.len()..];
    if stem.is_empty() || !version.contains('.') || version.starts_with('.') {
        return base.to_owned();
    }
    if matches!(stem, "python" | "pypy") {
        let major = version.split('.').next().unwrap_or_default();
        return format!("{stem}{major}");
    }
    let stem = stem.strip_suffix("-v").unwrap_or(stem);
    stem.trim_end_matches(['-', '_']).to_owned()
}
