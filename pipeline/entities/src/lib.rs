//! Who speaks: from a process id, a listening address or a bare address to a named service.
//!
//! The [`Scanner`] (Linux) walks the processes of the scope every few hundred milliseconds and
//! writes what it finds into the [`Directory`]; workers ask the directory once per connection.
//! Where facts and names come from is listed in [`sources`]; which name wins, in [`resolve`].
//!
//! Takes: process ids and addresses. Gives: [`model::EntityId`] and [`model::Entity`]. It reads
//! `/proc`, and through it the few files of a process that name it; it sends nothing and keeps no
//! secret: arguments are masked before they are stored, and of an environment only the variables
//! of a list ([`variables::VARIABLES`]) are ever copied.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "only Linux has a scanner so far")
)]

pub mod directory;
pub mod mask;
pub mod process;
pub mod resolve;
pub mod sources;
pub mod variables;

mod known;
mod listening;
mod records;
#[cfg(target_os = "linux")]
mod roster;
mod told;

pub use directory::{Directory, Refused};
pub use process::{Files, Labels, Listen, Process, Runtime};
#[cfg(target_os = "linux")]
pub use sources::procfs::{ScanSummary, Scanner, Scope};
pub use variables::Environment;
