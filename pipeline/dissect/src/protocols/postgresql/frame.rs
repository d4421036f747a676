//! Bytes → messages of protocol 3, borrowed. Stateless; lengths are believed only within bounds.

use crate::bytes::cursor::Cursor;

/// Bytes before the body: type and length.
pub(super) const HEAD: usize = 5;
/// The longest message PostgreSQL sends or takes (`PQ_LARGE_MESSAGE_LIMIT`).
const MESSAGE_BYTES_MAX: usize = 0x3fff_ffff;
/// The longest start-up packet PostgreSQL takes (`MAX_STARTUP_PACKET_LENGTH`).
const STARTUP_BYTES_MAX: usize = 10_000;
/// The longest cancel key of protocol 3.2.
const CANCEL_KEY_MAX: usize = 256;

/// The head of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Not all of it is there.
    Short,
    /// The length makes no sense.
    Bad,
    /// A message of `length` bytes, head included.
    Message { kind: u8, length: usize },
}

/// Reads the type and length of a message.
pub(super) fn head(bytes: &[u8]) -> Head {
    let Some([kind, a, b, c, d]) = bytes.first_chunk::<HEAD>() else {
        return Head::Short;
    };
    let length = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
    if (4..=MESSAGE_BYTES_MAX).contains(&length) {
        let length = length + 1;
        Head::Message { kind: *kind, length }
    } else {
        Head::Bad
    }
}

/// A packet without a type byte: only the first ones of a client have that form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packet<'a> {
    /// Not all of it is there.
    Short,
    /// None that a client sends.
    Bad,
    /// Asks for TLS.
    Ssl,
    /// Asks for GSSAPI encryption.
    Gss,
    /// Asks that the query of another connection be cancelled. The key is not looked at.
    Cancel { length: usize },
    /// Protocol 3.`minor`, with names and values.
    Startup { minor: u16, parameters: &'a [u8], length: usize },
}

/// Reads a packet without a type byte.
pub(super) fn packet(bytes: &[u8]) -> Packet<'_> {
    let mut cursor = Cursor::new(bytes);
    let Some(length) = cursor.u32_be().map(|n| n as usize) else {
        return if bytes.iter().take(2).all(|b| *b == 0) { Packet::Short } else { Packet::Bad };
    };
    if !(8..=STARTUP_BYTES_MAX).contains(&length) {
        return Packet::Bad;
    }
    let (Some(major), Some(minor)) = (cursor.u16_be(), cursor.u16_be()) else {
        return match bytes.get(4..6) {
            Some([0, 3] | [4, 210]) | None => Packet::Short,
            Some(_) => Packet::Bad,
        };
    };
    match (major, minor) {
        (1234, 5679) if length == 8 => Packet::Ssl,
        (1234, 5680) if length == 8 => Packet::Gss,
        (1234, 5678) if (16..=12 + CANCEL_KEY_MAX).contains(&length) => Packet::Cancel { length },
        // 3.9999 is what libpq 18 says to find servers that cannot negotiate.
        (3, 0 | 2 | 9999) => match bytes.get(8..length) {
            Some(parameters) => Packet::Startup { minor, parameters, length },
            None => Packet::Short,
        },
        _ => Packet::Bad,
    }
}

/// The value of a start-up parameter.
pub(super) fn parameter<'a>(parameters: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut cursor = Cursor::new(parameters);
    while let Some(key) = cursor.c_string() {
        let value = cursor.c_string()?;
        if key == name {
            return Some(value);
        }
    }
    None
}

/// The names of Parse and the start of its text, which may be cut.
pub(super) fn parse(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut cursor = Cursor::new(body);
    let name = cursor.c_string()?;
    Some((name, text(cursor.rest())))
}

/// Text up to its NUL, or all there is.
pub(super) fn text(body: &[u8]) -> &[u8] {
    let end = memchr::memchr(0, body).unwrap_or(body.len());
    body.get(..end).unwrap_or_default()
}

/// Portal and statement of Bind.
pub(super) fn bind(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut cursor = Cursor::new(body);
    Some((cursor.c_string()?, cursor.c_string()?))
}

/// What Close and Describe speak of: `S`tatement or `P`ortal, and its name.
pub(super) fn subject(body: &[u8]) -> Option<(u8, &[u8])> {
    let mut cursor = Cursor::new(body);
    Some((cursor.u8()?, cursor.c_string()?))
}

/// The SQLSTATE of an `ErrorResponse`. `XX000`, internal error, if it has none.
pub(super) fn sqlstate(body: &[u8]) -> [u8; 5] {
    let mut cursor = Cursor::new(body);
    while let Some(field) = cursor.u8().filter(|field| *field != 0) {
        let Some(value) = cursor.c_string() else {
            break;
        };
        if let (b'C', Some(code)) = (field, value.first_chunk()) {
            return *code;
        }
    }
    *b"XX000"
}

/// The channel of a `NotificationResponse`.
pub(super) fn channel(body: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(body);
    cursor.u32_be()?;
    Some(text(cursor.rest()))
}
