//! Which processes are looked at.

use std::fs;
use std::path::{Path, PathBuf};

/// The processes the agent may look at. Outside it nothing is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every process of the host.
    Host,
    /// Processes of these control group v2 directories (absolute paths) and of those below them.
    Cgroups(Vec<PathBuf>),
}

/// Control groups walked per scan; a large node has some thousands.
const CGROUPS_MAX: usize = 16_384;

/// Process ids taken per scan.
const PROCESSES_MAX: usize = 1 << 17;

impl Scope {
    /// Writes the process ids of the scope into `pids`, in order and each once. Gives how many
    /// control groups or processes were left out because there are too many.
    pub(super) fn list(&self, proc: &Path, pids: &mut Vec<u32>) -> u64 {
        pids.clear();
        let mut refused = match self {
            Self::Host => {
                list_proc(proc, pids);
                0
            }
            Self::Cgroups(directories) => list_cgroups(directories, pids),
        };
        pids.sort_unstable();
        pids.dedup();
        refused += pids.len().saturating_sub(PROCESSES_MAX) as u64;
        pids.truncate(PROCESSES_MAX);
        refused
    }
}

fn list_proc(proc: &Path, pids: &mut Vec<u32>) {
    let entries = fs::read_dir(proc).into_iter().flatten().flatten();
    pids.extend(entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()));
}

fn list_cgroups(directories: &[PathBuf], pids: &mut Vec<u32>) -> u64 {
    let mut waiting = directories.to_vec();
    let mut walked = 0;
    while let Some(directory) = waiting.pop() {
        if walked == CGROUPS_MAX {
            return waiting.len() as u64 + 1;
        }
        walked += 1;
        // A group that is gone gives nothing, nor does a threaded one: its parent lists for it.
        if let Ok(text) = fs::read_to_string(directory.join("cgroup.procs")) {
            // 0 stands for a process of an outer pid namespace.
            let listed = text.lines().filter_map(|line| line.trim().parse().ok());
            pids.extend(listed.filter(|&pid: &u32| pid != 0));
        }
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        let below = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        waiting.extend(below.map(|entry| entry.path()));
    }
    0
}
