//! All QUIC connections of a worker: which one a datagram is of, whatever its addresses.
//!
//! A connection is found by its ids, on the pair of addresses where it was seen last; what is found
//! nowhere may have moved there from another pair, which an opened packet proves.

use std::collections::HashMap;

use model::{ConnectionId, Direction, Ledger, Outcome, Timestamp};

use super::connection::{Connection, Context};
use super::late::Suspicion;
use super::news::News;
use super::packet::{ID_BYTES_MAX, Id, Long, Packet, take};
use super::version::Version;
use crate::keyring::Keyring;
use crate::tls::Facts;

/// Connections of one worker; more are refused.
const CONNECTIONS_MAX: usize = 16 * 1024;
/// Connections on one pair of addresses: some clients open all of theirs from one port.
const ON_FLOW_MAX: usize = 128;
/// Datagrams of a pair of addresses that may be found to have moved there.
const STRANGE_MAX: u8 = 8;
/// Ids shorter than this are too common to find a connection by.
const TELLING_ID_BYTES_MIN: usize = 4;

/// Names a connection of an [`Opener`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Handle(u64);

/// What is known of one pair of addresses. Cheap as long as there is no QUIC on it.
#[derive(Default)]
pub struct Flow {
    pub(super) on_it: Option<Box<OnFlow>>,
    strange: u8,
    pub(super) late: Suspicion,
}

#[derive(Default)]
pub(super) struct OnFlow {
    /// The newest last.
    pub(super) connections: Vec<Handle>,
    pub(super) ledger: Ledger,
}

/// A datagram and what goes with it.
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Between which addresses.
    pub flow: ConnectionId,
    /// Which way it travels.
    pub direction: Direction,
    /// When it was sent.
    pub at: Timestamp,
    /// Its payload.
    pub bytes: &'a [u8],
    /// Whose the ends are, by direction of sending; 0 if not known.
    pub pids: [u32; 2],
}

/// What was refused. Cumulative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections seen from their start.
    pub begun: u64,
    /// Connections known by keys that were found in memory, and by nothing before.
    pub resumed: u64,
    /// Connections for which there was no room.
    pub refused: u64,
    /// Connections that went on between other addresses.
    pub moved: u64,
    /// Pieces of streams for which there was no room.
    pub streams_refused: u64,
}

/// See the module.
#[derive(Default)]
pub struct Opener {
    pub(super) connections: HashMap<Handle, Box<Entry>>,
    /// Who is called so.
    ids: HashMap<Id, Handle>,
    /// Lengths of the ids of packets with short headers, as bits.
    lengths: u32,
    next: u64,
    pub(super) counters: Counters,
    pub(super) scratch: Vec<u8>,
    /// Pairs of addresses that may be those of a connection that was there before.
    pub(super) suspects: usize,
}

pub(super) struct Entry {
    pub(super) connection: Connection,
    /// Where it was seen last.
    home: ConnectionId,
    /// How many ids each side had when they were entered.
    entered: [usize; 2],
}

/// Takes what is told of connections.
pub type Tell<'a> = dyn FnMut(Handle, News<'_>) + 'a;

impl Flow {
    /// True once QUIC was found on it.
    pub const fn is_quic(&self) -> bool {
        self.on_it.is_some()
    }

    /// The connections on it, the newest last.
    pub fn connections(&self) -> &[Handle] {
        self.on_it.as_deref().map_or(&[], |on| on.connections.as_slice())
    }

    /// Bytes booked since the last call, those told of in clear not among them.
    pub fn take_ledger(&mut self) -> Ledger {
        let Some(on) = &mut self.on_it else { return Ledger::default() };
        let mut ledger = std::mem::take(&mut on.ledger);
        ledger.seen = Outcome::ALL.iter().map(|outcome| ledger.get(*outcome)).sum();
        ledger
    }

    /// Adds what somebody else has booked: of bytes told of in clear, and of missing ones.
    pub fn book(&mut self, ledger: Ledger) {
        if let Some(on) = &mut self.on_it {
            on.ledger += ledger;
        }
    }
}

/// True if a datagram may begin a connection: an Initial packet of a version that is read.
pub fn may_begin(datagram: &[u8]) -> bool {
    let Some([first, version @ ..]) = datagram.first_chunk::<5>() else { return false };
    first & 0x80 != 0 && Version::of(u32::from_be_bytes(*version)).is_some()
}

impl Opener {
    /// What was refused.
    pub const fn counters(&self) -> Counters {
        self.counters
    }

    /// What is known of a connection.
    pub fn facts(&self, handle: Handle) -> Option<&Facts> {
        self.connections.get(&handle).map(|entry| entry.connection.facts())
    }

    /// True if the connection was seen last between these addresses.
    pub fn is_at_home(&self, handle: Handle, home: ConnectionId) -> bool {
        self.connections.get(&handle).is_some_and(|entry| entry.home == home)
    }

    /// True if there is no connection that a datagram between new addresses may be of.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty()
    }

    /// True if nothing of this pair of addresses will be opened any more.
    pub fn is_sealed(&self, flow: &Flow) -> bool {
        let mut on_it = flow.connections().iter().filter_map(|handle| self.connections.get(handle));
        on_it.all(|entry| entry.connection.is_sealed())
    }

    /// True if a connection between these addresses waits for its keys.
    pub fn waits(&self, flow: &Flow) -> bool {
        let mut on_it = flow.connections().iter().filter_map(|handle| self.connections.get(handle));
        on_it.any(|entry| entry.connection.misses_keys())
    }

    /// Bytes of these connections that are neither booked nor told of.
    pub fn held(&self, flow: &Flow) -> u64 {
        let on_it = flow.connections().iter().filter_map(|handle| self.connections.get(handle));
        on_it.map(|entry| entry.connection.held()).sum()
    }

    /// Takes a datagram. False if it is none of ours: nothing was booked.
    pub fn datagram(
        &mut self,
        flow: &mut Flow,
        datagram: &Datagram<'_>,
        keyring: &mut Keyring,
        tell: &mut Tell<'_>,
    ) -> bool {
        let mut rest = datagram.bytes;
        let mut booked = Ledger::default();
        while !rest.is_empty() {
            // Some fill datagrams up with zeros behind the last packet.
            if flow.is_quic() && rest.iter().all(|byte| *byte == 0) {
                booked.parsed += rest.len() as u64;
                break;
            }
            let before = rest;
            let packet = take(&mut rest);
            let length = (before.len() - rest.len()) as u64;
            let is_taken = packet.as_ref().is_some_and(|packet| {
                let mut context = Packets { opener: self, keyring, booked: &mut booked, tell };
                context.packet(flow, packet, datagram)
            });
            if is_taken {
                continue;
            }
            if !flow.is_quic() {
                return false;
            }
            booked.sealed += if packet.is_none() { before.len() as u64 } else { length };
            if packet.is_none() {
                break;
            }
        }
        if let Some(on) = &mut flow.on_it {
            on.ledger += booked;
        }
        true
    }

    /// Lets time pass on one pair of addresses.
    pub fn tick(
        &mut self,
        flow: &mut Flow,
        home: ConnectionId,
        now: Timestamp,
        keyring: &mut Keyring,
        tell: &mut Tell<'_>,
    ) {
        let Some(on) = &mut flow.on_it else { return };
        for handle in on.connections.clone() {
            let Some(entry) = self.connections.get_mut(&handle) else { continue };
            if entry.home == home {
                let mut context = Context {
                    keyring,
                    pids: [0; 2],
                    ledger: &mut on.ledger,
                    scratch: &mut self.scratch,
                    each: &mut |news| tell(handle, news),
                };
                entry.connection.tick(now, &mut context);
            }
        }
    }

    /// The pair of addresses is not used any more: the connections that live there are over.
    pub fn close(
        &mut self,
        flow: &mut Flow,
        home: ConnectionId,
        at: Timestamp,
        keyring: &mut Keyring,
        tell: &mut Tell<'_>,
    ) {
        let Some(on) = &mut flow.on_it else { return };
        for handle in std::mem::take(&mut on.connections) {
            if self.connections.get(&handle).is_some_and(|entry| entry.home == home) {
                self.end(handle, at, &mut on.ledger, keyring, tell);
            }
        }
    }

    /// Forgets a connection.
    fn end(
        &mut self,
        handle: Handle,
        at: Timestamp,
        ledger: &mut Ledger,
        keyring: &mut Keyring,
        tell: &mut Tell<'_>,
    ) {
        let Some(mut entry) = self.connections.remove(&handle) else { return };
        let mut context = Context {
            keyring,
            pids: [0; 2],
            ledger,
            scratch: &mut self.scratch,
            each: &mut |news| tell(handle, news),
        };
        let connection = &mut entry.connection;
        connection.close(at, &mut context);
        self.counters.streams_refused += connection.streams.refused();
        for id in connection.ids.iter().flatten() {
            if self.ids.get(id) == Some(&handle) {
                self.ids.remove(id);
            }
        }
        if !connection.is_over {
            tell(handle, News::Closed { at, is_sealed: connection.has_sealed });
        }
    }

    /// Keeps a new connection, if there is room.
    pub(super) fn add(&mut self, connection: Connection, home: ConnectionId) -> Option<Handle> {
        if self.connections.len() >= CONNECTIONS_MAX {
            self.counters.refused += 1;
            return None;
        }
        let handle = Handle(self.next);
        self.next += 1;
        let entry = Entry { connection, home, entered: [0; 2] };
        self.connections.insert(handle, Box::new(entry));
        self.enter(handle);
        Some(handle)
    }

    /// Enters what the sides are called now.
    pub(super) fn enter(&mut self, handle: Handle) {
        let Some(entry) = self.connections.get_mut(&handle) else { return };
        let ids = &entry.connection.ids;
        if entry.entered == [ids[0].len(), ids[1].len()] {
            return;
        }
        entry.entered = [ids[0].len(), ids[1].len()];
        for id in ids.iter().flatten().filter(|id| id.len() >= TELLING_ID_BYTES_MIN) {
            self.ids.insert(*id, handle);
            self.lengths |= 1 << id.len();
        }
    }
}

/// The opener at work on the packets of one datagram.
struct Packets<'a, 'b> {
    opener: &'a mut Opener,
    keyring: &'a mut Keyring,
    booked: &'a mut Ledger,
    tell: &'a mut Tell<'b>,
}

impl Packets<'_, '_> {
    fn packet(&mut self, flow: &mut Flow, packet: &Packet<'_>, datagram: &Datagram<'_>) -> bool {
        if let Packet::Long(long) = packet
            && long.may_begin()
            && self.is_unknown(flow, packet, datagram)
        {
            return self.begin(flow, long, datagram) && self.packet(flow, packet, datagram);
        }
        // Those that it is addressed to come first, and the newest of them.
        for is_addressed in [true, false] {
            for at in (0..flow.connections().len()).rev() {
                let Some(handle) = flow.connections().get(at).copied() else { continue };
                let known = self.opener.connections.get(&handle);
                let fits = known.is_some_and(|entry| {
                    entry.connection.is_addressed(packet, datagram.direction) == is_addressed
                });
                if fits
                    && (is_addressed || self.may_be(handle, packet))
                    && self.give(handle, packet, datagram)
                {
                    return true;
                }
            }
        }
        self.moved(flow, packet, datagram) || self.renamed(flow, packet, datagram)
    }

    /// True if no connection of this pair of addresses is meant.
    fn is_unknown(&self, flow: &Flow, packet: &Packet<'_>, datagram: &Datagram<'_>) -> bool {
        let mut on_it = flow.connections().iter();
        !on_it.any(|handle| {
            let entry = self.opener.connections.get(handle);
            entry.is_some_and(|e| e.connection.is_addressed(packet, datagram.direction))
        })
    }

    /// A packet that says nothing of whom it is for may be for any.
    fn may_be(&self, handle: Handle, packet: &Packet<'_>) -> bool {
        let entry = self.opener.connections.get(&handle);
        matches!(packet, Packet::Short(_))
            && entry.is_some_and(|entry| entry.connection.has_opened())
    }

    /// An end may have told the other one of an id in a packet that waits for its key; so this one
    /// waits behind it.
    fn renamed(&mut self, flow: &Flow, packet: &Packet<'_>, datagram: &Datagram<'_>) -> bool {
        let waiting = flow.connections().iter().rev().copied().find(|handle| {
            let entry = self.opener.connections.get(handle);
            entry.is_some_and(|e| e.connection.has_no_keys(datagram.direction))
        });
        matches!(packet, Packet::Short(_))
            && waiting.is_some_and(|handle| self.give(handle, packet, datagram))
    }

    fn give(&mut self, handle: Handle, packet: &Packet<'_>, datagram: &Datagram<'_>) -> bool {
        let Opener { connections, scratch, .. } = &mut *self.opener;
        let Some(entry) = connections.get_mut(&handle) else { return false };
        let tell = &mut *self.tell;
        let mut context = Context {
            keyring: self.keyring,
            pids: datagram.pids,
            ledger: self.booked,
            scratch,
            each: &mut |news| tell(handle, news),
        };
        let connection = &mut entry.connection;
        let is_taken = connection.packet(packet, datagram.direction, datagram.at, &mut context);
        if is_taken {
            entry.home = datagram.flow;
            let length = match packet {
                Packet::Long(long) => long.bytes.len(),
                Packet::Short(bytes) => bytes.len(),
                Packet::Retry { .. } | Packet::VersionNegotiation => datagram.bytes.len(),
            };
            if matches!(packet, Packet::Retry { .. } | Packet::VersionNegotiation) {
                self.booked.parsed += length as u64;
            }
            self.opener.enter(handle);
        }
        is_taken
    }

    /// A client's first packet begins a connection.
    fn begin(&mut self, flow: &mut Flow, long: &Long<'_>, datagram: &Datagram<'_>) -> bool {
        let opener = &mut *self.opener;
        let scratch = &mut opener.scratch;
        let Some(connection) = Connection::begin(long, datagram.direction, datagram.at, scratch)
        else {
            return false;
        };
        let Some(handle) = opener.add(connection, datagram.flow) else { return false };
        opener.counters.begun += 1;
        self.settle(flow, handle, datagram.at);
        true
    }

    /// The connection is on this pair of addresses from now on; the oldest there makes room.
    fn settle(&mut self, flow: &mut Flow, handle: Handle, at: Timestamp) {
        let on = flow.on_it.get_or_insert_default();
        on.connections.push(handle);
        if on.connections.len() > ON_FLOW_MAX {
            let oldest = on.connections.remove(0);
            self.opener.end(oldest, at, &mut on.ledger, self.keyring, self.tell);
        }
    }

    /// A connection may go on between other addresses (RFC 9000 §9).
    fn moved(&mut self, flow: &mut Flow, packet: &Packet<'_>, datagram: &Datagram<'_>) -> bool {
        let Packet::Short(bytes) = packet else { return false };
        if flow.strange >= STRANGE_MAX || self.opener.ids.is_empty() {
            return false;
        }
        flow.strange += 1;
        let lengths = (TELLING_ID_BYTES_MIN..=ID_BYTES_MAX)
            .rev()
            .filter(|length| self.opener.lengths & 1 << length != 0);
        let found = lengths.filter_map(|length| bytes.get(1..=length)).find_map(|id| {
            let id = Id::new(id)?;
            Some((id, *self.opener.ids.get(&id)?))
        });
        let Some((id, handle)) = found.filter(|(_, handle)| !flow.connections().contains(handle))
        else {
            return false;
        };
        let Some(entry) = self.opener.connections.get_mut(&handle) else { return false };
        let connection = &mut entry.connection;
        let is_to_client = connection.ids[0].contains(&id);
        let before = connection.client;
        let (sent, way) = (datagram.direction, datagram.direction.opposite());
        if !connection.has_opened() {
            return false;
        }
        let now = if is_to_client { way } else { sent };
        connection.client = now;
        (self.tell)(handle, News::Moved(now));
        if !self.give(handle, packet, datagram) {
            if let Some(entry) = self.opener.connections.get_mut(&handle) {
                entry.connection.client = before;
                (self.tell)(handle, News::Moved(before));
            }
            return false;
        }
        self.opener.counters.moved += 1;
        self.settle(flow, handle, datagram.at);
        true
    }
}
