//! Opens sealed bytes: TLS records and QUIC packets, with secrets taken elsewhere.
//!
//! A secret is believed only when it opens a record (AEAD tag, or MAC). Nothing here reads a clock
//! or does I/O, and no secret is printed, logged or kept after its connection.
#![forbid(unsafe_code)]

pub mod crypto;
mod keyring;
pub mod quic;
pub mod search;
pub mod tls;

pub use keyring::{Keyring, KeyringCounters, Sources};
