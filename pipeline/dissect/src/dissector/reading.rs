//! A recognised connection: holds unfinished frames, passes bodies over, finds its way after gaps.

use model::{
    Chunk, Content, Direction, Ledger, MissingReason, Outcome, ProtocolInfo, Side, Timestamp,
};

use super::{Dissector, Input, Output, Session, Step, Successor, Wants, side_of};

/// Bytes a session may search for a frame boundary before the connection is classified anew.
const RESYNC_BYTES_MAX: u64 = 64 * 1024;
/// A body longer than this is worth telling the tap about.
const SKIP_WORTH_BYTES: u64 = 4 * 1024;
/// The same where everything is copied: a packet, by which the tap is ahead of us at least. Frames
/// of a body come closer together, and each wish is a store into a line that the kernel reads.
const SKIP_WORTH_BYTES_OF_EVERYTHING: u64 = 64 * 1024;

/// A session with what it needs around it.
pub(super) struct Reading {
    pub(super) protocol: &'static ProtocolInfo,
    pub(super) client: Direction,
    pub(super) session: Box<dyn Session>,
    sides: [Stream; 2],
}

/// One side's place in its stream.
#[derive(Default)]
struct Stream {
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
pub(super) enum After<'a> {
    /// All bytes are booked or held.
    Done,
    /// Classify anew. `Some(rest)`: the connection agreed to speak something else and `rest` is its
    /// start. `None`: the session is lost and everything is booked.
    Anew(Option<&'a [u8]>),
    /// Read the rest as what both ends agreed on.
    Upgraded(&'a [u8], Successor),
}

impl Reading {
    pub(super) fn new(
        protocol: &'static ProtocolInfo,
        session: Box<dyn Session>,
        client: Direction,
    ) -> Self {
        Self { protocol, client, session, sides: Default::default() }
    }

    pub(super) fn held(&self) -> u64 {
        self.sides.iter().map(|s| s.held.len() as u64).sum()
    }

    /// True if the next byte of either side starts a frame.
    pub(super) fn is_in_step(&self) -> bool {
        self.sides.iter().all(|stream| stream.searched.is_none())
    }

    /// What is held of each direction, with the time of its first byte.
    pub(super) fn into_held(self) -> [(Direction, Vec<u8>, Timestamp); 2] {
        let client = self.client;
        let [from_client, from_server] = self.sides;
        [
            (client, from_client.held, from_client.held_at),
            (client.opposite(), from_server.held, from_server.held_at),
        ]
    }

    pub(super) fn wants(&self, direction: Direction) -> Wants {
        let stream = &self.sides[side_of(direction, self.client).index()];
        let (worth, otherwise) = if self.session.wants_everything() {
            (SKIP_WORTH_BYTES_OF_EVERYTHING, Wants::Everything)
        } else {
            (SKIP_WORTH_BYTES, Wants::Heads)
        };
        match stream.body {
            Some(body) if body > worth => Wants::After(body),
            Some(_) | None => otherwise,
        }
    }

    pub(super) fn bytes<'a>(
        &mut self,
        direction: Direction,
        mut bytes: &'a [u8],
        at: Timestamp,
        ledger: &mut Ledger,
        output: &mut Output<'_>,
    ) -> After<'a> {
        output.client = self.client;
        let side = side_of(direction, self.client);
        loop {
            bytes = self.pass_body(side, bytes, at, ledger, output);
            if bytes.is_empty() {
                return After::Done;
            }
            if self.sides[side.index()].searched.is_some() {
                match self.find_boundary(side, bytes, ledger) {
                    Some(rest) => bytes = rest,
                    None if self.is_lost(side) => return After::Anew(None),
                    None => return After::Done,
                }
                continue;
            }
            let (step, given) = self.step(side, bytes, at, output);
            match self.settle(side, step, given, bytes, at, ledger) {
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
        side: Side,
        bytes: &[u8],
        at: Timestamp,
        output: &mut Output<'_>,
    ) -> (Step, usize) {
        let stream = &mut self.sides[side.index()];
        if stream.held.is_empty() {
            let input = Input { side, bytes, first_at: at, at };
            return (self.session.step(input, output), 0);
        }
        let held = stream.held.len();
        stream.held.extend_from_slice(bytes);
        let input = Input { side, bytes: &stream.held, first_at: stream.held_at, at };
        let step = self.session.step(input, output);
        stream.held.truncate(held);
        (step, held)
    }

    /// Books what a step took and keeps what it wants to see again.
    fn settle<'a>(
        &mut self,
        side: Side,
        step: Step,
        held: usize,
        bytes: &'a [u8],
        at: Timestamp,
        ledger: &mut Ledger,
    ) -> Settled<'a> {
        let shown = held + bytes.len();
        let stream = &mut self.sides[side.index()];
        let mut next = None;
        let (head, body, becomes) = match step {
            Step::Took(n) if n == 0 || n > shown => return self.desync(side, bytes, ledger),
            Step::Skip { head, .. } | Step::Becomes(head) | Step::Upgrades(head, _)
                if head > shown =>
            {
                return self.desync(side, bytes, ledger);
            }
            Step::Took(head) => (head, None, false),
            Step::Skip { head, body } => (head, Some(body), false),
            Step::Becomes(head) => (head, None, true),
            Step::Upgrades(head, successor) => {
                next = Some(successor);
                (head, None, true)
            }
            Step::Desync => return self.desync(side, bytes, ledger),
            Step::Wait if shown > Dissector::HELD_MAX => return self.desync(side, bytes, ledger),
            Step::Wait => {
                if held == 0 {
                    stream.held_at = at;
                }
                stream.held.extend_from_slice(bytes);
                return Settled::Done;
            }
        };
        ledger.parsed += head as u64;
        // A head that ends inside the held bytes leaves the rest of them to be shown again.
        let rest = match head.checked_sub(held) {
            Some(from_new) => {
                stream.held = Vec::new();
                bytes.get(from_new..).unwrap_or_default()
            }
            None => {
                stream.held.drain(..head);
                bytes
            }
        };
        if body.is_some() {
            stream.body = body;
            stream.body_passed = 0;
        }
        if becomes { Settled::Becomes(rest, next) } else { Settled::Next(rest) }
    }

    /// Lets the body in progress pass. Gives the bytes after it.
    fn pass_body<'a>(
        &mut self,
        side: Side,
        mut bytes: &'a [u8],
        at: Timestamp,
        ledger: &mut Ledger,
        output: &mut Output<'_>,
    ) -> &'a [u8] {
        while let Some(body) = self.sides[side.index()].body {
            // Held bytes come first in the stream.
            let held = &mut self.sides[side.index()].held;
            let from_held = body.min(held.len() as u64);
            held.drain(..from_held as usize);
            let from_new = (body - from_held).min(bytes.len() as u64);
            bytes = bytes.get(from_new as usize..).unwrap_or_default();
            ledger.parsed += from_held + from_new;
            self.advance_body(side, from_held + from_new, at, output);
            if self.sides[side.index()].body.is_some() {
                break;
            }
        }
        bytes
    }

    /// Counts `take` bytes of the body as passed; tells the session if they were the last.
    fn advance_body(&mut self, side: Side, take: u64, at: Timestamp, output: &mut Output<'_>) {
        let stream = &mut self.sides[side.index()];
        stream.body_passed += take;
        stream.body = match stream.body {
            Some(u64::MAX) => Some(u64::MAX),
            Some(body) if body > take => Some(body - take),
            Some(_) | None => None,
        };
        if stream.body.is_none() {
            let passed = std::mem::take(&mut stream.body_passed);
            self.session.passed(side, passed, at, output);
        }
    }

    fn desync<'a>(&mut self, side: Side, bytes: &'a [u8], ledger: &mut Ledger) -> Settled<'a> {
        let stream = &mut self.sides[side.index()];
        ledger.unknown += stream.held.len() as u64 + bytes.len() as u64;
        stream.held = Vec::new();
        stream.searched = Some(bytes.len() as u64);
        Settled::Done
    }

    /// Searches the chunk for a frame boundary. Gives the bytes from there on.
    fn find_boundary<'a>(
        &mut self,
        side: Side,
        bytes: &'a [u8],
        ledger: &mut Ledger,
    ) -> Option<&'a [u8]> {
        let found = self.session.resync(side, bytes).filter(|n| *n < bytes.len());
        let stream = &mut self.sides[side.index()];
        let passed = found.unwrap_or(bytes.len()) as u64;
        ledger.unknown += passed;
        stream.searched = match found {
            Some(_) => None,
            None => stream.searched.map(|n| n + passed),
        };
        found.and_then(|n| bytes.get(n..))
    }

    fn is_lost(&self, side: Side) -> bool {
        self.sides[side.index()].searched.is_some_and(|n| n > RESYNC_BYTES_MAX)
    }

    pub(super) fn missing(
        &mut self,
        chunk: &Chunk<'_>,
        bytes: u64,
        reason: MissingReason,
        ledger: &mut Ledger,
        output: &mut Output<'_>,
    ) {
        debug_assert!(matches!(chunk.content, Content::Missing { .. }));
        output.client = self.client;
        let side = side_of(chunk.direction, self.client);
        let stream = &mut self.sides[side.index()];
        let harmless = bytes.min(stream.body.unwrap_or(0));
        let booked_as = match reason {
            MissingReason::Skipped => Outcome::Skipped,
            MissingReason::Lost => Outcome::Lost,
        };
        if harmless > 0 {
            ledger.book(booked_as, harmless);
            self.advance_body(side, harmless, chunk.at, output);
        }
        let needed = bytes - harmless;
        if needed > 0 {
            let stream = &mut self.sides[side.index()];
            ledger.lost += needed;
            ledger.unknown += stream.held.len() as u64;
            stream.held = Vec::new();
            stream.searched = Some(stream.searched.unwrap_or(0));
            self.session.gap(side, needed, chunk.at, output);
        }
    }

    pub(super) fn end(
        &mut self,
        direction: Direction,
        at: Timestamp,
        ledger: &mut Ledger,
        output: &mut Output<'_>,
    ) {
        output.client = self.client;
        let side = side_of(direction, self.client);
        let stream = &mut self.sides[side.index()];
        ledger.unknown += stream.held.len() as u64;
        stream.held = Vec::new();
        if stream.body.take() == Some(u64::MAX) {
            let passed = std::mem::take(&mut stream.body_passed);
            self.session.passed(side, passed, at, output);
        }
        self.session.end(side, at, output);
    }
}

/// What is left of a chunk after a step.
enum Settled<'a> {
    Next(&'a [u8]),
    Done,
    Becomes(&'a [u8], Option<Successor>),
}
