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

/// A service, or an address nobody here owns. What people see in every table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entity {
    /// Service name (`service.name`).
    pub name: String,
    /// Which rule gave the name: `OTEL_SERVICE_NAME`, `systemd unit`, `executable`, `address`, …
    pub reason: String,
    /// `service.namespace`; may be empty.
    pub namespace: String,
    /// `service.instance.id`: stable for one container or one process group on this host.
    pub instance: String,
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
    /// Container id; empty if none.
    pub container: String,
    /// systemd unit; empty if none.
    pub unit: String,
    /// True if the entity runs on this host and in scope; false for a peer known by address only.
    pub local: bool,
}
