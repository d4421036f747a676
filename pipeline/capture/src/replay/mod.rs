//! The replay tap: a capture file in, [`model::TapEvent`]s out, on any system, without privileges.
//!
//! Takes pcap and pcapng, plain or gzip-compressed, and gives every TCP segment and UDP datagram
//! in file order. `file` opens the file and says what it is, `blocks` reads it; `pcap` and `pcapng`
//! cut it into packets; `link`, `ip`, `fragments`, `tunnel` and `transport` peel the layers, driven
//! by `decoder`, which also accounts for every packet in a [`ReplaySummary`].
//!
//! Bytes are never trusted: a lying length neither allocates nor panics, a damaged file gives the
//! packets before the damage and a [`Warning`]. What this tap does not do: put segments in order,
//! drop duplicates, verify checksums (offload leaves them wrong in most captures).

mod blocks;
mod decoder;
mod error;
mod file;
mod fragments;
mod interface;
mod ip;
mod key_log;
mod link;
mod pcap;
mod pcapng;
mod span;
mod summary;
mod transport;
mod tunnel;

pub use error::ReplayError;
pub use file::Replay;
pub use key_log::{KeyLogSummary, read_key_log};
pub use summary::{Damage, ReplaySummary, UnsupportedLink, Warning};
