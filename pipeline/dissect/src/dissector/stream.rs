//! One side of one stream: holds unfinished frames, passes bodies over, finds its way after gaps.

use model::{Ledger, MissingReason, Outcome, Side, Timestamp};

use super::{Dissector, Input, Output, Session, Step, Successor};

/// Bytes a session may search for a frame boundary before the connection is classified anew.
const RESYNC_BYTES_MAX: u64 = 64 * 1024;

/// Where one side is.
#[derive(Default)]
pub(crate) struct Stream {
    /// The start of a frame that is not whole yet.
    held: Vec<u8>,
    /// When its first byte was sent.
    held_at: Timestamp,
    /// Bytes of a body still to pass; `Some(0)` only until [`Session::passed`] has been told.
    body: Option<u64>,
    /// Length of that body as far as it has passed.
    body_passed: u64,
    /// Bytes searched in vain for a frame boundary; `Some` while out of step.
    searched: Option<u64>,
}

/// How a chunk left the session.
pub(crate) enum After<'a> {
    /// All bytes are booked or held.
    Done,
    /// Classify anew. `Some(rest)`: the connection agreed to speak something else and `rest` is its
    /// start. `None`: the session is lost and everything is booked.
    Anew(Option<&'a [u8]>),
    /// Read the rest as what both ends agreed on.
    Upgraded(&'a [u8], Successor),
}

impl Stream {
    /// Bytes of a frame that is not whole.
    pub(crate) const fn held(&self) -> u64 {
        self.held.len() as u64
    }

    /// The body in progress: bytes that need not be copied.
    pub(crate) const fn body(&self) -> Option<u64> {
        self.body
    }

    /// True if the next byte starts a frame.
    pub(crate) const fn is_in_step(&self) -> bool {
        self.searched.is_none()
    }

    /// What is held, with the time of its first byte.
    pub(crate) fn into_held(self) -> (Vec<u8>, Timestamp) {
        (self.held, self.held_at)
    }

    /// Takes the next bytes.
    pub(crate) fn bytes<'a>(
        &mut self,
        session: &mut dyn Session,
        side: Side,
        mut bytes: &'a [u8],
        at: Timestamp,
        ledger: &mut Ledger,
        output: &mut Output<'_>,
    ) -> After<'a> {
        loop {
            bytes = self.pass_body(session, side, bytes, at, ledger, output);
            if bytes.is_empty() {
                return After::Done;
            }
            if self.searched.is_some() {
                match self.find_boundary(session, side, bytes, ledger) {
                    Some(rest) => bytes = rest,
                    None if self.is_lost() => return After::Anew(None),
                    None => return After::Done,
                }
                continue;
            }
            let (step, given) = self.step(session, side, bytes, at, output);
            match self.settle(step, given, bytes, at, ledger) {
                Settled::Next(rest) => bytes = rest,
                Settled::Done => return After::Done,
                Settled::Becomes(rest, None) => return After::Anew(Some(rest)),
                Settled::Becomes(rest, Some(next)) => return After::Upgraded(rest, next),
            }
        }
    }

    /// Shows the session the held bytes and the new ones as one piece. Gives its answer and how
    /// many of the bytes shown were held ones.
    fn step(
        &mut self,
        session: &mut dyn Session,
        side: Side,
        bytes: &[u8],
        at: Timestamp,
        output: &mut Output<'_>,
    ) -> (Step, usize) {
        if self.held.is_empty() {
            let input = Input { side, bytes, first_at: at, at };
            return (session.step(input, output), 0);
        }
        let held = self.held.len();
        self.held.extend_from_slice(bytes);
        let input = Input { side, bytes: &self.held, first_at: self.held_at, at };
        let step = session.step(input, output);
        self.held.truncate(held);
        (step, held)
    }

    /// Books what a step took and keeps what it wants to see again.
    fn settle<'a>(
        &mut self,
        step: Step,
        held: usize,
        bytes: &'a [u8],
        at: Timestamp,
        ledger: &mut Ledger,
    ) -> Settled<'a> {
        let shown = held + bytes.len();
        let mut next = None;
        let (head, body, becomes) = match step {
            Step::Took(n) if n == 0 || n > shown => return self.desync(bytes, ledger),
            Step::Skip { head, .. } | Step::Becomes(head) | Step::Upgrades(head, _)
                if head > shown =>
            {
                return self.desync(bytes, ledger);
            }
            Step::Took(head) => (head, None, false),
            Step::Skip { head, body } => (head, Some(body), false),
            Step::Becomes(head) => (head, None, true),
            Step::Upgrades(head, successor) => {
                next = Some(successor);
                (head, None, true)
            }
            Step::Desync => return self.desync(bytes, ledger),
            Step::Wait if shown > Dissector::HELD_MAX => return self.desync(bytes, ledger),
            Step::Wait => {
                if held == 0 {
                    self.held_at = at;
                }
                self.held.extend_from_slice(bytes);
                return Settled::Done;
            }
        };
        ledger.parsed += head as u64;
        // A head that ends inside the held bytes leaves the rest of them to be shown again.
        let rest = match head.checked_sub(held) {
            Some(from_new) => {
                self.held = Vec::new();
                bytes.get(from_new..).unwrap_or_default()
            }
            None => {
                self.held.drain(..head);
                bytes
            }
        };
        if body.is_some() {
            self.body = body;
            self.body_passed = 0;
        }
        if becomes { Settled::Becomes(rest, next) } else { Settled::Next(rest) }
    }

    /// Lets the body in progress pass. Gives the bytes after it.
    fn pass_body<'a>(
        &mut self,
        session: &mut dyn Session,
        side: Side,
        mut bytes: &'a [u8],
        at: Timestamp,
        ledger: &mut Ledger,
        output: &mut Output<'_>,
    ) -> &'a [u8] {
        while let Some(body) = self.body {
            // Held bytes come first in the stream.
            let held = &mut self.held;
            let from_held = body.min(held.len() as u64);
            held.drain(..from_held as usize);
            let from_new = (body - from_held).min(bytes.len() as u64);
            bytes = bytes.get(from_new as usize..).unwrap_or_default();
            ledger.parsed += from_held + from_new;
            self.advance_body(session, side, from_held + from_new, at, output);
            if self.body.is_some() {
                break;
            }
        }
        bytes
    }

    /// Counts `take` bytes of the body as passed; tells the session if they were the last.
    fn advance_body(
        &mut self,
        session: &mut dyn Session,
        side: Side,
        take: u64,
        at: Timestamp,
        output: &mut Output<'_>,
    ) {
        self.body_passed += take;
        self.body = match self.body {
            Some(u64::MAX) => Some(u64::MAX),
            Some(body) if body > take => Some(body - take),
            Some(_) | None => None,
        };
        if self.body.is_none() {
            let passed = std::mem::take(&mut self.body_passed);
            session.passed(side, passed, at, output);
        }
    }

    fn desync<'a>(&mut self, bytes: &'a [u8], ledger: &mut Ledger) -> Settled<'a> {
        ledger.unknown += self.held.len() as u64 + bytes.len() as u64;
        self.held = Vec::new();
        self.searched = Some(bytes.len() as u64);
        Settled::Done
    }

    /// Searches the chunk for a frame boundary. Gives the bytes from there on.
    fn find_boundary<'a>(
        &mut self,
        session: &mut dyn Session,
        side: Side,
        bytes: &'a [u8],
        ledger: &mut Ledger,
    ) -> Option<&'a [u8]> {
        let found = session.resync(side, bytes).filter(|n| *n < bytes.len());
        let passed = found.unwrap_or(bytes.len()) as u64;
        ledger.unknown += passed;
        self.searched = match found {
            Some(_) => None,
            None => self.searched.map(|n| n + passed),
        };
        found.and_then(|n| bytes.get(n..))
    }

    fn is_lost(&self) -> bool {
        self.searched.is_some_and(|n| n > RESYNC_BYTES_MAX)
    }

    /// Takes the news that `bytes` are missing.
    pub(crate) fn missing(
        &mut self,
        session: &mut dyn Session,
        side: Side,
        (bytes, reason): (u64, MissingReason),
        at: Timestamp,
        ledger: &mut Ledger,
        output: &mut Output<'_>,
    ) {
        let harmless = bytes.min(self.body.unwrap_or(0));
        let booked_as = match reason {
            MissingReason::Skipped => Outcome::Skipped,
            MissingReason::Lost => Outcome::Lost,
        };
        if harmless > 0 {
            ledger.book(booked_as, harmless);
            self.advance_body(session, side, harmless, at, output);
        }
        let needed = bytes - harmless;
        if needed > 0 {
            ledger.lost += needed;
            self.drop_held(ledger);
            self.searched = Some(self.searched.unwrap_or(0));
            session.gap(side, needed, at, output);
        }
    }

    /// A frame that never became whole was not understood.
    pub(crate) fn drop_held(&mut self, ledger: &mut Ledger) {
        ledger.unknown += self.held();
        self.held = Vec::new();
    }

    /// Nothing comes after this.
    pub(crate) fn end(
        &mut self,
        session: &mut dyn Session,
        side: Side,
        at: Timestamp,
        ledger: &mut Ledger,
        output: &mut Output<'_>,
    ) {
        self.drop_held(ledger);
        if self.body.take() == Some(u64::MAX) {
            let passed = std::mem::take(&mut self.body_passed);
            session.passed(side, passed, at, output);
        }
        session.end(side, at, output);
    }
}

/// What is left of a chunk after a step.
enum Settled<'a> {
    Next(&'a [u8]),
    Done,
    Becomes(&'a [u8], Option<Successor>),
}
