//! Frames of all streams → one exchange a request stream.
//!
//! ```text
//! request stream:  asked (HEADERS) ─▶ answering (final HEADERS) ─▶ reported (end of the answer)
//!                     └───────────────────┴▶ reported (RESET_STREAM, STOP_SENDING, GOAWAY, close)
//! section:         read at once, or kept until the encoder's stream has brought its entries
//! ```
//! A section that waits makes all that follows on its stream wait behind it ([`Waiting`]).

use model::{Incomplete, Side, StreamId, Timestamp};

use super::frame::{self, Header, StreamType, Type};
use super::qpack::Decoder;
use crate::http::{Broken, Head, Requests, Version};
use crate::multiplexed::StreamSession;
use crate::protocol::{Input, Output, Step};
use news::{News, Times};
use waiting::Waiting;

mod news;
mod waiting;

/// The longest header section: servers refuse heads from 8 KiB (nginx) to 1 MiB (Go) on.
const SECTION_BYTES_MAX: u64 = 60 * 1024;
/// Unidirectional streams known at a time, pushes among them.
const TYPED_MAX: usize = 512;

/// Both sides' encoders.
#[derive(Debug)]
struct Decoders {
    client: Decoder,
    server: Decoder,
}

impl Decoders {
    const fn of(&mut self, side: Side) -> &mut Decoder {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }
}

/// What a unidirectional stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Control,
    /// Of this request number.
    Push(u64),
    Encoder,
}

/// See the module.
pub(super) struct Http3Session {
    decoders: Decoders,
    requests: Requests,
    waiting: Waiting,
    /// Unidirectional streams of interest.
    typed: Vec<(StreamId, Role)>,
    head: Head,
    /// Requests below this number may have been asked before.
    fresh: u64,
}

impl Http3Session {
    pub(super) fn new(spoken: &'static Version, from_start: bool) -> Self {
        let decoder = || Decoder::new(from_start);
        Self {
            decoders: Decoders { client: decoder(), server: decoder() },
            requests: Requests::new(spoken),
            waiting: Waiting::default(),
            typed: Vec::new(),
            head: Head::default(),
            fresh: 0,
        }
    }

    fn role(&self, stream: StreamId) -> Option<Role> {
        self.typed.iter().find(|(known, _)| *known == stream).map(|(_, role)| *role)
    }

    /// The number of the request that a stream belongs to.
    fn number(&self, stream: StreamId) -> Option<u64> {
        if stream.is_bidirectional() {
            return (stream.opened_by() == Side::Client).then_some(stream.0);
        }
        match self.role(stream) {
            Some(Role::Push(number)) => Some(number),
            Some(Role::Control | Role::Encoder) | None => None,
        }
    }

    /// The start of a unidirectional stream.
    fn typed(&mut self, stream: StreamId, input: Input<'_>) -> Step {
        let Some((kind, bytes)) = StreamType::read(input.bytes) else { return Step::Wait };
        let (role, bytes) = match kind {
            StreamType::Control => (Role::Control, bytes),
            StreamType::Encoder => (Role::Encoder, bytes),
            StreamType::Push if input.side == Side::Server => {
                let rest = input.bytes.get(bytes..).unwrap_or_default();
                let Some((push, behind)) = frame::number(rest) else { return Step::Wait };
                (Role::Push(push_number(push)), input.bytes.len() - behind.len())
            }
            StreamType::Push => return Step::Desync,
            StreamType::Decoder | StreamType::Other => return Step::Becomes(bytes),
        };
        if self.typed.len() >= TYPED_MAX {
            return Step::Becomes(bytes);
        }
        self.typed.push((stream, role));
        Step::Took(bytes)
    }

    fn instruction(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        match self.decoders.of(input.side).instruction(input.bytes) {
            Ok(bytes) => {
                self.read_waiting(input.side, output);
                Step::Took(bytes)
            }
            Err(Broken::Short) => Step::Wait,
            Err(Broken::Malformed) => Step::Desync,
        }
    }

    /// A frame of the control stream (RFC 9114 §7.2).
    fn control(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        let Some(header) = Header::read(input.bytes) else { return Step::Wait };
        match header.kind {
            Type::Settings | Type::GoAway | Type::CancelPush => {
                if header.length > SECTION_BYTES_MAX {
                    return Step::Desync;
                }
                let Some(payload) = header.payload(input.bytes) else { return Step::Wait };
                let number = frame::number(payload).map(|(number, _)| number);
                match (header.kind, number) {
                    (Type::Settings, _) => {
                        let other = input.side.opposite();
                        self.decoders.of(other).allow(frame::table_capacity(payload));
                        self.read_waiting(other, output);
                    }
                    (Type::GoAway, Some(first)) if input.side == Side::Server => {
                        self.requests.refuse_from(first, output);
                    }
                    (Type::CancelPush, Some(push)) => {
                        // Nobody failed: it was not wanted, or not had.
                        let by = (input.side, NO_ERROR);
                        self.requests.reset(push_number(push), by, input.at, output);
                    }
                    _ => {}
                }
                Step::Took(header.bytes + payload.len())
            }
            Type::MaxPushId | Type::Other => {
                Step::Skip { head: header.bytes, body: header.length }
            }
            Type::Data | Type::Headers | Type::Promise | Type::Forbidden => Step::Desync,
        }
    }

    /// A frame of a request or of a pushed answer.
    fn frame(&mut self, number: u64, input: Input<'_>, output: &mut Output<'_>) -> Step {
        let Some(header) = Header::read(input.bytes) else { return Step::Wait };
        let bytes = header.bytes as u64 + header.length;
        let on = (number, input.side);
        let times = Times { bytes, first_at: input.first_at, at: input.at };
        match header.kind {
            Type::Data => {
                let is_answer = input.side == Side::Server;
                let news = News::Body { bytes, first_at: is_answer.then_some(input.first_at) };
                self.news(on, news, output);
                Step::Skip { head: header.bytes, body: header.length }
            }
            Type::Headers | Type::Promise if header.length > SECTION_BYTES_MAX => {
                if header.kind == Type::Headers {
                    self.head(on, None, times, output);
                }
                Step::Skip { head: header.bytes, body: header.length }
            }
            Type::Headers | Type::Promise => {
                let Some(payload) = header.payload(input.bytes) else { return Step::Wait };
                if header.kind == Type::Headers {
                    self.head(on, Some(payload), times, output);
                } else if input.side == Side::Server
                    && let Some((push, section)) = frame::number(payload)
                {
                    self.promise((push_number(push), Side::Server), section, times, output);
                } else {
                    return Step::Desync;
                }
                Step::Took(header.bytes + payload.len())
            }
            Type::Other => {
                self.news(on, News::Body { bytes, first_at: None }, output);
                Step::Skip { head: header.bytes, body: header.length }
            }
            Type::CancelPush
            | Type::Settings
            | Type::GoAway
            | Type::MaxPushId
            | Type::Forbidden => Step::Desync,
        }
    }
}

/// `H3_NO_ERROR`.
const NO_ERROR: u64 = 0x100;

/// The number by which a push is known among requests: none of theirs, which are multiples of four.
const fn push_number(push: u64) -> u64 {
    push.saturating_mul(4).saturating_add(1)
}

impl StreamSession for Http3Session {
    fn step(&mut self, stream: StreamId, input: Input<'_>, output: &mut Output<'_>) -> Step {
        if stream.is_bidirectional() && stream.opened_by() == Side::Server {
            // An extension's (RFC 9114 §6.1).
            return Step::Becomes(0);
        }
        match (self.number(stream), self.role(stream)) {
            (Some(number), _) => self.frame(number, input, output),
            (None, Some(Role::Control)) => self.control(input, output),
            (None, Some(Role::Encoder)) => self.instruction(input, output),
            (None, Some(Role::Push(_)) | None) => self.typed(stream, input),
        }
    }

    fn passed(
        &mut self,
        _on: (StreamId, Side),
        _bytes: u64,
        _at: Timestamp,
        _output: &mut Output<'_>,
    ) {
    }

    fn gap(
        &mut self,
        (stream, side): (StreamId, Side),
        _bytes: u64,
        _at: Timestamp,
        output: &mut Output<'_>,
    ) {
        if let Some(number) = self.number(stream) {
            self.news((number, side), News::Gap, output);
            return;
        }
        // It may be the encoder's, if its type was not seen, and it may be the settings' stream.
        let role = self.role(stream);
        if role != Some(Role::Control) {
            self.decoders.of(side).lose();
        }
        if role != Some(Role::Encoder) {
            self.decoders.of(side.opposite()).lose_unless_allowed();
        }
        self.requests.doubt_names();
        for side in [Side::Client, Side::Server] {
            self.read_waiting(side, output);
        }
    }

    fn end(&mut self, (stream, side): (StreamId, Side), at: Timestamp, output: &mut Output<'_>) {
        if let Some(number) = self.number(stream) {
            self.news((number, side), News::End { at }, output);
        }
        self.typed.retain(|(known, _)| *known != stream);
    }

    fn reset(
        &mut self,
        (stream, side): (StreamId, Side),
        code: u64,
        at: Timestamp,
        output: &mut Output<'_>,
    ) {
        if let Some(number) = self.number(stream) {
            self.news((number, side), News::Reset { code, at }, output);
        }
        self.typed.retain(|(known, _)| *known != stream);
    }

    fn stopped(
        &mut self,
        (stream, side): (StreamId, Side),
        code: u64,
        at: Timestamp,
        output: &mut Output<'_>,
    ) {
        // A server that has heard enough of a request answers all the same (RFC 9114 §4.1.1).
        if side == Side::Client
            && let Some(number) = self.number(stream)
        {
            self.news((number, side), News::Stopped { code, at }, output);
        }
    }

    fn close(&mut self, reason: Incomplete, _at: Timestamp, output: &mut Output<'_>) {
        self.give_up_waiting(output);
        self.requests.close(reason, output);
    }

    fn expire(&mut self, before: Timestamp, output: &mut Output<'_>) {
        if self.waiting.is_older(before) {
            self.give_up_waiting(output);
        }
        self.requests.expire(before, output);
    }
}
