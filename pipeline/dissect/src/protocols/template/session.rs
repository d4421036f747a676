//! Questions and answers, in order, on one connection.
//!
//! ```text
//! in step ──bytes lost, or not understood──▶ out of step
//!    ▲                                           │ what is asked is reported without an answer,
//!    └──a question after bytes of the server─────┘ answers are passed over
//! ```

use model::{Incomplete, Kind, ProtocolInfo, ShortText, Side, Status, Timestamp};

use super::frame::{self, Frame, Read};
use super::operation;
use crate::pairing::{InOrder, Pending};
use crate::protocol::{Input, Output, Session, Start, Step};

/// Questions open at a time.
const OPEN_MAX: usize = 256;

/// See the module.
pub(super) struct TemplateSession {
    protocol: &'static ProtocolInfo,
    open: InOrder<()>,
    /// Of the answer whose body is passing; `None` if it is nobody's.
    status: Option<Status>,
    is_in_step: bool,
    is_pipelined: bool,
    last: Side,
}

impl TemplateSession {
    pub(super) const fn new(protocol: &'static ProtocolInfo, start: Start) -> Self {
        Self {
            protocol,
            open: InOrder::new(OPEN_MAX),
            status: None,
            is_in_step: start.from_start,
            is_pipelined: false,
            last: Side::Server,
        }
    }

    fn asked(
        &mut self,
        frame: Frame<'_>,
        length: usize,
        input: Input<'_>,
        output: &mut Output<'_>,
    ) {
        let (verb, topic, kind) = match frame {
            Frame::Ask(topic) => ("ASK", topic, Kind::Request),
            Frame::Upkeep => ("PING", &b""[..], Kind::Session),
            Frame::Hello | Frame::Yes(_) | Frame::No(_) => return,
        };
        let endpoint = operation::endpoint(verb, topic, output);
        let pending = Pending {
            wire: output.raw.then(|| operation::wire(verb, topic)),
            ..Pending::new(kind, endpoint, input.first_at, length as u64, ())
        };
        self.is_pipelined |= !self.open.is_empty();
        self.is_in_step |= self.open.is_empty() && self.last == Side::Server;
        let refused = if self.is_in_step { self.open.push(pending).err() } else { Some(pending) };
        if let Some(pending) = refused {
            // One more than there is room for: the answers can no longer be told apart.
            self.is_in_step = false;
            self.report(pending, Incomplete::Gap, output);
        }
    }

    fn answered(&mut self, at: Timestamp, output: &mut Output<'_>) {
        let Some(status) = self.status.take() else { return };
        let Some(mut pending) = self.open.pop() else { return };
        if let Some(wire) = pending.wire.as_deref_mut() {
            wire.status = Some(status.code.as_str().to_owned());
        }
        output.emit(&pending.answered(self.protocol, ShortText::new("1"), status, at));
    }

    fn report(&self, pending: Pending<()>, reason: Incomplete, output: &mut Output<'_>) {
        let version = ShortText::new("1");
        output.emit(&pending.unanswered(self.protocol, version, Status::default(), reason));
    }

    fn give_up(&mut self, reason: Incomplete, output: &mut Output<'_>) {
        self.status = None;
        while let Some(pending) = self.open.pop() {
            self.report(pending, reason, output);
        }
    }

    fn lose(&mut self, side: Side, output: &mut Output<'_>) -> Step {
        self.is_in_step = false;
        self.last = side;
        // What was asked is still answered in order; what was answered is gone.
        if side == Side::Server {
            self.give_up(Incomplete::Gap, output);
        }
        Step::Desync
    }
}

impl Session for TemplateSession {
    fn step(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        let read = match input.side {
            Side::Client => frame::request(input.bytes),
            Side::Server => frame::answer(input.bytes),
        };
        let (frame, head) = match read {
            Read::Whole(frame, head) => (frame, head),
            Read::Partial => return Step::Wait,
            Read::Malformed => return self.lose(input.side, output),
        };
        if input.side == Side::Client {
            self.asked(frame, head, input, output);
            self.last = Side::Client;
            return Step::Took(head);
        }
        self.last = Side::Server;
        let (status, body) = match frame {
            Frame::Yes(length) => (operation::granted(), length),
            Frame::No(reason) => (operation::refused(reason), 0),
            Frame::Upkeep => (operation::granted(), 0),
            Frame::Hello | Frame::Ask(_) => return Step::Took(head),
        };
        if let Some(pending) = self.open.front_mut() {
            pending.answer_bytes(head as u64, input.first_at);
            self.status = Some(status);
        }
        Step::Skip { head, body }
    }

    fn passed(&mut self, side: Side, bytes: u64, at: Timestamp, output: &mut Output<'_>) {
        if side == Side::Server && self.status.is_some() {
            if let Some(pending) = self.open.front_mut() {
                pending.response_bytes += bytes;
            }
            self.answered(at, output);
        }
    }

    fn gap(&mut self, side: Side, _bytes: u64, _at: Timestamp, output: &mut Output<'_>) {
        self.lose(side, output);
    }

    fn resync(&mut self, side: Side, bytes: &[u8]) -> Option<usize> {
        let read = match side {
            Side::Client => frame::request(bytes),
            Side::Server => frame::answer(bytes),
        };
        (read != Read::Malformed).then_some(0)
    }

    fn end(&mut self, side: Side, _at: Timestamp, output: &mut Output<'_>) {
        if side == Side::Server {
            self.give_up(Incomplete::Closed, output);
        }
    }

    fn close(&mut self, reason: Incomplete, _at: Timestamp, output: &mut Output<'_>) {
        self.give_up(reason, output);
    }

    fn expire(&mut self, before: Timestamp, output: &mut Output<'_>) {
        while let Some(pending) = self.open.pop_older(before) {
            // Its late answer would be taken for the next one's.
            self.is_in_step = false;
            self.report(pending, Incomplete::Timeout, output);
            self.give_up(Incomplete::Gap, output);
        }
    }

    fn wants_everything(&mut self) -> bool {
        self.is_pipelined
    }
}
