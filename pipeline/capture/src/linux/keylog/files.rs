//! The files a process runs code of, opened as the process has them: through `/proc/PID/map_files`,
//! which reaches files of containers and deleted ones.

use std::fs::{File, Metadata, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};

/// Bytes of `maps`: a Java machine with a large heap has some thousand lines.
const MAPS_BYTES_MAX: u64 = 2 << 20;
/// Files of one process: an office suite maps some hundred.
const FILES_MAX: usize = 512;

/// A file with code, as a line of `maps` tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mapped {
    /// The addresses, as `map_files` spells them.
    range: String,
    /// Device and inode.
    identity: (u64, u64),
    /// Its path in the process's file tree.
    pub(super) path: String,
}

/// Names a file's content: what is written to gets another time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    device: u64,
    inode: u64,
    changed_ns: i64,
    pub(super) size: u64,
}

/// An open file.
pub(super) struct Opened {
    pub(super) file: File,
    pub(super) key: Key,
}

/// How large the address space of the process is, in pages: much cheaper to ask than what is in it.
pub(super) fn pages(pid: u32) -> Option<u64> {
    let sizes = std::fs::read_to_string(format!("/proc/{pid}/statm")).ok()?;
    sizes.split(' ').next()?.parse().ok()
}

/// Every file the process runs code of; none if it is gone.
pub(super) fn mapped(pid: u32) -> Vec<Mapped> {
    let mut text = String::new();
    if let Ok(file) = File::open(format!("/proc/{pid}/maps")) {
        // Paths may hold anything; a line that is no text ends the reading.
        let _ = file.take(MAPS_BYTES_MAX).read_to_string(&mut text);
    }
    from_text(&text)
}

fn from_text(text: &str) -> Vec<Mapped> {
    let mut found: Vec<Mapped> = Vec::new();
    for line in text.lines() {
        let Some(mapped) = from_line(line) else { continue };
        let is_known = found.iter().rev().any(|other| other.identity == mapped.identity);
        if !is_known && found.len() < FILES_MAX {
            found.push(mapped);
        }
    }
    found
}

/// `start-end permissions offset device inode path`; `None` for what is no file with code.
fn from_line(line: &str) -> Option<Mapped> {
    let mut fields = line.splitn(6, ' ');
    let (range, permissions, _, device, inode) =
        (fields.next()?, fields.next()?, fields.next()?, fields.next()?, fields.next()?);
    let path = fields.next()?.trim_start();
    let is_code = permissions.as_bytes().get(2) == Some(&b'x');
    let is_file = inode != "0" && path.starts_with('/') && !path.starts_with("/dev/");
    if !is_code || !is_file {
        return None;
    }
    let (start, end) = range.split_once('-')?;
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    let (major, minor) = device.split_once(':')?;
    let device = libc::makedev(number(major)? as u32, number(minor)? as u32);
    Some(Mapped {
        range: format!("{:x}-{:x}", number(start)?, number(end)?),
        identity: (device, inode.parse().ok()?),
        path: path.trim_end_matches(" (deleted)").to_owned(),
    })
}

impl Mapped {
    /// True if both are the same file of one process.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.identity == other.identity
    }

    /// Opens the file that the process has mapped, whatever its path names now. Who may not follow
    /// the links of `map_files` (CAP_CHECKPOINT_RESTORE) goes by the path, if that still names the
    /// same file.
    pub(super) fn open(&self, pid: u32) -> Option<Opened> {
        let mapped = format!("/proc/{pid}/map_files/{}", self.range);
        opened(&mapped, 0).or_else(|| {
            let path = format!("/proc/{pid}/root{}", self.path);
            // Asked before it is opened: to open a device may act.
            let is_same = |is: &Metadata| is.is_file() && (is.dev(), is.ino()) == self.identity;
            std::fs::symlink_metadata(&path).ok().filter(is_same)?;
            let found = opened(&path, libc::O_NOFOLLOW)?;
            ((found.key.device, found.key.inode) == self.identity).then_some(found)
        })
    }
}

fn opened(path: &str, flags: i32) -> Option<Opened> {
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(libc::O_NONBLOCK | flags).open(path).ok()?;
    let metadata = file.metadata().ok().filter(Metadata::is_file)?;
    Some(Opened { key: Key::of(&metadata), file })
}

impl Key {
    fn of(is: &Metadata) -> Self {
        let changed_ns = is.mtime().wrapping_mul(1_000_000_000).wrapping_add(is.mtime_nsec());
        Self { device: is.dev(), inode: is.ino(), changed_ns, size: is.size() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_with_code_are_told_from_everything_else() {
        let maps = "\
55d0-55e0 r--p 00000000 fe:00 11 /usr/sbin/nginx\n\
00400000-00452000 r-xp 00001000 fe:00 11                         /usr/sbin/nginx\n\
7f00-7f10 r-xp 00000000 fe:00 12                         /a b/libssl.so.3 (deleted)\n\
7f10-7f20 r-xp 00001000 fe:00 12                         /a b/libssl.so.3 (deleted)\n\
7f20-7f30 rw-p 00001000 fe:00 13                         /lib/data\n\
7f30-7f40 r-xp 00000000 00:00 0                          [vdso]\n\
7f40-7f50 rwxp 00000000 00:00 0 \n\
7f50-7f60 r-xs 00000000 00:05 14                         /dev/zero\n\
nonsense\n";
        let found = from_text(maps);
        let paths: Vec<_> = found.iter().map(|mapped| mapped.path.as_str()).collect();
        assert_eq!(paths, ["/usr/sbin/nginx", "/a b/libssl.so.3"]);
        assert_eq!(found[0].range, "400000-452000");
    }

    #[test]
    fn the_code_of_this_process_can_be_opened() {
        let all = mapped(std::process::id());
        let own = std::env::current_exe().expect("there is one");
        let own = all.iter().find(|mapped| mapped.path == own.display().to_string());
        let own = own.expect("it runs");
        let opened = own.open(std::process::id()).expect("by one way or the other");
        assert!(opened.key.size > 0);
        // The way of those who may not follow `map_files`.
        let by_path = Mapped { range: String::new(), ..own.clone() };
        let again = by_path.open(std::process::id());
        match again {
            Some(again) => assert_eq!(again.key, opened.key),
            None => eprintln!("skipped: the file system tells another device than maps does"),
        }
        let other = Mapped { identity: (0, 1), ..by_path };
        assert!(other.open(std::process::id()).is_none(), "another file under the same path");
    }
}
