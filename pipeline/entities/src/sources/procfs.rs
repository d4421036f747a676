//! Linux: the processes of the scope, from `/proc` and the control groups.
//!
//! [`Scanner`] owns the walk; [`read`] turns files into a [`Process`](crate::Process), [`files`]
//! shows a process's own files, [`containers`] and [`programs`] remember what is written down
//! about those, [`scope`] lists process ids, [`sockets`] finds out who listens.

mod containers;
mod files;
mod programs;
mod read;
mod scanner;
mod scope;
mod sockets;

pub use scanner::{ScanSummary, Scanner};
pub use scope::Scope;

#[cfg(test)]
mod tests;
