//! Files below `/proc/<pid>/root`: what a process sees, also in a container.
//!
//! The process owns this tree and may be hostile: a pipe would block the reader, a device would
//! act, a link may lead out of the container. So a path is resolved by the kernel as if the
//! process's root were ours, without opening anything; only a plain file is then opened, and of
//! that a bounded part is read.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fd::{AsRawFd, OwnedFd};
use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags};

use crate::process::Files;

/// Largest file that is read whole.
const FILE_BYTES_MAX: u64 = 64 * 1024;
/// Names of one folder: more than any application server has deployments.
const NAMES_MAX: usize = 1_024;

/// See the module's documentation.
#[derive(Debug)]
pub(super) struct ProcessFiles {
    root: PathBuf,
}

impl ProcessFiles {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// A handle on what the path names, which can be asked but not read.
    /// <https://man7.org/linux/man-pages/man2/openat2.2.html> (`RESOLVE_IN_ROOT`, Linux 5.6).
    fn found(&self, path: &Path) -> Option<OwnedFd> {
        let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = rustix::fs::open(&self.root, folder, Mode::empty()).ok()?;
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        rustix::fs::openat2(root, path, flags, Mode::empty(), resolve).ok()
    }

    /// The file and its size, if it is a plain one.
    pub(super) fn opened(&self, path: &Path) -> Option<(File, u64)> {
        let found = self.found(path)?;
        let is = rustix::fs::fstat(&found).ok()?;
        if FileType::from_raw_mode(is.st_mode) != FileType::RegularFile {
            return None;
        }
        let file = File::open(own(&found)).ok()?;
        Some((file, u64::try_from(is.st_size).ok()?))
    }
}

impl Files for ProcessFiles {
    fn read(&self, path: &Path) -> Option<String> {
        let (file, size) = self.opened(path)?;
        if size > FILE_BYTES_MAX {
            return None;
        }
        let mut text = String::new();
        file.take(FILE_BYTES_MAX).read_to_string(&mut text).ok()?;
        Some(text)
    }

    fn list(&self, folder: &Path) -> Vec<String> {
        let is_folder = |fd: &OwnedFd| {
            rustix::fs::fstat(fd)
                .is_ok_and(|is| FileType::from_raw_mode(is.st_mode) == FileType::Directory)
        };
        let Some(found) = self.found(folder).filter(is_folder) else {
            return Vec::new();
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(own(&found), flags, Mode::empty());
        let entries = opened.and_then(Dir::new);
        let entries = entries.into_iter().flatten().flatten();
        let names = entries.filter_map(|entry| Some(entry.file_name().to_str().ok()?.to_owned()));
        let names = names.filter(|name| name != "." && name != "..");
        let mut names: Vec<String> = names.take(NAMES_MAX).collect();
        names.sort_unstable();
        names
    }

    fn part(&self, path: &Path, offset: i64, length: usize) -> Option<(Vec<u8>, u64)> {
        let (file, size) = self.opened(path)?;
        let offset = match u64::try_from(offset) {
            Ok(offset) => offset,
            Err(_) => size.saturating_sub(offset.unsigned_abs()),
        };
        let length = length.min(usize::try_from(size.checked_sub(offset)?).ok()?);
        let mut bytes = vec![0; length];
        file.read_exact_at(&mut bytes, offset).ok()?;
        Some((bytes, size))
    }
}

/// The path by which what a handle stands for can be opened.
fn own(handle: &OwnedFd) -> String {
    format!("/proc/self/fd/{}", handle.as_raw_fd())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::process::Command;

    use super::{FILE_BYTES_MAX, ProcessFiles};
    use crate::process::Files;

    /// A root with a file beside it that must not be reached.
    fn tree() -> (tempfile::TempDir, ProcessFiles) {
        let outer = tempfile::tempdir().expect("a temporary directory");
        let root = outer.path().join("root");
        fs::create_dir_all(root.join("srv")).expect("a directory");
        fs::write(outer.path().join("secret"), "outside").expect("a file");
        fs::write(root.join("srv/a"), "inside").expect("a file");
        let files = ProcessFiles::new(root);
        (outer, files)
    }

    #[test]
    fn a_plain_file_is_read_whole_and_in_parts() {
        let (_outer, files) = tree();
        assert_eq!(files.read(Path::new("/srv/a")).as_deref(), Some("inside"));
        assert_eq!(files.part(Path::new("/srv/a"), 2, 3), Some((b"sid".to_vec(), 6)));
        assert_eq!(files.part(Path::new("/srv/a"), -4, 9), Some((b"side".to_vec(), 6)));
        assert_eq!(files.part(Path::new("/srv/a"), -9, 9), Some((b"inside".to_vec(), 6)));
        assert_eq!(files.part(Path::new("/srv/a"), 7, 1), None);
        assert_eq!(files.list(Path::new("/srv")), ["a"]);
        assert!(files.list(Path::new("/srv/a")).is_empty());
    }

    #[test]
    fn no_link_leads_out_of_the_root() {
        let (outer, files) = tree();
        let srv = outer.path().join("root/srv");
        symlink("../../secret", srv.join("up")).expect("a link");
        symlink(outer.path().join("secret"), srv.join("away")).expect("a link");
        symlink("/srv/a", srv.join("inner")).expect("a link");
        symlink("/proc/self/root/etc/passwd", srv.join("magic")).expect("a link");
        for name in ["up", "away", "magic", "../../secret"] {
            assert_eq!(files.read(&Path::new("/srv").join(name)), None, "{name}");
        }
        assert_eq!(files.read(Path::new("/srv/inner")).as_deref(), Some("inside"));
    }

    #[test]
    fn what_is_no_plain_file_or_too_large_is_not_there() {
        let (outer, files) = tree();
        let srv = outer.path().join("root/srv");
        let made = Command::new("mkfifo").arg(srv.join("pipe")).status();
        assert!(made.is_ok_and(|status| status.success()), "a pipe");
        let large = fs::File::create(srv.join("large")).expect("a file");
        large.set_len(FILE_BYTES_MAX + 1).expect("its length");
        for name in ["pipe", "large", ".", "none"] {
            assert_eq!(files.read(&Path::new("/srv").join(name)), None, "{name}");
        }
        let large = files.part(Path::new("/srv/large"), -1, 9);
        assert_eq!(large, Some((vec![0], FILE_BYTES_MAX + 1)));
    }
}
