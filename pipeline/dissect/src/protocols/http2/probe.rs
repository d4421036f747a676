//! Is it HTTP/2? By the client's preface, or from the middle by frames and what their blocks say.

use model::Side;

use super::frame::{Frames, PREFACE, Type};
use super::hpack::Decoder;
use crate::http::Name;
use crate::protocol::{Opening, Verdict};

/// Frames looked at.
const FRAMES_MAX: usize = 16;
/// A request whose frame fits to the byte and whose block holds what a request must.
const FOUND: u8 = 92;

/// What the bytes of one end look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// None yet, or less than a header.
    Nothing,
    /// Something else.
    Other,
    /// Sound frames that do not say who sends them.
    Frames,
    /// Frames of this side.
    Of(Side),
}

pub(super) fn probe(opening: Opening<'_>) -> Verdict {
    let Opening { client, server, from_start, .. } = opening;
    if client.starts_with(PREFACE) {
        return Verdict::Match(100);
    }
    if !client.is_empty() && PREFACE.starts_with(client) {
        return Verdict::NotYet;
    }
    let looks = (look(client), look(server));
    if from_start {
        // A server may speak first, and with SETTINGS; a client that has begun otherwise is none.
        let is_greeting = client.is_empty() && may_greet(server) && looks.1 != Look::Other;
        return if is_greeting { Verdict::NotYet } else { Verdict::No };
    }
    match looks {
        (Look::Other, _) | (_, Look::Other) => Verdict::No,
        (Look::Of(Side::Server), _) | (_, Look::Of(Side::Client)) => Verdict::No,
        (Look::Of(Side::Client), _) | (_, Look::Of(Side::Server)) => Verdict::Match(FOUND),
        (Look::Nothing, Look::Nothing) if client.is_empty() && server.is_empty() => Verdict::No,
        (Look::Frames | Look::Nothing, Look::Frames | Look::Nothing) => Verdict::NotYet,
    }
}

/// True if a server may say this first: SETTINGS, or the start of them.
fn may_greet(server: &[u8]) -> bool {
    let is_short = server.iter().take(2).all(|byte| *byte == 0);
    let has_entries = server.get(2).is_none_or(|length| length.is_multiple_of(6));
    let is_settings = server.get(3).is_none_or(|kind| *kind == 4);
    let is_plain = server.iter().take(9).skip(4).all(|byte| *byte == 0);
    !server.is_empty() && is_short && has_entries && is_settings && is_plain
}

fn look(bytes: &[u8]) -> Look {
    let mut look = Look::Nothing;
    for (header, payload) in Frames::new(bytes).take(FRAMES_MAX) {
        if !header.is_usual() || (look == Look::Nothing && header.kind == Type::Continuation) {
            return Look::Other;
        }
        let is_whole = payload.len() == header.length as usize;
        let told = match header.kind {
            Type::Headers if is_whole => header.block(payload).map_or(Look::Other, sender),
            Type::Promise => Look::Of(Side::Server),
            _ => Look::Frames,
        };
        look = match (look, told) {
            (_, Look::Other) => return Look::Other,
            (Look::Of(one), Look::Of(other)) if one != other => return Look::Other,
            (Look::Of(_), _) => look,
            (Look::Nothing | Look::Other | Look::Frames, told) => told,
        };
    }
    if look == Look::Nothing && bytes.first().is_some_and(|first| *first != 0) {
        return Look::Other;
    }
    look
}

/// Who sends such a block: a request has a method, an answer a status.
fn sender(block: &[u8]) -> Look {
    let (mut asks, mut answers) = (false, false);
    let read = Decoder::new(false).read(block, |name, _| match name {
        Name::Method | Name::Path | Name::Scheme => asks = true,
        Name::Status => answers = true,
        _ => {}
    });
    match (read, asks, answers) {
        (Err(_), ..) | (_, true, true) => Look::Other,
        (Ok(()), true, false) => Look::Of(Side::Client),
        (Ok(()), false, true) => Look::Of(Side::Server),
        (Ok(()), false, false) => Look::Frames,
    }
}
