//! The table of connections: every event finds its connection here, or opens it.

use std::collections::VecDeque;

use model::{CloseReason, Closed, ConnectionId, Datagram, Direction, Endpoints, Opened};
use model::{Passed, Segment, TapEvent, TcpHealth, Timestamp};

use crate::closing::Remains;
use crate::connection::Connection;
use crate::consumer::Consumer;
use crate::counters::Counters;
use crate::entry::{Desk, Entry, Outcome, TCP, UDP};
use crate::limits::Limits;
use crate::slots::{Slot, Slots};
use crate::sweep::Sweep;

/// All connections of one worker.
///
/// Deterministic: the same events and ticks give the same calls of the consumer.
pub struct Table<C: Consumer> {
    pub(crate) limits: Limits,
    pub(crate) counters: Counters,
    pub(crate) slots: Slots<C::State>,
    /// Slots of closed connections, the oldest first.
    pub(crate) closing: VecDeque<(u32, Timestamp)>,
    pub(crate) sweep: Sweep,
}

/// Where an event belongs.
enum Place {
    Live(u32),
    Closing(u32),
    Absent(ConnectionId),
}

impl<C: Consumer> Table<C> {
    /// An empty table.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            counters: Counters::default(),
            slots: Slots::new(),
            closing: VecDeque::new(),
            sweep: Sweep::default(),
        }
    }

    /// Takes in one event.
    #[inline]
    pub fn event(&mut self, event: TapEvent<'_>, consumer: &mut C) {
        match event {
            TapEvent::Segment(segment) => self.segment(&segment, consumer),
            TapEvent::Datagram(datagram) => self.datagram(&datagram, consumer),
            TapEvent::Passed(passed) => self.passed(&passed, consumer),
            TapEvent::Opened(opened) => self.opened(&opened, consumer),
            TapEvent::Closed(closed) => self.closed(&closed, consumer),
            TapEvent::Health { connection, direction, health } => {
                self.health(connection, direction, health);
            }
            TapEvent::Secret(_) | TapEvent::Plaintext(_) => {}
        }
    }

    /// Shows a live connection out of turn: something about it has come from elsewhere.
    pub fn visit(
        &mut self,
        id: ConnectionId,
        consumer: &mut C,
        see: impl FnOnce(&mut C, &Connection, &mut C::State),
    ) {
        let Some(slot) = self.slots.find(id) else { return };
        if let Some(entry) = self.slots.live_mut(slot) {
            if entry.is_resting {
                self.wake(slot);
            }
            if let Some(entry) = self.slots.live_mut(slot) {
                see(consumer, &entry.connection, &mut entry.state);
            }
        }
    }

    /// Closes every connection: the capture is over, or the agent stops.
    pub fn finish(&mut self, at: Timestamp, consumer: &mut C) {
        for slot in 0..self.slots.count() as u32 {
            self.close(slot, CloseReason::EndOfCapture, at, consumer);
        }
        for (slot, _) in std::mem::take(&mut self.closing) {
            self.slots.forget(slot);
        }
    }

    /// How many connections are live.
    pub const fn len(&self) -> usize {
        self.slots.live()
    }

    /// True if no connection is live.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was done, refused and ignored so far.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    fn segment(&mut self, segment: &Segment<'_>, consumer: &mut C) {
        self.counters.segments += 1;
        let ends = segment.endpoints.as_ref();
        match self.place(segment.connection, ends, segment.direction) {
            Place::Live(slot) => self.segment_of(slot, segment, consumer),
            Place::Closing(slot) => {
                let window = self.limits.window;
                if let Slot::Closing(remains) = self.slots.get(slot)
                    && remains.claims(segment, window)
                {
                    self.counters.late_segments += 1;
                    let (bytes, lost) = (segment.length.into(), segment.lost_before.into());
                    self.counters.count_late(bytes, lost);
                } else {
                    self.slots.forget(slot);
                    self.first_segment(segment.connection, segment, consumer);
                }
            }
            Place::Absent(id) => self.first_segment(id, segment, consumer),
        }
    }

    #[inline]
    fn segment_of(&mut self, slot: u32, segment: &Segment<'_>, consumer: &mut C) {
        let Some(entry) = self.slots.live_mut(slot) else {
            return;
        };
        let mut desk = Desk { limits: &self.limits, counters: &mut self.counters, consumer };
        match entry.segment(segment, &mut desk) {
            Outcome::Open => {}
            Outcome::Over(reason) => self.close(slot, reason, segment.at, consumer),
            Outcome::Reused => self.reopen(slot, segment, consumer),
        }
    }

    /// A segment of a connection that is not in the table. Bare acknowledgments, FINs and RSTs
    /// open none: they are what is left of one that ended.
    fn first_segment(&mut self, id: ConnectionId, segment: &Segment<'_>, consumer: &mut C) {
        let is_syn = segment.flags.syn();
        if segment.flags.rst() || !(is_syn || segment.length > 0) {
            self.counters.late_segments += 1;
            self.counters.count_late(0, segment.lost_before.into());
            return;
        }
        let bytes = u64::from(segment.length) + u64::from(segment.lost_before);
        if !self.has_room(is_syn, bytes) {
            return;
        }
        let mut connection = Connection::new(id, TCP, segment.at);
        connection.learn_ends(segment.endpoints, segment.direction);
        connection.learn_first(segment);
        let slot = self.open(connection, segment.at, consumer);
        self.segment_of(slot, segment, consumer);
    }

    /// The addresses are used anew before the end of the old connection was seen.
    fn reopen(&mut self, slot: u32, segment: &Segment<'_>, consumer: &mut C) {
        let Some(old) = self.slots.live_mut(slot).map(|entry| entry.connection.clone()) else {
            return;
        };
        self.close(slot, CloseReason::Reused, segment.at, consumer);
        let mut connection = Connection::new(old.id, TCP, segment.at);
        connection.learn_first(segment);
        connection.endpoints = old.endpoints;
        connection.live = old.live;
        if old.live {
            // The new socket was announced before its first segment: to the old connection.
            connection.owners = old.owners;
        }
        let slot = self.open(connection, segment.at, consumer);
        self.segment_of(slot, segment, consumer);
    }

    fn datagram(&mut self, datagram: &Datagram<'_>, consumer: &mut C) {
        self.counters.datagrams += 1;
        let ends = datagram.endpoints.as_ref();
        let slot = match self.place(datagram.connection, ends, datagram.direction) {
            Place::Live(slot) => slot,
            Place::Closing(_) => return,
            Place::Absent(id) => {
                if !self.has_room(true, u64::from(datagram.length)) {
                    return;
                }
                let mut connection = Connection::new(id, UDP, datagram.at);
                connection.learn_ends(datagram.endpoints, datagram.direction);
                connection.live = datagram.endpoints.is_none();
                connection.initiator = Some(datagram.direction);
                connection.established = true;
                connection.from_start = [true; 2];
                self.open(connection, datagram.at, consumer)
            }
        };
        let Some(entry) = self.slots.live_mut(slot) else {
            return;
        };
        let mut desk = Desk { limits: &self.limits, counters: &mut self.counters, consumer };
        entry.datagram(datagram, &mut desk);
    }

    /// Datagrams that the tap was told not to copy. They open nothing: who told it knew the flow.
    fn passed(&mut self, passed: &Passed, consumer: &mut C) {
        let place = self.place(passed.connection, None, passed.direction);
        if let Place::Live(slot) = place
            && let Some(entry) = self.slots.live_mut(slot)
            && entry.connection.protocol == UDP
        {
            let mut desk = Desk { limits: &self.limits, counters: &mut self.counters, consumer };
            entry.passed(passed, &mut desk);
        } else {
            self.counters.late_bytes += passed.bytes;
        }
    }

    fn opened(&mut self, opened: &Opened<'_>, consumer: &mut C) {
        let direction = opened.direction;
        let ends = Some(&opened.endpoints);
        match self.place(opened.connection, ends, direction) {
            Place::Live(slot) => {
                if self.slots.live_mut(slot).is_some_and(|entry| entry.is_used_up(direction)) {
                    self.close(slot, CloseReason::Reused, opened.at, consumer);
                    self.first_opened(opened.connection, opened, consumer);
                } else {
                    self.opened_of(slot, opened, consumer);
                }
            }
            Place::Closing(slot) => {
                let is_late = matches!(self.slots.get(slot), Slot::Closing(remains)
                    if opened.at <= remains.closed_at);
                if !is_late {
                    self.slots.forget(slot);
                    self.first_opened(opened.connection, opened, consumer);
                }
            }
            Place::Absent(id) => self.first_opened(id, opened, consumer),
        }
    }

    fn first_opened(&mut self, id: ConnectionId, opened: &Opened<'_>, consumer: &mut C) {
        if !self.has_room(true, 0) {
            return;
        }
        let mut connection = Connection::new(id, opened.protocol, opened.at);
        connection.learn_opened(opened, [true; 2]);
        let slot = self.open(connection, opened.at, consumer);
        self.opened_of(slot, opened, consumer);
    }

    fn opened_of(&mut self, slot: u32, opened: &Opened<'_>, consumer: &mut C) {
        let Some(entry) = self.slots.live_mut(slot) else {
            return;
        };
        let mut desk = Desk { limits: &self.limits, counters: &mut self.counters, consumer };
        entry.opened(opened, &mut desk);
    }

    fn closed(&mut self, closed: &Closed, consumer: &mut C) {
        let unreported = closed.unreported.saturating_add(closed.lost);
        let slot = match self.place(closed.connection, None, closed.direction) {
            Place::Live(slot) => slot,
            Place::Closing(_) => return self.counters.count_late(closed.unreported, closed.lost),
            Place::Absent(_) => {
                if self.has_room(false, unreported) {
                    self.counters.count_late(closed.unreported, closed.lost);
                }
                return;
            }
        };
        let Some(entry) = self.slots.live_mut(slot) else {
            return;
        };
        let mut desk = Desk { limits: &self.limits, counters: &mut self.counters, consumer };
        if let Outcome::Over(reason) = entry.closed(closed, &mut desk) {
            self.close(slot, reason, closed.at, consumer);
        }
    }

    fn health(&mut self, id: ConnectionId, direction: Direction, health: TcpHealth) {
        if let Place::Live(slot) = self.place(id, None, direction)
            && let Some(entry) = self.slots.live_mut(slot)
        {
            entry.connection.health.sample(health, direction);
        }
    }

    /// Finds the connection an event belongs to. If its addresses are those of another connection
    /// with the same id, it gets an id of its own; events without addresses cannot be told apart.
    #[inline]
    fn place(&mut self, id: ConnectionId, ends: Option<&Endpoints>, direction: Direction) -> Place {
        let Some(slot) = self.slots.find(id) else {
            return Place::Absent(id);
        };
        match self.slots.get(slot) {
            Slot::Live(entry) if entry.connection.has_ends(ends, direction) => {
                if entry.is_resting {
                    self.wake(slot);
                }
                Place::Live(slot)
            }
            Slot::Live(_) => self.place_collided(id),
            Slot::Closing(_) => Place::Closing(slot),
            Slot::Free => Place::Absent(id),
        }
    }

    #[cold]
    fn place_collided(&mut self, id: ConnectionId) -> Place {
        self.counters.collisions += 1;
        let other = ConnectionId(!id.0.rotate_left(32));
        match self.slots.find(other) {
            None => Place::Absent(other),
            Some(slot) if matches!(self.slots.get(slot), Slot::Closing(_)) => {
                self.slots.forget(slot);
                Place::Absent(other)
            }
            Some(slot) => {
                self.wake(slot);
                Place::Live(slot)
            }
        }
    }

    /// True if one more connection fits; else counts what was refused.
    fn has_room(&mut self, is_setup: bool, bytes: u64) -> bool {
        let has_room = self.slots.live() < self.limits.connections;
        if !has_room {
            self.counters.refused_connections += u64::from(is_setup);
            self.counters.refused_bytes += bytes;
        }
        has_room
    }

    fn open(&mut self, connection: Connection, at: Timestamp, consumer: &mut C) -> u32 {
        self.counters.opened += 1;
        let state = consumer.opened(&connection);
        let seen_at = at.max(self.sweep.now());
        let slot = self.slots.insert(Entry::new(connection, state, seen_at));
        self.sweep.wake(slot);
        slot
    }

    /// Something happened to a connection that the sweep passes over.
    #[cold]
    fn wake(&mut self, slot: u32) {
        self.sweep.wake(slot);
        if let Some(entry) = self.slots.live_mut(slot) {
            entry.is_resting = false;
        }
    }

    /// Ends a live connection.
    pub(crate) fn close(
        &mut self,
        slot: u32,
        reason: CloseReason,
        at: Timestamp,
        consumer: &mut C,
    ) {
        let Some(mut entry) = self.slots.take(slot) else {
            return;
        };
        let mut desk = Desk { limits: &self.limits, counters: &mut self.counters, consumer };
        entry.flush(reason, at, &mut desk);
        self.counters.closed += 1;
        let is_tcp = entry.connection.protocol == TCP;
        let remains = Remains::new(entry.connection.id, at, entry.streams());
        let (connection, state) = entry.into_parts();
        consumer.closed(&connection, state, reason, at);
        if is_tcp && matches!(reason, CloseReason::Finished | CloseReason::Reset(_)) {
            self.remember(remains);
        }
    }

    /// Keeps what is left of a closed connection for a while.
    fn remember(&mut self, remains: Remains) {
        while self.closing.len() >= self.limits.closing {
            let Some(oldest) = self.closing.pop_front() else {
                return;
            };
            self.counters.evicted += 1;
            self.forget(oldest);
        }
        let slot = self.slots.bury(remains);
        self.closing.push_back((slot, remains.closed_at));
    }

    /// Forgets a closed connection unless its slot has a new tenant.
    pub(crate) fn forget(&mut self, (slot, closed_at): (u32, Timestamp)) {
        if let Slot::Closing(remains) = self.slots.get(slot)
            && remains.closed_at == closed_at
        {
            self.slots.forget(slot);
        }
    }
}
