//! Which protocol is this connection?
//!
//! Every protocol is asked about the first bytes of both ends; the best score wins. Ports order the
//! questions and never answer them. Without a SYN both ends are tried as the client, and so they
//! are with datagrams: the first one seen may be an answer.

use model::Direction;

use crate::protocol::{Opening, Protocol, Transport, Verdict};
use crate::protocols::PROTOCOLS;

/// What is known about a connection when it is classified.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clues {
    /// Who opened it; `None` from mid-stream.
    pub(crate) initiator: Option<Direction>,
    /// Ports of the Forward and the Backward sender; 0 if not known.
    pub(crate) ports: [u16; 2],
    /// Both streams seen from their first byte.
    pub(crate) from_start: bool,
    /// How the bytes travel.
    pub(crate) transport: Transport,
    /// No more bytes will be waited for.
    pub(crate) last_try: bool,
}

/// The classifier's answer.
pub(crate) enum Decision {
    /// This protocol, and this direction is the client's.
    Take(&'static dyn Protocol, Direction),
    /// TLS or DTLS records: nothing to read without keys.
    Sealed,
    /// More bytes are needed.
    Wait,
    /// None of those we know.
    Nothing,
}

/// Asks every protocol about `bytes` (per direction, the start of what was seen).
pub(crate) fn classify(bytes: [&[u8]; 2], clues: &Clues) -> Decision {
    let is_stream = clues.transport == Transport::Stream;
    if is_stream && bytes.iter().any(|b| is_tls(b)) {
        return Decision::Sealed;
    }
    let mut best: Option<(u8, &'static dyn Protocol, Direction)> = None;
    let mut undecided = false;
    let first = clues.initiator.unwrap_or(Direction::Forward);
    for client in [first, first.opposite()] {
        if is_stream && clues.initiator.is_some_and(|initiator| initiator != client) {
            continue;
        }
        let opening = Opening {
            client: bytes[client.index()],
            server: bytes[client.opposite().index()],
            from_start: clues.from_start,
            transport: clues.transport,
        };
        let server_port = clues.ports[client.opposite().index()];
        for protocol in by_port(server_port).filter(|p| p.speaks(clues.transport)) {
            match protocol.probe(opening) {
                Verdict::No => {}
                Verdict::NotYet => undecided = true,
                Verdict::Match(score) if score >= Verdict::CERTAIN => {
                    return Decision::Take(protocol, client);
                }
                Verdict::Match(score) => {
                    if best.is_none_or(|(highest, ..)| score > highest) {
                        best = Some((score, protocol, client));
                    }
                }
            }
        }
    }
    match best {
        Some((_, protocol, client)) if !undecided || clues.last_try => {
            Decision::Take(protocol, client)
        }
        _ if undecided && !clues.last_try => Decision::Wait,
        _ => Decision::Nothing,
    }
}

/// Every protocol, those that are usually found on `port` first.
fn by_port(port: u16) -> impl Iterator<Item = &'static dyn Protocol> {
    let usual = move |p: &&&dyn Protocol| p.protocol().ports.contains(&port);
    let likely = PROTOCOLS.iter().filter(usual);
    let others = PROTOCOLS.iter().filter(move |p| !usual(p));
    likely.chain(others).copied()
}

/// True if `bytes` start with a TLS record (RFC 8446 §5.1): type, version 3.x, a length within
/// bounds, and, for a handshake, a known message type.
pub(crate) fn is_tls(bytes: &[u8]) -> bool {
    let Some([kind, 3, minor @ 0..=4, high, low, first]) = bytes.first_chunk::<6>() else {
        return false;
    };
    let _ = minor;
    let length = u16::from_be_bytes([*high, *low]);
    match kind {
        22 => (4..=16_384).contains(&length) && matches!(first, 1 | 2 | 4 | 11 | 20),
        20 => length == 1 && *first == 1,
        21 => length == 2 || length > 16,
        23 => (17..=16_640).contains(&length),
        _ => false,
    }
}

/// True if `bytes` start with a TLS client's first message (RFC 8446 §4.1.2).
pub(crate) fn is_hello(bytes: &[u8]) -> bool {
    matches!(bytes, [22, _, _, _, _, 1, ..]) && is_tls(bytes)
}
