//! Linux: the processes of the scope, from `/proc` and the control groups.
//!
//! [`Scanner`] owns the walk; [`read`] turns files into a [`Process`](crate::Process), [`scope`]
//! lists process ids, [`sockets`] finds out who listens.

mod read;
mod scanner;
mod scope;
mod sockets;

pub use scanner::{ScanSummary, Scanner};
pub use scope::Scope;

#[cfg(test)]
mod tests;
