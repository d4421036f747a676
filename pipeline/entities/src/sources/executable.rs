//! Names from the program file: the last resort that nearly always has something.

use crate::process::{Files, Process};
use crate::resolve::Named;

/// Programs that are many in one file and tell by their first argument which they are.
const MULTICALL: &[&str] = &["busybox", "coreutils", "toybox"];

/// The base name of the executable.
pub fn name(process: &Process, _files: &dyn Files) -> Option<Named> {
    let base = base_name(process);
    (!base.is_empty()).then(|| Named::new(base, "executable"))
}

/// The base name of the program file without version and suffix: `python3.11` is `python3`,
/// `php-fpm8.2` is `php-fpm`. Falls back to the first argument, then to the command name.
pub(crate) fn base_name(process: &Process) -> String {
    let base = last_part(&process.executable);
    if !base.is_empty() && !MULTICALL.contains(&base) {
        return without_version(base);
    }
    // An overwritten title is no path: `nginx: worker process`.
    let first = process.argv.first().map_or("", String::as_str);
    if !first.is_empty() && !first.contains([' ', ':']) {
        // A login shell has a dash before its name.
        let called = last_part(first).trim_start_matches('-');
        return without_version(called);
    }
    without_version(if base.is_empty() { &process.command } else { base })
}

/// The last part of a path; also of one whose file was replaced or that never was on a disk.
fn last_part(path: &str) -> &str {
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    let base = path.rsplit('/').next().unwrap_or(path);
    base.strip_prefix("memfd:").unwrap_or(base)
}

/// Cuts a dotted version off the end. Python keeps its first digit: that is the command's name.
pub(crate) fn without_version(base: &str) -> String {
    let base = base.strip_suffix(".exe").unwrap_or(base);
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
