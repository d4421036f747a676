//! The scanner over real programs: those of the runtimes that the machine has. Each waits for the
//! end of its input, and its version is compared with what the program itself says.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use model::{Entity, Timestamp};

use super::host::{Fake, Host, SHOP};
use crate::directory::Directory;
use crate::sources::procfs::{Scanner, Scope};

/// A program that is there or not, how to make it wait, and what must be said of it.
struct Row {
    program: &'static str,
    waits: &'static [&'static str],
    /// How it says its version; empty if it cannot.
    version: &'static [&'static str],
    language: &'static str,
    runtime: &'static str,
}

const ROWS: &[Row] = &[
    Row {
        program: "/usr/bin/python3",
        waits: &["-c", "input()"],
        version: &["--version"],
        language: "python",
        runtime: "cpython",
    },
    Row {
        program: "/usr/bin/node",
        waits: &["-e", "process.stdin.resume()"],
        version: &["--version"],
        language: "nodejs",
        runtime: "node",
    },
    Row {
        program: "/usr/bin/perl",
        waits: &["-e", "<STDIN>"],
        version: &["-v"],
        language: "perl",
        runtime: "perl",
    },
    Row {
        program: "/usr/bin/ruby",
        waits: &["-e", "gets"],
        version: &["--version"],
        language: "ruby",
        runtime: "cruby",
    },
    Row {
        program: "/usr/bin/php",
        waits: &["-r", "fgets(STDIN);"],
        version: &["--version"],
        language: "php",
        runtime: "php",
    },
    Row {
        program: "/usr/bin/lua",
        waits: &["-e", "io.read()"],
        version: &["-v"],
        language: "lua",
        runtime: "lua",
    },
    Row {
        program: "/bin/bash",
        waits: &["-c", "read line"],
        version: &[],
        language: "shell",
        runtime: "bash",
    },
    Row { program: "/bin/cat", waits: &[], version: &[], language: "c", runtime: "" },
];

impl Row {
    fn start(&self) -> Option<Child> {
        if !Path::new(self.program).exists() {
            eprintln!("skipped: no {}", self.program);
            return None;
        }
        let mut command = Command::new(self.program);
        command.args(self.waits).stdin(Stdio::piped());
        command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()
    }

    /// True if the version is there, whatever it is.
    fn is_known(&self, found: &Entity) -> bool {
        self.version.is_empty() || found.runtime_version.split('.').count() >= 3
    }

    fn check(&self, found: &Entity) {
        let program = self.program;
        assert_eq!(found.language, self.language, "{program}: {found:?}");
        assert_eq!(found.runtime, self.runtime, "{program}");
        if self.version.is_empty() {
            return;
        }
        let output = Command::new(program).args(self.version).output().expect("its version");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let version = &found.runtime_version;
        assert!(self.is_known(found), "{program}: {version:?}");
        assert!(said.contains(version.as_str()), "{program}: {version:?} is not in {said:?}");
    }
}

#[test]
fn every_runtime_of_the_machine_is_known_with_its_version() {
    let mut started: Vec<(&Row, Child)> =
        ROWS.iter().filter_map(|row| Some((row, row.start()?))).collect();
    // And this test, which is Rust.
    let own = std::process::id();
    let pids = started.iter().map(|(_, child)| child.id()).chain([own]);
    let scope = tempfile::tempdir().expect("a temporary directory");
    let listed: String = pids.map(|pid| format!("{pid}\n")).collect();
    fs::write(scope.path().join("cgroup.procs"), listed).expect("a file");
    let directory = Arc::new(Directory::new("host"));
    let groups = Scope::Cgroups(vec![scope.path().to_owned()]);
    let mut scanner = Scanner::new(directory.clone(), groups);
    // What is too much for one scan is found by the next ones, and so are libraries that are loaded
    // after the start.
    let mut processes = directory.processes();
    for round in 1..200 {
        scanner.scan(Timestamp(round * 300_000_000));
        processes = directory.processes();
        let is_known = |(row, child): &(&Row, Child)| {
            let found = processes.iter().find(|process| process.pids == [child.id()]);
            found.is_some_and(|found| row.is_known(found))
        };
        if round >= 10 && started.iter().all(is_known) {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let of = |pid: u32| processes.iter().find(|process| process.pids == [pid]);
    for (row, child) in &mut started {
        row.check(of(child.id()).expect("it is listed"));
        drop(child.stdin.take());
        child.wait().expect("its end");
    }
    let own = of(own).expect("this test is listed");
    assert_eq!((own.language.as_str(), own.runtime.as_str()), ("rust", "rust"));
}

/// Between exec and the loader's end only the program's name tells a version, and not all of it.
#[test]
fn a_version_is_not_settled_before_its_library_is_mapped() {
    let mut host = Host::new();
    host.put("usr/bin/ruby3.1", "");
    let program = host.path(200).with_file_name("../usr/bin/ruby3.1");
    let program: &str = program.to_string_lossy().into_owned().leak();
    let ruby = Fake { command: "ruby", exe: program, argv: &["ruby", "/srv/shop.rb"], ..SHOP };
    host.put("proc/uptime", "21.00 0.00\n");
    host.start(ruby);
    host.table(&[200], &[(8000, 8000)], &[]);
    host.scan(&[200]);
    assert_eq!(host.service("shop").runtime_version, "3.1");
    host.put(
        "proc/200/maps",
        "7f0000000000-7f0000400000 r-xp 00000000 fd:00 12 /usr/lib/libruby-3.1.so.3.1.2\n",
    );
    host.scan_often(&[200]);
    assert_eq!(host.service("shop").runtime_version, "3.1.2");
}
