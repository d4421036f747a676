//! One live connection in the table: what the consumer may know, its two streams, and the rules
//! of TCP set-up and teardown as far as an observer needs them.

use model::{CloseReason, Closed, Datagram, Direction, MissingReason, Opened, Passed};
use model::{Segment, TcpFlags, Timestamp};

use crate::connection::Connection;
use crate::consumer::{Consumer, Outlet};
use crate::counters::Counters;
use crate::limits::Limits;
use crate::run::{Run, Unreported, Verdict};
use crate::stream::Stream;

/// IP protocol number of TCP.
pub(crate) const TCP: u8 = 6;
/// IP protocol number of UDP.
pub(crate) const UDP: u8 = 17;

/// A live connection.
#[derive(Debug)]
pub(crate) struct Entry<S> {
    pub(crate) connection: Connection,
    streams: [Stream; 2],
    pub(crate) state: S,
    last_seen: Timestamp,
    /// True if the sweep passes over it for now: the next event has to tell it.
    pub(crate) is_resting: bool,
    handshake: Handshake,
    /// By direction of sending: what a live tap said about the socket.
    sockets: [Socket; 2],
}

/// What is needed to time the handshake.
#[derive(Clone, Copy, Debug, Default)]
struct Handshake {
    syn_at: Timestamp,
    answer_at: Timestamp,
    /// A SYN was sent again: the time until the answer is not a round trip.
    repeated: bool,
    /// The answer was seen where it was sent: the initiator has it half a round trip later.
    answered_here: bool,
    done: bool,
}

/// Whether the socket of one end is known to be on this host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Socket {
    #[default]
    Unknown,
    Open,
    Closed,
}

/// What an event means for the connection as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It goes on.
    Open,
    /// It is over.
    Over(CloseReason),
    /// The event belongs to a new connection between the same addresses.
    Reused,
}

/// What every step needs beside the connection itself.
pub(crate) struct Desk<'a, C> {
    pub(crate) limits: &'a Limits,
    pub(crate) counters: &'a mut Counters,
    pub(crate) consumer: &'a mut C,
}

impl<S> Entry<S> {
    pub(crate) fn new(connection: Connection, state: S, seen_at: Timestamp) -> Self {
        Self {
            connection,
            streams: [Stream::default(), Stream::default()],
            state,
            last_seen: seen_at,
            is_resting: false,
            handshake: Handshake::default(),
            sockets: [Socket::Unknown; 2],
        }
    }

    pub(crate) const fn streams(&self) -> &[Stream; 2] {
        &self.streams
    }

    /// A TCP segment.
    #[inline]
    pub(crate) fn segment<C: Consumer<State = S>>(
        &mut self,
        segment: &Segment<'_>,
        desk: &mut Desk<'_, C>,
    ) -> Outcome {
        const UNUSUAL: u8 = TcpFlags::SYN | TcpFlags::FIN | TcpFlags::RST;
        self.last_seen = self.last_seen.max(segment.at);
        if let Some(health) = segment.health {
            self.connection.health.sample(health, segment.direction);
        }
        if segment.flags.0 & UNUSUAL == 0 && self.handshake.done {
            self.acknowledgment(segment, desk);
            let (stream, mut out) = self.outlet(segment.direction, desk);
            if stream.take_next(segment, &mut out) {
                return Outcome::Open;
            }
        }
        self.unusual_segment(segment, desk)
    }

    /// A segment that is not just the next bytes of a connection in full swing.
    #[inline(never)]
    fn unusual_segment<C: Consumer<State = S>>(
        &mut self,
        segment: &Segment<'_>,
        desk: &mut Desk<'_, C>,
    ) -> Outcome {
        if self.connection.learn_ends(segment.endpoints, segment.direction) {
            desk.consumer.updated(&self.connection, &mut self.state);
        }
        let (is_syn, stream) = (segment.flags.syn(), &self.streams[segment.direction.index()]);
        if segment.begins && !is_syn && !stream.may_begin_at(segment.first_sequence()) {
            return Outcome::Reused;
        }
        if segment.flags.rst() {
            return self.reset(segment, desk);
        }
        if is_syn {
            let known = (self.connection.initiator, self.connection.from_start);
            if self.syn(segment, desk) == Outcome::Reused {
                return Outcome::Reused;
            }
            if known != (self.connection.initiator, self.connection.from_start) {
                desk.consumer.updated(&self.connection, &mut self.state);
            }
        } else {
            self.connection.established = true;
            self.time_handshake(segment);
        }
        self.acknowledgment(segment, desk);
        let (stream, mut out) = self.outlet(segment.direction, desk);
        if stream.take(Run::from(segment), &mut out) == Verdict::Foreign {
            return Outcome::Reused;
        }
        if self.streams.iter().all(Stream::is_ended) {
            return Outcome::Over(CloseReason::Finished);
        }
        Outcome::Open
    }

    /// A UDP datagram: always the next thing in its direction.
    pub(crate) fn datagram<C: Consumer<State = S>>(
        &mut self,
        datagram: &Datagram<'_>,
        desk: &mut Desk<'_, C>,
    ) {
        self.last_seen = self.last_seen.max(datagram.at);
        if self.connection.learn_ends(datagram.endpoints, datagram.direction) {
            desk.consumer.updated(&self.connection, &mut self.state);
        }
        let most = usize::try_from(datagram.length).unwrap_or(usize::MAX);
        let payload = datagram.payload.get(..most).unwrap_or(datagram.payload);
        let cut = u64::from(datagram.length) - payload.len() as u64;
        let (stream, mut out) = self.outlet(datagram.direction, desk);
        stream.count(u64::from(datagram.length));
        out.bytes(payload, datagram.at);
        out.missing(cut, MissingReason::Skipped, datagram.at);
    }

    /// Datagrams that were not copied.
    pub(crate) fn passed<C: Consumer<State = S>>(
        &mut self,
        passed: &Passed,
        desk: &mut Desk<'_, C>,
    ) {
        self.last_seen = self.last_seen.max(passed.at);
        let (stream, mut out) = self.outlet(passed.direction, desk);
        stream.count(passed.bytes);
        out.missing(passed.bytes, MissingReason::Skipped, passed.at);
    }

    /// A live tap got to know one end.
    pub(crate) fn opened<C: Consumer<State = S>>(
        &mut self,
        opened: &Opened<'_>,
        desk: &mut Desk<'_, C>,
    ) {
        self.last_seen = self.last_seen.max(opened.at);
        self.sockets[opened.direction.index()] = Socket::Open;
        let untouched = Direction::BOTH.map(|direction| {
            let stream = &self.streams[direction.index()];
            !stream.is_started() && stream.is_untouched()
        });
        if self.connection.learn_opened(opened, untouched) {
            desk.consumer.updated(&self.connection, &mut self.state);
        }
    }

    /// True if an end that opens now cannot be the one this entry knows.
    pub(crate) fn is_used_up(&self, direction: Direction) -> bool {
        self.sockets[direction.index()] == Socket::Closed
            || self.streams[direction.index()].is_ended()
    }

    /// The kernel closed one socket.
    pub(crate) fn closed<C: Consumer<State = S>>(
        &mut self,
        closed: &Closed,
        desk: &mut Desk<'_, C>,
    ) -> Outcome {
        self.last_seen = self.last_seen.max(closed.at);
        let direction = closed.direction;
        if let Some(health) = closed.health {
            self.connection.health.sample(health, direction);
        }
        if self.sockets[direction.index()] == Socket::Closed {
            // Of a later connection between the same addresses that nothing else was seen of.
            desk.counters.count_late(closed.unreported, closed.lost);
        } else {
            self.sockets[direction.index()] = Socket::Closed;
            let unreported =
                Unreported { skipped: closed.unreported, lost: closed.lost, all_lost: false };
            let (stream, mut out) = self.outlet(direction, desk);
            stream.flush(unreported, closed.at, &mut out);
        }
        let other = direction.opposite().index();
        let is_tcp = self.connection.protocol == TCP;
        // Of a flow nothing is left when one socket is gone: who asked no longer listens.
        if is_tcp && self.sockets[other] == Socket::Open && !self.streams[other].is_ended() {
            Outcome::Open
        } else {
            Outcome::Over(CloseReason::Finished)
        }
    }

    /// Hands on what is held; nothing more will come.
    pub(crate) fn flush<C: Consumer<State = S>>(
        &mut self,
        reason: CloseReason,
        at: Timestamp,
        desk: &mut Desk<'_, C>,
    ) {
        if let CloseReason::Reset(_) = reason {
            self.connection.health.resets = 1;
        }
        let first = self.connection.initiator.unwrap_or(Direction::Forward);
        for direction in [first, first.opposite()] {
            let unreported = Unreported {
                all_lost: reason == CloseReason::EndOfCapture,
                ..Unreported::default()
            };
            let (stream, mut out) = self.outlet(direction, desk);
            stream.flush(unreported, at, &mut out);
        }
    }

    /// Gives the connection away for good.
    pub(crate) fn into_parts(self) -> (Connection, S) {
        (self.connection, self.state)
    }

    /// The regular visit: gives up old holes, says whether the connection has been silent too long,
    /// and lets the consumer look at it.
    pub(crate) fn visit<C: Consumer<State = S>>(
        &mut self,
        now: Timestamp,
        desk: &mut Desk<'_, C>,
    ) -> Outcome {
        for direction in Direction::BOTH {
            let (stream, mut out) = self.outlet(direction, desk);
            stream.expire(now, &mut out);
        }
        if self.streams.iter().all(Stream::is_ended) {
            return Outcome::Over(CloseReason::Finished);
        }
        let is_at_rest = desk.consumer.is_at_rest(&self.state);
        let (limit_ns, reason) = self.patience(desk.limits, is_at_rest);
        if now.since_ns(self.last_seen) > limit_ns {
            return Outcome::Over(reason);
        }
        desk.consumer.tick(&self.connection, &mut self.state, now);
        Outcome::Open
    }

    /// Until when nothing can be due for a connection that is silent; `None` if it is not, or if
    /// its silence may mean its end soon, as between datagrams.
    pub(crate) fn rest(&mut self, now: Timestamp, limits: &Limits) -> Option<Timestamp> {
        let is_tcp = self.connection.protocol == TCP;
        self.is_resting = is_tcp && now.since_ns(self.last_seen) >= limits.rest_after_ns;
        let (limit_ns, _) = self.patience(limits, false);
        let end = self.last_seen.0.saturating_add(limit_ns);
        let until = now.0.saturating_add(limits.rest_ns).min(end);
        self.is_resting.then_some(Timestamp(until))
    }

    /// How long the connection may be silent, and what it means if it is for longer.
    fn patience(&self, limits: &Limits, is_at_rest: bool) -> (u64, CloseReason) {
        let [a, b] = &self.streams;
        if self.connection.protocol != TCP {
            let rest_ns = limits.datagram_rest_ns;
            (if is_at_rest { rest_ns } else { limits.datagram_idle_ns }, CloseReason::Idle)
        } else if self.sockets.contains(&Socket::Closed) {
            (limits.half_closed_ns, CloseReason::Finished)
        } else if (a.is_ended() && !b.is_started()) || (b.is_ended() && !a.is_started()) {
            (limits.half_closed_ns, CloseReason::Idle)
        } else {
            (limits.idle_ns, CloseReason::Idle)
        }
    }

    /// A SYN or SYN-ACK: starts a stream, repeats itself, or belongs to a new connection.
    fn syn<C>(&mut self, segment: &Segment<'_>, desk: &mut Desk<'_, C>) -> Outcome {
        let (own, other) = (segment.direction.index(), segment.direction.opposite().index());
        let first = segment.sequence.wrapping_add(1);
        let is_answer = segment.flags.ack();
        let answers_us = is_answer && self.covers(other, segment.acknowledgment);
        let spoken_to = self.streams[other].is_started();
        if self.streams[own].is_started() {
            let is_repeated = self.streams[own].base() == first;
            let is_answered_anew = answers_us && self.streams[own].is_untouched();
            if is_repeated && self.connection.from_start[own] {
                desk.counters.retransmitted_segments += 1;
                self.connection.health.retransmitted(segment.direction);
                self.handshake.repeated = true;
            } else if !is_repeated && !is_answered_anew {
                return Outcome::Reused;
            }
        } else if is_answer && spoken_to && !answers_us {
            return Outcome::Reused;
        } else if !is_answer && spoken_to && !self.is_fresh(other) {
            // The other direction is of an earlier connection.
            return Outcome::Reused;
        }
        if !self.streams[own].is_started() || self.streams[own].is_untouched() {
            self.streams[own].start(first);
        }
        if is_answer && !spoken_to {
            self.streams[other].start(segment.acknowledgment);
            self.connection.from_start[other] = true;
        }
        self.connection.from_start[own] = true;
        self.note_syn(segment, is_answer);
        Outcome::Open
    }

    /// Remembers who set up the connection, and when.
    fn note_syn(&mut self, segment: &Segment<'_>, is_answer: bool) {
        let sender = segment.direction;
        if is_answer {
            self.connection.initiator.get_or_insert(sender.opposite());
            if self.handshake.answer_at.is_unknown() {
                self.handshake.answer_at = segment.at;
                self.handshake.answered_here = segment.in_order;
            }
        } else if *self.connection.initiator.get_or_insert(sender) == sender
            && self.handshake.syn_at.is_unknown()
        {
            self.handshake.syn_at = segment.at;
        }
    }

    /// True if `acknowledgment` is of the start of the stream or of what it carried since.
    fn covers(&self, stream: usize, acknowledgment: u32) -> bool {
        let stream = &self.streams[stream];
        let ahead = acknowledgment.wrapping_sub(stream.base());
        stream.is_started() && u64::from(ahead) <= stream.length()
    }

    /// True if only the SYN of this stream was seen.
    fn is_fresh(&self, stream: usize) -> bool {
        self.connection.from_start[stream] && self.streams[stream].is_untouched()
    }

    /// The first segment after SYN and SYN-ACK ends the handshake.
    ///
    /// A bare acknowledgment of the initiator tells the exact time. A tap may leave it out; then
    /// the answer's time counts, and if the answer was seen at its sender its way to the initiator
    /// is added.
    fn time_handshake(&mut self, segment: &Segment<'_>) {
        let handshake = self.handshake;
        if handshake.done {
            return;
        }
        let from_initiator = self.connection.initiator == Some(segment.direction);
        let is_bare = segment.length == 0 && !segment.flags.fin();
        if handshake.syn_at.is_unknown() {
            self.handshake.done = true;
            return;
        }
        if is_bare && !from_initiator {
            return;
        }
        self.handshake.done = true;
        let health = &mut self.connection.health;
        let micros = |ns: u64| u32::try_from(ns / 1_000).unwrap_or(u32::MAX);
        if is_bare {
            let connect_us = micros(segment.at.since_ns(handshake.syn_at));
            health.connect_us = Some(connect_us);
            if !handshake.repeated {
                health.rtt_us.get_or_insert(connect_us);
            }
        } else if !handshake.answer_at.is_unknown() {
            let way_back_us = health.rtt_us.filter(|_| handshake.answered_here).unwrap_or(0);
            let answer_us = micros(handshake.answer_at.since_ns(handshake.syn_at));
            health.connect_us = Some(answer_us.saturating_add(way_back_us));
        }
    }

    /// A RST counts if it is near what its sender would send next, or answers the other stream.
    fn reset<C: Consumer<State = S>>(
        &mut self,
        segment: &Segment<'_>,
        desk: &mut Desk<'_, C>,
    ) -> Outcome {
        let own = &self.streams[segment.direction.index()];
        let other = &self.streams[segment.direction.opposite().index()];
        let near = |number: u32, stream: &Stream| {
            let distance = number.wrapping_sub(stream.next()).cast_signed();
            distance.unsigned_abs() <= desk.limits.trust_window
        };
        let fits = if own.is_started() {
            near(segment.sequence, own)
        } else if segment.flags.ack() && other.is_started() {
            near(segment.acknowledgment, other)
        } else {
            true
        };
        if !fits {
            desk.counters.resets_ignored += 1;
            return Outcome::Open;
        }
        if segment.in_order {
            // Bytes skipped right before the reset; its own payload is no part of the stream.
            let bare = Segment { length: 0, payload: &[], ..*segment };
            let (stream, mut out) = self.outlet(segment.direction, desk);
            stream.take(Run::from(&bare), &mut out);
        }
        Outcome::Over(CloseReason::Reset(segment.direction))
    }

    /// Tells the other stream what this segment acknowledges.
    #[inline]
    fn acknowledgment<C: Consumer<State = S>>(
        &mut self,
        segment: &Segment<'_>,
        desk: &mut Desk<'_, C>,
    ) {
        let other = segment.direction.opposite();
        let next = self.streams[other.index()].next();
        let ahead = segment.acknowledgment.wrapping_sub(next).cast_signed();
        if segment.flags.ack() && ahead > 0 {
            let (stream, mut out) = self.outlet(other, desk);
            stream.acknowledged(segment.acknowledgment, segment.at, &mut out);
        }
    }

    /// The stream of one direction, and its way out.
    #[inline]
    fn outlet<'a, C: Consumer<State = S>>(
        &'a mut self,
        direction: Direction,
        desk: &'a mut Desk<'_, C>,
    ) -> (&'a mut Stream, Outlet<'a, C>) {
        let out = Outlet {
            consumer: desk.consumer,
            connection: &mut self.connection,
            state: &mut self.state,
            counters: desk.counters,
            limits: desk.limits,
            direction,
        };
        (&mut self.streams[direction.index()], out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::slots::Slot;

    #[test]
    fn an_idle_connection_takes_less_than_half_a_kibibyte() {
        // Beside the entry: its slot, and its place in the map at the lowest load, 7/16.
        let map_bytes = (size_of::<(u64, u32)>() + 1) * 16 / 7;
        let bytes = size_of::<Entry<()>>() + size_of::<Slot<()>>() + map_bytes;
        assert!(bytes <= 512, "{bytes}");
    }
}
