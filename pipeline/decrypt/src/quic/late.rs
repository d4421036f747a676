//! Connections that were there before anybody looked, and those whose secret nobody told: packets
//! with short headers, on which keys found in memory are proven.
//!
//! ```text
//! Innocent ─short header, fixed bit─▶ Suspected ─keys─▶ a connection
//!     │                                        └─another packet, time, no key─▶ Cleared
//!     └─no short header─▶ Cleared
//! ```
//! Nothing but keys that open packets makes a QUIC connection of a suspicion: what passes until
//! then is booked by whoever reads other datagrams.

use std::collections::VecDeque;

use model::{ConnectionId, Direction, Side, Timestamp};

use super::connection::{Connection, Context};
use super::keys::{Keys, Sealed};
use super::opener::{Datagram, Flow, Handle, Opener, Tell};
use super::packet::{Id, Level, has_fixed_bit, is_short};
use super::progress::Progress;
use super::version::VERSIONS;
use crate::keyring::Keyring;
use crate::search::{Found, Opens, Sample, SampleKind, SealedRecord};

/// Packets that prove a pair of keys.
const SAMPLE_PACKETS: usize = 2;
/// Pairs of addresses suspected at a time, of 6 KB each.
const SUSPECTS_MAX: usize = 256;
/// How long: two searches, and a retry between them.
const SUSPECTED_NS: u64 = 10_000_000_000;
/// How long the keys of one side wait for those of the other.
const OTHER_SIDE_NS: u64 = 1_000_000_000;
/// TLS 1.3, and the protocol that nearly all QUIC connections carry: what was agreed on was not
/// seen, and what does not read like it gives nothing.
const VERSION: u16 = 0x0304;
const PROTOCOL: &[u8] = b"h3";

/// Whether QUIC is spoken between two addresses of which no beginning was seen.
#[derive(Default)]
pub(super) enum Suspicion {
    #[default]
    Innocent,
    Suspected(Box<Suspect>),
    Cleared,
}

/// See [`Suspicion`].
pub(super) struct Suspect {
    since: Timestamp,
    /// The newest packets, with their numbers in the order of coming, by direction.
    packets: [VecDeque<(u64, Box<[u8]>)>; 2],
    seen: u64,
}

impl Suspect {
    fn new(since: Timestamp) -> Self {
        Self { since, packets: Default::default(), seen: 0 }
    }

    fn keep(&mut self, direction: Direction, bytes: &[u8]) {
        let packets = &mut self.packets[direction.index()];
        if packets.len() >= SAMPLE_PACKETS {
            packets.pop_front();
        }
        packets.push_back((self.seen, bytes.into()));
        self.seen += 1;
    }

    fn sample(&self, direction: Direction) -> Vec<&[u8]> {
        self.packets[direction.index()].iter().map(|(_, bytes)| &**bytes).collect()
    }
}

impl Flow {
    /// True while it may be that QUIC is spoken here.
    pub const fn is_suspected(&self) -> bool {
        matches!(self.late, Suspicion::Suspected(_))
    }
}

impl Opener {
    /// Notes a datagram that nobody knows: it may be of a connection older than the observer.
    pub fn suspect(&mut self, flow: &mut Flow, datagram: &Datagram<'_>) {
        if matches!(flow.late, Suspicion::Cleared) {
            return;
        }
        if !is_short(datagram.bytes) {
            return self.dismiss(flow);
        }
        if matches!(flow.late, Suspicion::Innocent) {
            if self.suspects >= SUSPECTS_MAX || !has_fixed_bit(datagram.bytes) {
                return;
            }
            self.suspects += 1;
            flow.late = Suspicion::Suspected(Box::new(Suspect::new(datagram.at)));
        }
        if let Suspicion::Suspected(suspect) = &mut flow.late {
            suspect.keep(datagram.direction, datagram.bytes);
        }
    }

    /// Lets time pass for what may be QUIC here.
    pub fn doubt(&mut self, flow: &mut Flow, now: Timestamp) {
        if let Suspicion::Suspected(suspect) = &flow.late
            && now.since_ns(suspect.since) > SUSPECTED_NS
        {
            self.dismiss(flow);
        }
    }

    /// No key was found for what may be QUIC here.
    pub fn dismiss(&mut self, flow: &mut Flow) {
        if flow.is_suspected() {
            self.suspects -= 1;
        }
        flow.late = Suspicion::Cleared;
    }

    /// Packets to prove keys on, of the directions whose keys are missing.
    pub fn samples(&self, flow: &Flow, connection: ConnectionId) -> Vec<Sample> {
        Direction::BOTH
            .into_iter()
            .filter_map(|direction| {
                let (packets, connection_id_bytes) = self.sealed(flow, direction)?;
                let records = (0..)
                    .zip(packets)
                    .map(|(number, bytes)| SealedRecord { number, bytes: bytes.to_vec() })
                    .collect();
                let kind = SampleKind::Quic { connection_id_bytes };
                Some(Sample { connection, direction, kind, records, sequence_max: None })
            })
            .collect()
    }

    /// Packets of a direction whose keys are missing, with the length of their connection ids.
    fn sealed<'a>(
        &'a self,
        flow: &'a Flow,
        direction: Direction,
    ) -> Option<(Vec<&'a [u8]>, Option<u8>)> {
        let waiting = self.wanting(flow, direction).find_map(|(_, connection)| {
            let id = connection.ids[connection.side(direction).opposite().index()].last();
            let packets = connection.waiting.newest(direction, SAMPLE_PACKETS);
            (packets.len() >= SAMPLE_PACKETS).then_some((packets, id.map(|id| id.len() as u8)))
        });
        let of_suspect = || match &flow.late {
            Suspicion::Suspected(suspect) if self.are_all_wanting(flow, direction) => {
                Some((suspect.sample(direction), None))
            }
            _ => None,
        };
        waiting.or_else(of_suspect).filter(|(packets, _)| packets.len() >= SAMPLE_PACKETS)
    }

    /// Connections between these addresses, the newest first.
    fn on_it<'a>(&'a self, flow: &'a Flow) -> impl Iterator<Item = (Handle, &'a Connection)> {
        let handles = flow.connections().iter().rev();
        handles.filter_map(|handle| Some((*handle, &self.connections.get(handle)?.connection)))
    }

    /// Those whose keys of this direction are missing.
    fn wanting<'a>(
        &'a self,
        flow: &'a Flow,
        direction: Direction,
    ) -> impl Iterator<Item = (Handle, &'a Connection)> {
        self.on_it(flow).filter(move |(_, connection)| connection.wants_keys(direction))
    }

    fn are_all_wanting(&self, flow: &Flow, direction: Direction) -> bool {
        self.on_it(flow).all(|(_, connection)| connection.wants_keys(direction))
    }

    /// Takes keys that have opened packets of a sample, and opens what waits for them. `client` is
    /// the direction in which the client sends, if the connection is a new one.
    pub fn accept(
        &mut self,
        flow: &mut Flow,
        found: &Found,
        client: Direction,
        keyring: &mut Keyring,
        tell: &mut Tell<'_>,
    ) {
        let Some((known, proven)) = self.prove(flow, found) else { return };
        let begun =
            if known.is_none() { self.resume(flow, found.connection, client) } else { None };
        let Some(handle) = known.or(begun) else { return };
        let on = flow.on_it.get_or_insert_default();
        if let Some(entry) = self.connections.get_mut(&handle) {
            let mut context = Context {
                keyring,
                pids: [0; 2],
                ledger: &mut on.ledger,
                scratch: &mut self.scratch,
                each: &mut |news| tell(handle, news),
            };
            entry.connection.accept(found.direction, proven, &mut context);
        }
        self.enter(handle);
    }

    /// Keys that open a packet whose keys are missing, and the connection that it is of, if that is
    /// known. The sample may have been of an older one than wants keys now.
    fn prove(&self, flow: &Flow, found: &Found) -> Option<(Option<Handle>, Proven)> {
        let way = found.direction;
        let of_known = self.wanting(flow, way).find_map(|(handle, connection)| {
            let packets = connection.waiting.newest(way, SAMPLE_PACKETS);
            Some((Some(handle), Proven::by(&packets, found)?))
        });
        of_known.or_else(|| {
            let Suspicion::Suspected(suspect) = &flow.late else { return None };
            // The same key may be found twice.
            if !self.are_all_wanting(flow, way) {
                return None;
            }
            let proven = Proven::by(&suspect.sample(way), found)?;
            // Of one that was resumed with the keys of the other direction.
            let half = self.wanting(flow, way).map(|(handle, _)| handle).next();
            Some((half, proven))
        })
    }

    /// A connection of which no beginning was seen.
    fn resume(&mut self, flow: &mut Flow, home: ConnectionId, client: Direction) -> Option<Handle> {
        if !flow.is_suspected() {
            return None;
        }
        let progress = Progress::missed(client);
        let mut connection =
            Connection::new(client, VERSIONS.first()?, Default::default(), progress);
        connection.hello.assume(VERSION, PROTOCOL);
        let handle = self.add(connection, home)?;
        self.counters.resumed += 1;
        flow.on_it.get_or_insert_default().connections.push(handle);
        Some(handle)
    }
}

/// Keys that have opened a packet.
pub(super) struct Proven {
    keys: Keys,
    /// Of the packet that they were found with.
    number: u64,
    /// To whom it was addressed.
    id: Id,
}

impl Proven {
    /// Of keys that open one of these packets.
    fn by(packets: &[&[u8]], found: &Found) -> Option<Self> {
        let Opens::Quic { connection_id_bytes, .. } = &found.opens else { return None };
        let (mut keys, number) = Keys::found(&found.opens)?;
        let number_at = 1 + usize::from(*connection_id_bytes);
        let sealed = Sealed { number_at, due: number, has_long_header: false };
        let id = packets.iter().find_map(|packet| {
            keys.begin_with(packet, sealed)?;
            packet.get(1..number_at).and_then(Id::new)
        })?;
        Some(Self { keys, number, id })
    }
}

impl Connection {
    /// True if packets with short headers in this direction wait for their keys.
    pub(super) fn has_no_keys(&self, direction: Direction) -> bool {
        let [.., keys] = &self.keys;
        keys[self.side(direction).index()].is_none()
    }

    /// True if packets wait for keys of a direction that nobody has found yet.
    pub(super) fn misses_keys(&self) -> bool {
        Direction::BOTH.into_iter().any(|way| self.wants_keys(way) && self.waiting.has(way))
    }

    /// True if nobody has found these keys yet.
    fn wants_keys(&self, direction: Direction) -> bool {
        self.has_no_keys(direction) && self.found[self.side(direction).index()].is_none()
    }

    /// Takes the keys of a side's packets with short headers. Those of the other side may be found
    /// next: what both have said so far is opened in the order in which it was said.
    fn accept(&mut self, direction: Direction, proven: Proven, context: &mut Context<'_>) {
        let other = direction.opposite();
        let is_alone = self.wants_keys(other) && self.waiting.has(other);
        self.found[self.side(direction).index()] = Some(Box::new(proven));
        if !is_alone {
            self.use_found(context);
        }
    }

    /// Does without the keys of one side if they are not found in time.
    pub(super) fn wait_for_other_side(&mut self, now: Timestamp, context: &mut Context<'_>) {
        if self.found.iter().all(Option::is_none) {
            return;
        }
        if self.found_at.is_unknown() {
            self.found_at = now;
        }
        if now.since_ns(self.found_at) > OTHER_SIDE_NS {
            self.use_found(context);
        }
    }

    /// Opens what waits with the keys that were found.
    pub(super) fn use_found(&mut self, context: &mut Context<'_>) {
        for side in [Side::Client, Side::Server] {
            let Some(proven) = self.found[side.index()].take() else { continue };
            let Proven { keys, number, id } = *proven;
            self.call(side.opposite(), id);
            let [.., of_application] = &mut self.keys;
            of_application[side.index()] = Some(keys);
            let due = &mut self.due[Level::Application.space()][side.index()];
            *due = (*due).max(number + 1);
        }
        self.found_at = Timestamp::UNKNOWN;
        self.try_again(context);
    }
}
