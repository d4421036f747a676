//! Protocols on connections of many streams (QUIC): the trait, and one connection.
//!
//! Both ends have agreed on the protocol by its name (ALPN) before the first byte of it, so nothing
//! is classified. Each side of each stream is held, passed over and booked as a connection of one
//! stream is.

use std::collections::HashMap;

use model::{
    CloseReason, Direction, Incomplete, Ledger, MissingReason, Outcome, ProtocolInfo, Side,
    StreamChunk, StreamContent, StreamId, Timestamp,
};

use crate::dissector::{After, Stream, incomplete, side_of};
use crate::protocol::{Input, Output, Session, Step};
use crate::protocols::PROTOCOLS;

/// Streams followed at a time on one connection: servers allow 100 to 1,000 requests.
const STREAMS_MAX: usize = 4_096;
/// How a protocol is spoken on the streams of one connection.
#[derive(Debug)]
pub struct Multiplexed {
    /// The names by which both ends agree on it (RFC 7301); of one that ends in `-`, every draft.
    pub names: &'static [&'static str],
    /// Begins to read a connection. `true`: from its first byte.
    pub open: fn(bool) -> Box<dyn StreamSession>,
}

/// One connection of one protocol: frames of many streams → exchanges.
///
/// The contract is that of [`Session`], a stream at a time.
pub trait StreamSession: Send {
    /// Reads the next frame of one side of a stream. [`Step::Becomes`] means that the rest of it is
    /// of no interest.
    fn step(&mut self, stream: StreamId, input: Input<'_>, output: &mut Output<'_>) -> Step;

    /// See [`Session::passed`].
    fn passed(&mut self, on: (StreamId, Side), bytes: u64, at: Timestamp, output: &mut Output<'_>);

    /// Bytes are missing, outside of a body, or make no sense: the rest of this side of the stream
    /// is not shown.
    fn gap(&mut self, on: (StreamId, Side), bytes: u64, at: Timestamp, output: &mut Output<'_>);

    /// This side sends no more on the stream.
    fn end(&mut self, on: (StreamId, Side), at: Timestamp, output: &mut Output<'_>);

    /// This side breaks off what it sends.
    fn reset(&mut self, on: (StreamId, Side), code: u64, at: Timestamp, output: &mut Output<'_>);

    /// This side does not want the other's part of the stream.
    fn stopped(&mut self, on: (StreamId, Side), code: u64, at: Timestamp, output: &mut Output<'_>);

    /// See [`Session::close`].
    fn close(&mut self, reason: Incomplete, at: Timestamp, output: &mut Output<'_>);

    /// See [`Session::expire`].
    fn expire(&mut self, before: Timestamp, output: &mut Output<'_>);
}

/// The streams of one connection: pieces in, exchanges out, every byte booked.
pub struct Streams {
    reading: Option<(&'static ProtocolInfo, Box<dyn StreamSession>)>,
    client: Direction,
    /// Where each side of each stream is.
    places: HashMap<(StreamId, Side), Place>,
    /// Streams below this number had no room: what follows of them starts anywhere.
    refused_below: u64,
    ledger: Ledger,
    held: u64,
}

/// One side of one stream.
enum Place {
    Reading(Stream),
    /// The rest is of no interest, or makes no sense.
    Passing(Outcome),
}

impl Streams {
    /// Most bytes of unfinished frames held at a time on one connection.
    pub const HELD_MAX: u64 = 1024 * 1024;

    /// A connection whose ends have agreed on `name`; `client` is the direction in which its client
    /// sends.
    pub fn new(client: Direction, name: &[u8], from_start: bool) -> Self {
        let spoken = PROTOCOLS.iter().find_map(|protocol| {
            let spoken = protocol.multiplexed()?;
            let is_meant = spoken.names.iter().any(|known| is_named(name, known.as_bytes()));
            is_meant.then(|| (protocol.protocol(), (spoken.open)(from_start)))
        });
        let (places, ledger) = (HashMap::new(), Ledger::default());
        Self { reading: spoken, client, places, refused_below: 0, ledger, held: 0 }
    }

    /// The protocol, if it is one of ours.
    pub fn protocol(&self) -> Option<&'static ProtocolInfo> {
        self.reading.as_ref().map(|(protocol, _)| *protocol)
    }

    /// The client now sends in this direction: the connection goes on between other addresses.
    pub const fn turn(&mut self, client: Direction) {
        self.client = client;
    }

    /// Takes the next piece of one direction of a stream.
    pub fn chunk(&mut self, chunk: &StreamChunk<'_>, output: &mut Output<'_>) {
        output.client = self.client;
        let on = (chunk.stream, side_of(chunk.direction, self.client));
        match chunk.content {
            StreamContent::Bytes(bytes) => {
                self.ledger.seen += bytes.len() as u64;
                self.bytes(on, bytes, chunk.at, output);
            }
            StreamContent::Missing { bytes, reason } => {
                self.missing(on, (bytes, reason), chunk.at, output);
            }
            StreamContent::End => self.end(on, chunk.at, output),
            StreamContent::Reset(code) => {
                self.let_go(on);
                if let Some((_, session)) = &mut self.reading {
                    session.reset(on, code, chunk.at, output);
                }
            }
            StreamContent::Stopped(code) => {
                if let Some((_, session)) = &mut self.reading {
                    session.stopped(on, code, chunk.at, output);
                }
            }
        }
    }

    fn bytes(
        &mut self,
        on: (StreamId, Side),
        bytes: &[u8],
        at: Timestamp,
        output: &mut Output<'_>,
    ) {
        let Some(Place::Reading(stream)) = self.place(on) else {
            let outcome = match self.places.get(&on) {
                Some(Place::Passing(outcome)) => *outcome,
                Some(Place::Reading(_)) | None => Outcome::Unknown,
            };
            self.ledger.book(outcome, bytes.len() as u64);
            return;
        };
        let mut stream = std::mem::take(stream);
        self.held -= stream.held();
        let after = match &mut self.reading {
            Some((_, session)) => {
                let mut one = One { session: &mut **session, stream: on.0 };
                stream.bytes(&mut one, on.1, bytes, at, &mut self.ledger, output)
            }
            None => After::Done,
        };
        self.put_back(on, stream, &after, at, output);
    }

    /// What is missing is booked by who reads the packets: a byte of a stream may have been sent in
    /// several.
    fn missing(
        &mut self,
        on: (StreamId, Side),
        missing: (u64, MissingReason),
        at: Timestamp,
        output: &mut Output<'_>,
    ) {
        let Some(Place::Reading(stream)) = self.place(on) else { return };
        let mut stream = std::mem::take(stream);
        self.held -= stream.held();
        if let Some((_, session)) = &mut self.reading {
            let mut one = One { session: &mut **session, stream: on.0 };
            stream.missing(&mut one, on.1, missing, at, &mut self.ledger, output);
            (self.ledger.lost, self.ledger.skipped) = (0, 0);
        }
        self.put_back(on, stream, &After::Done, at, output);
    }

    /// Where a side of a stream is; `None` if nothing of the connection is read, or there is no
    /// room.
    fn place(&mut self, on: (StreamId, Side)) -> Option<&mut Place> {
        self.reading.as_ref()?;
        if !self.places.contains_key(&on) {
            if self.places.len() >= STREAMS_MAX {
                self.refused_below = self.refused_below.max(on.0.0 + 1);
            }
            if on.0.0 < self.refused_below {
                return None;
            }
        }
        Some(self.places.entry(on).or_insert(Place::Reading(Stream::default())))
    }

    /// The connection is over. Everything held is booked, everything pending emitted.
    pub fn close(&mut self, reason: CloseReason, at: Timestamp, output: &mut Output<'_>) {
        let open: Vec<_> = self.places.keys().copied().collect();
        for on in open {
            self.let_go(on);
        }
        if let Some((_, session)) = &mut self.reading {
            output.client = self.client;
            session.close(incomplete(reason), at, output);
        }
    }

    /// Emits requests that have waited for an answer since before `before`.
    pub fn expire(&mut self, before: Timestamp, output: &mut Output<'_>) {
        if let Some((_, session)) = &mut self.reading {
            output.client = self.client;
            session.expire(before, output);
        }
    }

    /// Bytes booked since the last call. Bytes still held are in none of them yet.
    pub fn take_ledger(&mut self) -> Ledger {
        let mut ledger = std::mem::take(&mut self.ledger);
        self.ledger.seen = self.held;
        ledger.seen -= self.held;
        debug_assert!(ledger.adds_up(), "{ledger:?}");
        ledger
    }

    /// Bytes taken but not yet booked: parts of frames.
    pub const fn held(&self) -> u64 {
        self.held
    }

    /// After a piece: is the rest of this side of the stream still read?
    fn put_back(
        &mut self,
        on: (StreamId, Side),
        mut stream: Stream,
        after: &After<'_>,
        at: Timestamp,
        output: &mut Output<'_>,
    ) {
        let is_lost = !stream.is_in_step();
        let passing = match after {
            // What it becomes is told from nothing: the rest is passed over.
            After::Anew(Some(rest)) | After::Upgraded(rest, _) => {
                self.ledger.parsed += rest.len() as u64;
                Outcome::Parsed
            }
            After::Done if !is_lost && self.held + stream.held() <= Self::HELD_MAX => {
                self.held += stream.held();
                self.places.insert(on, Place::Reading(stream));
                return;
            }
            After::Done | After::Anew(None) => Outcome::Unknown,
        };
        stream.drop_held(&mut self.ledger);
        self.places.insert(on, Place::Passing(passing));
        if passing == Outcome::Unknown
            && let Some((_, session)) = &mut self.reading
        {
            session.gap(on, 0, at, output);
        }
    }

    fn end(&mut self, on: (StreamId, Side), at: Timestamp, output: &mut Output<'_>) {
        let Some((_, session)) = &mut self.reading else { return };
        match self.places.remove(&on) {
            Some(Place::Reading(mut stream)) => {
                self.held -= stream.held();
                let mut one = One { session: &mut **session, stream: on.0 };
                stream.end(&mut one, on.1, at, &mut self.ledger, output);
            }
            Some(Place::Passing(_)) | None => session.end(on, at, output),
        }
    }

    /// Forgets where a side of a stream is; what is held of it was not understood.
    fn let_go(&mut self, on: (StreamId, Side)) {
        if let Some(Place::Reading(mut stream)) = self.places.remove(&on) {
            self.held -= stream.held();
            stream.drop_held(&mut self.ledger);
        }
    }
}

/// True if `name` is `known`, or a draft of it.
fn is_named(name: &[u8], known: &[u8]) -> bool {
    name == known || known.last() == Some(&b'-') && name.starts_with(known)
}

/// One stream of a session, read as a connection of its own.
struct One<'a> {
    session: &'a mut dyn StreamSession,
    stream: StreamId,
}

impl Session for One<'_> {
    fn step(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        self.session.step(self.stream, input, output)
    }

    fn passed(&mut self, side: Side, bytes: u64, at: Timestamp, output: &mut Output<'_>) {
        self.session.passed((self.stream, side), bytes, at, output);
    }

    /// The session hears of it once the stream is given up.
    fn gap(&mut self, _side: Side, _bytes: u64, _at: Timestamp, _output: &mut Output<'_>) {}

    fn resync(&mut self, _side: Side, _bytes: &[u8]) -> Option<usize> {
        None
    }

    fn end(&mut self, side: Side, at: Timestamp, output: &mut Output<'_>) {
        self.session.end((self.stream, side), at, output);
    }

    fn close(&mut self, reason: Incomplete, at: Timestamp, output: &mut Output<'_>) {
        self.session.close(reason, at, output);
    }

    fn expire(&mut self, before: Timestamp, output: &mut Output<'_>) {
        self.session.expire(before, output);
    }

    fn wants_everything(&mut self) -> bool {
        true
    }
}
