//! Files of one process, turned into a [`Process`].
//!
//! Read by hand: the scanner needs a few fields of a few files, many times a second, and a root
//! that tests can choose.

use std::ffi::CStr;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Dir, Mode, OFlags};

use super::containers::Containers;
use super::files::ProcessFiles;
use super::scope::Scope;
use crate::process::Process;
use crate::sources::cgroup::Place;
use crate::sources::systemd;
use crate::variables::Environment;

/// Bytes taken of a command line: more than the longest that is shown, room for class paths.
const CMDLINE_BYTES_MAX: usize = 32 * 1024;
/// Bytes taken of an environment: the usual limit for one argument or variable on Linux.
const ENVIRON_BYTES_MAX: usize = 128 * 1024;
/// Bytes of `stat` and `cgroup`.
const SMALL_BYTES_MAX: usize = 8 * 1024;
/// Bytes of `mountinfo`: hosts of many containers have some thousands of mounts, a container tens.
const MOUNTS_BYTES_MAX: u64 = 64 * 1024;
/// Bytes of `maps`: a Java machine with a large heap has some thousand lines.
const MAPS_BYTES_MAX: u64 = 512 * 1024;
/// Room for the records of most processes.
const RECORDS_BYTES: usize = 16 * 1024;

/// Set in the flags of kernel threads (`PF_KTHREAD`).
const KERNEL_THREAD: u64 = 0x0020_0000;

/// The `/proc` file system, or a directory that looks like one.
#[derive(Debug)]
pub(super) struct ProcFs {
    root: PathBuf,
    own_unit: String,
    containers: Containers,
    path: String,
    buffer: Vec<u8>,
    /// Reads refused for lack of permission.
    pub(super) denied: u64,
}

/// The fields of `stat` that matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) command: String,
    pub(super) parent: u32,
    pub(super) start: u64,
    pub(super) is_kernel_thread: bool,
    pub(super) is_zombie: bool,
}

/// Names one incarnation of a pid: the kernel makes a new inode when a pid is given out again.
/// It may also make one for memory's sake, so that a change is a hint and no proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    inode: u64,
    seconds: i64,
    nanoseconds: i64,
}

impl ProcFs {
    pub(super) fn new(root: &Path, scope: &Scope) -> Self {
        let own = fs::read_to_string(root.join("self/cgroup")).unwrap_or_default();
        let own = Place::from_text(&own).units;
        Self {
            root: root.to_owned(),
            own_unit: systemd::closest(&own.unit, &own.user_unit).to_owned(),
            containers: Containers::new(root, scope),
            path: String::new(),
            buffer: vec![0; ENVIRON_BYTES_MAX],
            denied: 0,
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The process id given out last, by which one can tell which pids may have been reused.
    pub(super) fn last_pid(&self) -> Option<u32> {
        let text = fs::read_to_string(self.root.join("loadavg")).ok()?;
        text.split_ascii_whitespace().last()?.parse().ok()
    }

    /// Ticks since boot; the greatest number if they cannot be read: then nobody is young.
    pub(super) fn uptime_ticks(&self) -> u64 {
        let text = fs::read_to_string(self.root.join("uptime")).unwrap_or_default();
        let seconds = text.split_ascii_whitespace().next();
        let seconds = seconds.and_then(|seconds| seconds.parse::<f64>().ok());
        seconds.map_or(u64::MAX, |seconds| (seconds * 100.0) as u64)
    }

    /// True if there is such a process, or a thread of that number.
    pub(super) fn is_there(&mut self, pid: u32) -> bool {
        Path::new(self.path(pid, "")).exists()
    }

    /// See [`Mark`]; `None` if the process is gone.
    pub(super) fn mark(&mut self, pid: u32) -> Option<Mark> {
        let path = self.path(pid, "");
        let found = fs::metadata(path).ok()?;
        Some(Mark { inode: found.ino(), seconds: found.ctime(), nanoseconds: found.ctime_nsec() })
    }

    /// `None` if the process is gone or the file is not what it should be.
    pub(super) fn stat(&mut self, pid: u32) -> Option<Stat> {
        let bytes = self.bytes(pid, "stat", SMALL_BYTES_MAX)?;
        parse_stat(&String::from_utf8_lossy(bytes))
    }

    /// The executable's path in the process's file tree; empty if it may not be read.
    pub(super) fn executable(&mut self, pid: u32) -> String {
        self.link(pid, "exe").unwrap_or_default()
    }

    /// The arguments as they are now.
    pub(super) fn argv(&mut self, pid: u32) -> Vec<String> {
        let bytes = self.bytes(pid, "cmdline", CMDLINE_BYTES_MAX);
        let text = String::from_utf8_lossy(bytes.unwrap_or_default());
        let text = text.trim_end_matches('\0');
        if text.is_empty() {
            return Vec::new();
        }
        text.split('\0').map(str::to_owned).collect()
    }

    /// Everything about a process whose `stat` was read.
    pub(super) fn process(&mut self, pid: u32, stat: Stat) -> Process {
        let environ = self.bytes(pid, "environ", ENVIRON_BYTES_MAX);
        let environment = Environment::from_block(environ.unwrap_or_default());
        let place = self.place(pid);
        let mut containers = std::mem::take(&mut self.containers);
        let contained = containers.look(self, pid, &place);
        self.containers = containers;
        let units = place.units;
        let closest = systemd::closest(&units.unit, &units.user_unit);
        Process {
            pid,
            start: stat.start,
            parent: stat.parent,
            command: stat.command,
            executable: self.executable(pid),
            argv: self.argv(pid),
            directory: self.link(pid, "cwd").unwrap_or_default(),
            environment,
            shares_agents_unit: !closest.is_empty() && closest == self.own_unit,
            container: contained.id,
            labels: contained.labels,
            unit: units.unit,
            user_unit: units.user_unit,
            slice: units.slice,
            cgroup: place.path,
            network_namespace: self.network_namespace(pid),
            ..Process::default()
        }
    }

    /// Where the process stands in the tree of control groups.
    pub(super) fn place(&mut self, pid: u32) -> Place {
        if let Some(text) = self.text(pid, "cgroup") {
            return Place::from_text(&text);
        }
        // Kernels with cpusets of version 1 give that path in a file of its own.
        let path = self.text(pid, "cpuset").unwrap_or_default();
        Place::from_path(path.trim_end())
    }

    /// What is mounted where the process runs.
    pub(super) fn mounts(&mut self, pid: u32) -> String {
        let mut text = Vec::new();
        self.records(pid, "mountinfo", MOUNTS_BYTES_MAX, &mut text);
        String::from_utf8_lossy(&text).into_owned()
    }

    /// Calls `each` with every file that is part of the process's memory, as addresses and path;
    /// with one of many parts once for each. `buffer` is room that is used again.
    pub(super) fn mapped(
        &mut self,
        pid: u32,
        buffer: &mut Vec<u8>,
        mut each: impl FnMut(&str, &str),
    ) {
        buffer.clear();
        self.records(pid, "maps", MAPS_BYTES_MAX, buffer);
        for line in buffer.split(|&byte| byte == b'\n') {
            // `from-to rights offset device inode path`, with blanks before a path only.
            let slash = line.iter().position(|&byte| byte == b'/');
            let Some((facts, path)) = slash.and_then(|at| line.split_at_checked(at)) else {
                continue;
            };
            let addresses = facts.split(|&byte| byte == b' ').next().unwrap_or_default();
            if let (Ok(addresses), Ok(path)) = (str::from_utf8(addresses), str::from_utf8(path)) {
                each(addresses, path);
            }
        }
    }

    /// The program's file, also one that was deleted since.
    pub(super) fn open_program(&mut self, pid: u32) -> Option<File> {
        let opened = File::open(self.path(pid, "/exe"));
        opened.inspect_err(|error| self.note(error)).ok()
    }

    /// A file that is mapped at these addresses, if its path does not lead to it any more. Asks
    /// for more rights than the path does.
    pub(super) fn open_mapped(&mut self, pid: u32, addresses: &str) -> Option<File> {
        let path = self.path(pid, "/map_files/").to_owned() + addresses;
        // A device that is mapped must not be opened a second time.
        fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        File::open(path).ok()
    }

    /// Calls `each` with the inode of every socket the process holds, at most `limit` of its
    /// descriptors. Gives how many descriptors were looked at.
    ///
    /// A busy server holds tens of thousands: they are read from the open folder, so that the way
    /// to it is not walked for each.
    pub(super) fn sockets(&mut self, pid: u32, limit: usize, mut each: impl FnMut(u64)) -> usize {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(self.path(pid, "/fd"), flags, Mode::empty());
        let (folder, entries) = match opened.and_then(|fd| Ok((Dir::read_from(&fd)?, fd))) {
            Ok((entries, folder)) => (folder, entries),
            Err(error) => {
                self.note(&error.into());
                return 0;
            }
        };
        let is_descriptor = |name: &CStr| !name.to_bytes().starts_with(b".");
        let entries = entries.flatten().filter(|entry| is_descriptor(entry.file_name()));
        let mut looked = 0;
        let mut room = Vec::new();
        for entry in entries.take(limit) {
            looked += 1;
            let Ok(target) = rustix::fs::readlinkat(&folder, entry.file_name(), room) else {
                room = Vec::new();
                continue;
            };
            if let Some(inode) = target.to_str().ok().and_then(|t| bracketed(t, "socket:[")) {
                each(inode);
            }
            room = target.into_bytes();
        }
        looked
    }

    /// A file below `net` of the process's network namespace.
    pub(super) fn open_net(&mut self, pid: u32, leaf: &str) -> io::Result<File> {
        let path = self.path(pid, "/net/").to_owned() + leaf;
        File::open(path)
    }

    /// A view of the process's own files.
    pub(super) fn files(&self, pid: u32) -> ProcessFiles {
        ProcessFiles::new(self.root.join(pid.to_string()).join("root"))
    }

    fn text(&mut self, pid: u32, leaf: &str) -> Option<String> {
        let bytes = self.bytes(pid, leaf, SMALL_BYTES_MAX)?;
        Some(String::from_utf8_lossy(bytes).into_owned())
    }

    fn network_namespace(&mut self, pid: u32) -> u64 {
        let link = self.link(pid, "ns/net").unwrap_or_default();
        bracketed(&link, "net:[").unwrap_or(0)
    }

    fn link(&mut self, pid: u32, leaf: &str) -> Option<String> {
        let path = self.path(pid, "/").to_owned() + leaf;
        match fs::read_link(path) {
            Ok(target) => Some(target.to_string_lossy().into_owned()),
            Err(error) => {
                self.note(&error);
                None
            }
        }
    }

    /// The start of a file, in a buffer that is used again.
    ///
    /// These files give all they have, or all that was asked for: a short read is the last one.
    fn bytes(&mut self, pid: u32, leaf: &str, limit: usize) -> Option<&[u8]> {
        let path = self.path(pid, "/").to_owned() + leaf;
        let mut length = 0;
        let read = File::open(path).and_then(|mut file| {
            while let Some(room) = self.buffer.get_mut(length..limit).filter(|r| !r.is_empty()) {
                let asked = room.len();
                let got = file.read(room)?;
                length += got;
                if got < asked {
                    break;
                }
            }
            Ok(())
        });
        match read {
            Ok(()) => self.buffer.get(..length),
            Err(error) => {
                self.note(&error);
                None
            }
        }
    }

    /// A file that is made of records: it comes in many small pieces, and ends with an empty one.
    fn records(&mut self, pid: u32, leaf: &str, limit: u64, buffer: &mut Vec<u8>) {
        let path = self.path(pid, "/").to_owned() + leaf;
        buffer.reserve(RECORDS_BYTES);
        let read = File::open(path).and_then(|file| file.take(limit).read_to_end(buffer));
        if let Err(error) = read {
            self.note(&error);
        }
    }

    fn path(&mut self, pid: u32, leaf: &str) -> &str {
        self.path.clear();
        let written = write!(self.path, "{}/{pid}{leaf}", self.root.display());
        debug_assert!(written.is_ok(), "text grows");
        &self.path
    }

    fn note(&mut self, error: &io::Error) {
        self.denied += u64::from(error.kind() == io::ErrorKind::PermissionDenied);
    }
}

/// `pid (command) state parent …`; the command may hold blanks and parentheses.
/// <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>
fn parse_stat(text: &str) -> Option<Stat> {
    let (head, tail) = text.rsplit_once(')')?;
    let (_, command) = head.split_once('(')?;
    let mut fields = tail.split_ascii_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    // Fields 5 to 8 lie between the parent and the flags, 10 to 21 between those and the start.
    let flags: u64 = fields.nth(4)?.parse().ok()?;
    let start = fields.nth(12)?.parse().ok()?;
    Some(Stat {
        command: command.to_owned(),
        parent,
        start,
        is_kernel_thread: flags & KERNEL_THREAD != 0,
        is_zombie: matches!(state, "Z" | "X" | "x"),
    })
}

/// The number in `socket:[123]`.
fn bracketed(text: &str, before: &str) -> Option<u64> {
    text.strip_prefix(before)?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::parse_stat;

    #[test]
    fn a_command_with_blanks_and_parentheses_is_read() {
        let text = "42 (a) (b c) S 7 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 84740 512 9\n";
        let stat = parse_stat(text).expect("a whole line");
        assert_eq!(stat.command, "a) (b c");
        assert_eq!((stat.parent, stat.start), (7, 84740));
        assert!(!stat.is_kernel_thread && !stat.is_zombie);
        assert_eq!(parse_stat("42 (a) S 7"), None);
    }
}
