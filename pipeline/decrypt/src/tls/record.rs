//! The head of a record (RFC 8446 §5.1), and what a record is to the later steps.

use model::Timestamp;

/// Bytes of a record's head.
pub(super) const HEAD_BYTES: usize = 5;
/// The longest body: 2^14 and what the ciphers of TLS 1.2 may add (RFC 5246 §6.2.3).
pub(super) const BODY_BYTES_MAX: u16 = (1 << 14) + 2048;

pub(super) const CHANGE_CIPHER_SPEC: u8 = 20;
pub(super) const ALERT: u8 = 21;
pub(super) const HANDSHAKE: u8 = 22;
pub(super) const APPLICATION_DATA: u8 = 23;

/// What stands before each record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) kind: u8,
    pub(super) version: u16,
    pub(super) length: u16,
}

impl Head {
    /// Reads a head, if that is what the bytes can be.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [kind @ 20..=24, 3, minor @ 0..=4, high, low] = *bytes.first_chunk::<HEAD_BYTES>()?
        else {
            return None;
        };
        let length = u16::from_be_bytes([high, low]);
        let version = 0x0300 | u16::from(minor);
        (1..=BODY_BYTES_MAX).contains(&length).then_some(Self { kind, version, length })
    }

    /// As on the wire: what TLS 1.3 authenticates.
    pub(super) const fn bytes(self) -> [u8; HEAD_BYTES] {
        let ([major, minor], [high, low]) = (self.version.to_be_bytes(), self.length.to_be_bytes());
        [self.kind, major, minor, high, low]
    }

    /// Bytes of the whole record.
    pub(super) const fn whole(self) -> usize {
        HEAD_BYTES + self.length as usize
    }
}

/// One record, or as much of it as is at hand.
#[derive(Clone, Copy)]
pub(super) struct Record<'a> {
    pub(super) head: Head,
    /// The start of the body; all of it unless [`Record::is_cut`].
    pub(super) body: &'a [u8],
    /// Where it stands among the records of its direction.
    pub(super) number: u64,
    /// How many bytes of the whole came with the first of them, and when.
    pub(super) first: (usize, Timestamp),
    /// When the last of them came.
    pub(super) at: Timestamp,
}

impl Record<'_> {
    /// True if the rest of it is missing.
    pub(super) const fn is_cut(&self) -> bool {
        self.body.len() < self.head.length as usize
    }
}
