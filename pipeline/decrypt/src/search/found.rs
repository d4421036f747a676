//! What a search gives: a key that has opened a record.

use model::{ConnectionId, Direction};

use crate::crypto::{Cipher, KeyBytes};

/// A proven key of one direction of a connection.
#[derive(Clone, Debug)]
pub struct Found {
    /// The connection of the sample.
    pub connection: ConnectionId,
    /// The direction of the sample.
    pub direction: Direction,
    /// [`super::SealedRecord::number`] of the record it opened: sequence numbers below are of this
    /// record, so the next one has one more.
    pub record: u64,
    /// The key, by what it is the key of.
    pub opens: Opens,
}

impl Opens {
    /// The version of TLS that the key is of, as on the wire; 0 if it may be of several.
    pub const fn version(&self) -> u16 {
        match self {
            Self::Traffic { .. } | Self::Gcm13 { .. } | Self::Quic { .. } => 0x0304,
            Self::Gcm12 { .. } | Self::Ccm12 { .. } | Self::ChaCha12 { .. } => 0x0303,
            Self::Cbc { .. } => 0,
        }
    }
}

/// What opens the direction.
#[derive(Clone, Debug)]
pub enum Opens {
    /// TLS 1.3, all of it: keys, IV and updates follow from the secret (RFC 8446, section 7.3).
    /// 48 bytes are of AES-256-GCM; of 32, `chacha20` tells which suite.
    Traffic {
        /// The application traffic secret of the direction, of the generation that is in use.
        secret: KeyBytes,
        /// ChaCha20-Poly1305 rather than AES-128-GCM.
        chacha20: bool,
        /// Sequence number of the record.
        sequence: u64,
    },
    /// TLS 1.3 with AES-GCM whose secret was not found: an update ends it.
    Gcm13 {
        /// 16 or 32 bytes.
        key: KeyBytes,
        /// The nonce of the record, IV xor sequence number (RFC 8446, section 5.3).
        nonce: [u8; 12],
        /// Sequence number of the record, if the IV was found. Without it the next record's nonce
        /// is this one xor 2^k-1, for some k.
        sequence: Option<u64>,
    },
    /// TLS 1.2 with AES-GCM (RFC 5288).
    Gcm12 {
        /// 16 or 32 bytes.
        key: KeyBytes,
        /// The fixed part of the nonce.
        salt: [u8; 4],
        /// Sequence number of the record.
        sequence: u64,
    },
    /// TLS 1.2 with AES-CCM (RFC 6655).
    Ccm12 {
        /// 16 or 32 bytes.
        key: KeyBytes,
        /// The fixed part of the nonce.
        salt: [u8; 4],
        /// Which of them, by the lengths of key and tag.
        cipher: Cipher,
        /// Sequence number of the record.
        sequence: u64,
    },
    /// TLS 1.2 with ChaCha20-Poly1305 (RFC 7905).
    ChaCha12 {
        /// 32 bytes.
        key: KeyBytes,
        /// The nonce before the sequence number is xored in.
        iv: [u8; 12],
        /// Sequence number of the record.
        sequence: u64,
    },
    /// AES-CBC up to TLS 1.2, by the padding of all records of the sample; the MAC is not checked.
    Cbc {
        /// 16 or 32 bytes.
        key: KeyBytes,
        /// Length of the MAC: 20, 32, 48.
        mac_bytes: usize,
        /// The MAC stands behind the sealed part (RFC 7366), rather than inside of it.
        encrypt_then_mac: bool,
    },
    /// QUIC 1-RTT with AES-GCM (RFC 9001, section 5).
    Quic {
        /// Of the packets: 16 or 32 bytes.
        key: KeyBytes,
        /// Of their headers: as long.
        header_key: KeyBytes,
        /// The nonce before the packet number is xored in; the bits above the packet number on the
        /// wire are those of the sample's packet.
        nonce: [u8; 12],
        /// The packet number as the packet has it, and in how many bytes.
        packet_number: u32,
        /// Length of the packet number on the wire.
        packet_number_bytes: u8,
        /// Length of the destination connection id.
        connection_id_bytes: u8,
        /// The traffic secret, if it was found: a key update is followed with it.
        secret: Option<KeyBytes>,
    },
}
