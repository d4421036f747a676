//! QUIC versions 1 and 2 from the wire side: datagrams in, chunks of streams in clear out.
//!
//! ```text
//! Datagram ─▶ opener ─▶ connection ─▶ keys ─▶ payload ─▶ streams ─StreamChunk─▶
//!             which?    level, side    │ none    └▶ hello: name, protocol, which secret
//!                                      └▶ waiting, until a secret comes
//! ```
//! Initial packets are sealed with what stands in them (RFC 9001 §5.2): who is meant and what is
//! offered is always seen, and a datagram that opens so is QUIC for certain. `packet`, `number` and
//! `frame` read the wire, `version` holds what versions 1 and 2 have apart, `assembly` puts the
//! pieces of a stream in order.

mod assembly;
mod connection;
mod frame;
mod hello;
mod keys;
mod late;
mod news;
mod number;
mod opener;
mod packet;
mod payload;
mod progress;
mod run;
mod streams;
mod tried;
mod version;
mod waiting;

pub use news::News;
pub use opener::{Counters, Datagram, Flow, Handle, Opener, Tell, may_begin};

#[cfg(test)]
mod tests;
