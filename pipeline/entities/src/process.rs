//! What a source tells about one process, before anyone has named it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use crate::variables::Environment;

/// Longest service name kept, in bytes: twice the longest Kubernetes name (63) and a little.
pub const NAME_BYTES_MAX: usize = 128;

/// One process of the host. The pid alone is no identity: pids are reused, the pair with `start`
/// is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Process id in the agent's pid namespace.
    pub pid: u32,
    /// Start time in clock ticks since boot.
    pub start: u64,
    /// Parent's process id.
    pub parent: u32,
    /// Command name, at most 15 bytes; programs may change it.
    pub command: String,
    /// Path of the executable in the process's own file tree; empty if it could not be read.
    pub executable: String,
    /// Arguments as they are now; a program may have overwritten them with a title. Not masked:
    /// never hand them on.
    pub argv: Vec<String>,
    /// Working directory; empty if it could not be read.
    pub directory: String,
    /// The variables that can name a service.
    pub environment: Environment,
    /// Path of the control group, v2 if there is one.
    pub cgroup: String,
    /// Container id; empty if none.
    pub container: String,
    /// Language and runtime.
    pub runtime: Runtime,
    /// What the runtime's files say about the container.
    pub labels: Option<Arc<Labels>>,
    /// systemd unit of the system's manager; empty if none.
    pub unit: String,
    /// systemd unit of a user's manager; empty if none.
    pub user_unit: String,
    /// The innermost systemd slice; empty if none.
    pub slice: String,
    /// True if the agent runs in the same unit: such a unit names a session, not a service.
    pub shares_agents_unit: bool,
    /// Inode of the network namespace; 0 if it could not be read.
    pub network_namespace: u64,
}

/// What a program was written in and what runs it. Text that is not known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runtime {
    /// As `telemetry.sdk.language` spells it.
    pub language: &'static str,
    /// What runs the program: `cpython`, `hotspot`, `node`, …
    pub name: &'static str,
    /// Version of the runtime, or of the compiler where the runtime is part of the program.
    pub version: String,
    /// Who built the runtime.
    pub vendor: String,
    /// What the program's own build calls it: the path of a Go main package.
    pub program: String,
    /// Version of the program, if its build says so.
    pub program_version: String,
}

/// A container as the files of its runtime describe it. Text that is not known is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels {
    /// Name of the container.
    pub name: String,
    /// Image it was made from, as it was asked for.
    pub image: String,
    /// Pod it belongs to.
    pub pod: String,
    /// The pod's namespace.
    pub pod_namespace: String,
    /// Labels and annotations, the pod's and the container's own; only keys that may name a
    /// service.
    pub pairs: BTreeMap<String, String>,
}

/// An address a process listens on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Listen {
    /// IP protocol number: 6 or 17.
    pub protocol: u8,
    /// The bound address; unspecified for a wildcard.
    pub address: SocketAddr,
}

impl Listen {
    /// TCP's protocol number.
    pub const TCP: u8 = 6;
    /// UDP's protocol number.
    pub const UDP: u8 = 17;

    /// `ip:port`, and `/udp` behind it for UDP.
    pub fn label(&self) -> String {
        match self.protocol {
            Self::UDP => format!("{}/udp", self.address),
            _ => self.address.to_string(),
        }
    }
}

/// Files as a process sees them, for names that stand beside a program. Reading is bounded, and
/// whatever is no plain file is not there.
pub trait Files {
    /// The whole file, or `None` if it is not a plain file, too large or not text.
    fn read(&self, path: &Path) -> Option<String>;

    /// Names in a folder, sorted; none if it is no folder, and a bounded number of them.
    fn list(&self, folder: &Path) -> Vec<String>;

    /// Bytes of a plain file of any size: at most `length` of them from `offset`, which counts
    /// from the end if it is negative; and the size of the file.
    fn part(&self, path: &Path, offset: i64, length: usize) -> Option<(Vec<u8>, u64)>;
}

/// Sees no files; for sources that have none, and for tests.
impl Files for () {
    fn read(&self, _path: &Path) -> Option<String> {
        None
    }

    fn list(&self, _folder: &Path) -> Vec<String> {
        Vec::new()
    }

    fn part(&self, _path: &Path, _offset: i64, _length: usize) -> Option<(Vec<u8>, u64)> {
        None
    }
}
