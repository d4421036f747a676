//! Packets → exchanges.
//!
//! ```text
//! Connect ── greeting ──▶ Greeted ── login ──▶ Login ── OK ──▶ Commands ── dump ──▶ Stream
//! Unknown (from mid-stream) ──────── login ──────┘                ▲
//!    └───────────────── a command that adds up ──────────────────┘
//! ```
//!
//! `requests.rs` reads the client and fills the queue, `answers.rs` the server and empties it;
//! `progress.rs` knows how an answer is built. An answer begins with the sequence number after its
//! command's, which tells it from any other but the rows of a long one.

use std::collections::VecDeque;

use model::{EndpointId, Exchange, Framing, Incomplete, Kind, ShortText, Side, Timestamp};

use super::command::Form;
use super::compressed::Compressed;
use super::login::{self, Seen};
use super::prepared::Prepared;
use super::probe::{self, Chain};
use super::progress::Progress;
use super::{INFO, compressed, operation};
use crate::naming::statement;
use crate::prepared::Statement;
use crate::pairing::Pending;
use crate::protocol::{Input, Output, Session, Start, Step};

/// Most commands that wait for an answer. MariaDB's connector sends 100 ahead.
pub(super) const QUEUE_MAX: usize = 4_096;

/// What is remembered of a command besides [`Pending`].
#[derive(Clone, Debug)]
pub(super) struct Awaited {
    pub(super) form: Form,
    pub(super) progress: Progress,
    /// The sequence number with which the answer begins.
    pub(super) sequence: u8,
    /// Its exchange is out already; its answer is still to come.
    pub(super) is_out: bool,
    /// Where the answer ends unless more of it follows.
    pub(super) done: Option<Timestamp>,
    /// Of a `COM_STMT_PREPARE`: what its number will stand for.
    pub(super) statement: Option<Statement>,
}

/// How the connection reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// From mid-stream: not yet seen.
    Unknown,
    /// The server greets first.
    Connect,
    /// The client answers the greeting.
    Greeted,
    /// Authentication.
    Login,
    /// Commands and answers.
    Commands,
    /// A binary log flows.
    Stream,
}

/// One connection.
pub(super) struct MySql {
    pub(super) phase: Phase,
    pub(super) queue: VecDeque<Pending<Awaited>>,
    /// Made with the first `COM_STMT_PREPARE`.
    pub(super) prepared: Option<Box<Prepared>>,
    pub(super) version: ShortText,
    /// What the server said it can do, if that was seen.
    pub(super) offered: Option<u64>,
    /// What both can do; `None` if the client's word was not seen.
    pub(super) capabilities: Option<u64>,
    /// Rows end with an OK packet: as agreed, or as seen.
    pub(super) deprecate_eof: Option<bool>,
    /// The last byte the server sent.
    pub(super) last_answer: Timestamp,
    /// Commands may be outstanding that were not seen: see [`MySql::lose_count`].
    pub(super) is_uncertain: bool,
    /// Bytes of the answer in progress are missing.
    pub(super) is_gapped: bool,
    /// Per side: a packet begins with the next byte for sure.
    pub(super) aligned: [bool; 2],
    /// Per side: the next packet goes on with the payload of the last one.
    pub(super) continues: [bool; 2],
    /// The sequence number of the server's last packet, if the next one must follow it.
    pub(super) server_sequence: Option<u8>,
    /// The client sends the file of a `LOAD DATA LOCAL`.
    pub(super) is_loading: bool,
    /// Bytes of that file are missing: it is passed over, up to the answer.
    pub(super) is_blind: bool,
    /// Since the login, packets are wrapped in frames, and their numbers are the frames'.
    pub(super) is_framed: bool,
    /// What reads the frames.
    pub(super) compressed: Option<Box<Compressed>>,
}

impl MySql {
    pub(super) fn new(start: Start) -> Self {
        Self {
            phase: if start.from_start { Phase::Connect } else { Phase::Unknown },
            queue: VecDeque::new(),
            prepared: None,
            version: ShortText::default(),
            offered: None,
            capabilities: None,
            deprecate_eof: None,
            last_answer: Timestamp::UNKNOWN,
            is_uncertain: !start.from_start,
            is_gapped: false,
            aligned: [start.from_start; 2],
            continues: [false; 2],
            server_sequence: None,
            is_loading: false,
            is_blind: false,
            is_framed: false,
            compressed: None,
        }
    }

    /// Emits one exchange that has its whole answer; `failure` is the number of its error.
    pub(super) fn answered(
        &self,
        mut pending: Pending<Awaited>,
        failure: Option<u16>,
        at: Timestamp,
        output: &mut Output<'_>,
    ) {
        if pending.tag.is_out {
            return;
        }
        let status = failure.map_or_else(statement::success, operation::failure);
        if let Some(wire) = pending.wire.as_deref_mut() {
            wire.status = Some(status.code.as_str().to_owned());
        }
        output.emit(&pending.answered(&INFO, self.version, status, at));
    }

    /// Emits one exchange that has no answer, or not all of it.
    pub(super) fn unanswered(
        &self,
        pending: Pending<Awaited>,
        reason: Incomplete,
        output: &mut Output<'_>,
    ) {
        if pending.tag.is_out {
            return;
        }
        if let Some(at) = pending.tag.done {
            return self.answered(pending, None, at, output);
        }
        let status = Default::default();
        output.emit(&pending.unanswered(&INFO, self.version, status, reason));
    }

    /// Emits a command that has no answer by protocol.
    pub(super) fn oneway(&self, pending: Pending<Awaited>, output: &mut Output<'_>) {
        let (status, closed) = (Default::default(), Incomplete::Closed);
        let exchange = pending.unanswered(&INFO, self.version, status, closed);
        output.emit(&Exchange { incomplete: None, ..exchange });
    }

    /// What is pending can no longer be paired. Until one command alone has been answered, nothing
    /// that overlaps another is paired.
    pub(super) fn lose_count(&mut self, output: &mut Output<'_>) {
        while let Some(pending) = self.queue.pop_front() {
            self.unanswered(pending, Incomplete::Gap, output);
        }
        self.is_gapped = false;
        self.is_uncertain = true;
        self.is_loading = false;
        self.is_blind = false;
        self.server_sequence = None;
    }

    /// Emits the command in front if its answer may have ended: something new has begun.
    pub(super) fn settle(&mut self, output: &mut Output<'_>) {
        if let Some(front) = self.queue.pop_front_if(|p| p.tag.done.is_some()) {
            self.unanswered(front, Incomplete::Gap, output);
            self.is_gapped = false;
        }
    }

    pub(super) fn prepared(&mut self) -> &mut Prepared {
        self.prepared.get_or_insert_default()
    }

    /// True if the client agreed to `capability`; `None` if that is not known.
    pub(super) fn can(&self, capability: u64) -> Option<bool> {
        self.capabilities.map(|all| all & capability != 0)
    }

    pub(super) fn continues(&mut self, side: Side, continues: bool) -> bool {
        let slot = self.continues.get_mut(side.index());
        slot.is_some_and(|slot| std::mem::replace(slot, continues))
    }

    /// From mid-stream: does a packet begin here?
    fn align(&mut self, input: &Input<'_>) -> Option<Step> {
        let greets =
            input.side == Side::Server && login::greeting(input.bytes) == Seen::Yes(());
        if !greets && !self.begins_answer(input) {
            match probe::chain(input.side, input.bytes) {
                Chain::Broken => return Some(Step::Desync),
                Chain::Undecided => return Some(Step::Wait),
                Chain::Fair | Chain::Sound => {}
            }
        }
        self.align_side(input.side, true);
        None
    }

    /// True if what the server says is numbered as the answer to the command in front would be.
    fn begins_answer(&self, input: &Input<'_>) -> bool {
        let (Side::Server, Some(front)) = (input.side, self.queue.front()) else {
            return false;
        };
        let head = super::frame::head(input.bytes);
        front.first_answer.is_none()
            && head.is_some_and(|head| head.sequence == front.tag.sequence)
            && probe::chain(input.side, input.bytes) != Chain::Broken
    }

    pub(super) fn align_side(&mut self, side: Side, is_aligned: bool) {
        if let Some(aligned) = self.aligned.get_mut(side.index()) {
            *aligned = is_aligned;
        }
    }

    /// Reads packets: of the wire, or out of frames.
    pub(super) fn packets(&mut self, input: &Input<'_>, output: &mut Output<'_>) -> Step {
        if self.is_passed_over(input.side) {
            return self.pass_over(input, output);
        }
        if self.aligned.get(input.side.index()) == Some(&false)
            && let Some(step) = self.align(input)
        {
            return step;
        }
        match input.side {
            Side::Client => self.requests(input, output),
            Side::Server => self.answers(input, output),
        }
    }

    /// True if packets were lost of what is long and need not be read: a file of the client, the
    /// rows of an answer. Their next packets are not searched for: their end is.
    fn is_passed_over(&self, side: Side) -> bool {
        match side {
            Side::Client => self.is_blind,
            Side::Server => {
                let is_lost = |p: &Pending<Awaited>| p.tag.progress == Progress::Lost;
                self.aligned.get(side.index()) == Some(&false)
                    && self.queue.front().is_some_and(is_lost)
            }
        }
    }

    /// Takes bytes of a file or of rows without a look at what they are.
    fn pass_over(&mut self, input: &Input<'_>, output: &mut Output<'_>) -> Step {
        let length = input.bytes.len();
        if input.side == Side::Client {
            if let Some(last) = self.queue.back_mut() {
                last.request_bytes += length as u64;
            }
            return Step::Took(length);
        }
        let found = probe::boundary(input.side, input.bytes).or(probe::end(input.bytes));
        self.align_side(input.side, found.is_some());
        if found == Some(0) {
            return self.answers(input, output);
        }
        // The packet that ends it may be cut.
        let passed = found.unwrap_or(length.saturating_sub(probe::END_BYTES_MAX - 1));
        if passed == 0 {
            return Step::Wait;
        }
        if let Some(front) = self.queue.front_mut() {
            front.response_bytes += passed as u64;
        }
        self.last_answer = input.at;
        Step::Took(passed)
    }

    /// Bytes of the answers are missing.
    fn gap_of_answers(&mut self, output: &mut Output<'_>) {
        self.server_sequence = None;
        let begun = self.queue.front().is_some_and(|p| p.first_answer.is_some());
        // Of two, the answer that had begun is the one that lost bytes; the other one's begins with
        // its number. Of more, nobody knows which one the next answer is.
        if self.queue.len() > 1 + usize::from(begun) {
            return self.lose_count(output);
        }
        if let Some(front) = self.queue.front_mut() {
            self.is_gapped = true;
            front.tag.done = None;
            if begun {
                front.tag.progress = Progress::Lost;
            }
        }
    }
}

impl Session for MySql {
    fn step(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        let step = match self.compressed.take() {
            None => self.packets(&input, output),
            Some(mut frames) => {
                let step = frames.step(self, &input, output);
                self.compressed = Some(frames);
                step
            }
        };
        if step == Step::Desync {
            // What could not be read is as good as missing.
            self.gap(input.side, 0, input.at, output);
        }
        step
    }

    /// Sizes are booked with the head; nothing waits for a body.
    fn passed(&mut self, side: Side, _bytes: u64, at: Timestamp, _output: &mut Output<'_>) {
        if side == Side::Server {
            self.last_answer = at;
        }
    }

    fn gap(&mut self, side: Side, _bytes: u64, _at: Timestamp, output: &mut Output<'_>) {
        self.continues(side, false);
        self.align_side(side, false);
        if let Some(frames) = self.compressed.as_deref_mut() {
            frames.gap(side);
        }
        match side {
            // What was asked before the gap is still answered first, in order.
            Side::Client => {
                if let Some(prepared) = self.prepared.as_deref_mut() {
                    prepared.lost();
                }
                self.is_blind |= self.is_loading;
                self.is_loading = false;
                self.is_uncertain |= !self.is_blind;
                if matches!(self.phase, Phase::Connect | Phase::Greeted) {
                    self.phase = Phase::Unknown;
                }
            }
            Side::Server => self.gap_of_answers(output),
        }
    }

    fn resync(&mut self, side: Side, bytes: &[u8]) -> Option<usize> {
        if self.compressed.is_some() {
            let found = compressed::begins(side, bytes);
            self.align_side(side, found);
            return found.then_some(0);
        }
        if self.is_passed_over(side) {
            return Some(0);
        }
        let found = probe::boundary(side, bytes);
        let may_begin_here = probe::chain(side, bytes) != Chain::Broken;
        self.align_side(side, found.is_some());
        // A chunk that may begin a packet is held until that is decided.
        found.or(may_begin_here.then_some(0))
    }

    fn end(&mut self, _side: Side, _at: Timestamp, _output: &mut Output<'_>) {}

    fn close(&mut self, reason: Incomplete, _at: Timestamp, output: &mut Output<'_>) {
        while let Some(pending) = self.queue.pop_front() {
            self.unanswered(pending, reason, output);
        }
    }

    fn expire(&mut self, before: Timestamp, output: &mut Output<'_>) {
        for at in 0..self.queue.len() {
            let Some(pending) = self.queue.get_mut(at) else {
                break;
            };
            // An answer that has begun and still flows is late, not missing.
            let flows = at == 0 && pending.first_answer.is_some() && self.last_answer >= before;
            if pending.start >= before || flows {
                break;
            }
            let stays = Awaited { is_out: true, ..pending.tag.clone() };
            let stays = Pending { wire: None, tag: stays, ..*pending };
            let expired = std::mem::replace(pending, stays);
            self.unanswered(expired, Incomplete::Timeout, output);
        }
        if self.queue.is_empty() {
            self.queue.shrink_to_fit();
        }
    }

    /// An answer's outcome stands at its end, and several packets share a segment.
    fn wants_everything(&mut self) -> bool {
        true
    }

    /// Of a long packet the start tells all; what is compressed is cut by other heads.
    fn framing(&self) -> Framing {
        match self.compressed {
            None if self.phase == Phase::Commands => Framing::Packets,
            _ => Framing::Unknown,
        }
    }
}

/// A request.
pub(super) fn pending(
    form: Form,
    kind: Kind,
    endpoint: EndpointId,
    start: Timestamp,
    length: usize,
) -> Pending<Awaited> {
    let tag = Awaited {
        form,
        progress: Progress::First,
        sequence: 1,
        is_out: false,
        done: None,
        statement: None,
    };
    Pending::new(kind, endpoint, start, length as u64, tag)
}
