//! Is it PostgreSQL? Chains of messages whose insides add up, and the first packet of a client.
//!
//! The same chains tell where a message begins after a gap.

use model::Side;

use super::frame::{HEAD, Head, Packet, head, packet, parameter};
use crate::bytes::cursor::Cursor;
use crate::naming::sql::Sql;
use crate::protocol::{Opening, Verdict};

/// Messages of a chain looked at: by then it is decided.
const CHAIN_MAX: usize = 64;
/// Longer messages exist but are not where a chain is recognised; no text protocol gets below this.
const PLAUSIBLE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Points at which a chain is believed: one message with a rich inside, or two with a poor one.
const ENOUGH: u32 = 2;
/// Visible text of an unfinished statement that must be there to judge it.
const TEXT_MIN: usize = 24;

/// What a chain of messages looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chain {
    /// Not PostgreSQL, or not at a message boundary.
    Broken,
    /// Nothing speaks against it.
    Undecided,
    /// Too little to tell it from chance, but it ends where a message does.
    Fair,
    /// Whole messages that can be nothing else.
    Sound,
}

/// The verdict on the first bytes of a connection.
pub(super) fn probe(opening: Opening<'_>) -> Verdict {
    let first = opening.client.first();
    if first == Some(&0) || (first.is_some() && opening.from_start) {
        return match packet(opening.client) {
            Packet::Ssl | Packet::Gss | Packet::Cancel { .. } => Verdict::Match(95),
            Packet::Startup { parameters, .. } => match parameter(parameters, b"user") {
                Some(_) => Verdict::Match(95),
                None => Verdict::No,
            },
            Packet::Short => Verdict::NotYet,
            Packet::Bad => Verdict::No,
        };
    }
    // Chance is no evidence here.
    let judge = |side, bytes| match chain(side, bytes) {
        Chain::Fair => Chain::Undecided,
        other => other,
    };
    let client = judge(Side::Client, opening.client);
    let server = judge(Side::Server, opening.server);
    match (client, server) {
        (Chain::Sound, Chain::Sound) => Verdict::Match(97),
        (Chain::Sound, Chain::Undecided) | (Chain::Undecided, Chain::Sound) => Verdict::Match(92),
        // The other side may be inside a long message.
        (Chain::Sound, Chain::Broken) => Verdict::Match(85),
        (Chain::Broken, _) | (_, Chain::Broken) => Verdict::No,
        (Chain::Undecided | Chain::Fair, _) | (Chain::Sound, Chain::Fair) => Verdict::NotYet,
    }
}

/// The first place in `bytes` where a sound chain begins.
pub(super) fn boundary(side: Side, bytes: &[u8]) -> Option<usize> {
    (0..bytes.len())
        .find(|at| bytes.get(*at..).is_some_and(|rest| chain(side, rest) == Chain::Sound))
}

/// Judges `bytes` as a chain of messages of one side.
pub(super) fn chain(side: Side, bytes: &[u8]) -> Chain {
    let (mut rest, mut points) = (bytes, 0);
    for _ in 0..CHAIN_MAX {
        let (kind, length) = match head(rest) {
            Head::Short if rest.is_empty() => return ended(points),
            Head::Short => {
                // Even a type byte must be one.
                let known = rest.first().is_none_or(|kind| is_kind(side, *kind));
                let empty_length = rest.get(1).is_none_or(|b| *b < 4);
                return if known && empty_length { decided(points) } else { Chain::Broken };
            }
            Head::Bad => return Chain::Broken,
            Head::Message { kind, length } => (kind, length),
        };
        if !is_kind(side, kind) || length > PLAUSIBLE_BYTES_MAX {
            return Chain::Broken;
        }
        let Some((message, after)) = rest.split_at_checked(length) else {
            let visible = rest.get(HEAD..).unwrap_or_default();
            return match unfinished(side, kind, visible) {
                Some(more) => decided(points + more),
                None => Chain::Broken,
            };
        };
        let body = message.get(HEAD..).unwrap_or_default();
        let more = match side {
            Side::Client => client_points(kind, body, points),
            Side::Server => server_points(kind, body),
        };
        let Some(more) = more else {
            return Chain::Broken;
        };
        points += more;
        rest = after;
    }
    decided(points)
}

fn decided(points: u32) -> Chain {
    if points >= ENOUGH { Chain::Sound } else { Chain::Undecided }
}

/// The bytes end with a whole message.
fn ended(points: u32) -> Chain {
    match points {
        0 => Chain::Undecided,
        1 => Chain::Fair,
        _ => Chain::Sound,
    }
}

fn is_kind(side: Side, kind: u8) -> bool {
    match side {
        Side::Client => b"QPBEDCSHXFpdcf".contains(&kind),
        Side::Server => b"TDCZEN123nstISRKAGHWdcVv".contains(&kind),
    }
}

/// Points of a message that is not all there; `None` if it cannot be one.
fn unfinished(side: Side, kind: u8, visible: &[u8]) -> Option<u32> {
    match (side, kind) {
        (Side::Client, b'Q') => {
            let is_statement = visible.len() >= TEXT_MIN && is_statement(visible);
            is_text(visible).then_some(if is_statement { ENOUGH } else { 0 })
        }
        (Side::Client, b'P') => {
            let mut cursor = Cursor::new(visible);
            let named = cursor.c_string().is_some();
            let text = cursor.rest();
            let is_statement = named && text.len() >= TEXT_MIN && is_statement(text);
            Some(if is_statement { ENOUGH } else { 0 })
        }
        // Short messages are never cut in the middle of a chain that is one.
        (Side::Client, b'S' | b'H' | b'X' | b'c') => None,
        (Side::Server, b'1' | b'2' | b'3' | b'n' | b's' | b'I' | b'c') => None,
        (Side::Client | Side::Server, _) => Some(0),
    }
}

fn is_text(text: &[u8]) -> bool {
    text.iter().all(|b| !b.is_ascii_control() || matches!(b, b'\t' | b'\n' | b'\r'))
}

fn is_statement(text: &[u8]) -> bool {
    let mut operation = String::new();
    Sql::standard(text).name(&mut operation, &mut String::new());
    is_text(text) && !matches!(operation.as_str(), "_other" | "EMPTY")
}

/// Points of a whole message of the client; `None` if its inside does not add up.
fn client_points(kind: u8, body: &[u8], before: u32) -> Option<u32> {
    let mut cursor = Cursor::new(body);
    match kind {
        b'Q' => {
            let text = cursor.c_string()?;
            (is_text(text) && cursor.rest().is_empty()).then_some(if text.is_empty() {
                1
            } else {
                2
            })
        }
        b'P' => {
            cursor.c_string()?;
            let text = cursor.c_string()?;
            let types = usize::from(cursor.u16_be()?);
            (is_text(text) && cursor.rest().len() == 4 * types).then_some(2)
        }
        b'B' => {
            cursor.c_string()?;
            cursor.c_string()?;
            formats(&mut cursor)?;
            for _ in 0..cursor.u16_be()? {
                value(&mut cursor)?;
            }
            formats(&mut cursor)?;
            cursor.rest().is_empty().then_some(2)
        }
        b'E' => {
            let portal = cursor.c_string()?;
            (is_text(portal) && cursor.rest().len() == 4).then_some(1)
        }
        b'D' | b'C' => {
            let subject = cursor.u8()?;
            let name = cursor.c_string()?;
            let fits = matches!(subject, b'S' | b'P') && is_text(name);
            (fits && cursor.rest().is_empty()).then_some(1)
        }
        // Sync closes a chain; alone it is five bytes.
        b'S' => body.is_empty().then_some(before.min(1)),
        b'H' | b'X' | b'c' => body.is_empty().then_some(0),
        _ => Some(0),
    }
}

/// Points of a whole message of the server; `None` if its inside does not add up.
fn server_points(kind: u8, body: &[u8]) -> Option<u32> {
    let mut cursor = Cursor::new(body);
    match kind {
        b'1' | b'2' | b'3' | b'n' | b's' | b'I' => body.is_empty().then_some(1),
        b'c' => body.is_empty().then_some(0),
        b'Z' => matches!(body, [b'I' | b'T' | b'E']).then_some(1),
        b'T' => {
            let columns = cursor.u16_be()?;
            for _ in 0..columns {
                cursor.c_string()?;
                cursor.take(18)?;
            }
            cursor.rest().is_empty().then_some(if columns == 0 { 1 } else { 2 })
        }
        b'D' => {
            let columns = cursor.u16_be()?;
            for _ in 0..columns {
                value(&mut cursor)?;
            }
            cursor.rest().is_empty().then_some(if columns == 0 { 0 } else { 2 })
        }
        b'C' => {
            let tag = cursor.c_string()?;
            let word = tag.split(|b| *b == b' ').next()?;
            let fits = word.len() >= 2 && word.iter().all(u8::is_ascii_uppercase);
            (fits && is_text(tag) && cursor.rest().is_empty()).then_some(2)
        }
        b'E' | b'N' => {
            (body.first() == Some(&b'S')).then_some(())?;
            while cursor.u8().filter(|field| *field != 0)?.is_ascii_alphabetic() {
                cursor.c_string()?;
                if cursor.rest() == [0] {
                    return Some(2);
                }
            }
            None
        }
        b'R' => matches!(cursor.u32_be()?, 0 | 2..=12).then_some(1),
        b'S' => {
            let name = cursor.c_string()?;
            let value = cursor.c_string()?;
            let fits = !name.is_empty() && is_text(name) && is_text(value);
            (fits && cursor.rest().is_empty()).then_some(1)
        }
        b't' => {
            let parameters = usize::from(cursor.u16_be()?);
            (cursor.rest().len() == 4 * parameters).then_some(1)
        }
        b'K' => (8..=260).contains(&body.len()).then_some(1),
        b'A' => {
            cursor.u32_be()?;
            (is_text(cursor.c_string()?) && cursor.c_string().is_some()).then_some(1)
        }
        b'G' | b'H' | b'W' => {
            let overall = cursor.u8()?;
            let columns = usize::from(cursor.u16_be()?);
            (overall <= 1 && cursor.rest().len() == 2 * columns).then_some(1)
        }
        _ => Some(0),
    }
}

/// A list of format codes.
fn formats(cursor: &mut Cursor<'_>) -> Option<()> {
    for _ in 0..cursor.u16_be()? {
        (cursor.u16_be()? <= 1).then_some(())?;
    }
    Some(())
}

/// A value with its length; −1 is NULL.
fn value(cursor: &mut Cursor<'_>) -> Option<()> {
    match cursor.i32_be()? {
        -1 => Some(()),
        length => cursor.take(usize::try_from(length).ok()?).map(|_| ()),
    }
}
