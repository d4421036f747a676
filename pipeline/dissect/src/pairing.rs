//! Requests that wait for their answers, in order.

use std::collections::VecDeque;

use model::{
    EndpointId, Exchange, Incomplete, Kind, ProtocolInfo, ShortText, Status, Timestamp, Wire,
};

/// A request that has no answer yet. `T` is what the protocol must remember to read the answer.
#[derive(Debug)]
pub struct Pending<T> {
    /// Operation and target.
    pub endpoint: EndpointId,
    /// What sort of exchange it will be.
    pub kind: Kind,
    /// First byte of the request.
    pub start: Timestamp,
    /// First byte of the answer, once seen.
    pub first_answer: Option<Timestamp>,
    /// Bytes of the request.
    pub request_bytes: u64,
    /// Bytes of the answer so far.
    pub response_bytes: u64,
    /// Present only with `--raw`.
    pub wire: Option<Box<Wire>>,
    /// The protocol's own.
    pub tag: T,
}

impl<T> Pending<T> {
    /// A request as it was sent, without an answer and without the wire's words.
    pub const fn new(
        kind: Kind,
        endpoint: EndpointId,
        start: Timestamp,
        request_bytes: u64,
        tag: T,
    ) -> Self {
        Self {
            endpoint,
            kind,
            start,
            first_answer: None,
            request_bytes,
            response_bytes: 0,
            wire: None,
            tag,
        }
    }

    /// True if the same answer at the same time makes both the same exchange. None has one yet.
    pub fn is_like(&self, other: &Self) -> bool {
        self.start == other.start
            && self.endpoint == other.endpoint
            && self.request_bytes == other.request_bytes
            && self.kind == other.kind
            && self.first_answer.is_none()
            && self.wire.is_none()
    }

    /// Notes bytes of the answer; the first call fixes the time to first byte.
    pub fn answer_bytes(&mut self, bytes: u64, first_at: Timestamp) {
        self.first_answer.get_or_insert(first_at);
        self.response_bytes += bytes;
    }

    /// The exchange, answered: `at` is the time of the answer's last byte.
    pub fn answered(
        self,
        protocol: &'static ProtocolInfo,
        version: ShortText,
        status: Status,
        at: Timestamp,
    ) -> Exchange {
        let start = self.start;
        let first_answer = self.first_answer.unwrap_or(at);
        Exchange {
            duration_ns: Some(at.since_ns(start)),
            ttfb_ns: Some(first_answer.since_ns(start)),
            ..self.bare(protocol, version, status, None)
        }
    }

    /// The exchange, not or not wholly answered, and why.
    pub fn unanswered(
        self,
        protocol: &'static ProtocolInfo,
        version: ShortText,
        status: Status,
        reason: Incomplete,
    ) -> Exchange {
        let start = self.start;
        let ttfb_ns = self.first_answer.map(|at| at.since_ns(start));
        Exchange { ttfb_ns, ..self.bare(protocol, version, status, Some(reason)) }
    }

    fn bare(
        self,
        protocol: &'static ProtocolInfo,
        version: ShortText,
        status: Status,
        incomplete: Option<Incomplete>,
    ) -> Exchange {
        Exchange {
            protocol,
            version,
            kind: self.kind,
            endpoint: self.endpoint,
            status,
            start: self.start,
            duration_ns: None,
            ttfb_ns: None,
            request_bytes: self.request_bytes,
            response_bytes: self.response_bytes,
            incomplete,
            wire: self.wire,
        }
    }
}

/// Requests answered in the order they were sent, at most `limit` at a time.
#[derive(Debug)]
pub struct InOrder<T> {
    queue: VecDeque<Pending<T>>,
    limit: usize,
}

impl<T> InOrder<T> {
    /// No request yet. More than `limit` open ones are refused by [`InOrder::push`].
    pub const fn new(limit: usize) -> Self {
        Self { queue: VecDeque::new(), limit }
    }

    /// Appends a request; gives it back if there are too many open ones.
    pub fn push(&mut self, pending: Pending<T>) -> Result<(), Pending<T>> {
        if self.queue.len() >= self.limit {
            return Err(pending);
        }
        self.queue.push_back(pending);
        Ok(())
    }

    /// The oldest open request.
    pub fn front(&self) -> Option<&Pending<T>> {
        self.queue.front()
    }

    /// The oldest open request.
    pub fn front_mut(&mut self) -> Option<&mut Pending<T>> {
        self.queue.front_mut()
    }

    /// The newest open request.
    pub fn back_mut(&mut self) -> Option<&mut Pending<T>> {
        self.queue.back_mut()
    }

    /// All, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Pending<T>> {
        self.queue.iter()
    }

    /// Takes the oldest open request.
    pub fn pop(&mut self) -> Option<Pending<T>> {
        self.queue.pop_front()
    }

    /// Takes the oldest open request if it began before `before`.
    pub fn pop_older(&mut self, before: Timestamp) -> Option<Pending<T>> {
        if self.queue.front()?.start >= before {
            return None;
        }
        self.queue.pop_front()
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// True if none is open.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }
}

/// Does a client speak before all is answered? Then a new turn of it does not mean that the sides
/// are in step.
#[derive(Debug)]
pub(crate) struct Overlap {
    is_seen: bool,
    /// Requests passed over whose answers have not come yet.
    unanswered: u16,
}

impl Overlap {
    pub(crate) const fn new() -> Self {
        Self { is_seen: false, unanswered: 0 }
    }

    /// A request came between the answers of others, if `is_so`.
    #[inline]
    pub(crate) const fn see(&mut self, is_so: bool) {
        self.is_seen |= is_so;
    }

    /// A request is reported without an answer; it has one all the same.
    pub(crate) const fn pass_over(&mut self) {
        self.unanswered = self.unanswered.saturating_add(1);
    }

    /// An answer came that belongs to no request we know.
    pub(crate) const fn answered_nobody(&mut self) {
        self.unanswered = self.unanswered.saturating_sub(1);
    }

    /// Answers were missed: which requests they were of is not known.
    pub(crate) const fn lose_answers(&mut self) {
        self.unanswered = 0;
    }

    /// True if the sides are in step again with a request that comes while none is open: behind a
    /// silence, or by a new turn of a client that never spoke too early.
    #[inline]
    pub(crate) const fn is_over(&mut self, is_new_turn: bool, is_quiet: bool) -> bool {
        self.is_seen |= is_new_turn && !is_quiet && self.unanswered > 0;
        let is_over = is_quiet || (is_new_turn && !self.is_seen);
        if is_over {
            self.unanswered = 0;
        }
        is_over
    }
}
