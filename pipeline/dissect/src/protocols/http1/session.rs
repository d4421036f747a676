//! Requests and answers, in order, on one connection.
//!
//! ```text
//! client:  Start ─▶ Fields ─▶ Body ─────────────────▶ Start
//!                      ├────▶ Expecting ─▶ Body        ▲
//!                      ├────▶ Chunks ─▶ Trailers ──────┘
//!                      ├────▶ Connecting (waits for the answer to CONNECT)
//!                      └────▶ Silent (HTTP/0.9 says nothing more)
//! server:  Start ─▶ Fields ─▶ Body ─────────────────▶ Start
//!                      ├────▶ Doubtful ─▶ Body         ▲
//!                      ├────▶ Chunks ─▶ Trailers ──────┘
//!                      └────▶ Switching (101 to h2c) ─▶ becomes something else
//! ```

use model::{Exchange, Incomplete, ProtocolInfo, ShortText, Side, Status, Timestamp};

use super::frame::{self, Fields, Read, Version};
use super::sync::Turns;
use super::h2c;
use crate::naming::http;
use crate::pairing::{InOrder, Pending};
use crate::protocol::{Input, Output, Session, Start, Step};

mod client;
mod server;

/// Requests open at a time; clients that pipeline send tens.
const OPEN_MAX: usize = 1_024;
/// A line that is no request is passed over up to this length.
const GARBAGE_BYTES_MAX: usize = 8 * 1024;
/// Bytes looked at after a 101 to h2c, under [`crate::Dissector::HELD_MAX`].
const H2C_BYTES_MAX: usize = 48 * 1024;

/// What is remembered of a request until it is answered.
#[derive(Clone, Copy, Debug)]
struct Asked {
    method: Method,
    version: Version,
    /// Timed out and reported: its answer is read and belongs to nobody.
    is_reported: bool,
}

/// The methods that change what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Method {
    Head,
    Connect,
    Other,
}

#[derive(Debug)]
enum Sending {
    Start,
    Fields(Fields),
    Expecting(u64),
    Body,
    Chunks,
    Trailers,
    Connecting,
    Silent,
}

#[derive(Debug)]
enum Answering {
    Start,
    Fields(Fields),
    /// The answer to a request we did not see: it may have been a HEAD, and no body comes.
    Doubtful(u64),
    Body,
    Chunks,
    Trailers,
    Switching(h2c::Answer),
}

/// The answer being read.
#[derive(Clone, Copy, Debug)]
struct Answer {
    code: [u8; 3],
    /// Belongs to no request we know.
    is_stray: bool,
    /// When a 101 was whole.
    switched_at: Timestamp,
}

/// The texts made last: on one connection they hardly ever change.
#[derive(Debug)]
struct Texts {
    minor: Version,
    version: ShortText,
    code: [u8; 3],
    status: Status,
}

impl Texts {
    #[inline]
    fn version(&mut self, version: Version) -> ShortText {
        if self.minor != version {
            self.minor = version;
            self.version = match version {
                Version::Simple => ShortText::new("0.9"),
                Version::One(minor) => ShortText::from_wire(&[b'1', b'.', minor]),
            };
        }
        self.version
    }

    #[inline]
    fn status(&mut self, code: [u8; 3]) -> Status {
        if self.code != code {
            self.code = code;
            self.status = http::status(code);
        }
        self.status
    }
}

/// See the module.
pub(super) struct Http1Session {
    protocol: &'static ProtocolInfo,
    open: InOrder<Asked>,
    client: Sending,
    server: Answering,
    answer: Answer,
    texts: Texts,
    turns: Turns,
    /// The newest open request is still being sent.
    is_sending: bool,
    /// The request being sent, if its answer cannot be told.
    unpaired: Option<Box<Pending<Asked>>>,
    /// The server's stream is out of step.
    is_server_lost: bool,
    /// Only a known method starts a request: we do not know what stands before it.
    is_strict: bool,
    /// A head did not fit into what the tap showed of a packet.
    has_long_heads: bool,
    /// Nothing has been read from the client of a connection seen from its start.
    is_fresh: bool,
}

impl Http1Session {
    pub(super) fn new(protocol: &'static ProtocolInfo, start: Start) -> Self {
        Self {
            protocol,
            open: InOrder::new(OPEN_MAX),
            client: Sending::Start,
            server: Answering::Start,
            answer: Answer { code: *b"000", is_stray: true, switched_at: Timestamp::UNKNOWN },
            texts: Texts {
                minor: Version::Simple,
                version: ShortText::from_wire(b"0.9"),
                // HTTP/0.9 has no status.
                code: [0; 3],
                status: Status::default(),
            },
            turns: Turns::new(start.from_start),
            is_sending: false,
            unpaired: None,
            is_server_lost: false,
            is_strict: !start.from_start,
            has_long_heads: false,
            is_fresh: start.from_start,
        }
    }

    fn lose_server(&mut self, output: &mut Output<'_>) -> Step {
        self.turns.lose_answers();
        self.turns.turn(Side::Server);
        if matches!(self.server, Answering::Switching(_)) {
            self.end_switching(Incomplete::Gap, output);
        }
        self.give_up(Incomplete::Gap, output);
        self.server = Answering::Start;
        self.is_server_lost = true;
        Step::Desync
    }

    /// Reports all that is open, the one being answered with its status.
    fn give_up(&mut self, reason: Incomplete, output: &mut Output<'_>) {
        while let Some(asked) = self.open.pop() {
            let is_begun = asked.first_answer.is_some() && !self.answer.is_stray;
            let status =
                if is_begun { self.texts.status(self.answer.code) } else { Status::default() };
            self.answer.is_stray = true;
            if !asked.tag.is_reported {
                self.report(asked, status, reason, output);
            }
        }
        self.is_sending = false;
        self.give_up_unpaired(output);
    }

    fn give_up_unpaired(&mut self, output: &mut Output<'_>) {
        if let Some(asked) = self.unpaired.take() {
            let reason = self.turns.reason();
            self.report(*asked, Status::default(), reason, output);
        }
    }

    fn report(
        &mut self,
        mut asked: Pending<Asked>,
        status: Status,
        reason: Incomplete,
        output: &mut Output<'_>,
    ) {
        if let Some(wire) = asked.wire.as_deref_mut() {
            wire.status = Some(status.code.as_str().to_owned()).filter(|code| !code.is_empty());
        }
        let version = self.texts.version(asked.tag.version);
        let exchange: Exchange = asked.unanswered(self.protocol, version, status, reason);
        output.emit(&exchange);
    }

    fn is_answering(&self) -> bool {
        !matches!(self.server, Answering::Start | Answering::Doubtful(_))
    }
}

impl Session for Http1Session {
    #[inline]
    fn step(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        match input.side {
            Side::Client => self.step_client(input, output),
            Side::Server => self.step_server(input, output),
        }
    }

    fn passed(&mut self, side: Side, bytes: u64, at: Timestamp, output: &mut Output<'_>) {
        self.turns.spoke(side, at);
        match side {
            Side::Client => {
                self.count_request(bytes);
                if matches!(self.client, Sending::Body) {
                    self.request_sent(output);
                }
            }
            Side::Server => {
                self.count_answer(bytes);
                if matches!(self.server, Answering::Body) {
                    self.answered(at, output);
                }
            }
        }
    }

    fn gap(&mut self, side: Side, _bytes: u64, at: Timestamp, output: &mut Output<'_>) {
        self.turns.missed(side, !self.open.is_empty(), at);
        match side {
            // What was asked before is still answered in order; what was asked in the gap is not
            // known.
            Side::Client => self.lose_client(output),
            Side::Server => self.lose_server(output),
        };
    }

    fn resync(&mut self, side: Side, bytes: &[u8]) -> Option<usize> {
        let is_pipelined = self.turns.is_pipelined();
        let found = match side {
            Side::Client => find_request(bytes, is_pipelined),
            Side::Server => find_answer(bytes, is_pipelined),
        };
        // A request that is found begins its turn when it is read.
        if found.is_none() || side == Side::Server {
            self.turns.turn(side);
        }
        found
    }

    fn end(&mut self, side: Side, at: Timestamp, output: &mut Output<'_>) {
        if side == Side::Client {
            return;
        }
        match self.server {
            // Some servers send a status line, perhaps fields, and close.
            Answering::Fields(_) if self.answer.code.first() != Some(&b'1') => {
                self.answered(at, output);
            }
            Answering::Switching(_) => self.end_switching(Incomplete::Closed, output),
            _ => {}
        }
        self.give_up(Incomplete::Closed, output);
        self.server = Answering::Start;
    }

    fn close(&mut self, reason: Incomplete, _at: Timestamp, output: &mut Output<'_>) {
        if matches!(self.server, Answering::Switching(_)) {
            self.end_switching(reason, output);
        }
        self.give_up(reason, output);
    }

    fn expire(&mut self, before: Timestamp, output: &mut Output<'_>) {
        // An answer under way is an answer; and those behind it wait for it, not for the service.
        if self.open.front().is_none_or(|asked| asked.first_answer.is_some()) {
            return;
        }
        let count = self.open.len();
        for position in 1..=count {
            let Some(asked) = self.open.pop() else { return };
            let is_uploading = self.is_sending && position == count;
            let is_late = asked.start < before && !asked.tag.is_reported && !is_uploading;
            let kept = if is_late {
                let kept = placeholder(&asked);
                self.report(asked, Status::default(), Incomplete::Timeout, output);
                kept
            } else {
                asked
            };
            // It was in the queue a moment ago: there is room.
            let _ = self.open.push(kept);
        }
    }

    fn wants_everything(&mut self) -> bool {
        self.turns.is_pipelined() || self.has_long_heads
    }
}

/// Keeps the place of a request that was reported, so that its late answer is read as its own.
fn placeholder(asked: &Pending<Asked>) -> Pending<Asked> {
    Pending {
        wire: None,
        tag: Asked { is_reported: true, ..asked.tag },
        endpoint: asked.endpoint,
        kind: asked.kind,
        start: asked.start,
        first_answer: None,
        request_bytes: asked.request_bytes,
        response_bytes: asked.response_bytes,
    }
}

/// Heads follow each other closely only where requests are pipelined; elsewhere what follows an
/// empty line is a body, and may say anything.
fn find_request(bytes: &[u8], is_pipelined: bool) -> Option<usize> {
    if starts_request(bytes) {
        return Some(0);
    }
    memchr::memmem::find_iter(bytes, b"\r\n\r\n").filter(|_| is_pipelined).map(|end| end + 4).find(
        |start| bytes.get(*start..).is_some_and(|rest| !rest.is_empty() && starts_request(rest)),
    )
}

fn find_answer(bytes: &[u8], is_pipelined: bool) -> Option<usize> {
    if frame::status_line(bytes) != Read::Malformed {
        return Some(0);
    }
    memchr::memmem::find_iter(bytes, b"HTTP/1.").filter(|_| is_pipelined).find(|start| {
        let rest = bytes.get(*start..).unwrap_or_default();
        matches!(frame::status_line(rest), Read::Whole(..))
    })
}

/// True if a request surely starts here, or may start with these few bytes.
fn starts_request(bytes: &[u8]) -> bool {
    match frame::request_line(bytes) {
        Read::Whole(line, _) => {
            line.version != Version::Simple && http::is_known_method(line.method)
        }
        Read::Malformed => false,
        Read::Partial => match bytes.iter().position(|b| *b == b' ') {
            Some(space) => http::is_known_method(bytes.get(..space).unwrap_or_default()),
            None => http::may_become_method(bytes),
        },
    }
}

const fn took_or_wait(taken: usize) -> Step {
    if taken == 0 { Step::Wait } else { Step::Took(taken) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_is_small() {
        // The queue keeps room for four once it was used.
        let queue = 4 * size_of::<Pending<Asked>>();
        let session = size_of::<Http1Session>();
        println!("session {session} bytes, queue {queue} bytes");
        assert!(session + queue <= 480);
    }
}
