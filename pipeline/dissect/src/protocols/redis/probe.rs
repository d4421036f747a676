//! Is this Redis? And where does a frame begin?
//!
//! Commands are told by their exact framing and a command's name; answers by the framing of several
//! values, or by fitting the command before them. Lines that other protocols use too (`PING`,
//! `+OK`, `-ERR`) never decide alone.

use model::Side;

use super::frame::{self, Front, Head, Message, Read, Type};
use super::operation;
use crate::protocol::{Opening, Verdict};

/// An array of strings from a server might be a client's command.
const LIKELY: u8 = 70;
/// A command we do not know, framed as one.
const UNKNOWN_COMMAND: u8 = 85;
/// Values read before a server is believed.
const VALUES_MAX: usize = 16;
/// Bytes of a line searched for its words.
const INLINE_BYTES_MAX: usize = 8 * 1024;

/// Judges the first bytes of both ends.
pub(super) fn probe(opening: Opening<'_>) -> Verdict {
    let server = judge_server(opening.server);
    // From mid-stream a server may be seen first in the middle of a string.
    let is_framed = opening.client.first() == Some(&b'*');
    if server == Values::None && (opening.from_start || !is_framed) {
        return Verdict::No;
    }
    let client = match (opening.client, opening.from_start) {
        ([], true) if server == Values::Empty => return Verdict::NotYet,
        // A server that speaks first: an error, if it is Redis.
        ([], true) => {
            let is_error = opening.server.first() == Some(&b'-');
            return if is_error { Verdict::NotYet } else { Verdict::No };
        }
        ([], false) => return server_alone(opening.server, server),
        (client, true) => client,
        (client, false) if typed_start(client) == Some(false) => return Verdict::No,
        (client, false) => match boundary(Side::Client, client) {
            Some(start) => client.get(start..).unwrap_or_default(),
            None if may_start(Side::Client, client) => client,
            // Out of the middle of a command: the server's bytes may tell.
            None if server == Values::Certain => return Verdict::NotYet,
            None => return Verdict::No,
        },
    };
    match client.first() {
        Some(b'*') => framed(client, server, opening.from_start),
        Some(_) => typed(client, opening.server),
        None => Verdict::NotYet,
    }
}

/// What the server's bytes look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Values {
    /// No bytes.
    Empty,
    /// Nothing that Redis answers.
    None,
    /// Lines, or the start of something.
    Possible,
    /// Strings and aggregates, framed as nothing else does.
    Certain,
    /// An array that may just as well be a command.
    Command,
}

/// Reads values up to the end of the bytes.
fn judge_server(bytes: &[u8]) -> Values {
    if bytes.is_empty() {
        return Values::Empty;
    }
    if bytes.first() == Some(&b'*')
        && let Read::Whole(Some(front), _) = frame::front(bytes, |_| 0)
        && is_command_like(&front)
        && !is_pushed(bytes)
    {
        return Values::Command;
    }
    let (mut rest, mut framed) = (bytes, 0);
    for _ in 0..VALUES_MAX {
        if rest.is_empty() {
            break;
        }
        match frame::head(rest) {
            Read::Whole(Head::Line(kind, text), n) => {
                if matches!(kind, Type::Simple | Type::Error) && !is_word(kind, text) {
                    return Values::None;
                }
                framed += usize::from(matches!(kind, Type::Bulk | Type::Array));
                rest = rest.get(n..).unwrap_or_default();
            }
            Read::Whole(Head::Body(_, length), n) => {
                let end = n.saturating_add(length as usize);
                if !frame::may_end_at(rest, end) {
                    return Values::None;
                }
                let is_whole = rest.len() >= end.saturating_add(2);
                framed += if is_whole { 2 } else { 1 };
                rest = rest.get(end.saturating_add(2)..).unwrap_or_default();
            }
            Read::Whole(Head::Values(..) | Head::Streamed(_) | Head::Chunks(_), n) => {
                framed += 1;
                rest = rest.get(n..).unwrap_or_default();
            }
            Read::Whole(Head::Chunk(_) | Head::End, _) => break,
            Read::Partial => break,
            Read::Malformed => return Values::None,
        }
    }
    if framed >= 2 { Values::Certain } else { Values::Possible }
}

/// A simple string starts with a word, an error with one in capitals. (POP3 has `+OK` too, and
/// text.)
fn is_word(kind: Type, text: &[u8]) -> bool {
    let word = operation::first_word(text);
    let is_sound = text.iter().all(|b| (b' '..0x7f).contains(b) || *b >= 0x80);
    match kind {
        Type::Error => is_sound && word.first().is_some_and(u8::is_ascii_alphabetic),
        _ => is_sound,
    }
}

/// True if a front reads like a command: only its word, in one case, tells it from an array.
fn is_command_like(front: &Front<'_>) -> bool {
    operation::is_known(front.word)
        || (front.word.len() > 1
            && front.word.iter().all(|b| b.is_ascii_uppercase() || matches!(b, b'.' | b'_')))
}

/// True for what Redis sends to those who subscribed.
fn is_pushed(bytes: &[u8]) -> bool {
    let is_ours = |message: &Message<'_>| {
        message.is_message() || (message.is_confirmation() && message.count.is_some())
    };
    matches!(frame::message(bytes), Read::Whole(Some(message), _) if is_ours(&message))
}

/// Strings alone may be the arguments of a command: only messages tell a server.
fn server_alone(bytes: &[u8], server: Values) -> Verdict {
    match server {
        Values::None | Values::Command => Verdict::No,
        Values::Certain if is_pushed(bytes) => Verdict::Match(LIKELY),
        Values::Certain | Values::Possible | Values::Empty => Verdict::NotYet,
    }
}

/// A client that frames its commands.
fn framed(client: &[u8], server: Values, from_start: bool) -> Verdict {
    // Both ends cannot send commands; a replica's acknowledgements tell who is who.
    let front = match frame::front(client, |_| 1) {
        Read::Whole(Some(front), _) => front,
        Read::Whole(None, _) | Read::Malformed => return Verdict::No,
        Read::Partial => match frame::front(client, |_| 0) {
            Read::Whole(Some(front), _) => front,
            Read::Malformed => return Verdict::No,
            Read::Whole(None, _) | Read::Partial => return Verdict::NotYet,
        },
    };
    let is_known = operation::is_known(front.word);
    if !operation::is_name(front.word) || is_pushed(client) {
        return Verdict::No;
    }
    if server == Values::Command && !from_start && !front.word.eq_ignore_ascii_case(b"REPLCONF") {
        return Verdict::No;
    }
    if is_known {
        return Verdict::Match(Verdict::CERTAIN);
    }
    match (from_start, server) {
        (true, _) => Verdict::Match(UNKNOWN_COMMAND),
        (false, Values::Empty) => Verdict::NotYet,
        (false, Values::None) => Verdict::No,
        // Any array of strings might be one.
        (false, _) if !is_command_like(&front) => Verdict::No,
        (false, _) => Verdict::Match(LIKELY),
    }
}

/// A client that types its commands: some answer must fit as only Redis answers.
fn typed(client: &[u8], server: &[u8]) -> Verdict {
    let (mut commands, mut answers) = (client, server);
    let mut verdict = Verdict::NotYet;
    for _ in 0..VALUES_MAX {
        let (front, n) = match frame::front(commands, |_| 1) {
            Read::Whole(None, n) => {
                commands = commands.get(n..).unwrap_or_default();
                continue;
            }
            Read::Whole(Some(front), n) => (front, n),
            Read::Partial if !commands.is_empty() && !may_be_typed(commands) => {
                return Verdict::No;
            }
            Read::Partial => return verdict,
            Read::Malformed => return Verdict::No,
        };
        if front.word.eq_ignore_ascii_case(b"CLIENT") {
            // It may turn answers off: which answer is whose is not told here.
            return verdict;
        }
        if !operation::is_known(front.word) {
            // A slip of the finger among commands; at the start something else.
            return if verdict == Verdict::NotYet { Verdict::No } else { verdict };
        }
        let (kind, text, taken) = match frame::head(answers) {
            Read::Whole(Head::Line(kind, text), n) => (kind, text, n),
            Read::Whole(Head::Body(kind, length), n) => {
                (kind, &b""[..], n.saturating_add(length as usize + 2))
            }
            Read::Whole(Head::Values(kind, _), _) => (kind, &b""[..], answers.len()),
            Read::Whole(..) | Read::Malformed => return Verdict::No,
            Read::Partial => return verdict,
        };
        match fits(front.word, kind, text) {
            Fit::Never => return Verdict::No,
            Fit::Perhaps => {}
            Fit::Surely => verdict = Verdict::Match(Verdict::CERTAIN),
        }
        commands = commands.get(n..).unwrap_or_default();
        answers = answers.get(taken..).unwrap_or_default();
    }
    verdict
}

/// From mid-stream: may the line at the start be typed? `None`: there is no line.
fn typed_start(client: &[u8]) -> Option<bool> {
    if client.first() == Some(&b'*') {
        return None;
    }
    match frame::front(client, |_| 1) {
        Read::Whole(Some(front), _) if !operation::is_known(front.word) => None,
        Read::Whole(Some(front), _) => Some(operation::is_typed(&front)),
        Read::Whole(None, _) | Read::Partial | Read::Malformed => None,
    }
}

/// Does an answer fit a command?
enum Fit {
    Never,
    /// Others answer like this too.
    Perhaps,
    Surely,
}

fn fits(word: &[u8], kind: Type, text: &[u8]) -> Fit {
    let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
    match kind {
        Type::Simple if is(b"PING") => match text {
            b"PONG" => Fit::Surely,
            b"QUEUED" => Fit::Perhaps,
            _ => Fit::Never,
        },
        Type::Simple if text == b"PONG" => Fit::Never,
        // POP3 and NATS share these words and the answer.
        Type::Simple if is(b"AUTH") || is(b"QUIT") || is(b"RESET") || text != b"OK" => Fit::Perhaps,
        Type::Simple => Fit::Surely,
        Type::Error => {
            let known = [
                &b"NOAUTH"[..],
                b"WRONGTYPE",
                b"WRONGPASS",
                b"NOPERM",
                b"MOVED",
                b"LOADING",
                b"MASTERDOWN",
                b"READONLY",
                b"OOM",
                b"ERR unknown command",
                b"ERR wrong number of arguments",
                b"ERR syntax error",
                b"ERR value is not",
            ];
            if known.iter().any(|start| text.starts_with(start)) {
                Fit::Surely
            } else {
                Fit::Perhaps
            }
        }
        Type::Integer | Type::Bulk | Type::Array | Type::Map | Type::Set => Fit::Surely,
        _ => Fit::Perhaps,
    }
}

fn may_be_typed(client: &[u8]) -> bool {
    let word = client.split(u8::is_ascii_whitespace).next().unwrap_or_default();
    let is_whole = word.len() < client.len();
    client.len() <= INLINE_BYTES_MAX
        && operation::is_name(word)
        && (!is_whole || operation::is_known(word))
}

/// True if these bytes may be the start of a frame of this side.
fn may_start(side: Side, bytes: &[u8]) -> bool {
    match side {
        Side::Client => match bytes.first() {
            Some(b'*') => match frame::front(bytes, |_| 0) {
                Read::Whole(front, _) => front.is_some_and(|f| operation::is_name(f.word)),
                Read::Partial => true,
                Read::Malformed => false,
            },
            Some(_) => may_be_typed(bytes),
            None => true,
        },
        Side::Server => !matches!(judge_server(bytes), Values::None | Values::Empty),
    }
}

/// Where a frame begins in bytes that start at a packet boundary.
pub(super) fn boundary(side: Side, bytes: &[u8]) -> Option<usize> {
    // A packet mostly starts with a frame, whole or not.
    if begins(side, bytes) || (!bytes.is_empty() && may_start(side, bytes)) {
        return Some(0);
    }
    memchr::memchr_iter(b'\n', bytes)
        .map(|end| end + 1)
        .find(|start| bytes.get(*start..).is_some_and(|rest| begins(side, rest)))
}

/// True if a frame surely begins here: strings hold anything.
fn begins(side: Side, bytes: &[u8]) -> bool {
    match side {
        Side::Client => begins_command(bytes),
        Side::Server => judge_server(bytes) == Values::Certain,
    }
}

/// A known command, and nothing behind it that is none.
fn begins_command(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    for at in 0..VALUES_MAX {
        if at > 0 && rest.is_empty() {
            break;
        }
        match frame::front(rest, |_| u64::MAX) {
            Read::Whole(Some(front), n) => {
                let is_framed = rest.first() == Some(&b'*') && !is_pushed(rest);
                if !is_framed || !operation::is_known(front.word) {
                    return false;
                }
                if front.left > 0 {
                    break;
                }
                rest = rest.get(n..).unwrap_or_default();
            }
            Read::Partial if at == 0 => {
                let front = frame::front(rest, |_| 0);
                return matches!(front, Read::Whole(Some(front), _)
                    if rest.first() == Some(&b'*') && operation::is_known(front.word));
            }
            Read::Partial => break,
            Read::Whole(None, _) | Read::Malformed => return false,
        }
    }
    true
}
