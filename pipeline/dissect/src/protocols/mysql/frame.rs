//! Bytes → packets, borrowed. Stateless; lengths are believed only within bounds.

use crate::bytes::cursor::Cursor;

/// Bytes before the payload: three of length, one of sequence.
pub(super) const HEAD: usize = 4;
/// A payload of this length goes on in the next packet.
pub(super) const LENGTH_MAX: usize = 0xff_ffff;

/// Another result follows (`SERVER_MORE_RESULTS_EXISTS`).
pub(super) const MORE_RESULTS: u16 = 0x0008;
/// Rows are fetched through a cursor (`SERVER_STATUS_CURSOR_EXISTS`).
pub(super) const CURSOR_EXISTS: u16 = 0x0040;
/// An `ERR_Packet` with this number is MariaDB's progress report.
pub(super) const PROGRESS_REPORT: u16 = 0xffff;

/// The head of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Bytes of payload.
    pub(super) length: usize,
    /// Counts the packets of a command and its answer, from 0.
    pub(super) sequence: u8,
}

/// Reads the head of a packet; `None` if it is not all there.
pub(super) fn head(bytes: &[u8]) -> Option<Head> {
    let [a, b, c, sequence] = bytes.first_chunk::<HEAD>()?;
    let length = u32::from_le_bytes([*a, *b, *c, 0]) as usize;
    Some(Head { length, sequence: *sequence })
}

/// A length-encoded integer; `None` for NULL too.
pub(super) fn lenenc(cursor: &mut Cursor<'_>) -> Option<u64> {
    match cursor.u8()? {
        short @ 0..=0xfa => Some(u64::from(short)),
        0xfc => cursor.u16_le().map(u64::from),
        0xfd => {
            let low = cursor.u16_le()?;
            cursor.u8().map(|high| u64::from(low) | u64::from(high) << 16)
        }
        0xfe => cursor.u64_le(),
        _ => None,
    }
}

/// A length-encoded string.
pub(super) fn lenenc_bytes<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = lenenc(cursor)?;
    cursor.take(usize::try_from(length).ok()?)
}

/// Status flags of an `OK_Packet`, its first byte included. 0 if it is of the time before they were
/// sent.
pub(super) fn ok_flags(body: &[u8]) -> Option<u16> {
    let mut cursor = Cursor::new(body);
    cursor.u8()?;
    lenenc(&mut cursor)?;
    lenenc(&mut cursor)?;
    Some(cursor.u16_le().unwrap_or(0))
}

/// True if the packet ends rows or definitions in the old form.
pub(super) fn is_eof(body: &[u8], length: usize) -> bool {
    body.first() == Some(&0xfe) && (length == 5 || length == 1)
}

/// Status flags of what ends rows: an `EOF_Packet`, or an `OK_Packet` in its place.
pub(super) fn end_flags(body: &[u8], length: usize) -> u16 {
    if is_eof(body, length) {
        let mut cursor = Cursor::new(body.get(3..).unwrap_or_default());
        return cursor.u16_le().unwrap_or(0);
    }
    ok_flags(body).unwrap_or(0)
}

/// The number of an `ERR_Packet`.
pub(super) fn error_number(body: &[u8]) -> Option<u16> {
    let mut cursor = Cursor::new(body);
    (cursor.u8()? == 0xff).then_some(())?;
    cursor.u16_le()
}

/// The packet that opens a result: how many columns, and whether their definitions follow.
pub(super) fn columns(body: &[u8], length: usize) -> Option<(u32, bool)> {
    /// No server has more than 4,096.
    const COLUMNS_MAX: u64 = u16::MAX as u64;
    let mut cursor = Cursor::new(body);
    let count = lenenc(&mut cursor).filter(|n| (1..=COLUMNS_MAX).contains(n))?;
    let follows = match (cursor.rest(), length == body.len()) {
        ([], true) | ([1], true) => true,
        ([0], true) => false,
        _ => return None,
    };
    Some((count as u32, follows))
}

/// A `COM_STMT_PREPARE_OK`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PrepareOk {
    pub(super) id: u32,
    pub(super) columns: u32,
    pub(super) parameters: u32,
}

/// Reads a `COM_STMT_PREPARE_OK`.
pub(super) fn prepare_ok(body: &[u8]) -> Option<PrepareOk> {
    let mut cursor = Cursor::new(body);
    (cursor.u8()? == 0).then_some(())?;
    let id = cursor.u32_le()?;
    let columns = u32::from(cursor.u16_le()?);
    let parameters = u32::from(cursor.u16_le()?);
    // Filler, warnings, and whether definitions follow if the client may do without.
    let [_, _, _, 0] = cursor.rest() else {
        return Some(PrepareOk { id, columns, parameters });
    };
    Some(PrepareOk { id, columns: 0, parameters: 0 })
}

/// The text of a `COM_QUERY` behind its command byte. `attributes`: the client may have put values
/// before it; `None` if that is not known.
pub(super) fn query_text(body: &[u8], attributes: Option<bool>) -> Option<&[u8]> {
    let may_have = match (attributes, body.first()) {
        (Some(true), _) => true,
        (Some(false), _) | (None, None) => false,
        // No text begins with a control character but a blank one.
        (None, Some(first)) => *first < b' ' && !matches!(first, b'\t' | b'\n' | b'\r'),
    };
    if may_have { after_attributes(body) } else { Some(body) }
}

/// What follows the query attributes.
fn after_attributes(body: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(body);
    let count = usize::try_from(lenenc(&mut cursor)?).ok()?;
    (lenenc(&mut cursor)? == 1).then_some(())?;
    if count == 0 {
        return Some(cursor.rest());
    }
    let nulls = cursor.take(count.checked_add(7)? / 8)?;
    (cursor.u8()? == 1).then_some(())?;
    let mut types = cursor;
    for _ in 0..count {
        cursor.u16_le()?;
        lenenc_bytes(&mut cursor)?;
    }
    for number in 0..count {
        let [kind, _] = types.u16_le()?.to_le_bytes();
        lenenc_bytes(&mut types)?;
        let is_null = nulls.get(number / 8).is_some_and(|byte| byte >> (number % 8) & 1 == 1);
        if !is_null {
            value(&mut cursor, kind)?;
        }
    }
    Some(cursor.rest())
}

/// Passes over a value of the binary protocol.
fn value(cursor: &mut Cursor<'_>, kind: u8) -> Option<()> {
    let length = match kind {
        0x06 => 0,
        0x01 => 1,
        0x02 | 0x0d => 2,
        0x03 | 0x04 | 0x09 => 4,
        0x05 | 0x08 => 8,
        0x07 | 0x0a | 0x0b | 0x0c => usize::from(cursor.u8()?),
        _ => return lenenc_bytes(cursor).map(|_| ()),
    };
    cursor.take(length).map(|_| ())
}
