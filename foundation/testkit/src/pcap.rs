//! Builds packets and capture files byte by byte, so that a test says what is on the wire.
//!
//! [`packet`] builds the layers from the inside out, [`mod@file`] writes pcap and pcapng of them,
//! and [`Conversation`] is a TCP connection that keeps its own sequence numbers. Lengths and
//! checksums are right unless the test overwrites the bytes.

pub mod conversation;
pub mod file;
pub mod packet;

pub use conversation::Conversation;
pub use file::{ByteOrder, PcapFile, PcapngFile};
