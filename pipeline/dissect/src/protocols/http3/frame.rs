//! Bytes → frames and the few payloads that matter (RFC 9114 §6, §7). Stateless.

/// What a unidirectional stream carries (§6.2, RFC 9204 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum StreamType {
    Control,
    Push,
    Encoder,
    Decoder,
    /// An extension, or nothing on purpose: to be passed over.
    Other,
}

impl StreamType {
    /// The type at the start of a stream, and its bytes.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let (kind, rest) = number(bytes)?;
        let kind = match kind {
            0 => Self::Control,
            1 => Self::Push,
            2 => Self::Encoder,
            3 => Self::Decoder,
            _ => Self::Other,
        };
        Some((kind, bytes.len() - rest.len()))
    }
}

/// Type of a frame (§7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Data,
    Headers,
    CancelPush,
    Settings,
    Promise,
    GoAway,
    MaxPushId,
    /// Of HTTP/2, and never sent (§7.2.8).
    Forbidden,
    /// An extension: to be passed over.
    Other,
}

/// What stands before each payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Type,
    /// Bytes of the payload.
    pub(super) length: u64,
    /// Bytes of the header itself.
    pub(super) bytes: usize,
}

impl Header {
    /// The header at the start of `bytes`; `None` if it is not whole.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let (kind, rest) = number(bytes)?;
        let (length, rest) = number(rest)?;
        let kind = match kind {
            0x0 => Type::Data,
            0x1 => Type::Headers,
            0x3 => Type::CancelPush,
            0x4 => Type::Settings,
            0x5 => Type::Promise,
            0x7 => Type::GoAway,
            0xD => Type::MaxPushId,
            0x2 | 0x6 | 0x8 | 0x9 => Type::Forbidden,
            _ => Type::Other,
        };
        Some(Self { kind, length, bytes: bytes.len() - rest.len() })
    }

    /// The payload behind the header, if it is whole.
    pub(super) fn payload<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let end = usize::try_from(self.length).ok()?.checked_add(self.bytes)?;
        bytes.get(self.bytes..end)
    }
}

/// A variable-length integer (RFC 9000 §16) and what is behind it.
pub(super) fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let first = *bytes.first()?;
    let length = 1_usize << (first >> 6);
    let (number, rest) = bytes.split_at_checked(length)?;
    let number = number.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    // The two bits of the length stand above the number.
    Some((number & (u64::MAX >> (66 - 8 * length)), rest))
}

/// `SETTINGS_QPACK_MAX_TABLE_CAPACITY` of a SETTINGS payload (RFC 9204 §5): 0 if it does not say.
pub(super) fn table_capacity(mut settings: &[u8]) -> u64 {
    while let Some((id, rest)) = number(settings) {
        let Some((value, rest)) = number(rest) else { break };
        if id == 1 {
            return value;
        }
        settings = rest;
    }
    0
}

/// Code, name, and the code of HTTP/2 that means the same (§8.1, RFC 9204 §6).
const ERRORS: [(u64, &str, u32); 20] = [
    (0x100, "H3_NO_ERROR", 0),
    (0x101, "H3_GENERAL_PROTOCOL_ERROR", 1),
    (0x102, "H3_INTERNAL_ERROR", 2),
    (0x103, "H3_STREAM_CREATION_ERROR", 1),
    (0x104, "H3_CLOSED_CRITICAL_STREAM", 1),
    (0x105, "H3_FRAME_UNEXPECTED", 1),
    (0x106, "H3_FRAME_ERROR", 6),
    (0x107, "H3_EXCESSIVE_LOAD", 11),
    (0x108, "H3_ID_ERROR", 1),
    (0x109, "H3_SETTINGS_ERROR", 1),
    (0x10A, "H3_MISSING_SETTINGS", 1),
    (0x10B, "H3_REQUEST_REJECTED", 7),
    (0x10C, "H3_REQUEST_CANCELLED", 8),
    (0x10D, "H3_REQUEST_INCOMPLETE", 1),
    (0x10E, "H3_MESSAGE_ERROR", 1),
    (0x10F, "H3_CONNECT_ERROR", 10),
    (0x110, "H3_VERSION_FALLBACK", 13),
    (0x200, "QPACK_DECOMPRESSION_FAILED", 9),
    (0x201, "QPACK_ENCODER_STREAM_ERROR", 9),
    (0x202, "QPACK_DECODER_STREAM_ERROR", 9),
];

fn error(code: u64) -> Option<&'static (u64, &'static str, u32)> {
    ERRORS.iter().find(|(known, ..)| *known == code)
}

/// The name of an error code, and a word for those that have none.
pub(super) fn error_name(code: u64) -> &'static str {
    error(code).map_or("UNKNOWN_ERROR", |(_, name, _)| name)
}

/// The same error among those of HTTP/2; what is unknown is an internal error there.
pub(super) fn as_http2(code: u64) -> u32 {
    error(code).map_or(2, |(.., code)| *code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_in_each_length() {
        // RFC 9000 Appendix A.1.
        for (bytes, value) in [
            (&b"\xc2\x19\x7c\x5e\xff\x14\xe8\x8c"[..], 151_288_809_941_952_652),
            (b"\x9d\x7f\x3e\x7d", 494_878_333),
            (b"\x7b\xbd", 15_293),
            (b"\x25", 37),
            (b"\x40\x25", 37),
        ] {
            assert_eq!(number(bytes), Some((value, &b""[..])));
            assert_eq!(number(bytes.get(..bytes.len() - 1).unwrap_or_default()), None);
        }
    }

    #[test]
    fn the_capacity_is_found_among_other_settings() {
        assert_eq!(table_capacity(b"\x06\x40\x99\x01\x50\x00\x07\x00"), 4096);
        assert_eq!(table_capacity(b"\x06\x40\x99"), 0);
        assert_eq!(table_capacity(b"\x01"), 0);
    }
}
