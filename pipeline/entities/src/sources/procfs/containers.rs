//! Which container a process is in, and what the files of its runtime say about that: read once
//! per container.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::files::ProcessFiles;
use super::read::ProcFs;
use super::scope::Scope;
use crate::process::{Files, Labels};
use crate::sources::cgroup::Place;
use crate::sources::container::files::{self, Wanted};
use crate::sources::container::mounts::{self, Mounted};

/// Containers remembered. A node runs some hundreds; beyond this all are forgotten and read again.
const CONTAINERS_MAX: usize = 4_096;
/// Ancestors looked at for one that stands outside of the container.
const ANCESTORS_MAX: u32 = 16;

/// See the module's documentation.
#[derive(Debug, Default)]
pub(super) struct Containers {
    /// Where runtimes keep their files: the host's root as the agent sees it, then as its first
    /// process does.
    roots: Vec<PathBuf>,
    /// False if processes outside of the scope must not be asked for their view of the files.
    may_ask_others: bool,
    /// By container id, or by pod uid and name where that is all there is.
    known: HashMap<String, Option<Arc<Labels>>>,
}

/// What is known of a process's container.
#[derive(Debug, Default)]
pub(super) struct Contained {
    pub(super) id: String,
    pub(super) labels: Option<Arc<Labels>>,
}

impl Containers {
    /// The host's files lie beside its `/proc`, also where both are mounted elsewhere.
    pub(super) fn new(proc: &Path, scope: &Scope) -> Self {
        let may_ask_others = *scope == Scope::Host;
        let beside = proc.parent().map(Path::to_owned);
        let first = may_ask_others.then(|| proc.join("1/root"));
        let roots = beside.into_iter().chain(first).collect();
        Self { roots, may_ask_others, known: HashMap::new() }
    }

    /// The container of a process, by its place or else by what is mounted in it.
    pub(super) fn look(&mut self, proc: &mut ProcFs, pid: u32, place: &Place) -> Contained {
        let mut mounted = Mounted { id: place.container.clone(), ..Mounted::default() };
        if mounted.id.is_empty() && place.is_root() {
            mounted = mounts::read(&proc.mounts(pid));
        }
        if mounted.pod_uid.is_empty() {
            mounted.pod_uid.clone_from(&place.pod_uid);
        }
        if mounted.id.is_empty() && mounted.pod_uid.is_empty() {
            return Contained::default();
        }
        let key = match mounted.id.as_str() {
            "" => format!("{}/{}", mounted.pod_uid, mounted.container_name),
            id => id.to_owned(),
        };
        if let Some(labels) = self.known.get(&key) {
            return Contained { id: mounted.id, labels: labels.clone() };
        }
        let labels = self.read(proc, pid, &mounted).map(Arc::new);
        if self.known.len() >= CONTAINERS_MAX {
            self.known.clear();
        }
        self.known.insert(key, labels.clone());
        Contained { id: mounted.id, labels }
    }

    fn read(&self, proc: &mut ProcFs, pid: u32, mounted: &Mounted) -> Option<Labels> {
        let Mounted { id, sandbox, pod_uid, container_name } = mounted;
        let wanted = Wanted { id, sandbox, pod_uid };
        let roots = self.roots.iter().cloned().map(ProcessFiles::new).collect::<Vec<_>>();
        let hosts: Vec<&dyn Files> = roots.iter().map(|files| files as &dyn Files).collect();
        let mut labels = files::read(&hosts, wanted);
        if labels.is_none() && self.may_ask_others {
            // The runtime of a container in a container keeps its files in the outer one.
            let around = outside(proc, pid, id);
            labels = around.and_then(|pid| files::read(&[&proc.files(pid)], wanted));
        }
        if !container_name.is_empty() {
            let labels = labels.get_or_insert_default();
            labels.name.clone_from(container_name);
        }
        labels
    }
}

/// The closest ancestor that is not in the container: the shim that started it.
fn outside(proc: &mut ProcFs, pid: u32, container: &str) -> Option<u32> {
    let mut pid = pid;
    for _ in 0..ANCESTORS_MAX {
        pid = proc.stat(pid)?.parent;
        if pid == 0 {
            return None;
        }
        if proc.place(pid).container != container {
            return Some(pid);
        }
    }
    None
}
