//! Is it MySQL? The greeting, a login, and chains of packets whose insides add up.
//!
//! The same chains tell where a packet begins after a gap.

use model::Side;

use super::command::{self, command};
use super::frame::{self, HEAD, Head};
use super::login::{self, Login, Seen};
use crate::bytes::cursor::Cursor;
use crate::naming::sql::{Dialect, Sql};
use crate::protocol::{Opening, Verdict};

/// Packets of a chain looked at: by then it is decided.
const CHAIN_MAX: usize = 64;
/// Longer packets exist but are not where a chain is recognised: no text gets below this, as its
/// third byte is a blank at least.
const PLAUSIBLE_BYTES_MAX: usize = 512 * 1024;
/// Points at which a chain is believed: a text that is SQL, a definition and what goes before it.
const ENOUGH: u32 = 3;
/// Visible text of an unfinished statement that must be there to judge it.
const TEXT_MIN: usize = 24;

/// What a chain of packets looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chain {
    /// Not MySQL, or not at a packet's boundary.
    Broken,
    /// Nothing speaks against it.
    Undecided,
    /// Too little to tell it from chance, but it ends where a packet does.
    Fair,
    /// Whole packets that can be nothing else.
    Sound,
}

/// The verdict on the first bytes of a connection.
pub(super) fn probe(opening: Opening<'_>) -> Verdict {
    if let Some(verdict) = opened(opening) {
        return verdict;
    }
    let client = points(Side::Client, opening.client);
    let server = points(Side::Server, opening.server);
    let (Some(client), Some(server)) = (client, server) else {
        // The other side may be inside a long packet.
        let sound = client.or(server).is_some_and(|(points, _)| points >= ENOUGH);
        let is_client = client.is_some();
        return if sound && is_client { Verdict::Match(80) } else { Verdict::No };
    };
    let (asked, answered) = (client.0, server.0);
    if asked >= ENOUGH && answered >= ENOUGH {
        Verdict::Match(97)
    } else if asked > 0 && answered > 1 && asked + answered > ENOUGH {
        Verdict::Match(94)
    } else if asked >= ENOUGH || answered > ENOUGH {
        Verdict::Match(92)
    } else {
        Verdict::NotYet
    }
}

/// The verdict on a connection's very first packets; `None` if these are not.
fn opened(opening: Opening<'_>) -> Option<Verdict> {
    let Opening { client, server, from_start, .. } = opening;
    if !server.is_empty() {
        match login::greeting(server) {
            Seen::Yes(()) => return Some(Verdict::Match(96)),
            Seen::Short if from_start => return Some(Verdict::NotYet),
            Seen::Short | Seen::No => {}
        }
        if from_start && client.is_empty() {
            return Some(refused(server));
        }
    }
    if let Some(head) = frame::head(client) {
        let visible = client.get(HEAD..).unwrap_or_default();
        let body = visible.get(..head.length.min(login::LOGIN_WINDOW)).unwrap_or(visible);
        match login::login(head, body) {
            Seen::Yes(Login::Ssl) => return Some(Verdict::Match(93)),
            Seen::Yes(Login::User { capabilities, .. }) if is_current(capabilities) => {
                return Some(Verdict::Match(95));
            }
            Seen::Short if body.len() >= 16 || from_start => return Some(Verdict::NotYet),
            Seen::Yes(Login::User { .. }) | Seen::Short | Seen::No => {}
        }
    }
    // The server speaks first.
    match (from_start, client.len()) {
        (true, 0) => Some(Verdict::NotYet),
        (true, 1..HEAD) if client.get(1).is_none_or(|b| *b == 0) => Some(Verdict::NotYet),
        (true, _) => Some(Verdict::No),
        (false, _) => None,
    }
}

/// True for capabilities of 4.1 and later; the older form alone is too little to tell.
const fn is_current(capabilities: u64) -> bool {
    capabilities & (1 << 9) != 0
}

/// The verdict on a server that speaks first and does not greet.
fn refused(server: &[u8]) -> Verdict {
    let Some(head) = frame::head(server) else {
        return Verdict::No;
    };
    let body = server.get(HEAD..).unwrap_or_default();
    let may_be = head.sequence <= 1
        && (13..=512).contains(&head.length)
        && body.first().is_none_or(|b| *b == 0xff)
        && body.len() <= head.length;
    match body.get(..head.length) {
        _ if !may_be => Verdict::No,
        None => Verdict::NotYet,
        Some(body) if login::refusal(head, body).is_some() => Verdict::Match(92),
        Some(_) => Verdict::No,
    }
}

/// The first place in `bytes` where a sound chain begins.
pub(super) fn boundary(side: Side, bytes: &[u8]) -> Option<usize> {
    (0..bytes.len())
        .find(|at| bytes.get(*at..).is_some_and(|rest| chain(side, rest) == Chain::Sound))
}

/// Bytes of the longest packet that [`end`] finds.
pub(super) const END_BYTES_MAX: usize = HEAD + 7;

/// Where in the tail of `bytes` a packet begins that ends rows, with the last byte: an EOF, or an
/// OK that says no more.
pub(super) fn end(bytes: &[u8]) -> Option<usize> {
    let ends = |length: usize| {
        let at = bytes.len().checked_sub(HEAD + length)?;
        let packet = bytes.get(at..)?;
        let body = packet.get(HEAD..)?;
        let is_end = frame::head(packet)?.length == length && body.first() == Some(&0xfe);
        let flags = frame::end_flags(body, length);
        (is_end && flags != 0 && flags & 0x8000 == 0).then_some(at)
    };
    ends(5).or_else(|| ends(7))
}

/// Judges `bytes` as a chain of packets of one side.
pub(super) fn chain(side: Side, bytes: &[u8]) -> Chain {
    match points(side, bytes) {
        None => Chain::Broken,
        Some((ENOUGH.., _)) => Chain::Sound,
        Some((1.., true)) => Chain::Fair,
        Some(_) => Chain::Undecided,
    }
}

/// Points of a chain, and whether it ends where a packet does; `None` if it is broken.
fn points(side: Side, bytes: &[u8]) -> Option<(u32, bool)> {
    let (mut rest, mut points) = (bytes, 0);
    let mut before: Option<Before> = None;
    for _ in 0..CHAIN_MAX {
        if rest.is_empty() {
            return Some((points, true));
        }
        let Some(head) = frame::head(rest) else {
            // Nobody waits for the head of a packet that may be anything.
            let is_short = rest.get(1).is_none_or(|b| *b < b' ');
            let may_be = is_short && matches!(rest.get(2), None | Some(0));
            return (before.is_some() || may_be).then_some((points, false));
        };
        if head.length == 0 || head.length > PLAUSIBLE_BYTES_MAX {
            return None;
        }
        let numbered = follows(side, before, head)?;
        let visible = rest.get(HEAD..).unwrap_or_default();
        let Some(body) = visible.get(..head.length) else {
            let more = match side {
                Side::Client => client_points(head, visible)?,
                Side::Server => unfinished(head, visible)?,
            };
            return Some((points + more, false));
        };
        let (more, ends) = match side {
            Side::Client => (client_points(head, body)?, true),
            Side::Server => server_points(head, body)?,
        };
        points += more + u32::from(numbered);
        before = Some(Before { sequence: head.sequence, ends });
        rest = rest.get(HEAD + head.length..).unwrap_or_default();
    }
    Some((points, false))
}

/// The packet before.
#[derive(Clone, Copy)]
struct Before {
    sequence: u8,
    /// It may end an answer.
    ends: bool,
}

/// `None` if the number cannot stand here; true if it goes on from the one before.
fn follows(side: Side, before: Option<Before>, head: Head) -> Option<bool> {
    let Some(before) = before else {
        return Some(false);
    };
    let next = head.sequence == before.sequence.wrapping_add(1);
    match side {
        Side::Client => (head.sequence == 0).then_some(false),
        Side::Server if next => Some(true),
        Side::Server => (before.ends && head.sequence == 1).then_some(false),
    }
}

/// Points of a command, whole or cut; `None` if it is none.
fn client_points(head: Head, visible: &[u8]) -> Option<u32> {
    if head.sequence > 0 {
        let window = visible.get(..login::LOGIN_WINDOW).unwrap_or(visible);
        return match login::login(head, window) {
            Seen::Yes(Login::User { capabilities, .. }) => {
                is_current(capabilities).then_some(ENOUGH)
            }
            Seen::Yes(Login::Ssl) => Some(ENOUGH),
            Seen::Short if window.len() >= 16 => Some(1),
            Seen::Short | Seen::No => None,
        };
    }
    let Some((number, rest)) = visible.split_first() else {
        return Some(0);
    };
    let (shortest, longest) = command(*number)?.length;
    let is_whole = visible.len() == head.length;
    if !(shortest..=longest).contains(&head.length) {
        return None;
    }
    let mut cursor = Cursor::new(rest);
    match *number {
        command::QUERY | command::STMT_PREPARE => {
            let text = match *number {
                command::QUERY => frame::query_text(rest, None),
                _ => Some(rest),
            };
            text_points(text?, is_whole)
        }
        command::STMT_EXECUTE if rest.len() >= 9 => {
            cursor.u32_le()?;
            let fits = cursor.u8()? < 16 && cursor.u32_le()? == 1;
            fits.then_some(2)
        }
        command::INIT_DB | command::CREATE_DB | command::DROP_DB => {
            (!rest.is_empty() && login::is_name(rest)).then_some(1)
        }
        command::FIELD_LIST => {
            let fits = rest.iter().all(|b| *b == 0 || *b >= b' ') && rest.contains(&0);
            (fits || !is_whole).then_some(u32::from(fits))
        }
        command::SET_OPTION => matches!(rest, [] | [0..=1, ..]).then_some(1),
        // One byte that says goodbye, or a number that may be any, proves nothing.
        command::QUIT | command::STMT_SEND_LONG_DATA | command::STMT_BULK_EXECUTE | 0xfe => Some(0),
        _ if head.length > 64 => Some(0),
        _ => Some(1),
    }
}

/// Points of a text: SQL or not, and control characters make it something else.
fn text_points(text: &[u8], is_whole: bool) -> Option<u32> {
    let text = text.get(..1_024).unwrap_or(text);
    let sql = Sql { text, dialect: Dialect::MySql, cut: true };
    let mut operation = String::new();
    sql.name(&mut operation, &mut String::new());
    let is_verb = !matches!(operation.as_str(), "_other" | "EMPTY");
    let head = text.get(..TEXT_MIN).unwrap_or(text);
    let is_text = head.iter().all(|b| *b >= b' ' || matches!(b, b'\t' | b'\n' | b'\r'));
    let is_enough = is_whole || text.len() >= TEXT_MIN;
    match (is_text, is_verb && is_enough) {
        (false, _) => None,
        (true, true) => Some(ENOUGH),
        // `COMMIT` is a word that touches the end; so is half a word.
        (true, false) if is_whole => {
            let whole = Sql { cut: false, ..sql };
            operation.clear();
            whole.name(&mut operation, &mut String::new());
            Some(if operation == "_other" || operation == "EMPTY" { 0 } else { ENOUGH })
        }
        (true, false) => Some(0),
    }
}

/// Points of a packet of the server that is cut; `None` if it cannot be one.
fn unfinished(head: Head, visible: &[u8]) -> Option<u32> {
    match visible.first() {
        None => Some(0),
        Some(3) if visible.starts_with(b"\x03def") => Some(2),
        Some(0xfe) if head.length < 7 => Some(0),
        Some(0xff) => {
            let number = frame::error_number(visible);
            number.is_none_or(|n| login::ERRORS.contains(&n)).then_some(0)
        }
        // A count of columns or an OK is never that long.
        Some(_) if head.length > 64 => Some(0),
        Some(_) => Some(0),
    }
}

/// Points of a whole packet of the server, and whether it may end an answer; `None` if its inside
/// does not add up.
fn server_points(head: Head, body: &[u8]) -> Option<(u32, bool)> {
    /// Flags that no server sets.
    const NO_FLAGS: u16 = 0x8000;
    let mut cursor = Cursor::new(body);
    match body {
        [0x03, b'd', b'e', b'f', ..] => Some((2, false)),
        [0xff, ..] => {
            cursor.u8()?;
            let number = cursor.u16_le()?;
            let [b'#', state @ ..] = cursor.rest() else {
                return (head.sequence == 0).then_some((0, true));
            };
            let fits = state.iter().take(5).all(u8::is_ascii_alphanumeric) && state.len() >= 5;
            (fits && login::ERRORS.contains(&number)).then_some((ENOUGH, true))
        }
        [0xfe, _, _, _, _] => {
            let flags = frame::end_flags(body, body.len());
            (flags & NO_FLAGS == 0 && flags != 0).then_some((1, true))
        }
        // The usual OK: nothing inserted, nothing to warn of.
        [0x00, rest @ ..] if head.sequence == 1 && rest.len() >= 6 && is_ok(body) => {
            let is_plain = rest.len() == 6 && matches!(rest, [_, _, _, _, 0, 0]);
            Some((if is_plain { 2 } else { 1 }, true))
        }
        [0xfe, ..] => is_ok(body).then_some((1, true)),
        // The name of a file that the client is asked for.
        [0xfb, name @ ..] if head.sequence == 1 && !name.is_empty() => {
            name.iter().all(|b| *b >= b' ').then_some((0, true))
        }
        [count] if head.sequence == 1 => (*count > 0).then_some((0, true)),
        [count, 0 | 1] if head.sequence == 1 => (*count > 0).then_some((0, false)),
        // A binary row.
        [0x00, ..] => Some((0, false)),
        _ => is_row(cursor).then_some((1, false)),
    }
}

/// True for an OK packet with flags that a server sets, or what prepares a statement.
fn is_ok(body: &[u8]) -> bool {
    let flags = frame::ok_flags(body);
    let prepared = matches!(body.len(), 12 | 13) && body.get(9) == Some(&0);
    prepared || flags.is_some_and(|flags| flags & 0x8000 == 0)
}

/// True if the values of a text row fill it.
fn is_row(mut cursor: Cursor<'_>) -> bool {
    while let Some(first) = cursor.rest().first() {
        let read = match first {
            0xfb => cursor.u8().map(|_| ()),
            _ => frame::lenenc_bytes(&mut cursor).map(|_| ()),
        };
        if read.is_none() {
            return false;
        }
    }
    true
}
