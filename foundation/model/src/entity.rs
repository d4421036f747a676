//! Who speaks.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// An interned [`Entity`], valid in the directory that made it. Small and dense.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntityId(pub u32);

impl EntityId {
    /// Stands for all that found no room of their own in a bounded table; no directory makes it.
    pub const OTHER: Self = Self(u32::MAX);
}

/// Says who an [`EntityId`] stands for. The entities stage answers, later stages ask.
pub trait Directory {
    /// The entity as it is known now. An id the directory did not make gives an empty entity.
    fn entity(&self, id: EntityId) -> Arc<Entity>;
}

/// The process behind a socket, as far as the kernel could say when it was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Owner<'a> {
    /// Process id (thread group) in the agent's pid namespace; 0 if not known.
    pub pid: u32,
    /// Command name, for processes that are gone before anyone could ask.
    pub command: &'a str,
    /// Id of the cgroup v2 directory (its inode); 0 if not known.
    pub cgroup: u64,
    /// Network namespace cookie; 0 if not known.
    pub network_namespace: u64,
}

/// A service, or an address nobody here owns. What people see in every table. Text that is not
/// known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
pub struct Entity {
    /// Service name (`service.name`).
    pub name: String,
    /// Other names that hold as well: the applications that one server hosts.
    pub aliases: Vec<String>,
    /// Which rule gave the name: `OTEL_SERVICE_NAME`, `systemd unit`, `executable`, `address`, …
    pub reason: String,
    /// `service.namespace`; may be empty.
    pub namespace: String,
    /// `service.instance.id`: stable for one container or one process group on this host.
    pub instance: String,
    /// `service.version`, where the operator, the image or the program says it.
    pub version: String,
    /// Process ids now alive.
    pub pids: Vec<u32>,
    /// Path of the executable.
    pub executable: String,
    /// Arguments with secrets masked.
    pub arguments: String,
    /// Addresses it listens on: `ip:port`, with `/udp` behind it for UDP.
    pub listens: Vec<String>,
    /// Network namespace inode; 0 if not known.
    pub network_namespace: u64,
    /// Language, spelled as `telemetry.sdk.language`: `go`, `rust`, `cpp`, `java`, `nodejs`, …
    pub language: String,
    /// What runs the program (`process.runtime.name`): `cpython`, `hotspot`, `node`, `bun`, …
    pub runtime: String,
    /// Version of the runtime, or of the compiler where the runtime is part of the program.
    pub runtime_version: String,
    /// Who built the runtime, where it says so: `Debian`, `Eclipse Adoptium`.
    pub runtime_vendor: String,
    /// Container id.
    pub container: String,
    /// Name of the container (`container.name`, `k8s.container.name`).
    pub container_name: String,
    /// Image the container was made from, as it was asked for (`container.image.name`).
    pub image: String,
    /// Kubernetes pod (`k8s.pod.name`).
    pub pod: String,
    /// Namespace of the pod (`k8s.namespace.name`).
    pub pod_namespace: String,
    /// systemd unit of the system's manager.
    pub unit: String,
    /// systemd unit of a user's manager, which is itself the unit `user@<uid>.service`.
    pub user_unit: String,
    /// The innermost systemd slice.
    pub slice: String,
    /// True if the entity runs on this host and in scope; false for a peer known by address only.
    pub local: bool,
}
