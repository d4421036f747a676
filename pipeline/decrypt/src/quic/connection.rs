//! One QUIC connection: packets in, chunks of its streams out, every byte booked.
//!
//! ```text
//! packet ─▶ keys of its level and side ─▶ frames ─▶ CRYPTO: hello ─▶ which secret, which protocol
//!             │ none yet                           └▶ STREAM: streams ─▶ chunks
//!             └▶ waiting ─ a secret comes ─▶ tried again, in order
//! ```

use model::{Direction, Ledger, SecretLabel, Side, Timestamp};

use super::hello::{Crypto, Hello};
use super::keys::{Keys, Opened, Sealed};
use super::late::Proven;
use super::news::News;
use super::packet::{Id, Level, Long, Packet};
use super::progress::Progress;
use super::run::Runs;
use super::streams::Streams;
use super::tried::Tried;
use super::version::{VERSIONS, Version};
use super::waiting::{self, Waiting};
use crate::keyring::{Keyring, Sources};
use crate::tls::Facts;

/// Ids that one side goes by at a time: ends allow each other two to eight.
const IDS_MAX: usize = 32;
/// Secrets tried on one packet at a time; a try is some microseconds.
const TRIES_MAX: usize = 256;
/// How long packets wait for a key.
const PATIENCE_NS: u64 = 10_000_000_000;

/// What a connection is given with each packet.
pub(super) struct Context<'a> {
    pub(super) keyring: &'a mut Keyring,
    /// Whose the ends are, by direction of sending; 0 if not known.
    pub(super) pids: [u32; 2],
    pub(super) ledger: &'a mut Ledger,
    pub(super) scratch: &'a mut Vec<u8>,
    pub(super) each: &'a mut dyn FnMut(News<'_>),
}

/// See the module.
pub(super) struct Connection {
    pub(super) client: Direction,
    version: &'static Version,
    /// By which the client first called the server: its Initial packets are sealed with it.
    first: Id,
    /// The id that a Retry told the client to use.
    retried: Option<Id>,
    /// What each side is called.
    pub(super) ids: [Vec<Id>; 2],
    pub(super) keys: [[Option<Keys>; 2]; 4],
    /// The packet number that is due, by space and side.
    pub(super) due: [[u64; 2]; 3],
    pub(super) hello: Hello,
    pub(super) progress: Progress,
    pub(super) crypto: [[Crypto; 2]; 2],
    pub(super) streams: Streams,
    pub(super) waiting: Waiting,
    /// Datagrams that came as one, by side.
    pub(super) runs: [Runs; 2],
    /// Keys found in memory, by side, and since when they wait for those of the other side.
    pub(super) found: [Option<Box<Proven>>; 2],
    pub(super) found_at: Timestamp,
    /// Secrets without a random that were tried, by level and side.
    loose: [[Tried; 2]; 4],
    /// Number of the newest secret when what waits was tried last, and the suite known then.
    tried: (u64, u16),
    pub(super) is_agreed: bool,
    pub(super) is_named: bool,
    /// One side has closed it.
    pub(super) is_over: bool,
    /// Nothing more is waited for.
    is_given_up: bool,
    /// Packets stayed sealed for want of a key.
    pub(super) has_sealed: bool,
}

impl Connection {
    /// A connection that begins with this packet, if it is a client's first one.
    pub(super) fn begin(
        long: &Long<'_>,
        client: Direction,
        at: Timestamp,
        scratch: &mut Vec<u8>,
    ) -> Option<Self> {
        let [mut client_keys, server_keys] =
            Keys::initial(long.version, long.destination.as_slice())?;
        let sealed = Sealed { number_at: long.number_at, due: 0, has_long_header: true };
        fill(scratch, long.bytes);
        client_keys.open(scratch, sealed)?;
        let ids = [vec![long.source], vec![long.destination]];
        let mut begun = Self::new(client, long.version, ids, Progress::begin(client, at));
        begun.first = long.destination;
        begun.keys[Level::Initial as usize] = [Some(client_keys), Some(server_keys)];
        Some(begun)
    }

    /// A connection without keys.
    pub(super) fn new(
        client: Direction,
        version: &'static Version,
        ids: [Vec<Id>; 2],
        progress: Progress,
    ) -> Self {
        Self {
            client,
            version,
            first: Id::EMPTY,
            retried: None,
            ids,
            keys: Default::default(),
            due: Default::default(),
            hello: Hello::default(),
            progress,
            crypto: Default::default(),
            streams: Streams::default(),
            waiting: Waiting::default(),
            runs: Default::default(),
            found: [None, None],
            found_at: Timestamp::UNKNOWN,
            loose: Default::default(),
            tried: (0, 0),
            is_agreed: false,
            is_named: false,
            is_over: false,
            is_given_up: false,
            has_sealed: false,
        }
    }

    /// What the handshake has said.
    pub(super) const fn facts(&self) -> &Facts {
        &self.hello.facts
    }

    /// True once packets behind the Initial ones were opened.
    pub(super) fn has_opened(&self) -> bool {
        self.keys.iter().skip(1).flatten().any(Option::is_some)
    }

    /// True if nothing of it will be opened any more.
    pub(super) fn is_sealed(&self) -> bool {
        self.is_given_up && !self.has_opened()
    }

    /// True if packets wait for keys.
    pub(super) fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Bytes neither booked nor handed on.
    pub(super) fn held(&self) -> u64 {
        self.waiting.bytes() + self.streams.held()
    }

    /// Who sends in this direction.
    pub(super) fn side(&self, direction: Direction) -> Side {
        if direction == self.client { Side::Client } else { Side::Server }
    }

    /// True if this packet, sent in `direction`, is addressed to it.
    pub(super) fn is_addressed(&self, packet: &Packet<'_>, direction: Direction) -> bool {
        let receiver = self.side(direction).opposite();
        let known = &self.ids[receiver.index()];
        match packet {
            Packet::Long(long) => {
                known.contains(&long.destination)
                    || self.retried == Some(long.destination)
                    || long.source.len() > 0
                        && self.ids[receiver.opposite().index()].contains(&long.source)
            }
            Packet::Short(bytes) => known.iter().any(|id| is_to(bytes, id)),
            Packet::Retry { .. } | Packet::VersionNegotiation => receiver == Side::Client,
        }
    }

    /// Takes a packet of `length` bytes. False: it is not of this connection.
    pub(super) fn packet(
        &mut self,
        packet: &Packet<'_>,
        direction: Direction,
        at: Timestamp,
        context: &mut Context<'_>,
    ) -> bool {
        let (level, bytes) = match packet {
            Packet::Long(long) => (long.level, long.bytes),
            Packet::Short(bytes) => (Level::Application, *bytes),
            Packet::Retry { source } => {
                self.retried = Some(*source);
                self.call(Side::Server, *source);
                return true;
            }
            Packet::VersionNegotiation => return true,
        };
        let side = self.side(direction);
        if self.open_all(packet, direction, at, context) {
            self.progress.passed(level, side, bytes.len() as u64, at);
            if self.is_news(context.keyring) {
                self.try_again(context);
            }
            self.tell_handshake(false, context);
            return true;
        }
        if self.keys[level as usize][side.index()].is_some() {
            return false;
        }
        self.progress.passed(level, side, bytes.len() as u64, at);
        self.wait(direction, at, bytes, context);
        self.tell_handshake(false, context);
        true
    }

    /// Lets time pass.
    pub(super) fn tick(&mut self, now: Timestamp, context: &mut Context<'_>) {
        self.wait_for_other_side(now, context);
        if self.is_news(context.keyring) {
            self.try_again(context);
        }
        let is_late = now.since_ns(self.waiting.since) > PATIENCE_NS;
        if !self.waiting.is_empty() && is_late && context.keyring.sources() != Sources::Files {
            self.give_up(context);
        }
        self.tell_handshake(false, context);
        let (client, each) = (self.client, &mut *context.each);
        self.streams.expire(client, now, &mut |chunk| each(News::Chunk(chunk)));
        context.ledger.unknown += self.streams.take_dropped();
    }

    /// It is over: everything held is booked or handed on.
    pub(super) fn close(&mut self, at: Timestamp, context: &mut Context<'_>) {
        self.use_found(context);
        self.give_up(context);
        self.tell_handshake(true, context);
        let (client, each) = (self.client, &mut *context.each);
        self.streams.close(client, at, &mut |chunk| each(News::Chunk(chunk)));
        context.ledger.unknown += self.streams.take_dropped();
    }

    /// Notes what a side is called.
    pub(super) fn call(&mut self, side: Side, id: Id) {
        let ids = &mut self.ids[side.index()];
        if ids.contains(&id) {
            return;
        }
        if ids.len() >= IDS_MAX {
            ids.remove(0);
        }
        ids.push(id);
    }

    fn is_news(&self, keyring: &Keyring) -> bool {
        !self.waiting.is_empty() && self.tried != (keyring.newest(), self.facts().suite)
    }

    pub(super) fn try_again(&mut self, context: &mut Context<'_>) {
        self.tried = (context.keyring.newest(), self.facts().suite);
        let since = self.waiting.since;
        for sealed in self.waiting.take() {
            let length = sealed.bytes.len() as u64;
            context.keyring.held -= length;
            let is_open = match sealed.packet() {
                Some(packet) => self.open_all(&packet, sealed.direction, sealed.at, context),
                None => false,
            };
            if !is_open {
                context.keyring.held += length;
                self.waiting.push(sealed);
            }
        }
        self.waiting.since = since;
    }

    fn wait(
        &mut self,
        direction: Direction,
        at: Timestamp,
        bytes: &[u8],
        context: &mut Context<'_>,
    ) {
        let length = bytes.len() as u64;
        let has_room = context.keyring.held + length <= HELD_TOTAL_MAX;
        let is_hopeless = context.keyring.sources() == Sources::None || self.is_given_up;
        let sealed = waiting::Sealed { direction, at, bytes: bytes.into() };
        if !is_hopeless && has_room && self.waiting.push(sealed) {
            context.keyring.held += length;
        } else {
            context.ledger.sealed += length;
            self.has_sealed = true;
            // No key will come for what comes next either.
            self.is_given_up |= context.keyring.sources() == Sources::None;
        }
    }

    /// What waits stays sealed.
    fn give_up(&mut self, context: &mut Context<'_>) {
        for sealed in self.waiting.take() {
            context.keyring.held -= sealed.bytes.len() as u64;
            context.ledger.sealed += sealed.bytes.len() as u64;
            self.has_sealed = true;
        }
        self.is_given_up = true;
    }

    /// True if the secret of a side's packets with short headers is there.
    pub(super) fn has_secret(&self, side: Side, context: &Context<'_>) -> bool {
        let label = label(Level::Application, side);
        let exact = self.hello.client_random.zip(label);
        self.keys[Level::Application as usize][side.index()].is_some()
            || exact.is_some_and(|(r, label)| context.keyring.exact(&r, label).is_some())
    }

    /// Opens a packet and reads its frames. False: it is sealed as yet, or not of this connection.
    pub(super) fn open(
        &mut self,
        packet: &Packet<'_>,
        direction: Direction,
        at: Timestamp,
        context: &mut Context<'_>,
    ) -> bool {
        let side = self.side(direction);
        let mut scratch = std::mem::take(context.scratch);
        let opened = match packet {
            Packet::Long(long) if long.level == Level::Initial => {
                self.open_initial(long, side, &mut scratch)
            }
            Packet::Long(long) => {
                let found = self.find(packet, side, &mut scratch, context);
                if found.is_some() && side == Side::Server {
                    self.version = long.version;
                }
                found
            }
            Packet::Short(_) => self.find(packet, side, &mut scratch, context),
            Packet::Retry { .. } | Packet::VersionNegotiation => None,
        };
        let (level, length) = match packet {
            Packet::Long(long) => (long.level, long.bytes.len()),
            Packet::Short(bytes) => (Level::Application, bytes.len()),
            Packet::Retry { .. } | Packet::VersionNegotiation => (Level::Initial, 0),
        };
        if let Some(Opened { number, start, end }) = opened {
            let due = &mut self.due[level.space()][side.index()];
            *due = (*due).max(number + 1);
            if let Packet::Long(long) = packet {
                self.call(side, long.source);
            }
            let payload = scratch.get(start..end).unwrap_or_default();
            let handed_on = self.frames(level, direction, payload, at, context);
            context.ledger.parsed += (length as u64).saturating_sub(handed_on);
        }
        *context.scratch = scratch;
        opened.is_some()
    }

    fn open_initial(
        &mut self,
        long: &Long<'_>,
        side: Side,
        scratch: &mut Vec<u8>,
    ) -> Option<Opened> {
        let due = self.due[0][side.index()];
        let sealed = Sealed { number_at: long.number_at, due, has_long_header: true };
        let [initial, ..] = &mut self.keys;
        fill(scratch, long.bytes);
        let known = initial[side.index()].as_mut();
        if let Some(opened) = known.and_then(|keys| keys.open(scratch, sealed)) {
            return Some(opened);
        }
        // After a Retry the client calls the server otherwise; a server may choose another version
        // (RFC 9368), and some go on with the keys of the first one then.
        let is_retried = side == Side::Client && self.retried == Some(long.destination);
        let retried = is_retried.then_some((long.version, long.destination));
        let others = VERSIONS.iter().map(|version| (version, self.first));
        let (first, keys, opened) =
            retried.into_iter().chain(others).find_map(|(version, id)| {
                let mut keys = Keys::initial(version, id.as_slice())?;
                fill(scratch, long.bytes);
                let opened = keys[side.index()].open(scratch, sealed)?;
                Some((id, keys, opened))
            })?;
        if self.first != first {
            // Some say another hello then.
            self.crypto = Default::default();
        }
        self.first = first;
        self.version = long.version;
        *initial = keys.map(Some);
        Some(opened)
    }

    /// Opens a packet that is not Initial, with keys that are known or with a secret that is found.
    fn find(
        &mut self,
        packet: &Packet<'_>,
        side: Side,
        scratch: &mut Vec<u8>,
        context: &mut Context<'_>,
    ) -> Option<Opened> {
        let receiver = &self.ids[side.opposite().index()];
        let (level, version, bytes, number_at) = match packet {
            Packet::Long(long) => (long.level, long.version, long.bytes, long.number_at),
            Packet::Short(bytes) => {
                let id = receiver.iter().filter(|id| is_to(bytes, id)).max_by_key(|id| id.len());
                // An id that was not told of is as long as those that were.
                let length = id.or(receiver.last())?.len();
                (Level::Application, self.version, *bytes, 1 + length)
            }
            Packet::Retry { .. } | Packet::VersionNegotiation => return None,
        };
        let due = self.due[level.space()][side.index()];
        let has_long_header = matches!(packet, Packet::Long(_));
        let sealed = Sealed { number_at, due, has_long_header };
        let known = &mut self.keys[level as usize][side.index()];
        if let Some(keys) = known {
            fill(scratch, bytes);
            return keys.open(scratch, sealed);
        }
        let label = label(level, side)?;
        let agreed = self.hello.suite();
        let exact = self.hello.client_random.and_then(|r| context.keyring.exact(&r, label));
        let tried = &mut self.loose[level as usize][side.index()];
        let after = tried.next(context.keyring.newest());
        let loose = context.keyring.loose(label, after, context.pids).take(TRIES_MAX);
        // Whoever says to whom its secrets belong says so of all.
        let loose = loose.filter(|_| exact.is_none());
        let loose = loose.map(|loose| (Some(loose.number), &loose.bytes));
        let found = exact.map(|secret| (None, secret)).into_iter().chain(loose).find_map(
            |(number, secret)| {
                let secret = secret.as_slice();
                let suites = Keys::suites(secret.len())
                    .filter(|suite| agreed.is_none_or(|agreed| agreed.id == suite.id));
                suites.into_iter().find_map(|suite| {
                    let mut keys = Keys::new(version, suite, secret)?;
                    fill(scratch, bytes);
                    let opened = keys.open(scratch, sealed)?;
                    Some((number, keys, opened))
                })
            },
        );
        let (number, keys, opened) = found?;
        *known = Some(keys);
        if let Some(number) = number {
            context.keyring.claim(number);
        }
        Some(opened)
    }
}

/// Bytes that wait on all connections, those of TLS included.
const HELD_TOTAL_MAX: u64 = 16 << 20;

/// True if a packet with a short header is addressed to `id`.
fn is_to(packet: &[u8], id: &Id) -> bool {
    packet.get(1..).is_some_and(|rest| rest.starts_with(id.as_slice()))
}

/// Which secret opens packets of this side at this level.
const fn label(level: Level, side: Side) -> Option<SecretLabel> {
    match (level, side) {
        (Level::Initial, _) | (Level::Early, Side::Server) => None,
        (Level::Early, Side::Client) => Some(SecretLabel::ClientEarlyTraffic),
        (Level::Handshake, Side::Client) => Some(SecretLabel::ClientHandshakeTraffic),
        (Level::Handshake, Side::Server) => Some(SecretLabel::ServerHandshakeTraffic),
        (Level::Application, Side::Client) => Some(SecretLabel::ClientTraffic),
        (Level::Application, Side::Server) => Some(SecretLabel::ServerTraffic),
    }
}

fn fill(scratch: &mut Vec<u8>, bytes: &[u8]) {
    scratch.clear();
    scratch.extend_from_slice(bytes);
}
