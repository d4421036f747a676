//! One connection: sealed chunks in, chunks in clear out, every byte of the wire accounted for.
//!
//! What cannot be opened yet waits in a ring, and everything behind it, so that both directions
//! stay in order. When a key comes, all of it is opened with the times it had.

use model::{
    Chunk, ConnectionId, Content, Direction, Ledger, MissingReason, Outcome, Sealed, Timestamp,
};

use super::facts::{Facts, Handshake};
use super::framing::{Framing, Step};
use super::hello::Hello;
use super::keys::Keys;
use super::progress::Progress;
use super::ring::{HELD_BYTES_MAX, Item, Ring};
use super::stream::{Protection, Stream};
use crate::keyring::{Keyring, Sources};
use crate::search::Found;

/// How long sealed records wait for a key, before the connection is given up.
const PATIENCE_NS: u64 = 10_000_000_000;

/// Where chunks in clear go, with what is known of the connection by then.
pub type Clear<'a> = dyn FnMut(&Facts, &Chunk<'_>) + 'a;

/// How much of the connection is worth copying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attention {
    /// What the protocol within wants; only whole records can be proven.
    Everything,
    /// The handshake, and some records for whoever looks for a key.
    Heads,
    /// Nothing more.
    Nothing,
}

/// One connection that speaks TLS.
pub struct Opener {
    pub(super) connection: ConnectionId,
    pub(super) client: Option<Direction>,
    pub(super) streams: [Stream; 2],
    pub(super) hello: Hello,
    pub(super) facts: Facts,
    pub(super) progress: Option<Progress>,
    pub(super) pids: [u32; 2],
    /// Something was opened.
    pub(super) has_opened: bool,
    /// What is known has changed: what waits should be tried again.
    pub(super) is_news: bool,
    pub(super) ledger: Ledger,
    /// Stream bytes told of in clear.
    pub(super) given: u64,
    pub(super) ring: Ring,
    /// Of the ring, how much the keyring knows of.
    counted: u64,
    seen: u64,
    /// Secrets up to this number were tried on what waits.
    tried: u64,
    waits_since: Timestamp,
    /// No key will be found: records are followed only until the handshake is over.
    pub(super) hopeless: Option<Sealed>,
    /// Nothing is opened any more; what all bytes are booked as.
    opaque: Option<Outcome>,
    reason: Option<Sealed>,
    /// What stands in the way of keys, if somebody knows.
    hindrance: Option<Sealed>,
}

impl Opener {
    /// A connection that begins with the next chunk.
    pub fn new(connection: ConnectionId) -> Self {
        Self {
            connection,
            client: None,
            streams: Default::default(),
            hello: Hello::default(),
            facts: Facts::default(),
            progress: None,
            pids: [0; 2],
            has_opened: false,
            is_news: false,
            ledger: Ledger::default(),
            given: 0,
            ring: Ring::default(),
            counted: 0,
            seen: 0,
            tried: 0,
            waits_since: Timestamp::UNKNOWN,
            hopeless: None,
            opaque: None,
            reason: None,
            hindrance: None,
        }
    }

    /// Whose the ends are, by direction of sending; 0 if not known.
    pub const fn owned_by(&mut self, pids: [u32; 2]) {
        self.pids = pids;
    }

    /// The same, as it was told last.
    pub const fn owners(&self) -> [u32; 2] {
        self.pids
    }

    /// What stands in the way of its keys: said instead of [`Sealed::NoKey`] when none is found.
    pub const fn hindered_by(&mut self, hindrance: Option<Sealed>) {
        self.hindrance = hindrance;
    }

    /// What is known of the connection.
    pub const fn facts(&self) -> &Facts {
        &self.facts
    }

    /// The direction in which the client sends, if its hello was seen.
    pub const fn client(&self) -> Option<Direction> {
        self.client
    }

    /// True once a record was opened.
    pub const fn has_opened(&self) -> bool {
        self.has_opened
    }

    /// Takes the next piece of one direction.
    pub fn chunk(&mut self, chunk: &Chunk<'_>, keyring: &mut Keyring, clear: &mut Clear<'_>) {
        match chunk.content {
            Content::Bytes(bytes) => {
                self.seen += bytes.len() as u64;
                self.bytes(chunk.direction, bytes, chunk.at, keyring, clear);
            }
            Content::Missing { bytes, reason } => {
                self.seen += bytes;
                self.missing(chunk.direction, bytes, reason, chunk.at, keyring, clear);
            }
            Content::End if self.opaque.is_none() => {
                self.offer(chunk.direction, Item::End { at: chunk.at }, chunk.at, keyring, clear);
            }
            Content::End => {}
        }
        self.count(keyring);
        debug_assert_eq!(self.seen, self.booked() + self.given + self.held(), "each byte once");
    }

    /// Lets time pass: tries secrets that came since, and gives up what has waited too long.
    pub fn tick(&mut self, now: Timestamp, keyring: &mut Keyring, clear: &mut Clear<'_>) {
        if self.ring.is_empty() {
            return;
        }
        if self.is_news || self.tried != keyring.newest() {
            self.drain(keyring, clear);
        }
        let waits = !self.ring.is_empty() && !self.waits_since.is_unknown();
        if waits && now.since_ns(self.waits_since) > PATIENCE_NS {
            self.give_up(self.usual_reason());
        }
        self.count(keyring);
    }

    /// No key will be found: all that waits and all that comes is sealed.
    pub fn give_up(&mut self, reason: Sealed) {
        if self.opaque.is_none() {
            self.reason = Some(self.explained(reason));
            self.become_opaque(Outcome::Sealed);
        }
    }

    /// Nobody wants what is in clear.
    pub fn ignore(&mut self) {
        if self.opaque.is_none() {
            self.become_opaque(Outcome::Unknown);
        }
    }

    /// The connection is over: everything held is booked.
    pub fn close(&mut self, keyring: &mut Keyring, clear: &mut Clear<'_>) {
        if !self.ring.is_empty() {
            self.drain(keyring, clear);
            if !self.ring.is_empty() {
                self.reason.get_or_insert(self.usual_reason());
            }
        }
        self.become_opaque(Outcome::Sealed);
        self.count(keyring);
        debug_assert_eq!(self.seen, self.booked() + self.given, "each byte once");
    }

    /// The handshake, once it is over; with `at_last`, as far as it came.
    pub fn take_handshake(&mut self, at_last: bool) -> Option<Handshake> {
        let progress = self.progress.as_mut()?;
        if !at_last && !progress.is_certain() && !self.ring.is_empty() {
            return None;
        }
        progress.take(at_last)
    }

    /// Why records stay sealed; `None` if none do.
    pub fn why_sealed(&self) -> Option<Sealed> {
        self.reason.or_else(|| (!self.ring.is_empty()).then(|| self.usual_reason()))
    }

    /// True if the body of a record may be missing: how much it holds is told by its head.
    pub fn may_miss_bodies(&self, direction: Direction) -> bool {
        let stream = &self.streams[direction.index()];
        let Protection::Open { keys, .. } = &stream.protection else { return false };
        keys.tells_content() && !stream.pads && stream.gap.is_none()
    }

    /// True if only whole records tell how much they hold: what is cut is not known then.
    pub fn hides_lengths(&self) -> bool {
        self.streams.iter().any(|stream| match &stream.protection {
            Protection::Open { keys, .. } => !keys.tells_content() || stream.pads,
            Protection::Sealed(_) | Protection::Clear => false,
        })
    }

    /// How much is worth copying.
    pub fn attention(&self) -> Attention {
        match self.opaque {
            Some(_) => Attention::Nothing,
            None if self.has_opened => Attention::Everything,
            None => Attention::Heads,
        }
    }

    /// Bytes booked since the last call, those told of in clear not among them.
    pub fn take_ledger(&mut self) -> Ledger {
        let mut ledger = std::mem::take(&mut self.ledger);
        ledger.seen = Outcome::ALL.iter().map(|outcome| ledger.get(*outcome)).sum();
        self.seen -= ledger.seen + self.given;
        self.given = 0;
        ledger
    }

    /// Bytes taken and neither booked nor told of in clear.
    pub fn held(&self) -> u64 {
        let of = |stream: &Stream| stream.framing.held() + stream.gap.map_or(0, |gap| gap.bytes());
        self.ring.bytes + self.streams.iter().map(of).sum::<u64>()
    }

    /// Takes a key that has opened a record of a sample, and opens what waits for it.
    pub fn accept(&mut self, found: &Found, keyring: &mut Keyring, clear: &mut Clear<'_>) {
        let Some(keys) = Keys::found(&found.opens) else { return };
        if self.opaque.is_some() || found.connection != self.connection {
            return;
        }
        let first = self.ring.records(found.direction).next();
        if self.facts.version == 0 {
            // Before TLS 1.3 records bear the version that was agreed on.
            let told = first.as_ref().map_or(0, |record| record.head.version);
            self.facts.version = match found.opens.version() {
                0 => told,
                version => version,
            };
        }
        let first = first.map(|record| record.number);
        let next = first.unwrap_or(self.streams[found.direction.index()].framing.number + 1);
        self.begin_with(found.direction, keys, found.record, next);
        self.drain(keyring, clear);
        self.count(keyring);
    }

    fn bytes(
        &mut self,
        direction: Direction,
        mut bytes: &[u8],
        at: Timestamp,
        keyring: &mut Keyring,
        clear: &mut Clear<'_>,
    ) {
        let mut framing = std::mem::take(&mut self.streams[direction.index()].framing);
        while !bytes.is_empty() && self.opaque.is_none() {
            let taken = match framing.step(bytes, at) {
                Step::Held => bytes.len(),
                Step::Record { record, taken } => {
                    self.offer(direction, Item::Record(record), at, keyring, clear);
                    framing.used();
                    taken
                }
                Step::Passed(taken) => {
                    let item = Item::Tail { bytes: taken as u64, missing: None, at };
                    self.offer(direction, item, at, keyring, clear);
                    taken
                }
                Step::Searched { searched, taken } => {
                    let item = Item::Gap { bytes: searched, missing: None, at };
                    self.offer(direction, item, at, keyring, clear);
                    taken
                }
            };
            bytes = bytes.get(taken..).unwrap_or_default();
        }
        self.put_back(direction, framing, bytes.len() as u64);
    }

    fn missing(
        &mut self,
        direction: Direction,
        bytes: u64,
        reason: MissingReason,
        at: Timestamp,
        keyring: &mut Keyring,
        clear: &mut Clear<'_>,
    ) {
        if let Some(outcome) = self.opaque {
            let lost = reason == MissingReason::Lost;
            self.ledger.book(if lost { Outcome::Lost } else { outcome }, bytes);
            return;
        }
        let missing = Some(reason);
        let mut framing = std::mem::take(&mut self.streams[direction.index()].framing);
        let was_passing = framing.is_passing();
        let (record, beyond) = framing.missing(bytes, at);
        let is_of_record = record.is_some() || was_passing;
        if let Some(record) = record {
            self.offer(direction, Item::Record(record), at, keyring, clear);
            framing.used();
        }
        let tail = bytes - beyond;
        if is_of_record && tail > 0 && self.opaque.is_none() {
            let item = Item::Tail { bytes: tail, missing, at };
            self.offer(direction, item, at, keyring, clear);
        } else if tail > 0 {
            self.ledger.book(Outcome::Lost, tail);
        }
        // The start of a head is of no use without the rest.
        let searched = if framing.is_searching { framing.give_up() } else { 0 };
        for (bytes, missing) in [(searched, None), (beyond, missing)] {
            if bytes > 0 && self.opaque.is_none() {
                self.offer(direction, Item::Gap { bytes, missing, at }, at, keyring, clear);
            } else {
                self.ledger.book(Outcome::Sealed, bytes);
            }
        }
        self.put_back(direction, framing, 0);
    }

    /// The place in the stream goes back to where it was; `rest` bytes were not looked at.
    fn put_back(&mut self, direction: Direction, mut framing: Framing, rest: u64) {
        if let Some(outcome) = self.opaque {
            self.ledger.book(outcome, rest + framing.give_up());
        }
        self.streams[direction.index()].framing = framing;
    }

    /// Applies a thing, or lets it wait.
    fn offer(
        &mut self,
        direction: Direction,
        item: Item<'_>,
        at: Timestamp,
        keyring: &mut Keyring,
        clear: &mut Clear<'_>,
    ) {
        let stream = &self.streams[direction.index()];
        // What is in clear has no part in the order of contents, and may bring what is waited for.
        let is_clear = matches!(stream.protection, Protection::Clear);
        let waits = !self.ring.is_empty() && (!is_clear || self.ring.holds(direction));
        if waits || self.apply(direction, item, keyring, clear).is_err() {
            self.wait(direction, item, at, keyring, clear);
        }
        let is_tls13 = (self.hello.version != 0).then(|| self.hello.is_tls13());
        if let (Some(progress), Item::Record(record)) = (&mut self.progress, &item) {
            progress.passed(direction, record, is_tls13);
        }
        let is_over = self.progress.as_ref().is_none_or(Progress::is_over);
        if let Some(reason) = self.hopeless.filter(|_| is_over) {
            self.give_up(reason);
        }
        if !self.ring.is_empty() && (self.is_news || self.tried != keyring.newest()) {
            self.drain(keyring, clear);
        }
    }

    fn wait(
        &mut self,
        direction: Direction,
        item: Item<'_>,
        at: Timestamp,
        keyring: &mut Keyring,
        clear: &mut Clear<'_>,
    ) {
        if keyring.sources() == Sources::None {
            self.hopeless.get_or_insert(self.usual_reason());
            self.drop_item(direction, item, clear);
            return;
        }
        if self.ring.is_empty() {
            self.waits_since = at;
            self.tried = keyring.newest();
            self.is_news = false;
        }
        self.ring.push(direction, item);
        let others = keyring.held - self.counted;
        while self.ring.is_full() || others + self.ring.bytes > HELD_BYTES_MAX {
            let Some(held) = self.ring.pop() else { break };
            self.reason = Some(Sealed::Budget);
            self.drop_item(held.direction, held.item(), clear);
        }
    }

    /// Opens what waits, as far as it can be opened.
    fn drain(&mut self, keyring: &mut Keyring, clear: &mut Clear<'_>) {
        (self.tried, self.is_news) = (keyring.newest(), false);
        for direction in Direction::BOTH {
            let ring = std::mem::take(&mut self.ring);
            self.look_ahead(direction, ring.records(direction), keyring);
            self.ring = ring;
        }
        while let Some(held) = self.ring.pop() {
            if self.apply(held.direction, held.item(), keyring, clear).is_err() {
                self.ring.push_back_in_front(held);
                return;
            }
        }
        self.waits_since = Timestamp::UNKNOWN;
        self.reason = self.reason.filter(|_| self.opaque.is_some());
    }

    fn become_opaque(&mut self, outcome: Outcome) {
        self.opaque = Some(outcome);
        while let Some(held) = self.ring.pop() {
            self.book_item(&held.item(), outcome);
        }
        for stream in &mut self.streams {
            let gap = stream.gap.take().unwrap_or_default();
            self.ledger.book(outcome, stream.framing.give_up() + gap.present + gap.skipped);
            self.ledger.book(Outcome::Lost, gap.lost);
            // Keys are of no more use.
            stream.protection = Protection::Clear;
            stream.prepared = None;
        }
    }

    fn book_item(&mut self, item: &Item<'_>, outcome: Outcome) {
        let lost = match item {
            Item::Tail { missing, .. } | Item::Gap { missing, .. } => {
                *missing == Some(MissingReason::Lost)
            }
            Item::Record(_) | Item::End { .. } => false,
        };
        self.ledger.book(if lost { Outcome::Lost } else { outcome }, item.bytes());
    }

    /// Why records wait, if nobody knows better.
    fn usual_reason(&self) -> Sealed {
        self.explained(match self.hello.client_random {
            Some(_) => Sealed::NoKey,
            None => Sealed::StartedBefore,
        })
    }

    /// The reason with what is known of the connection's ends.
    const fn explained(&self, reason: Sealed) -> Sealed {
        match (reason, self.hindrance) {
            (Sealed::NoKey, Some(hindrance)) => hindrance,
            (Sealed::StartedBefore, Some(Sealed::KernelTls)) => Sealed::KernelTls,
            _ => reason,
        }
    }

    fn booked(&self) -> u64 {
        Outcome::ALL.iter().map(|outcome| self.ledger.get(*outcome)).sum()
    }

    /// Tells the keyring how much is held here.
    fn count(&mut self, keyring: &mut Keyring) {
        keyring.held = keyring.held - self.counted + self.ring.bytes;
        self.counted = self.ring.bytes;
    }
}
