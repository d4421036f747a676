//! Messages → exchanges.
//!
//! ```text
//! client:  Unknown ── packet ──▶ Opening ── StartupMessage ──▶ Messages ── error ──▶ Skipping
//!             └──────────────────── message ────────────────────▶  └◀────── Sync ───────┘
//!
//! queue:   Startup · Encryption · Query · Call   each ends at ReadyForQuery
//!          Execute                               ends at C, I, s or E; the commit may still fail
//!          Sync                                  ends at ReadyForQuery, is no exchange
//! ```
//!
//! `requests.rs` reads the client and fills the queue, `answers.rs` the server and empties it.

use std::collections::VecDeque;
use std::sync::Arc;

use model::{EndpointId, Exchange, Incomplete, ShortText, Side, Status, Timestamp};

use super::prepared::Prepared;
use super::probe::{self, Chain};
use super::{INFO, operation};
use crate::naming::statement;
use crate::pairing::Pending;
use crate::protocol::{Input, Output, Session, Start, Step};

/// Most requests that wait for an answer. Drivers that batch send a few hundred at a time.
pub(super) const QUEUE_MAX: usize = 4_096;

/// One thing the server will answer, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// `StartupMessage`: ends at the first `ReadyForQuery` or error.
    Startup,
    /// `SSLRequest`, `GSSENCRequest`: one byte.
    Encryption,
    /// Simple query.
    Query,
    /// Function call.
    Call,
    /// One run of a portal.
    Execute,
    /// The end of a batch. `prepares`: it holds a `Parse` and no `Execute`, and becomes an exchange
    /// if that fails.
    Sync { prepares: bool },
}

impl What {
    /// True if `ReadyForQuery` ends it.
    pub(super) const fn ends_ready(self) -> bool {
        !matches!(self, Self::Execute | Self::Encryption)
    }
}

/// What is remembered of a request besides [`Pending`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Awaited {
    pub(super) what: What,
    /// Its exchange is out already; its answer is still to come.
    pub(super) is_out: bool,
    /// A result was seen: of an `Execute` its end, of a query a tag.
    pub(super) done: Option<Timestamp>,
}

/// Messages of the extended protocol that lead up to an `Execute`.
#[derive(Debug, Default)]
pub(super) struct Forming {
    /// First byte; unknown if there is none yet.
    pub(super) start: Timestamp,
    pub(super) bytes: u64,
    /// A `Parse` that is neither acknowledged nor executed.
    pub(super) parse: Option<Parsed>,
}

/// A `Parse`.
#[derive(Debug)]
pub(super) struct Parsed {
    pub(super) endpoint: EndpointId,
    pub(super) start: Timestamp,
    pub(super) bytes: u64,
    pub(super) text: Option<Arc<str>>,
}

/// How the client's stream reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// From mid-stream: not yet seen.
    Unknown,
    /// Packets without a type byte.
    Opening,
    /// Messages.
    Messages,
    /// Messages that the server discards, up to the next `Sync`.
    Skipping,
    /// A replication stream, up to the next `ReadyForQuery`.
    Streaming,
}

/// One connection.
pub(super) struct Postgres {
    pub(super) phase: Phase,
    pub(super) queue: VecDeque<Pending<Awaited>>,
    pub(super) forming: Forming,
    /// Made with the first `Parse` or `Bind`.
    pub(super) prepared: Option<Box<Prepared>>,
    pub(super) version: ShortText,
    /// The first error of the answer in progress.
    pub(super) failure: Option<[u8; 5]>,
    /// The last byte the server sent.
    pub(super) last_answer: Timestamp,
    /// `COPY … FROM STDIN` is being fed: the server passes over `Sync`.
    pub(super) is_copying: bool,
    /// Requests may be outstanding that were not seen: see [`Postgres::lose_count`].
    pub(super) is_uncertain: bool,
    /// Bytes of the answer in progress are missing.
    pub(super) is_gapped: bool,
    /// Per side: a message begins with the next byte for sure.
    pub(super) aligned: [bool; 2],
    /// `ReadyForQuery` still to come for requests that found no room in the queue.
    pub(super) refused: u32,
    /// An `Execute` of the batch in progress found no room: neither may the rest.
    pub(super) is_refusing: bool,
}

impl Postgres {
    pub(super) fn new(start: Start) -> Self {
        Self {
            phase: if start.from_start { Phase::Opening } else { Phase::Unknown },
            queue: VecDeque::new(),
            forming: Forming::default(),
            prepared: None,
            version: ShortText::default(),
            failure: None,
            last_answer: Timestamp::UNKNOWN,
            is_copying: false,
            is_uncertain: !start.from_start,
            is_gapped: false,
            aligned: [start.from_start; 2],
            refused: 0,
            is_refusing: false,
        }
    }

    /// Emits one exchange that has its whole answer.
    pub(super) fn answered(
        &self,
        mut pending: Pending<Awaited>,
        status: Status,
        at: Timestamp,
        output: &mut Output<'_>,
    ) {
        if pending.tag.is_out {
            return;
        }
        if let Some(wire) = pending.wire.as_deref_mut()
            && (status.error || wire.status.is_none())
        {
            wire.status = Some(status.code.as_str().to_owned());
        }
        output.emit(&pending.answered(&INFO, self.version, status, at));
    }

    /// Emits one exchange that has none, or not all of it. A result already seen counts as whole.
    pub(super) fn unanswered(
        &self,
        mut pending: Pending<Awaited>,
        reason: Incomplete,
        output: &mut Output<'_>,
    ) {
        if pending.tag.is_out {
            return;
        }
        match (pending.tag.what, pending.tag.done) {
            (What::Sync { .. }, _) => return,
            (What::Execute, Some(at)) => {
                return self.answered(pending, statement::success(), at, output);
            }
            _ => {}
        }
        // A query's tags are not its end.
        if let Some(wire) = pending.wire.as_deref_mut() {
            wire.status = None;
        }
        let is_startup = pending.tag.what == What::Startup && pending.first_answer.is_some();
        let start = pending.start;
        let mut exchange = pending.unanswered(&INFO, self.version, Status::default(), reason);
        if is_startup {
            // The client left when it was asked for a password: what was said had its answer.
            exchange.duration_ns = Some(self.last_answer.since_ns(start));
        }
        output.emit(&exchange);
    }

    /// Emits a request that the server never reads: it lies between an error and the next `Sync`.
    pub(super) fn discarded(&self, pending: Pending<Awaited>, output: &mut Output<'_>) {
        if pending.tag.is_out || matches!(pending.tag.what, What::Sync { .. }) {
            return;
        }
        let closed = Incomplete::Closed;
        let exchange = pending.unanswered(&INFO, self.version, Status::default(), closed);
        output.emit(&Exchange { incomplete: None, ..exchange });
    }

    /// What is pending can no longer be paired. Until one request alone has been answered to its
    /// `ReadyForQuery`, and its tag fits its verb, nothing that overlaps another is paired.
    pub(super) fn lose_count(&mut self, output: &mut Output<'_>) {
        while let Some(pending) = self.queue.pop_front() {
            self.unanswered(pending, Incomplete::Gap, output);
        }
        self.failure = None;
        self.is_gapped = false;
        self.is_uncertain = true;
        self.refused = 0;
        self.is_refusing = false;
    }

    /// Requests the server answers with a `ReadyForQuery` each.
    pub(super) fn outstanding(&self) -> usize {
        let ready = self.queue.iter().filter(|p| p.tag.what.ends_ready()).count();
        let open_batch = self.queue.back().is_some_and(|p| !p.tag.what.ends_ready());
        ready + usize::from(open_batch)
    }

    /// True if all that is pending is one request: what comes can only belong to it.
    fn is_alone(&self) -> bool {
        let is_request = |what| !matches!(what, What::Sync { .. });
        let requests = self.queue.iter().filter(|p| is_request(p.tag.what)).count();
        requests <= 1 && self.outstanding() <= 1
    }

    /// From mid-stream: does a message begin here?
    fn align(&mut self, input: &Input<'_>) -> Option<Step> {
        let is_packet = input.side == Side::Client && input.bytes.first() == Some(&0);
        if !is_packet {
            match probe::chain(input.side, input.bytes) {
                Chain::Broken => return Some(Step::Desync),
                Chain::Undecided => return Some(Step::Wait),
                Chain::Fair | Chain::Sound => {}
            }
        }
        self.align_side(input.side);
        None
    }

    fn align_side(&mut self, side: Side) {
        if let Some(aligned) = self.aligned.get_mut(side.index()) {
            *aligned = true;
        }
    }
}

impl Session for Postgres {
    fn step(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        if self.aligned.get(input.side.index()) == Some(&false)
            && let Some(step) = self.align(&input)
        {
            return step;
        }
        let step = match input.side {
            Side::Client => self.requests(&input, output),
            Side::Server => self.answers(&input, output),
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
        match side {
            // What was asked before the gap is still answered first, in order.
            Side::Client => {
                self.forming = Forming::default();
                if let Some(prepared) = self.prepared.as_deref_mut() {
                    prepared.lost();
                }
                let is_open = self.queue.back().is_some_and(|p| !p.tag.what.ends_ready());
                if is_open || self.is_copying {
                    self.lose_count(output);
                }
                self.is_copying = false;
                self.is_uncertain = true;
                if self.phase != Phase::Streaming {
                    self.phase = Phase::Unknown;
                }
            }
            Side::Server => {
                self.settle(output);
                if !self.is_alone() {
                    return self.lose_count(output);
                }
                if let Some(front) = self.queue.front_mut() {
                    // Behind the tags seen there may have been an error.
                    front.tag.done = None;
                    self.is_gapped = true;
                }
            }
        }
    }

    fn resync(&mut self, side: Side, bytes: &[u8]) -> Option<usize> {
        let found = probe::boundary(side, bytes);
        let may_begin_here = probe::chain(side, bytes) != Chain::Broken;
        if let Some(aligned) = self.aligned.get_mut(side.index()) {
            *aligned = found.is_some();
        }
        // A packet that may begin a message is held until that is decided.
        found.or(may_begin_here.then_some(0))
    }

    fn end(&mut self, _side: Side, _at: Timestamp, _output: &mut Output<'_>) {}

    fn close(&mut self, reason: Incomplete, _at: Timestamp, output: &mut Output<'_>) {
        // A fatal error ends the connection in place of `ReadyForQuery`.
        if let Some(sqlstate) = self.failure.take()
            && let Some(front) = self.queue.pop_front()
        {
            let at = self.last_answer;
            self.answered(front, operation::failure(sqlstate), at, output);
        }
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
            let stays =
                Pending { wire: None, tag: Awaited { is_out: true, ..pending.tag }, ..*pending };
            let expired = std::mem::replace(pending, stays);
            self.unanswered(expired, Incomplete::Timeout, output);
        }
        if self.queue.is_empty() {
            self.queue.shrink_to_fit();
        }
    }

    /// An answer's outcome stands at its end, and several requests share a packet.
    fn wants_everything(&mut self) -> bool {
        true
    }
}
