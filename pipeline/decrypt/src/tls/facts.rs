//! What a handshake says in clear or shows once it is opened.

use std::borrow::Cow;

use model::{Direction, Family, ProtocolInfo, ShortText, Timestamp};

use super::certificate::Certificate;
use crate::crypto::CipherSuite;

/// Handshakes are exchanges of this protocol.
pub static INFO: ProtocolInfo = ProtocolInfo {
    name: "tls",
    family: Family::Other,
    system: "tls",
    specification: "RFC 8446, RFC 5246",
    ports: &[443],
};

/// What is known of the TLS of one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The negotiated version, as on the wire (`0x0304`); 0 if not seen.
    pub version: u16,
    /// The negotiated cipher suite; 0 if not seen.
    pub suite: u16,
    /// The name the client asked for; empty if it said none.
    pub server_name: String,
    /// The protocol agreed on; empty if none was, or it is sealed.
    pub alpn: ShortText,
    /// Whom the server says it is; `None` if its certificate is sealed, or it sent none.
    pub certificate: Option<Box<Certificate>>,
}

impl Facts {
    /// The version in words: `1.2`, `1.3`; empty if not seen.
    pub const fn version_name(&self) -> &'static str {
        version_name(self.version)
    }

    /// The suite by its name in the registry, or by its number; empty if not seen.
    pub fn suite_name(&self) -> Cow<'static, str> {
        match (self.suite, CipherSuite::of(self.suite)) {
            (_, Some(suite)) => suite.name.into(),
            (0, None) => "".into(),
            (number, None) => format!("{number:#06x}").into(),
        }
    }
}

/// A version in words; drafts of TLS 1.3 are TLS 1.3.
pub const fn version_name(version: u16) -> &'static str {
    match version {
        0x0300 => "SSL 3.0",
        0x0301 => "1.0",
        0x0302 => "1.1",
        0x0303 => "1.2",
        0x0304 | 0x7F00..=0x7FFF => "1.3",
        _ => "",
    }
}

/// A handshake that is over, well or not. Renegotiations are none of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The direction in which the client sends.
    pub client: Direction,
    /// First byte of the client's hello.
    pub start: Timestamp,
    /// First byte of the server's answer, if there was one.
    pub answered: Option<Timestamp>,
    /// Last byte of the last message; unknown if it broke off.
    pub end: Option<Timestamp>,
    /// Record bytes of both sides, the client's first.
    pub bytes: [u64; 2],
    /// How it ended.
    pub outcome: Outcome,
}

/// How a handshake ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Both sides finished.
    Done,
    /// One side sent this alert; `None` if it is sealed.
    Alert(Option<u8>),
    /// The connection ended before.
    BrokenOff,
    /// Nobody knows: bytes are missing.
    Missed,
}
