//! Where cgroup v2 is, and which of its directories to watch.

use std::fs;
use std::path::{Path, PathBuf};

use super::TapError;

/// The mount point of cgroup v2: `/sys/fs/cgroup`, or beside the v1 controllers on hybrid hosts.
///
/// # Errors
/// [`TapError::NoCgroup`] if none is mounted.
pub fn cgroup_root() -> Result<PathBuf, TapError> {
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    mounts
        .lines()
        .filter_map(|line| {
            let mut fields = line.split(' ').skip(1);
            let (point, kind) = (fields.next()?, fields.next()?);
            (kind == "cgroup2").then(|| PathBuf::from(point.replace("\\040", " ")))
        })
        // Another mount may hide one.
        .find(|point| point.join("cgroup.procs").exists())
        .ok_or(TapError::NoCgroup)
}

/// The directories to attach to: those asked for, or the root.
///
/// # Errors
/// [`TapError::NotACgroup`] for a path that is no directory of the mounted cgroup v2.
pub fn cgroup_directories(asked: &[PathBuf]) -> Result<Vec<PathBuf>, TapError> {
    let root = cgroup_root()?;
    if asked.is_empty() {
        return Ok(vec![root]);
    }
    let all: Vec<PathBuf> =
        asked.iter().map(|path| check(path, &root)).collect::<Result<_, _>>()?;
    Ok(outermost(all))
}

/// True if the process is in one of the directories now, or in one below. No directories are the
/// whole host.
pub fn process_is_within(pid: u32, directories: &[PathBuf]) -> bool {
    if directories.is_empty() {
        return true;
    }
    let (Ok(root), Ok(text)) = (cgroup_root(), fs::read_to_string(format!("/proc/{pid}/cgroup")))
    else {
        return false;
    };
    directory_of(&text, &root).is_some_and(|own| directories.iter().any(|d| own.starts_with(d)))
}

/// The cgroup v2 directory that /proc/PID/cgroup names; `None` if it lies outside of what this
/// cgroup namespace shows.
fn directory_of(text: &str, root: &Path) -> Option<PathBuf> {
    let path = text.lines().find_map(|line| line.strip_prefix("0::/"))?;
    // A directory that was removed under its process.
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    let is_inside = !path.split('/').any(|part| part == "..");
    is_inside.then(|| root.join(path))
}

/// The directories that lie in none of the others: a program attached twice would see each packet
/// twice.
fn outermost(mut all: Vec<PathBuf>) -> Vec<PathBuf> {
    all.sort();
    let mut kept: Vec<PathBuf> = Vec::new();
    for path in all {
        if !kept.last().is_some_and(|outer| path.starts_with(outer)) {
            kept.push(path);
        }
    }
    kept
}

fn check(path: &Path, root: &Path) -> Result<PathBuf, TapError> {
    let refuse =
        |why: String| TapError::NotACgroup { path: path.to_owned(), why, root: root.to_owned() };
    let full = fs::canonicalize(path).map_err(|error| refuse(error.to_string()))?;
    if !full.join("cgroup.procs").exists() {
        return Err(refuse("it has no cgroup.procs".to_owned()));
    }
    if !full.starts_with(root) {
        return Err(refuse("it lies outside of the cgroup v2 mount".to_owned()));
    }
    Ok(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_of_a_process_is_below_the_root() {
        let of = |text| directory_of(text, Path::new("/c"));
        for (text, expected) in [
            ("0::/a/b\n", Some("/c/a/b")),
            ("9:name=systemd:/x\n0::/\n", Some("/c/")),
            ("0::/../x\n", None),
            ("1:cpu:/a\n", None),
        ] {
            assert_eq!(of(text), expected.map(PathBuf::from), "{text}");
        }
        assert!(process_is_within(std::process::id(), &[]));
        assert!(!process_is_within(std::process::id(), &[PathBuf::from("/nowhere")]));
    }

    #[test]
    fn a_directory_inside_another_one_is_not_attached_again() {
        let paths = |all: &[&str]| all.iter().map(PathBuf::from).collect::<Vec<_>>();
        for (asked, kept) in [
            (&["/c/a", "/c/a/b", "/c/ab"][..], &["/c/a", "/c/ab"][..]),
            (&["/c/a", "/c/a"], &["/c/a"]),
            (&["/c/a/b", "/c"], &["/c"]),
        ] {
            assert_eq!(outermost(paths(asked)), paths(kept));
        }
    }
}
