//! TLS 1.0 to 1.3, from the wire side.
//!
//! ```text
//! Chunk ─▶ framing ─Record─▶ opener ──▶ records ─content─▶ Chunk in clear
//!                              │  ring: waits for a key      ▲
//!                              └──▶ unlock ─── keys ─────────┘
//! ```
//! `framing` cuts a stream into records, `opener` is one connection, `records` says what becomes of
//! a record, `unlock` tries secrets, `keys` opens. `messages`, `handshake` and `negotiation` follow
//! the handshake, `account` books what is not content.

mod account;
pub(crate) mod certificate;
mod facts;
mod framing;
pub(crate) mod handshake;
mod hello;
mod keys;
pub(crate) mod messages;
mod negotiation;
mod opener;
mod progress;
mod reader;
mod record;
mod records;
mod ring;
mod samples;
mod stream;
mod unlock;

pub use certificate::Certificate;
pub use facts::{Facts, Handshake, INFO, Outcome, version_name};
pub use handshake::alert_name;
pub use opener::{Attention, Clear, Opener};

#[cfg(test)]
mod tests;
