//! Are the two sides in step, so that the next answer belongs to the oldest open request?
//!
//! ```text
//!            bytes lost, garbage, too many open requests
//!   sure ───────────────────────────────────────────────▶ unsure
//!     ▲   a request comes after bytes of the server, while none is open and no answer is
//!     └──── under way; or, where requests were seen to overlap answers, after a long silence
//! ```
//! While unsure, requests are reported as they come, without an answer, and answers are passed
//! over.

use model::{Incomplete, Side, Timestamp};

use crate::pairing::Overlap;

/// Nothing said for so long: nothing is outstanding either.
const SILENCE_NS: u64 = 5_000_000_000;

/// What is known about the turns of the two sides.
#[derive(Debug)]
pub(super) struct Turns {
    is_sure: bool,
    /// False from mid-stream until a turn of the server has been seen: requests we did not see may
    /// be open.
    is_proven: bool,
    /// More than one request was open at a time.
    is_pipelined: bool,
    /// A request came between the answers of a batch: a new turn of the client means nothing then.
    overlap: Overlap,
    last: Option<Side>,
    last_at: Timestamp,
}

/// How the session stands when a request comes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    /// Requests without an answer.
    pub(super) has_open: bool,
    /// Part of an answer was read.
    pub(super) is_answering: bool,
}

impl Turns {
    pub(super) const fn new(from_start: bool) -> Self {
        Self {
            is_sure: from_start,
            is_proven: from_start,
            is_pipelined: false,
            overlap: Overlap::new(),
            last: None,
            last_at: Timestamp::UNKNOWN,
        }
    }

    /// Bytes of this side were seen.
    #[inline]
    pub(super) const fn spoke(&mut self, side: Side, at: Timestamp) {
        self.last = Some(side);
        self.last_at = at;
    }

    /// Bytes of this side were missed; `has_open`: requests are without an answer.
    pub(super) fn missed(&mut self, side: Side, has_open: bool, at: Timestamp) {
        let is_early = side == Side::Client && has_open && self.last == Some(Side::Server);
        self.overlap.see(is_early);
        self.spoke(side, at);
    }

    /// This side's turn, at a time nobody told.
    pub(super) const fn turn(&mut self, side: Side) {
        self.last = Some(side);
    }

    /// True if the client speaks again after the server, or for the first time.
    #[inline]
    pub(super) fn is_new_turn(&self) -> bool {
        self.last != Some(Side::Client)
    }

    /// From here on, who answers what is not known.
    pub(super) const fn lose(&mut self) {
        self.is_sure = false;
    }

    /// The same, and which requests are answered is not known either.
    pub(super) const fn lose_answers(&mut self) {
        self.is_sure = false;
        self.overlap.lose_answers();
    }

    /// A request is reported without an answer; it has one all the same.
    pub(super) const fn pass_over(&mut self) {
        self.is_sure = false;
        self.overlap.pass_over();
    }

    /// An answer came that belongs to no request we know.
    pub(super) const fn answered_nobody(&mut self) {
        self.overlap.answered_nobody();
    }

    pub(super) const fn is_pipelined(&self) -> bool {
        self.is_pipelined
    }

    /// Why requests are reported without an answer.
    pub(super) const fn reason(&self) -> Incomplete {
        if self.is_proven { Incomplete::Gap } else { Incomplete::MidStream }
    }

    /// A request starts at `at`. True if its answer can be told.
    #[inline]
    pub(super) fn admits(&mut self, standing: Standing, at: Timestamp) -> bool {
        let is_new_turn = self.is_new_turn();
        if standing.has_open {
            self.is_pipelined = true;
            self.overlap.see(is_new_turn && (self.is_sure || self.is_proven));
            self.is_sure &= self.is_proven;
        } else if !self.is_sure && !standing.is_answering {
            let is_quiet = !self.last_at.is_unknown() && at.since_ns(self.last_at) >= SILENCE_NS;
            self.is_sure = self.overlap.is_over(is_new_turn, is_quiet);
            self.is_proven |= self.is_sure && self.last == Some(Side::Server);
        }
        self.is_sure
    }
}
