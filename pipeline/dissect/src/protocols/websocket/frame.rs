//! Bytes → frame heads and the payloads of control frames (RFC 6455 §5.2). Stateless, borrows from
//! its input.
//!
//! ```text
//! FIN RSV1 RSV2 RSV3 opcode(4) | MASK length(7) | length(16 or 64) | masking key(32) | payload
//! ```

use model::Side;

/// The longest payload of a control frame (RFC 6455 §5.5).
const CONTROL_BYTES_MAX: u64 = 125;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    /// The next fragment of a message.
    Continuation,
    /// UTF-8.
    Text,
    /// Anything else.
    Binary,
    /// The end, with a code.
    Close,
    /// To be answered by a pong.
    Ping,
    /// The answer.
    Pong,
}

impl Opcode {
    const fn from_wire(nibble: u8) -> Option<Self> {
        Some(match nibble {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    /// True for those that may stand between the fragments of a message.
    pub(super) const fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// Everything before the payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// What it carries.
    pub(super) opcode: Opcode,
    /// The last fragment.
    pub(super) is_last: bool,
    /// RSV1: the message is compressed (RFC 7692 §6).
    pub(super) is_compressed: bool,
    /// Bytes of the payload.
    pub(super) payload_bytes: u64,
    /// The key of a masked payload.
    pub(super) mask: Option<[u8; 4]>,
    /// The length is written in no more bytes than it needs.
    pub(super) is_minimal: bool,
}

/// The answer of the reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read {
    /// A head, and the bytes it takes.
    Whole(Head, usize),
    /// More bytes are needed.
    Partial,
    /// No frame of this side starts here.
    Malformed,
}

/// Reads the head of a frame that `side` sends: clients mask, servers do not (RFC 6455 §5.1).
pub(super) fn head(side: Side, bytes: &[u8]) -> Read {
    let Some(first) = bytes.first() else { return Read::Partial };
    let (Some(opcode), 0) = (Opcode::from_wire(first & 0x0F), first & 0x30) else {
        return Read::Malformed;
    };
    let is_last = first & 0x80 != 0;
    let is_compressed = first & 0x40 != 0;
    if opcode.is_control() && (!is_last || is_compressed) {
        return Read::Malformed;
    }
    let Some(second) = bytes.get(1) else { return Read::Partial };
    let is_masked = second & 0x80 != 0;
    if is_masked != (side == Side::Client) {
        return Read::Malformed;
    }
    let Some((payload_bytes, at)) = length(second & 0x7F, bytes) else { return Read::Partial };
    // The top bit of a 64-bit length is zero.
    if payload_bytes >> 63 != 0 || opcode.is_control() && payload_bytes > CONTROL_BYTES_MAX {
        return Read::Malformed;
    }
    let shortest = match payload_bytes {
        0..126 => 2,
        126..65_536 => 4,
        _ => 10,
    };
    let is_minimal = at == shortest;
    let key = bytes.get(at..).and_then(<[u8]>::first_chunk::<4>).copied();
    let (mask, at) = match (is_masked, key) {
        (true, None) => return Read::Partial,
        (true, Some(key)) => (Some(key), at + 4),
        (false, _) => (None, at),
    };
    let head = Head { opcode, is_last, is_compressed, payload_bytes, mask, is_minimal };
    Read::Whole(head, at)
}

/// The payload's length, and where it ends.
fn length(short: u8, bytes: &[u8]) -> Option<(u64, usize)> {
    let rest = bytes.get(2..)?;
    match short {
        126 => Some((u64::from(u16::from_be_bytes(*rest.first_chunk()?)), 4)),
        127 => Some((u64::from_be_bytes(*rest.first_chunk()?), 10)),
        length => Some((u64::from(length), 2)),
    }
}

/// The payload in clear, a byte at a time.
pub(super) fn unmasked(head: &Head, payload: &[u8]) -> impl Iterator<Item = u8> {
    let key = head.mask.unwrap_or_default();
    payload.iter().zip(key.into_iter().cycle()).map(|(byte, key)| byte ^ key)
}

/// The code of a close frame's payload (RFC 6455 §5.5.1); `None` if it has none.
pub(super) fn close_code(head: &Head, payload: &[u8]) -> Option<u16> {
    let mut clear = unmasked(head, payload);
    let high = clear.next()?;
    Some(u16::from_be_bytes([high, clear.next()?]))
}
