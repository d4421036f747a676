//! Is it DNS? The header has few bits that may be anything, and lengths must meet at the end.

use model::Side;

use super::frame::{HEADER_BYTES, Header, Message, Opcode, Question};
use crate::protocol::{Opening, Transport, Verdict};

/// The length in front of each message on a stream (RFC 1035 §4.2.2).
pub(super) const PREFIX_BYTES: usize = 2;
/// Header and the shortest question: the root.
const REQUEST_BYTES_MIN: usize = HEADER_BYTES + 5;
/// A question with EDNS options and a signature takes some hundred bytes.
const QUERY_BYTES_MAX: usize = 4 * 1024;
/// EDNS, signature, and one to spare.
const QUERY_ADDITIONALS_MAX: u16 = 3;
/// Bytes after which the first question must be whole.
const QUESTION_BYTES_MAX: usize = HEADER_BYTES + 255 + 4;
/// A stream whose question is sound and whose first message is not all there.
const LIKELY: u8 = Verdict::CERTAIN - 10;

pub(super) fn probe(opening: Opening<'_>) -> Verdict {
    let Opening { client, server, from_start, transport } = opening;
    match transport {
        Transport::Datagram if server.is_empty() => datagram(client, Side::Client),
        Transport::Datagram => datagram(server, Side::Server),
        Transport::Multicast if server.is_empty() => to_group(client),
        Transport::Multicast => Verdict::No,
        // Only the client begins.
        Transport::Stream if client.is_empty() && from_start => Verdict::No,
        Transport::Stream => {
            match (stream(client, Side::Client), stream(server, Side::Server)) {
                (Verdict::No, _) | (_, Verdict::No) => Verdict::No,
                (Verdict::Match(a), Verdict::Match(b)) => Verdict::Match(a.max(b)),
                (Verdict::Match(score), _) | (_, Verdict::Match(score)) => Verdict::Match(score),
                (Verdict::NotYet, Verdict::NotYet) => Verdict::NotYet,
            }
        }
    }
}

/// True if a message of this side may begin with `header` and ask `question`.
pub(super) fn is_plausible(header: Header, question: Option<&Question<'_>>, side: Side) -> bool {
    fits(header, side)
        && match question {
            Some(question) => is_sound(question),
            // Some servers leave it out when they refuse; later messages of a transfer may too.
            None => header.is_response(),
        }
}

/// True if a message on a stream cannot begin with `bytes`, whoever sent them.
pub(super) fn is_hopeless(bytes: &[u8]) -> bool {
    [Side::Client, Side::Server].iter().all(|side| stream(bytes, *side) == Verdict::No)
}

/// True if a message of this side may begin here: what follows is checked anyway.
pub(super) fn is_boundary(bytes: &[u8], side: Side) -> bool {
    stream(bytes, side) != Verdict::No
}

/// The whole message, if it is one and nothing else. For taking bytes that may be anything.
fn whole(bytes: &[u8], side: Side) -> Option<Message<'_>> {
    let message = Message::read(bytes)?;
    let is_named = message.question.is_some() || message.header.response_code() != 0;
    let is_plausible = is_plausible(message.header, message.question.as_ref(), side);
    (is_plausible && is_named && message.is_whole()).then_some(message)
}

fn datagram(bytes: &[u8], side: Side) -> Verdict {
    match whole(bytes, side) {
        Some(_) => Verdict::Match(Verdict::CERTAIN),
        None => Verdict::No,
    }
}

/// Multicast DNS (RFC 6762 §18) and LLMNR: several questions, known answers, announcements.
fn to_group(bytes: &[u8]) -> Verdict {
    let is_ours = |message: &Message<'_>| {
        let header = message.header;
        header.opcode() == Opcode::Query
            && header.response_code() == 0
            && header.is_clean()
            && (header.questions > 0 || header.is_response() && header.answers > 0)
            && !message.question.as_ref().is_some_and(is_netbios)
            && message.is_whole()
    };
    match Message::read(bytes).filter(is_ours) {
        Some(_) => Verdict::Match(Verdict::CERTAIN),
        None => Verdict::No,
    }
}

/// What one side of a stream has sent so far.
fn stream(bytes: &[u8], side: Side) -> Verdict {
    let Some((prefix, bytes)) = bytes.split_first_chunk::<PREFIX_BYTES>() else {
        return Verdict::NotYet;
    };
    let length = usize::from(u16::from_be_bytes(*prefix));
    let shortest = if side == Side::Client { REQUEST_BYTES_MIN } else { HEADER_BYTES };
    if length < shortest {
        return Verdict::No;
    }
    if let Some(message) = bytes.get(..length) {
        return datagram(message, side);
    }
    let flags = bytes.get(2..4).and_then(|flags| flags.first_chunk().copied());
    let Some(flags) = flags.map(u16::from_be_bytes) else {
        return Verdict::NotYet;
    };
    let bare = Header { id: 0, flags, questions: 1, answers: 0, authorities: 0, additionals: 0 };
    let is_too_long = bare.opcode() == Opcode::Query && length > QUERY_BYTES_MAX;
    if !fits(bare, side) || side == Side::Client && is_too_long {
        return Verdict::No;
    }
    let Some(header) = Header::read(bytes) else {
        return Verdict::NotYet;
    };
    match Message::read(bytes) {
        _ if !fits(header, side) => Verdict::No,
        Some(Message { question: Some(question), .. }) if is_sound(&question) => {
            Verdict::Match(LIKELY)
        }
        Some(Message { question: None, .. }) => Verdict::NotYet,
        Some(_) => Verdict::No,
        None if bytes.len() >= QUESTION_BYTES_MAX => Verdict::No,
        None => Verdict::NotYet,
    }
}

/// Flags and counts as this side sends them.
fn fits(header: Header, side: Side) -> bool {
    if !header.is_clean() || header.is_response() != (side == Side::Server) {
        return false;
    }
    let opcode = header.opcode();
    if header.is_response() {
        return header.questions <= 1 && opcode != Opcode::Other;
    }
    let is_bare = header.questions == 1 && header.response_code() == 0 && !header.is_truncated();
    is_bare
        && match opcode {
            // A transfer of changes says in the authority section what the asker has.
            Opcode::Query => header.answers == 0 && header.authorities <= 1,
            Opcode::Notify => header.answers <= 1 && header.authorities <= 1,
            Opcode::Update => true,
            Opcode::Other => false,
        }
        && (opcode == Opcode::Update || header.additionals <= QUERY_ADDITIONALS_MAX)
}

/// A type that is one, and a class there is (RFC 6895 §3.2).
fn is_sound(question: &Question<'_>) -> bool {
    question.kind != 0
        && matches!(question.class, 1 | 3 | 4 | 254 | 255)
        && !is_netbios(question)
}

/// NetBIOS names (RFC 1002 §4.2) look like DNS: one label of 32 letters from `A` to `P`, and types
/// that DNS uses for others.
fn is_netbios(question: &Question<'_>) -> bool {
    matches!(question.kind, 32 | 33)
        && question.name.labels().next().is_some_and(|label| {
            label.len() == 32 && label.iter().all(|byte| matches!(byte, b'A'..=b'P'))
        })
}
