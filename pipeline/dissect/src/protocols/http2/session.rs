//! Frames of both sides → one exchange a stream.
//!
//! ```text
//! side:    Preface (client) ─▶ Frame ─▶ Payload to pass over ─▶ Frame
//!                                └────▶ Block ─ CONTINUATION ─▶ Frame
//! stream:  asked (HEADERS, PUSH_PROMISE) ─▶ answering (final HEADERS) ─▶ reported (END_STREAM)
//!             └────────────────────────────────┴▶ reported (RST_STREAM, GOAWAY, close, time-out)
//! ```
//! Payloads of DATA are passed over; only header blocks are read, each whole.

use model::{Framing, Incomplete, Side, Timestamp};

use super::frame::{self, HEADER_BYTES, Header, PREFACE, Type};
use super::hpack::Decoder;
use super::sync::{self, Streams};
use crate::http::{Head, Requests, Version};
use crate::protocol::{Input, Output, Session, Start, Step};

mod blocks;

/// The longest header block: servers refuse heads from 8 KiB (nginx) to 1 MiB (Go) on.
const BLOCK_BYTES_MAX: usize = 64 * 1024;

/// What a header block belongs to.
#[derive(Clone, Copy, Debug)]
struct Opened {
    /// The stream that the frame is on, and the one that it promises.
    stream: u32,
    promised: Option<u32>,
    ends_stream: bool,
    /// First byte of the frame.
    first_at: Timestamp,
    /// Bytes of the frames so far.
    bytes: u64,
}

/// A header block whose frames are still coming.
#[derive(Debug)]
struct Block {
    opened: Opened,
    text: Vec<u8>,
    /// There is more than we keep.
    is_cut: bool,
}

/// One side's place in its stream of frames.
#[derive(Debug)]
struct Sending {
    decoder: Decoder,
    block: Option<Box<Block>>,
    /// The stream whose DATA is passing, and whether it ends with that.
    passing: Option<(u32, bool)>,
    /// The preface may still come.
    is_fresh: bool,
    /// The highest number of a stream of the client's, as this side has used them.
    highest: u32,
}

/// Both sides.
#[derive(Debug)]
struct Sides {
    client: Sending,
    server: Sending,
    /// Missing since a stream was seen in use.
    missing_bytes: u64,
}

impl Sides {
    const fn of(&mut self, side: Side) -> &mut Sending {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    /// A stream of the client's is in use.
    fn uses(&mut self, side: Side, stream: u32) {
        let sending = self.of(side);
        sending.highest = sending.highest.max(stream);
        self.missing_bytes = 0;
    }
}

/// See the module.
pub(super) struct Http2Session {
    sides: Sides,
    requests: Requests,
    head: Head,
}

impl Http2Session {
    pub(super) fn new(spoken: &'static Version, start: Start) -> Self {
        let side = |is_fresh| Sending {
            decoder: Decoder::new(start.from_start),
            block: None,
            passing: None,
            is_fresh,
            highest: 0,
        };
        Self {
            sides: Sides { client: side(true), server: side(false), missing_bytes: 0 },
            requests: Requests::new(spoken),
            head: Head::default(),
        }
    }

    /// Bytes of this side are missing, or make no sense: blocks may have passed unseen.
    fn lose(&mut self, side: Side) {
        let sending = self.sides.of(side);
        sending.decoder.lose();
        sending.block = None;
        sending.passing = None;
        sending.is_fresh = false;
        self.requests.doubt();
    }

    fn desync(&mut self, side: Side) -> Step {
        self.lose(side);
        Step::Desync
    }

    /// The client's first words. `None`: it says something else.
    fn preface(&mut self, bytes: &[u8]) -> Option<Step> {
        let sending = &mut self.sides.client;
        if !sending.is_fresh {
            return None;
        }
        if bytes.starts_with(PREFACE) {
            sending.is_fresh = false;
            // Nothing came before it, however the connection was joined.
            sending.decoder = Decoder::new(true);
            return Some(Step::Took(PREFACE.len()));
        }
        if PREFACE.starts_with(bytes) {
            return Some(Step::Wait);
        }
        sending.is_fresh = false;
        None
    }

    fn frame(&mut self, header: Header, input: Input<'_>, output: &mut Output<'_>) -> Step {
        let sending = self.sides.of(input.side);
        // Nothing may come between the frames of a block (RFC 9113 §6.10).
        let is_due = |block: &Block| {
            header.kind == Type::Continuation && header.stream == block.opened.stream
        };
        let in_order = match sending.block.as_deref() {
            Some(block) => is_due(block),
            None => header.kind != Type::Continuation,
        };
        if !header.is_sound() || !in_order {
            return self.desync(input.side);
        }
        if header.stream % 2 == 1 {
            self.sides.uses(input.side, header.stream);
        }
        let sending = self.sides.of(input.side);
        match header.kind {
            Type::Data => {
                sending.passing = Some((header.stream, header.ends_stream()));
                self.data(&header, input)
            }
            Type::Headers | Type::Promise | Type::Continuation => {
                let Some(payload) = input.bytes.get(HEADER_BYTES..header.whole()) else {
                    return Step::Wait;
                };
                if self.block(&header, payload, input, output).is_none() {
                    return self.desync(input.side);
                }
                Step::Took(header.whole())
            }
            Type::Reset | Type::GoAway => {
                let payload = input.bytes.get(HEADER_BYTES..).unwrap_or_default();
                let Some((first, _)) = frame::number(payload) else {
                    return Step::Wait;
                };
                match (header.kind, input.side) {
                    (Type::Reset, by) => {
                        let (stream, code) = (u64::from(header.stream), u64::from(first));
                        self.requests.reset(stream, (by, code), input.at, output);
                    }
                    (_, Side::Server) => self.requests.refuse_from(u64::from(first) + 1, output),
                    (_, Side::Client) => {}
                }
                Step::Skip { head: HEADER_BYTES, body: u64::from(header.length) }
            }
            Type::Priority | Type::Settings | Type::Ping | Type::WindowUpdate | Type::Other(_) => {
                Step::Skip { head: HEADER_BYTES, body: u64::from(header.length) }
            }
        }
    }

    fn data(&mut self, header: &Header, input: Input<'_>) -> Step {
        let stream = u64::from(header.stream);
        self.requests.count(stream, input.side, header.whole() as u64);
        if input.side == Side::Server
            && let Some(stream) = self.requests.get(stream)
        {
            stream.first_answer.get_or_insert(input.first_at);
        }
        Step::Skip { head: HEADER_BYTES, body: u64::from(header.length) }
    }
}

impl Session for Http2Session {
    #[inline]
    fn step(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        if input.side == Side::Client
            && let Some(step) = self.preface(input.bytes)
        {
            return step;
        }
        match Header::read(input.bytes) {
            Some(header) => self.frame(header, input, output),
            None => Step::Wait,
        }
    }

    fn passed(&mut self, side: Side, _bytes: u64, at: Timestamp, output: &mut Output<'_>) {
        if let Some((stream, true)) = self.sides.of(side).passing.take() {
            self.requests.end(u64::from(stream), side, at, output);
        }
    }

    fn gap(&mut self, side: Side, bytes: u64, _at: Timestamp, _output: &mut Output<'_>) {
        self.sides.missing_bytes = self.sides.missing_bytes.saturating_add(bytes);
        self.lose(side);
    }

    fn resync(&mut self, _side: Side, bytes: &[u8]) -> Option<usize> {
        let Sides { client, server, missing_bytes } = &self.sides;
        let highest = client.highest.max(server.highest);
        sync::boundary(Streams { highest, missing_bytes: *missing_bytes }, bytes)
    }

    fn end(&mut self, side: Side, _at: Timestamp, output: &mut Output<'_>) {
        if side == Side::Server {
            self.requests.close(Incomplete::Closed, output);
        }
    }

    fn close(&mut self, reason: Incomplete, _at: Timestamp, output: &mut Output<'_>) {
        self.requests.close(reason, output);
    }

    fn expire(&mut self, before: Timestamp, output: &mut Output<'_>) {
        self.requests.expire(before, output);
    }

    /// Frames of many streams mix, and each header block builds on those before: one that is missed
    /// takes the names of all that follow with it.
    fn wants_everything(&mut self) -> bool {
        true
    }

    fn framing(&self) -> Framing {
        Framing::Frames
    }
}
