//! Machines as rows of files: what is found of each, and the words of the remedy.

use std::os::unix::fs::symlink;

use model::TapState::{Degraded, Off, On, Refused};

use super::*;

/// Every right there is.
const ALL: &str = "CapEff:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\n";
/// None, though they could be given.
const NONE: &str = "CapEff:\t0000000000000000\nCapBnd:\t000001ffffffffff\n";
/// None, and the bounding set allows none.
const BARRED: &str = "CapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb\n";
/// CAP_BPF, CAP_PERFMON and CAP_NET_ADMIN alone.
const TAPS: &str = "CapEff:\t000000c000001000\nCapBnd:\t000001ffffffffff\n";
/// CAP_SYS_ADMIN, CAP_NET_ADMIN, CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH: a kernel before CAP_BPF.
const ADMIN: &str = "CapEff:\t0000000000281004\nCapBnd:\t000001ffffffffff\n";

/// All that is needed but CAP_CHECKPOINT_RESTORE.
const NO_RESTORE: &str = "CapEff:\t000000c000081004\nCapBnd:\t000001ffffffffff\n";

const UNIFIED: &str = "proc /proc proc rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n";
const V1: &str = "proc /proc proc rw 0 0\ncgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n";
const HIDING: &str = "proc /proc proc rw,nosuid,hidepid=invisible 0 0\n";
const LIMITS: &str = "Max open files            64                   4096                 files\n\
                      Max locked memory         65536                65536                bytes\n";

/// A machine of these files; a path with `->` in it is a link.
fn machine_of(files: &[(&str, &str)]) -> (tempfile::TempDir, Machine) {
    let folder = tempfile::tempdir().expect("a folder for the files");
    for (path, text) in files {
        let (path, is_link) = match path.strip_suffix(" ->") {
            Some(path) => (path, true),
            None => (*path, false),
        };
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("it lies in a folder")).expect("a folder");
        if is_link {
            symlink(text, path).expect("a link");
        } else {
            fs::write(path, text).expect("a file");
        }
    }
    let machine = Machine { root: folder.path().to_owned() };
    (folder, machine)
}

#[test]
fn each_machine_is_told_what_it_lacks_and_what_mends_it() {
    let release = "proc/sys/kernel/osrelease";
    let status = "proc/self/status";
    let mounts = "proc/self/mounts";
    let limits = "proc/self/limits";
    let rows = [
        ("kernel", On, "6.1.0", "", vec![(release, "6.1.0-18-amd64\n")]),
        ("kernel", On, "5.10", "", vec![(release, "5.10.0\n")]),
        ("kernel", Refused, "older than 5.10", "5.10", vec![(release, "5.4.0-42-generic\n")]),
        ("kernel", Degraded, "cannot be read", "", vec![]),
        ("btf", On, "types", "", vec![("sys/kernel/btf/vmlinux", "")]),
        ("btf", Off, "does without", "", vec![]),
        ("capabilities", On, "all", "", vec![(status, ALL)]),
        ("capabilities", On, "all", "", vec![(release, "5.4"), (status, ADMIN)]),
        ("capabilities", Refused, "CAP_BPF", "setcap cap_net_admin,cap_bpf", vec![(status, NONE)]),
        ("capabilities", Refused, "CAP_BPF", "add: [NET_ADMIN, BPF", vec![(status, BARRED)]),
        ("capabilities", Degraded, "CAP_SYS_PTRACE", "Ambient", vec![(status, TAPS)]),
        ("capabilities", Degraded, "CAP_CHECKPOINT", "_restore", vec![(status, NO_RESTORE)]),
        ("capabilities", Refused, "CAP_SYS_ADMIN", "", vec![(release, "5.7"), (status, TAPS)]),
        (
            "capabilities",
            Refused,
            "user namespace",
            "outside",
            vec![(status, ALL), ("proc/self/ns/user ->", "user:[4026532000]")],
        ),
        ("capabilities", Degraded, "cannot be read", "mount", vec![]),
        ("cgroup", On, "v2 at /sys/fs/cgroup", "", vec![(mounts, UNIFIED)]),
        ("cgroup", Refused, "v1 only", "mount -t cgroup2", vec![(mounts, V1)]),
        ("cgroup", Refused, "no cgroup", "mount -t cgroup2", vec![]),
        (
            "cgroup",
            Degraded,
            "not its root",
            "--cgroupns=host",
            vec![(mounts, UNIFIED), ("sys/fs/cgroup/cgroup.procs", "")],
        ),
        ("processes", On, "whole host", "", vec![(mounts, UNIFIED)]),
        ("processes", Degraded, "hidepid", "remount", vec![(mounts, HIDING)]),
        ("processes", Refused, "not mounted", "mount", vec![]),
        (
            "processes",
            Degraded,
            "pid namespace",
            "hostPID",
            vec![(mounts, UNIFIED), ("proc/self/ns/pid ->", "pid:[4026532001]")],
        ),
        ("locked memory", On, "does not count", "", vec![(release, "6.1"), (limits, LIMITS)]),
        (
            "locked memory",
            Degraded,
            "64 KiB",
            "LimitMEMLOCK",
            vec![(release, "5.10"), (limits, LIMITS)],
        ),
        ("open files", Degraded, "64 are allowed", "LimitNOFILE", vec![(limits, LIMITS)]),
    ];
    for (name, state, detail, remedy, files) in rows {
        let (_folder, machine) = machine_of(&files);
        let findings = machine.findings();
        let line = findings.iter().find(|line| line.name == name).expect("every line is there");
        assert_eq!(line.state, state, "{files:?}: {line:?}");
        assert!(line.detail.contains(detail), "{files:?}: {line:?}");
        assert!(line.remedy.contains(remedy), "{files:?}: {line:?}");
        let is_fine = matches!(state, On | Off);
        assert_eq!(line.remedy.is_empty(), is_fine, "{files:?}: {line:?}");
    }
}

#[test]
fn a_machine_without_proc_and_sys_is_told_so_and_nothing_panics() {
    let (_folder, machine) = machine_of(&[]);
    assert!(machine.findings().iter().any(|line| line.state == Refused));
}

#[test]
fn a_limit_of_locked_memory_that_may_be_raised_is_no_lack() {
    let (_folder, machine) = machine_of(&[
        ("proc/sys/kernel/osrelease", "5.10.0"),
        ("proc/self/limits", LIMITS),
        ("proc/self/status", ALL),
    ]);
    assert_eq!(machine.locked_memory().state, On);
}
