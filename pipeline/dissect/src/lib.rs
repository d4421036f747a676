//! Bytes in order → exchanges.
//!
//! Read `protocol.rs` first (the two traits), then `protocols/template` (the smallest), then
//! `dissector.rs` (one per connection: chunk in, exchanges out) and `classify.rs` (which protocol
//! is it?). Adding a protocol is one folder and one word in `protocols.rs`; nothing else here or
//! later changes.
#![forbid(unsafe_code)]

pub mod bytes;
mod classify;
mod dissector;
mod http;
pub mod multiplexed;
pub mod naming;
pub mod pairing;
mod prepared;
pub mod protocol;
pub mod protocols;
pub mod rider;
mod sni;

pub use dissector::{Counters, Dissector, Handover, Wants};
pub use multiplexed::Streams;
pub use protocol::{AddressNamed, Output, Protocol, Session, Sink, Transport};
pub use protocols::PROTOCOLS;

// The template is in no build but this one: its cases are played here.
#[cfg(test)]
extern crate self as dissect;
#[cfg(test)]
#[path = "../tests/cases.rs"]
mod cases;
