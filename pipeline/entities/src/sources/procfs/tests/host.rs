//! A `/proc` and a control group that a test builds, with a scanner over them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::Arc;

use model::{Entity, EntityId, Owner, Timestamp};

use crate::directory::Directory;
use crate::sources::procfs::{ScanSummary, Scanner, Scope};

/// A host of our own: `/proc` and one control group.
pub(super) struct Host {
    root: tempfile::TempDir,
    pub(super) directory: Arc<Directory>,
    pub(super) scanner: Scanner,
    clock_ns: u64,
}

/// One process of it.
#[derive(Clone, Copy)]
pub(super) struct Fake {
    pub(super) pid: u32,
    pub(super) start: u64,
    pub(super) parent: u32,
    pub(super) command: &'static str,
    pub(super) exe: &'static str,
    pub(super) argv: &'static [&'static str],
    pub(super) sockets: &'static [u64],
    pub(super) namespace: u64,
}

pub(super) const NGINX: Fake = Fake {
    pid: 100,
    start: 1_000,
    parent: 1,
    command: "nginx",
    exe: "/usr/sbin/nginx",
    argv: &["nginx: master process nginx"],
    sockets: &[80],
    namespace: 7,
};

pub(super) const SHOP: Fake = Fake {
    pid: 200,
    start: 2_000,
    parent: 1,
    command: "python3",
    exe: "/usr/bin/python3.11",
    argv: &["python3", "/srv/shop.py", "--token=abc"],
    sockets: &[8000],
    namespace: 7,
};

impl Host {
    pub(super) fn new() -> Self {
        let root = tempfile::tempdir().expect("a temporary directory");
        fs::create_dir_all(root.path().join("proc")).expect("a directory");
        fs::create_dir_all(root.path().join("cgroup/inner")).expect("a directory");
        let directory = Arc::new(Directory::new("host"));
        let scope = Scope::Cgroups(vec![root.path().join("cgroup")]);
        let proc = root.path().join("proc");
        let scanner = Scanner::with_proc(directory.clone(), scope, &proc);
        Self { root, directory, scanner, clock_ns: 1_000_000_000 }
    }

    pub(super) fn path(&self, pid: u32) -> PathBuf {
        self.root.path().join("proc").join(pid.to_string())
    }

    /// Starts a process, in place of whatever had its pid.
    pub(super) fn start(&self, fake: Fake) {
        let path = self.path(fake.pid);
        let _ = fs::remove_dir_all(&path);
        for folder in ["fd", "ns", "net", "root"] {
            fs::create_dir_all(path.join(folder)).expect("a directory");
        }
        self.exec(fake);
        let namespace = format!("net:[{}]", fake.namespace);
        symlink(namespace, path.join("ns/net")).expect("a link");
        for (number, inode) in fake.sockets.iter().enumerate() {
            let socket = format!("socket:[{inode}]");
            symlink(socket, path.join("fd").join(number.to_string())).expect("a link");
        }
        fs::write(path.join("cgroup"), "0::/system.slice/x.scope\n").expect("a file");
        fs::write(path.join("environ"), "SECRET=1\0").expect("a file");
    }

    /// A file of the host, `proc/…` or any other.
    pub(super) fn put(&self, path: &str, text: &str) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a directory");
        fs::write(path, text).expect("a file");
    }

    /// What exec changes.
    pub(super) fn exec(&self, fake: Fake) {
        let path = self.path(fake.pid);
        let stat = format!(
            "{} ({}) S {} 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 {} 0\n",
            fake.pid, fake.command, fake.parent, fake.start
        );
        fs::write(path.join("stat"), stat).expect("a file");
        fs::write(path.join("cmdline"), fake.argv.join("\0") + "\0").expect("a file");
        let _ = fs::remove_file(path.join("exe"));
        symlink(fake.exe, path.join("exe")).expect("a link");
    }

    pub(super) fn exit(&self, pid: u32) {
        fs::remove_dir_all(self.path(pid)).expect("a directory");
    }

    /// Rows of the socket table as processes of the namespace see it: listeners, then connections.
    pub(super) fn table(
        &self,
        pids: &[u32],
        listeners: &[(u16, u64)],
        connections: &[(u16, u16, u64)],
    ) {
        let mut text = "  sl  local_address rem_address   st\n".to_owned();
        let listeners = listeners.iter().map(|&(port, inode)| (port, 0, inode, "0A"));
        let connections = connections.iter().map(|&(a, b, inode)| (a, b, inode, "01"));
        for (local, remote, inode, state) in listeners.chain(connections) {
            let ip = u32::from_ne_bytes([127, 0, 0, 1]);
            let peer = if remote == 0 { 0 } else { ip };
            let line = format!(
                " 0: {ip:08X}:{local:04X} {peer:08X}:{remote:04X} {state} 0:0 0:0 0 0 0 {inode} 1\n"
            );
            text.push_str(&line);
        }
        for &pid in pids {
            fs::write(self.path(pid).join("net/tcp"), &text).expect("a file");
        }
    }

    /// So many scans that nothing is left to be found.
    pub(super) fn scan_often(&mut self, pids: &[u32]) {
        for _ in 0..10 {
            self.scan(pids);
        }
    }

    /// One scan, 300 ms after the last, with these processes in the control group.
    pub(super) fn scan(&mut self, pids: &[u32]) -> ScanSummary {
        let (outer, inner) = pids.split_at(pids.len() / 2);
        for (folder, pids) in [("cgroup", outer), ("cgroup/inner", inner)] {
            let text: String = pids.iter().map(|pid| format!("{pid}\n")).collect();
            fs::write(self.root.path().join(folder).join("cgroup.procs"), text).expect("a file");
        }
        self.clock_ns += 300_000_000;
        self.scanner.scan(Timestamp(self.clock_ns))
    }

    pub(super) fn connects(&self, pid: u32, command: &str) -> EntityId {
        self.directory.process(Owner { pid, command, cgroup: 0, network_namespace: 0 })
    }

    pub(super) fn name(&self, id: EntityId) -> String {
        self.directory.entity(id).name.clone()
    }

    pub(super) fn service(&self, name: &str) -> Entity {
        let mut services = self.directory.services().into_iter();
        let found = services.find(|service| service.name == name);
        found.unwrap_or_else(|| panic!("no service {name}: {:?}", self.directory.services()))
    }
}
