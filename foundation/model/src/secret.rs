//! A secret that opens sealed bytes.

use std::fmt;

use crate::time::Timestamp;

/// A secret of a TLS or QUIC handshake, as a tap found it. Borrowed from the tap's buffer, which is
/// wiped after it: who keeps a copy wipes that too, and nobody prints one.
#[derive(Clone, Copy)]
pub struct Secret<'a> {
    /// When it was found; unknown for a key log file.
    pub at: Timestamp,
    /// Which one.
    pub label: SecretLabel,
    /// The random of the client's hello, if the source says to which handshake it belongs.
    pub client_random: Option<&'a [u8; 32]>,
    /// The process whose memory held it; 0 if not known.
    pub pid: u32,
    /// 48 bytes for a master secret, the length of the hash for the others.
    pub bytes: &'a [u8],
}

/// Which secret of a handshake: the labels of the NSS key log format (RFC 9850).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SecretLabel {
    /// The master secret, TLS 1.2 and before: `CLIENT_RANDOM`.
    Master,
    /// Early data: `CLIENT_EARLY_TRAFFIC_SECRET`.
    ClientEarlyTraffic,
    /// `CLIENT_HANDSHAKE_TRAFFIC_SECRET`.
    ClientHandshakeTraffic,
    /// `SERVER_HANDSHAKE_TRAFFIC_SECRET`.
    ServerHandshakeTraffic,
    /// `CLIENT_TRAFFIC_SECRET_0`.
    ClientTraffic,
    /// `SERVER_TRAFFIC_SECRET_0`.
    ServerTraffic,
}

impl SecretLabel {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Master,
        Self::ClientEarlyTraffic,
        Self::ClientHandshakeTraffic,
        Self::ServerHandshakeTraffic,
        Self::ClientTraffic,
        Self::ServerTraffic,
    ];

    /// The word of the key log format.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Master => "CLIENT_RANDOM",
            Self::ClientEarlyTraffic => "CLIENT_EARLY_TRAFFIC_SECRET",
            Self::ClientHandshakeTraffic => "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
            Self::ServerHandshakeTraffic => "SERVER_HANDSHAKE_TRAFFIC_SECRET",
            Self::ClientTraffic => "CLIENT_TRAFFIC_SECRET_0",
            Self::ServerTraffic => "SERVER_TRAFFIC_SECRET_0",
        }
    }

    /// Reads the word; QUIC stacks once wrote theirs with `QUIC_` before it. `None` for secrets
    /// that open no record (exporters, ECH).
    pub fn named(word: &[u8]) -> Option<Self> {
        let word = word.strip_prefix(b"QUIC_").unwrap_or(word);
        Self::ALL.into_iter().find(|label| label.as_str().as_bytes() == word)
    }
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of process {}", self.label.as_str(), self.pid)
    }
}
