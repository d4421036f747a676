//! The key-log tap: secrets of TLS handshakes, taken where a program hands them to its key log.
//!
//! One probe a binary, placed by [`locate`] on a proven instruction; it fires once or a few times a
//! handshake. It takes the bytes of files and the processes of the scope, and gives
//! [`model::Secret`]s. It opens nothing: what a secret opens is the decrypt stage's to find out.

mod anchor;
mod bytes;
mod catalog;
mod closer;
mod code;
mod engines;
mod files;
mod golang;
pub mod hooks;
mod image;
mod locate;
mod probe;
mod scan;
mod secrets;
mod walk;
mod watch;

pub use anchor::{Anchor, Engine, Gap, Label, Located, Place, Random, Register};
pub use bytes::Bytes;
pub use locate::locate;
pub use secrets::{SecretCounters, Secrets};
pub use watch::{Found, WatchCounters, Watcher};

#[cfg(test)]
mod tests;
