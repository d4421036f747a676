//! One connection: chunks in, exchanges out, every byte booked.
//!
//! ```text
//!            match                 Becomes, or too many desyncs
//! Opening ──────────▶ Reading ──────────────────────────────▶ Opening
//!    │ budget spent, or TLS
//!    ├──────────▶ Opaque (unknown or sealed; costs nothing more)
//!    └──────────▶ Sealed (TLS that somebody may open: see [`Dissector::take_sealed`])
//! ```

use model::{
    Chunk, CloseReason, Content, Direction, EndpointId, Framing, Incomplete, Ledger, MissingReason,
    Outcome, ProtocolInfo, Side, Timestamp,
};

use crate::classify::{Clues, Decision, classify, is_hello};
use crate::protocol::{Input, Output, Protocol, Session, Start, Step, Successor, Transport};
use crate::protocols;

mod datagrams;
mod opening;
mod reading;
mod sealed;
mod stream;

use opening::OpeningBytes;
use reading::Reading;
pub use sealed::Handover;
pub(crate) use stream::{After, Stream};

/// Chunks of one turn that count as one failed classification.
const ATTEMPT_CHUNKS: u8 = 64;

/// How much of a direction the tap should copy from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// Every byte.
    Everything,
    /// Message heads: the start of every turn is enough.
    Heads,
    /// The next `n` bytes are not needed, heads after them are.
    After(u64),
    /// Nothing more, ever: opaque.
    Nothing,
}

/// What happened besides exchanges. Cumulative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections given up as of no known protocol.
    pub given_up: u64,
    /// Times a session lost the frame boundary.
    pub desyncs: u64,
}

/// The state of one connection between connections and metrics.
pub struct Dissector {
    state: State,
    transport: Transport,
    initiator: Option<Direction>,
    /// The client's direction in the protocol recognised last.
    client: Option<Direction>,
    ports: [u16; 2],
    from_start: bool,
    attempts: u8,
    /// Direction of the chunk that last was of nothing known, and how many of its turn were.
    failed: Option<(Direction, u8)>,
    /// The datagram shown last: what is missing next may be its tail.
    shown: Option<(Direction, Timestamp)>,
    /// TLS is handed over rather than booked as sealed.
    hands_over: bool,
    /// Booked bytes since the last [`Dissector::take_ledger`].
    ledger: Ledger,
    seen: u64,
}

enum State {
    /// Not yet recognised.
    Opening(Option<Box<OpeningBytes>>),
    /// Recognised.
    Reading(Box<Reading>),
    /// TLS, waiting to be taken.
    Sealed(Box<OpeningBytes>),
    /// Never to be read: unknown or sealed.
    Opaque(Outcome),
}

impl Dissector {
    /// Most bytes of an unfinished frame held per side: the longest head we accept (HTTP servers
    /// allow 8–64 KiB).
    pub const HELD_MAX: usize = 64 * 1024;
    /// Failed classifications before a connection is given up.
    const ATTEMPTS_MAX: u8 = 12;

    /// A stream whose protocol is not known. `ports` are those of the Forward and Backward senders.
    pub const fn new(initiator: Option<Direction>, ports: [u16; 2], from_start: bool) -> Self {
        Self {
            state: State::Opening(None),
            transport: Transport::Stream,
            initiator,
            client: None,
            ports,
            from_start,
            attempts: 0,
            failed: None,
            shown: None,
            hands_over: false,
            ledger: Ledger { seen: 0, parsed: 0, skipped: 0, lost: 0, sealed: 0, unknown: 0 },
            seen: 0,
        }
    }

    /// Datagrams between two addresses. Each chunk is one, whole; `initiator` sent the first one
    /// seen.
    pub fn datagrams(transport: Transport, initiator: Option<Direction>, ports: [u16; 2]) -> Self {
        Self { transport, ..Self::new(initiator, ports, true) }
    }

    /// The protocol, once recognised.
    pub fn protocol(&self) -> Option<&'static ProtocolInfo> {
        match &self.state {
            State::Reading(reading) => Some(reading.protocol),
            State::Opening(_) | State::Sealed(_) | State::Opaque(_) => None,
        }
    }

    /// The direction in which the client sends, as far as known: by the protocol recognised last,
    /// else by who opened the connection.
    pub fn client(&self) -> Option<Direction> {
        self.client.or(self.initiator)
    }

    /// Who opened the connection became known late. Does not change how a recognised one is read.
    pub fn opened_by(&mut self, initiator: Direction, from_start: bool) {
        self.initiator = Some(initiator);
        if let (State::Opening(None), 0) = (&self.state, self.seen) {
            self.from_start = from_start;
        }
    }

    /// Takes the next piece of one direction.
    pub fn chunk(&mut self, chunk: &Chunk<'_>, output: &mut Output<'_>, counters: &mut Counters) {
        match chunk.content {
            Content::Bytes(bytes) => {
                self.seen += bytes.len() as u64;
                match self.transport {
                    Transport::Stream => {
                        self.bytes(chunk.direction, bytes, chunk.at, output, counters);
                    }
                    Transport::Datagram | Transport::Multicast => {
                        self.datagram(chunk.direction, bytes, chunk.at, output, counters);
                    }
                }
            }
            Content::Missing { bytes, reason } => {
                self.seal_held();
                // Who takes what is sealed is shown this, too.
                if !self.is_sealed() {
                    self.seen += bytes;
                    self.missing(chunk, bytes, reason, output);
                }
            }
            Content::End => {
                if let State::Reading(reading) = &mut self.state {
                    reading.end(chunk.direction, chunk.at, &mut self.ledger, output);
                }
            }
        }
        debug_assert_eq!(self.seen, self.booked() + self.held(), "every byte is booked once");
    }

    /// The connection is over. Everything held is booked, everything pending emitted.
    pub fn close(&mut self, reason: CloseReason, at: Timestamp, output: &mut Output<'_>) {
        let incomplete = match reason {
            // A socket of datagrams closes when its owner has waited long enough.
            CloseReason::Finished if self.transport != Transport::Stream => Incomplete::Timeout,
            reason => incomplete(reason),
        };
        match std::mem::replace(&mut self.state, State::Opaque(Outcome::Unknown)) {
            State::Opening(Some(opening)) if opening.is_tls() => {
                self.ledger.sealed += opening.held();
            }
            State::Sealed(opening) => self.ledger.sealed += opening.held(),
            State::Opening(Some(opening)) => self.ledger.unknown += opening.held(),
            State::Reading(mut reading) => {
                // A frame that never became whole was not understood.
                self.ledger.unknown += reading.held();
                output.client = reading.client;
                reading.session.close(incomplete, at, output);
            }
            State::Opening(None) | State::Opaque(_) => {}
        }
    }

    /// Emits requests that have waited for an answer since before `before`.
    pub fn expire(&mut self, before: Timestamp, output: &mut Output<'_>) {
        if let State::Reading(reading) = &mut self.state {
            output.client = reading.client;
            reading.session.expire(before, output);
        }
    }

    /// True if these datagrams may be forgotten early: what was asked is answered.
    pub fn is_at_rest(&self) -> bool {
        matches!(&self.state, State::Reading(reading) if reading.session.is_at_rest())
    }

    /// How much of `direction` is worth copying from here on.
    pub fn wants(&self, direction: Direction) -> Wants {
        match &self.state {
            State::Opening(_) | State::Sealed(_) => Wants::Heads,
            State::Reading(reading) => reading.wants(direction),
            State::Opaque(_) => Wants::Nothing,
        }
    }

    /// How the connection is cut into frames, if the rest of long ones need not be copied.
    pub fn framing(&self) -> Framing {
        match &self.state {
            State::Reading(reading) => reading.framing(),
            State::Opening(_) | State::Sealed(_) | State::Opaque(_) => Framing::Unknown,
        }
    }

    /// Bytes booked since the last call. Bytes still held are in none of them yet.
    pub fn take_ledger(&mut self) -> Ledger {
        let booked = self.booked();
        self.seen -= booked;
        let mut ledger = std::mem::take(&mut self.ledger);
        ledger.seen = booked;
        debug_assert!(ledger.adds_up(), "{ledger:?}");
        ledger
    }

    /// Bytes taken but not yet booked: parts of frames, and of openings.
    pub fn held(&self) -> u64 {
        match &self.state {
            State::Opening(opening) => opening.as_ref().map_or(0, |o| o.held()),
            State::Sealed(opening) => opening.held(),
            State::Reading(reading) => reading.held(),
            State::Opaque(_) => 0,
        }
    }

    fn booked(&self) -> u64 {
        Outcome::ALL.iter().map(|outcome| self.ledger.get(*outcome)).sum()
    }

    fn bytes(
        &mut self,
        direction: Direction,
        mut bytes: &[u8],
        at: Timestamp,
        output: &mut Output<'_>,
        counters: &mut Counters,
    ) {
        // Each turn either uses the bytes up or leaves a state that makes progress on the rest.
        while !bytes.is_empty() {
            match &mut self.state {
                State::Opaque(outcome) => {
                    self.ledger.book(*outcome, bytes.len() as u64);
                    return;
                }
                State::Reading(reading) => {
                    let before = output.emitted();
                    let after = reading.bytes(direction, bytes, at, &mut self.ledger, output);
                    if output.emitted() != before {
                        self.attempts = 0;
                    }
                    match after {
                        After::Done => return,
                        After::Anew(None) => {
                            self.lost(at, output, counters);
                            return;
                        }
                        After::Anew(Some(rest)) => {
                            // What either side has said already comes before the rest.
                            for (direction, held, at) in self.agreed() {
                                self.bytes(direction, &held, at, output, counters);
                            }
                            bytes = rest;
                        }
                        After::Upgraded(rest, successor) => {
                            self.from_start = reading.is_in_step();
                            for (direction, held, at) in self.upgraded(successor) {
                                self.bytes(direction, &held, at, output, counters);
                            }
                            bytes = rest;
                        }
                    }
                }
                State::Opening(_) => {
                    self.opening(direction, bytes, at, output, counters);
                    return;
                }
                State::Sealed(opening) => {
                    opening.push(direction, bytes, at);
                    return;
                }
            }
        }
    }

    /// Back to the classifier after an upgrade. Gives the bytes that were held for the session.
    fn agreed(&mut self) -> [(Direction, Vec<u8>, Timestamp); 2] {
        match std::mem::replace(&mut self.state, State::Opening(None)) {
            State::Reading(reading) => {
                self.initiator = Some(reading.client);
                self.attempts = 0;
                reading.into_held()
            }
            State::Opening(_) | State::Sealed(_) | State::Opaque(_) => {
                Direction::BOTH.map(|direction| (direction, Vec::new(), Timestamp::UNKNOWN))
            }
        }
    }

    /// On to what both ends agreed on. Gives the bytes that were held for the session before.
    fn upgraded(&mut self, successor: Successor) -> [(Direction, Vec<u8>, Timestamp); 2] {
        let client = self.client.unwrap_or(Direction::Forward);
        let held = self.agreed();
        if let Some(protocol) = protocols::named(successor.protocol.name.as_bytes()) {
            self.read(protocol, client, Some(successor.upgraded_by));
        }
        held
    }

    /// Back to the classifier because the session lost its way.
    fn lost(&mut self, at: Timestamp, output: &mut Output<'_>, counters: &mut Counters) {
        if let State::Reading(reading) = &mut self.state {
            self.ledger.unknown += reading.held();
            output.client = reading.client;
            reading.session.close(Incomplete::Gap, at, output);
        }
        self.state = State::Opening(None);
        counters.desyncs += 1;
        self.from_start = false;
        self.attempts += Self::ATTEMPTS_MAX / 3;
        if self.attempts >= Self::ATTEMPTS_MAX {
            counters.given_up += 1;
            self.state = State::Opaque(Outcome::Unknown);
        }
    }

    fn opening(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        at: Timestamp,
        output: &mut Output<'_>,
        counters: &mut Counters,
    ) {
        let State::Opening(slot) = &mut self.state else {
            return;
        };
        let mut clues = Clues {
            initiator: self.initiator,
            ports: self.ports,
            from_start: self.from_start,
            transport: self.transport,
            last_try: false,
        };
        // The first chunk is judged in place: most connections need no copy.
        let decision = match slot {
            None => {
                let mut both: [&[u8]; 2] = [&[], &[]];
                both[direction.index()] = bytes;
                classify(both, &clues)
            }
            Some(opening) => {
                opening.push(direction, bytes, at);
                clues.last_try = opening.is_full();
                classify(opening.both(), &clues)
            }
        };
        match decision {
            Decision::Take(protocol, client) => {
                let held = slot.take();
                self.read(protocol, client, None);
                match held {
                    None => self.bytes(direction, bytes, at, output, counters),
                    Some(held) => {
                        for (direction, bytes, at) in held.pieces() {
                            self.bytes(direction, bytes, at, output, counters);
                        }
                    }
                }
            }
            Decision::Wait => {
                if slot.is_none() {
                    slot.insert(Box::default()).push(direction, bytes, at);
                }
            }
            Decision::Sealed => self.seal(direction, bytes, at, output),
            Decision::Nothing => {
                self.attempts += u8::from(is_next_attempt(&mut self.failed, direction));
                if self.attempts >= Self::ATTEMPTS_MAX {
                    counters.given_up += 1;
                    self.give_up(Outcome::Unknown, bytes);
                } else if let Some(held) = slot.take_if(|_| !self.from_start || is_hello(bytes)) {
                    // What came before spoils it; the newest may begin something by itself: from
                    // the start, only TLS that both ends agreed on in words nobody here knows.
                    self.from_start = false;
                    let fresh = held.newest(direction, bytes.len());
                    self.ledger.unknown += held.held() - fresh.len() as u64;
                    self.opening(direction, fresh, at, output, counters);
                } else {
                    let held = slot.take().map_or(bytes.len() as u64, |o| o.held());
                    self.ledger.unknown += held;
                    self.from_start = false;
                }
            }
        }
    }

    fn read(
        &mut self,
        protocol: &'static dyn Protocol,
        client: Direction,
        upgraded_by: Option<EndpointId>,
    ) {
        self.client = Some(client);
        let (from_start, transport) = (self.from_start, self.transport);
        let start = Start { from_start, transport, upgraded_by };
        let session: Box<dyn Session> = protocol.open(start);
        self.state = State::Reading(Box::new(Reading::new(protocol.protocol(), session, client)));
    }

    fn give_up(&mut self, outcome: Outcome, bytes: &[u8]) {
        let held = match &self.state {
            State::Opening(Some(opening)) => opening.held(),
            State::Opening(None) | State::Sealed(_) | State::Reading(_) | State::Opaque(_) => {
                bytes.len() as u64
            }
        };
        self.ledger.book(outcome, held);
        self.state = State::Opaque(outcome);
    }

    fn missing(
        &mut self,
        chunk: &Chunk<'_>,
        bytes: u64,
        reason: MissingReason,
        output: &mut Output<'_>,
    ) {
        match &mut self.state {
            State::Reading(_) if self.transport != Transport::Stream => {
                self.missing_datagram(chunk, bytes, reason, output);
            }
            State::Reading(reading) => {
                reading.missing(chunk, bytes, reason, &mut self.ledger, output);
            }
            State::Opening(slot) => {
                // What was held no longer joins up with what comes.
                self.ledger.unknown += slot.take().map_or(0, |o| o.held());
                self.from_start = false;
                match reason {
                    MissingReason::Lost => self.ledger.lost += bytes,
                    MissingReason::Skipped => self.ledger.unknown += bytes,
                }
            }
            State::Sealed(_) => self.ledger.book(Outcome::Sealed, bytes),
            State::Opaque(outcome) => match reason {
                MissingReason::Lost => self.ledger.lost += bytes,
                MissingReason::Skipped => self.ledger.book(*outcome, bytes),
            },
        }
    }
}

/// True if a chunk of nothing known is one more failed attempt, and not one more piece of a message
/// that began before: a connection joined in the middle of a long body shows what it speaks at the
/// next turn only.
fn is_next_attempt(failed: &mut Option<(Direction, u8)>, direction: Direction) -> bool {
    let before = failed.filter(|(last, _)| *last == direction).map_or(0, |(_, chunks)| chunks);
    *failed = Some((direction, (before + 1) % ATTEMPT_CHUNKS));
    before == 0
}

/// What the end of a connection means for requests that are not answered.
pub(crate) const fn incomplete(reason: CloseReason) -> Incomplete {
    match reason {
        CloseReason::Reset(_) => Incomplete::Reset,
        CloseReason::Idle => Incomplete::Timeout,
        CloseReason::Finished | CloseReason::Reused | CloseReason::EndOfCapture => {
            Incomplete::Closed
        }
    }
}

/// Which side sends in `direction`, given the client's direction.
pub(crate) fn side_of(direction: Direction, client: Direction) -> Side {
    if direction == client { Side::Client } else { Side::Server }
}
