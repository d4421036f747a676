//! Commands and answers, in order, on one connection.
//!
//! ```text
//! client:  front ─▶ arguments left ─▶ front …        a command is open from its front on
//! server:  head  ─▶ values left    ─▶ head …         an answer ends when no value is left
//!
//!          SUBSCRIBE, MONITOR          pushes between answers, until none is subscribed or RESET
//!          CLIENT REPLY OFF, SKIP      commands without an answer
//!          PSYNC, SYNC                 passed over to the end, both ways
//! ```
//!
//! `requests.rs` reads the client and fills the queue, `answers.rs` reads the server and empties
//! it. However deep values are nested, one number says how many are left.

use std::collections::VecDeque;

use model::{EndpointId, Exchange, Incomplete, ShortText, Side, Status, Timestamp, Wire};

use self::last::LastCommand;
use super::operation::Special;
use super::turns::Turns;
use super::{INFO, probe};
use crate::pairing::Pending;
use crate::protocol::{Input, Output, Session, Start, Step};

mod answers;
mod last;
mod requests;
mod values;

/// Most requests that wait for an answer. Bulk loaders send ten thousand before they read.
pub(super) const OPEN_MAX: usize = 8 * 1024;
/// A value that is longer does not fit in what the tap copies unasked.
const LONG_VALUE_BYTES: u64 = 64 * 1024;
/// Room for so many is kept while nothing happens.
const OPEN_IDLE: usize = 4;
/// Streamed values inside each other; no server sends any.
const DEPTH_MAX: usize = 4;

/// What becomes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It waits for its answer.
    Paired,
    /// Timed out and reported: its answer is read and belongs to nobody.
    Reported,
    /// Its answer cannot be told.
    Unpaired(Incomplete),
    /// By protocol it has no answer.
    Unanswered,
}

/// What is remembered of a request besides [`Pending`].
#[derive(Clone, Copy, Debug)]
struct Asked {
    fate: Fate,
    special: Special,
    /// It may wait for long.
    is_blocking: bool,
    /// Arguments; of (un)subscribing the channels.
    arguments: u32,
}

/// Whose the value under way is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    /// The oldest open request's answer.
    Request,
    /// Something pushed.
    Push(EndpointId),
    /// Belongs to an answer that was reported already.
    Confirmation,
    /// Nobody's we know.
    Stray,
}

/// The value under way.
#[derive(Debug)]
struct Answer {
    owner: Owner,
    /// It has begun and has not ended.
    is_open: bool,
    /// Values still to come; 0 between answers, and while the last body passes.
    left: u64,
    /// Values left around a streamed value.
    around: [u64; DEPTH_MAX],
    depth: u8,
    /// The value at the top has been seen: what comes is inside it.
    is_known: bool,
    status: Status,
    first_at: Timestamp,
    bytes: u64,
    wire: Option<Box<Wire>>,
}

/// The last whole answer that is short and says the same to every plain command.
#[derive(Debug)]
struct LastAnswer {
    bytes: [u8; Self::BYTES_MAX],
    /// 0 if there is none.
    length: u8,
    status: Status,
}

impl LastAnswer {
    /// Fits `+OK`, a null, a number, a string of 24 bytes.
    const BYTES_MAX: usize = 31;
}

/// Which answers the client has turned off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Replies {
    On,
    Off,
    /// The next command has none.
    SkipNext,
}

/// See the module.
pub(super) struct Redis {
    open: VecDeque<Pending<Asked>>,
    turns: Turns,
    last: LastCommand,
    last_answer: LastAnswer,
    answer: Answer,
    /// Arguments of the newest open request that are still to come.
    arguments_left: u64,
    /// The newest open request is still being sent.
    is_sending: bool,
    /// Per side: a frame begins with the next byte for sure.
    aligned: [bool; 2],
    replies: Replies,
    /// Answers to requests that found no room in the queue.
    refused: u32,
    /// Confirmations still to come for channels beyond the first of each request.
    confirmations: u32,
    /// Channels and patterns are subscribed; shard channels are.
    is_subscribed: [bool; 2],
    /// From mid-stream: a message, or an array that looks like one, came without a request.
    may_be_subscribed: bool,
    /// The confirmation of that may have been lost.
    may_have_left: bool,
    is_monitor: bool,
    /// More came at once than the tap copies unasked.
    is_outrun: bool,
    /// A value was longer than what the tap copies unasked.
    has_long_values: bool,
    /// Passed over: changes on their way to a replica.
    is_replica: bool,
    /// From mid-stream, and no command has been answered: what looks like commands may be changes
    /// on their way to a replica. They are reported once the server has spoken.
    is_unheard: bool,
    /// `2` or `3` once said, or seen.
    version: u8,
}

impl Redis {
    pub(super) fn new(start: Start) -> Self {
        Self {
            open: VecDeque::new(),
            turns: Turns::new(start.from_start),
            last: LastCommand::default(),
            last_answer: LastAnswer {
                bytes: [0; LastAnswer::BYTES_MAX],
                length: 0,
                status: Status::default(),
            },
            answer: Answer {
                owner: Owner::Stray,
                is_open: false,
                left: 0,
                around: [0; DEPTH_MAX],
                depth: 0,
                is_known: false,
                status: Status::default(),
                first_at: Timestamp::UNKNOWN,
                bytes: 0,
                wire: None,
            },
            arguments_left: 0,
            is_sending: false,
            aligned: [start.from_start; 2],
            replies: Replies::On,
            refused: 0,
            confirmations: 0,
            is_subscribed: [false; 2],
            may_be_subscribed: false,
            may_have_left: false,
            is_monitor: false,
            is_outrun: false,
            has_long_values: false,
            is_replica: false,
            is_unheard: !start.from_start,
            version: 0,
        }
    }

    /// The version, if it was said.
    fn version(&self) -> ShortText {
        match self.version {
            3 => ShortText::new("3"),
            2 => ShortText::new("2"),
            _ => ShortText::default(),
        }
    }

    /// Emits a request that has no answer, or not all of it.
    fn report(&self, mut pending: Pending<Asked>, reason: Incomplete, output: &mut Output<'_>) {
        let (is_answered_by_protocol, reason) = match pending.tag.fate {
            Fate::Reported => return,
            Fate::Unanswered => (false, reason),
            Fate::Unpaired(reason) => (true, reason),
            // It says nothing if it does as it is told.
            Fate::Paired => {
                let is_gone = reason == Incomplete::Closed || reason == Incomplete::Reset;
                (pending.tag.special != Special::Shutdown || !is_gone, reason)
            }
        };
        if let Some(wire) = pending.wire.as_deref_mut() {
            wire.status = None;
        }
        let exchange = pending.unanswered(&INFO, self.version(), Status::default(), reason);
        let incomplete = is_answered_by_protocol.then_some(reason);
        output.emit(&Exchange { incomplete, ..exchange });
    }

    /// Emits everything open, the oldest first.
    fn report_all(&mut self, reason: Incomplete, output: &mut Output<'_>) {
        let is_begun = self.answer.is_open && self.answer.owner == Owner::Request;
        if let Some(pending) = self.open.front_mut().filter(|_| is_begun) {
            pending.response_bytes = self.answer.bytes;
        }
        while let Some(pending) = self.open.pop_front() {
            self.report(pending, reason, output);
        }
        self.refused = 0;
    }

    /// What the server says next belongs to nobody we know.
    fn lose_server(&mut self, output: &mut Output<'_>) {
        let is_stray = self.answer.is_open && self.answer.owner == Owner::Stray;
        // Where nothing was asked nothing can be answered: only pushes were missed.
        if !self.open.is_empty() || self.refused > 0 || is_stray {
            self.turns.lose_answers();
        }
        self.report_all(Incomplete::Gap, output);
        self.confirmations = 0;
        self.may_have_left = true;
        self.drop_answer();
    }

    fn drop_answer(&mut self) {
        self.answer.is_open = false;
        self.answer.left = 0;
        self.answer.depth = 0;
        self.answer.wire = None;
    }

    /// The request being sent will not be seen whole.
    fn lose_client(&mut self, output: &mut Output<'_>) {
        self.finish_sending(output);
        self.turns.lose();
        self.replies = Replies::On;
    }

    /// Emits those at the front that wait for no answer: exchanges come out in order.
    #[inline]
    fn report_settled(&mut self, output: &mut Output<'_>) {
        let is_unheard = self.is_unheard;
        let is_settled = |p: &mut Pending<Asked>| match p.tag.fate {
            Fate::Paired | Fate::Reported => false,
            Fate::Unpaired(_) => !is_unheard,
            Fate::Unanswered => true,
        };
        while self.open.len() > usize::from(self.is_sending) {
            let Some(pending) = self.open.pop_front_if(is_settled) else { return };
            self.report(pending, Incomplete::Gap, output);
        }
    }

    fn is_subscribed(&self) -> bool {
        self.is_subscribed != [false; 2]
    }

    /// Bytes of this side begin a frame: now, or behind the bytes given.
    fn align(&mut self, input: &Input<'_>) -> Option<Step> {
        let Some(start) = probe::boundary(input.side, input.bytes) else {
            return Some(Step::Desync);
        };
        self.set_aligned(input.side);
        (start > 0).then_some(Step::Took(start))
    }

    fn set_aligned(&mut self, side: Side) {
        if let Some(aligned) = self.aligned.get_mut(side.index()) {
            *aligned = true;
        }
    }
}

impl Session for Redis {
    #[inline]
    fn step(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        if self.is_replica {
            return Step::Skip { head: 0, body: u64::MAX };
        }
        if self.aligned.get(input.side.index()) != Some(&true)
            && let Some(step) = self.align(&input)
        {
            return step;
        }
        match input.side {
            Side::Client => self.requests(&input, output),
            Side::Server => self.answers(&input, output),
        }
    }

    /// Sizes are booked with the head.
    fn passed(&mut self, side: Side, bytes: u64, at: Timestamp, output: &mut Output<'_>) {
        if self.is_replica {
            return;
        }
        self.has_long_values |= bytes > LONG_VALUE_BYTES;
        self.turns.spoke(side, at);
        match side {
            Side::Client if self.arguments_left == 0 => self.finish_sending(output),
            Side::Server if self.answer.left == 0 => self.finish_answer(at, output),
            Side::Client | Side::Server => {}
        }
    }

    fn gap(&mut self, side: Side, _bytes: u64, at: Timestamp, output: &mut Output<'_>) {
        self.turns.missed(side, !self.open.is_empty(), at);
        match side {
            // What was asked before is still answered in order; what was asked in the gap is not
            // known.
            Side::Client => self.lose_client(output),
            Side::Server => self.lose_server(output),
        }
    }

    fn resync(&mut self, side: Side, bytes: &[u8]) -> Option<usize> {
        let found = probe::boundary(side, bytes);
        if found.is_some() {
            self.set_aligned(side);
        } else {
            self.turns.turn(side);
        }
        found
    }

    fn end(&mut self, side: Side, _at: Timestamp, output: &mut Output<'_>) {
        if side == Side::Server {
            self.report_all(Incomplete::Closed, output);
            self.drop_answer();
        }
    }

    fn close(&mut self, reason: Incomplete, _at: Timestamp, output: &mut Output<'_>) {
        self.report_all(reason, output);
    }

    fn expire(&mut self, before: Timestamp, output: &mut Output<'_>) {
        if self.open.is_empty() {
            self.open.shrink_to(OPEN_IDLE);
        }
        let is_answering = self.answer.is_open && self.answer.owner == Owner::Request;
        for at in usize::from(is_answering)..self.open.len() {
            let Some(pending) = self.open.get_mut(at) else { return };
            // It waits as long as it likes, and those behind it wait for it.
            if pending.tag.is_blocking || pending.start >= before {
                return;
            }
            if pending.tag.fate == Fate::Paired {
                let late = Pending { wire: pending.wire.take(), ..placeholder(pending) };
                pending.tag.fate = Fate::Reported;
                self.report(late, Incomplete::Timeout, output);
            }
        }
    }

    fn wants_everything(&mut self) -> bool {
        // The length of an aggregate is not known in advance.
        self.is_outrun |= self.turns.is_pipelined()
            || self.answer.is_open
            || self.is_subscribed()
            || self.is_monitor;
        // A pipeline begins at any time, and as long as values are short it costs nothing.
        self.is_outrun || !self.has_long_values
    }
}

/// The same request without its wire words.
fn placeholder(pending: &Pending<Asked>) -> Pending<Asked> {
    Pending {
        endpoint: pending.endpoint,
        kind: pending.kind,
        start: pending.start,
        first_answer: pending.first_answer,
        request_bytes: pending.request_bytes,
        response_bytes: pending.response_bytes,
        wire: None,
        tag: pending.tag,
    }
}
