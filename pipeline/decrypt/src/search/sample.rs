//! What a search is for: sealed records of one direction of a connection.

use model::{ConnectionId, Direction};

/// Neighbouring sealed records of one direction, on which a key is proven.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The connection.
    pub connection: ConnectionId,
    /// The way the records went.
    pub direction: Direction,
    /// Which protocol sealed them.
    pub kind: SampleKind,
    /// Whole records that follow each other, oldest first. Two prove an AEAD key, and the shorter
    /// they are the cheaper; CBC wants eight.
    pub records: Vec<SealedRecord>,
    /// No record of the direction can have a sequence number above this: bytes sent so far, by the
    /// shortest record. `None` if nobody knows.
    pub sequence_max: Option<u64>,
}

/// The protocol of the records, and what the handshake said of it, if it was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SampleKind {
    /// TLS records: five bytes of header and the body (RFC 8446, section 5.2; RFC 5246, 6.2.3).
    Tls {
        /// The negotiated version, such as 0x0304.
        version: Option<u16>,
        /// The negotiated cipher suite, such as 0x1301.
        suite: Option<u16>,
    },
    /// QUIC packets with a short header (RFC 9000, section 17.3), as they stand in the datagram.
    Quic {
        /// Length of the destination connection id.
        connection_id_bytes: Option<u8>,
    },
}

/// One sealed record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRecord {
    /// How the opener knows it: neighbours in the stream have neighbouring numbers.
    pub number: u64,
    /// All of it, the header included.
    pub bytes: Vec<u8>,
}
