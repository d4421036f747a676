//! What the files of a container's runtime say about it: name, image, pod, labels.
//!
//! Nothing is asked of a daemon. Takes the host's files and an id, gives [`Labels`]; a file that
//! is missing, too large or not what it should be is passed over in silence. Of labels and
//! annotations only keys listed in [`names`](super::names) are kept.

use std::path::Path;

use serde_json::Value;

use super::names;
use crate::process::{Files, Labels};

/// Most bytes taken of one file: a container's configuration has some tens of KiB, the list of all
/// of Podman's containers some hundreds.
const FILE_BYTES_MAX: usize = 1 << 20;
/// Folders looked into where the path leaves one open: containerd's namespaces.
const NAMESPACES_MAX: usize = 16;
/// Bytes kept of one value.
const VALUE_BYTES_MAX: usize = 256;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Docker's own: <https://github.com/moby/moby/blob/master/daemon/container/container.go>.
    Docker,
    /// An OCI bundle: <https://github.com/opencontainers/runtime-spec/blob/main/config.md>.
    Bundle,
    /// The list of containers of containers/storage, which Podman and CRI-O use.
    Storage,
}

/// Where runtimes keep such files, the most telling first. `{id}` stands for the container's id,
/// `*` for any one folder.
const PLACES: &[(&str, Form)] = &[
    ("/var/lib/docker/containers/{id}/config.v2.json", Form::Docker),
    ("/var/snap/docker/common/var-lib-docker/containers/{id}/config.v2.json", Form::Docker),
    ("/run/containerd/io.containerd.runtime.v2.task/*/{id}/config.json", Form::Bundle),
    ("/run/k3s/containerd/io.containerd.runtime.v2.task/*/{id}/config.json", Form::Bundle),
    ("/run/k0s/containerd/io.containerd.runtime.v2.task/*/{id}/config.json", Form::Bundle),
    (
        "/var/snap/microk8s/common/run/containerd/io.containerd.runtime.v2.task/*/{id}/config.json",
        Form::Bundle,
    ),
    ("/run/containers/storage/overlay-containers/{id}/userdata/config.json", Form::Bundle),
    ("/var/lib/containers/storage/overlay-containers/{id}/userdata/config.json", Form::Bundle),
    ("/var/lib/containers/storage/vfs-containers/{id}/userdata/config.json", Form::Bundle),
    ("/var/lib/containers/storage/overlay-containers/containers.json", Form::Storage),
    ("/var/lib/containers/storage/overlay-containers/volatile-containers.json", Form::Storage),
    ("/run/containers/storage/overlay-containers/volatile-containers.json", Form::Storage),
];

/// Links of kubelet to the logs of all containers: `<pod>_<namespace>_<container>-<id>.log`.
const LOG_LINKS: &str = "/var/log/containers";
/// Its folders of logs: `<namespace>_<pod>_<uid>`.
const LOG_FOLDERS: &str = "/var/log/pods";

/// A fact that a well-known key holds.
#[derive(Clone, Copy)]
enum Fact {
    Name,
    Image,
    Pod,
    PodNamespace,
    Sandbox,
    /// Labels or annotations of CRI-O, as JSON in one value.
    Pairs,
}

/// Keys by which runtimes say what is not the operator's to say.
const FACTS: &[(&str, Fact)] = &[
    ("io.kubernetes.cri.container-name", Fact::Name),
    ("io.kubernetes.cri.image-name", Fact::Image),
    ("io.kubernetes.cri.sandbox-id", Fact::Sandbox),
    ("io.kubernetes.cri.sandbox-name", Fact::Pod),
    ("io.kubernetes.cri.sandbox-namespace", Fact::PodNamespace),
    ("io.kubernetes.container.name", Fact::Name),
    ("io.kubernetes.pod.name", Fact::Pod),
    ("io.kubernetes.pod.namespace", Fact::PodNamespace),
    ("io.kubernetes.sandbox.id", Fact::Sandbox),
    ("io.kubernetes.cri-o.Annotations", Fact::Pairs),
    ("io.kubernetes.cri-o.ImageName", Fact::Image),
    ("io.kubernetes.cri-o.Labels", Fact::Pairs),
    ("io.kubernetes.cri-o.SandboxID", Fact::Sandbox),
    ("nerdctl/name", Fact::Name),
    ("nerdctl/image-ref", Fact::Image),
];

/// What is known of a container before its files are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted<'a> {
    /// Its id; empty if only the pod is known.
    pub id: &'a str,
    /// Id of the pod's sandbox; empty if not known.
    pub sandbox: &'a str,
    /// Uid of the pod; empty if not known.
    pub pod_uid: &'a str,
}

/// What has been read, and the sandbox that may say more.
#[derive(Default)]
struct Found {
    labels: Labels,
    sandbox: String,
}

/// Looks through the files of each host in turn; `None` if none of them knows the container.
pub fn read(hosts: &[&dyn Files], wanted: Wanted<'_>) -> Option<Labels> {
    hosts.iter().find_map(|files| read_host(*files, wanted))
}

fn read_host(files: &dyn Files, wanted: Wanted<'_>) -> Option<Labels> {
    let mut found = Found { sandbox: wanted.sandbox.to_owned(), ..Found::default() };
    if super::is_id(wanted.id) {
        look(files, wanted.id, &mut found);
    }
    // A pod's labels stand with its sandbox; those of the container itself count more.
    if super::is_id(&found.sandbox) && found.sandbox != wanted.id {
        let mut pod = Found::default();
        look(files, &found.sandbox, &mut pod);
        fill(&mut found.labels.pod, &pod.labels.pod);
        fill(&mut found.labels.pod_namespace, &pod.labels.pod_namespace);
        for (key, value) in pod.labels.pairs {
            found.labels.pairs.entry(key).or_insert(value);
        }
    }
    if found.labels.pod.is_empty() {
        by_logs(files, wanted, &mut found.labels);
    }
    (found.labels != Labels::default()).then_some(found.labels)
}

/// Reads every file that may know the container until one says what it is called.
fn look(files: &dyn Files, id: &str, found: &mut Found) {
    for (place, form) in PLACES {
        let path = place.replace("{id}", id);
        let paths = match path.split_once('*') {
            None => vec![path],
            Some((before, after)) => {
                let namespaces = files.list(Path::new(before)).into_iter().take(NAMESPACES_MAX);
                namespaces.map(|name| format!("{before}{name}{after}")).collect()
            }
        };
        for path in paths {
            let Some((bytes, size)) = files.part(Path::new(&path), 0, FILE_BYTES_MAX) else {
                continue;
            };
            let is_whole = size <= FILE_BYTES_MAX as u64;
            let Some(value) = is_whole.then(|| serde_json::from_slice(&bytes).ok()).flatten()
            else {
                continue;
            };
            found.take(*form, &value, id);
            if !found.labels.name.is_empty() {
                return;
            }
        }
    }
}

impl Found {
    fn take(&mut self, form: Form, value: &Value, id: &str) {
        match form {
            Form::Docker => {
                self.pairs(value.pointer("/Config/Labels"));
                let name = text(value.pointer("/Name")).trim_start_matches('/');
                fill(&mut self.labels.name, name);
                fill(&mut self.labels.image, text(value.pointer("/Config/Image")));
            }
            Form::Bundle => self.pairs(value.pointer("/annotations")),
            Form::Storage => {
                let is_it = |entry: &&Value| text(entry.get("id")) == id;
                let mut entries = value.as_array().into_iter().flatten();
                let Some(entry) = entries.find(is_it) else {
                    return;
                };
                let metadata = text(entry.get("metadata"));
                let metadata: Value = serde_json::from_str(metadata).unwrap_or_default();
                fill(&mut self.labels.image, text(metadata.get("image-name")));
                fill(&mut self.labels.name, text(metadata.get("container-name")));
                fill(&mut self.labels.name, text(metadata.get("name")));
                fill(&mut self.labels.name, text(entry.pointer("/names/0")));
            }
        }
    }

    /// Labels or annotations: facts are put in their place, what may name a service is kept.
    fn pairs(&mut self, pairs: Option<&Value>) {
        for (key, value) in pairs.and_then(Value::as_object).into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            match FACTS.iter().find(|(known, _)| known == key) {
                Some((_, Fact::Name)) => fill(&mut self.labels.name, value),
                Some((_, Fact::Image)) => fill(&mut self.labels.image, value),
                Some((_, Fact::Pod)) => fill(&mut self.labels.pod, value),
                Some((_, Fact::PodNamespace)) => fill(&mut self.labels.pod_namespace, value),
                Some((_, Fact::Sandbox)) => fill(&mut self.sandbox, value),
                // One level only: what is inside has no such key.
                Some((_, Fact::Pairs)) => {
                    let inner: Value = serde_json::from_str(value).unwrap_or_default();
                    let inner = inner.as_object().into_iter().flatten();
                    for (key, value) in inner {
                        self.keep(key, value.as_str().unwrap_or_default());
                    }
                }
                None => self.keep(key, value),
            }
        }
    }

    fn keep(&mut self, key: &str, value: &str) {
        let value = value.trim();
        if names::is_kept(key) && !value.is_empty() {
            self.labels.pairs.insert(key.to_owned(), clipped(value).to_owned());
        }
    }
}

/// The names of kubelet's logs, for whom nothing else was found.
fn by_logs(files: &dyn Files, wanted: Wanted<'_>, labels: &mut Labels) {
    if wanted.pod_uid.is_empty() {
        return;
    }
    let end = format!("-{}.log", wanted.id);
    let links = files.list(Path::new(LOG_LINKS));
    let mut links = links.iter().filter_map(|link| link.strip_suffix(&end));
    if let Some(link) = links.next().filter(|_| !wanted.id.is_empty()) {
        let mut parts = link.splitn(3, '_');
        fill(&mut labels.pod, parts.next().unwrap_or_default());
        fill(&mut labels.pod_namespace, parts.next().unwrap_or_default());
        fill(&mut labels.name, parts.next().unwrap_or_default());
    }
    let end = format!("_{}", wanted.pod_uid);
    let folders = files.list(Path::new(LOG_FOLDERS));
    let mut folders = folders.iter().filter_map(|folder| folder.strip_suffix(&end));
    if let Some((namespace, pod)) = folders.next().and_then(|folder| folder.split_once('_')) {
        fill(&mut labels.pod, pod);
        fill(&mut labels.pod_namespace, namespace);
    }
}

/// Takes a fact that was not known yet.
fn fill(slot: &mut String, value: &str) {
    if slot.is_empty() {
        clipped(value.trim()).clone_into(slot);
    }
}

fn text(value: Option<&Value>) -> &str {
    value.and_then(Value::as_str).unwrap_or_default()
}

fn clipped(value: &str) -> &str {
    value.get(..value.floor_char_boundary(VALUE_BYTES_MAX)).unwrap_or(value)
}

#[cfg(test)]
mod tests;
