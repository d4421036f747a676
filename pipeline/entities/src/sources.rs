//! Where facts and names come from: one file or folder per source.
//!
//! A source of names is a function from what is known about a process to a name, and a line in
//! [`SOURCES`]; the order of the lines is the precedence. Container and orchestrator names stand
//! between the environment and the platform. [`procfs`] is the source of the facts themselves on
//! Linux.

use crate::process::{Files, Process};
use crate::resolve::Named;

pub mod cgroup;
pub mod command;
pub mod container;
pub mod environment;
pub mod executable;
pub mod kubernetes;
pub mod runtime;
pub mod systemd;

mod archive;
mod script;
mod telling;
pub(crate) mod title;
mod words;
mod wrapper;

// The one door to what only Linux has.
#[cfg(target_os = "linux")]
pub mod procfs;

/// One way to name a process.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// Its name in messages.
    pub label: &'static str,
    /// Looks at the process and gives a name, or nothing if this source has none for it.
    pub name: fn(&Process, &dyn Files) -> Option<Named>,
}

/// Every source of names, the strongest first.
pub const SOURCES: &[Source] = &[
    Source { label: "environment", name: environment::name },
    Source { label: "container", name: container::names::name },
    Source { label: "platform", name: environment::platform },
    Source { label: "supervisor", name: environment::supervisor },
    Source { label: "systemd", name: systemd::name },
    Source { label: "command", name: command::name },
    Source { label: "systemd, for servers of applications", name: systemd::host },
    Source { label: "go module", name: runtime::name },
    Source { label: "executable", name: executable::name },
];
