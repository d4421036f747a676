//! The regular walk over all connections, a bounded part at a time.

use model::Timestamp;

use crate::consumer::Consumer;
use crate::entry::{Desk, Outcome};
use crate::limits::Limits;
use crate::table::Table;

/// Where the walk stands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sweep {
    now: Timestamp,
    position: usize,
    /// Visits owed, in visits times [`Limits::sweep_ns`].
    owed: u128,
    /// By slot: until when its connection rests. Kept apart from the connections, so that passing
    /// over a hundred thousand of them touches none.
    rests: Vec<Timestamp>,
}

impl Sweep {
    /// The latest time a tick has told.
    pub(crate) const fn now(&self) -> Timestamp {
        self.now
    }

    /// The connection of this slot is not visited before then, unless it is woken.
    fn rest(&mut self, slot: u32, until: Timestamp) {
        let slot = slot as usize;
        if slot >= self.rests.len() {
            self.rests.resize(slot + 1, Timestamp(0));
        }
        if let Some(rest) = self.rests.get_mut(slot) {
            *rest = until;
        }
    }

    /// The connection of this slot is visited in its turn again.
    pub(crate) fn wake(&mut self, slot: u32) {
        if let Some(rest) = self.rests.get_mut(slot as usize) {
            *rest = Timestamp(0);
        }
    }

    fn is_resting(&self, slot: u32, now: Timestamp) -> bool {
        self.rests.get(slot as usize).is_some_and(|&until| now < until)
    }

    /// How many of `count` slots are to be visited now so that each is visited once in
    /// [`Limits::sweep_ns`], as far as one call may.
    fn share(&mut self, now: Timestamp, count: usize, limits: &Limits) -> usize {
        let elapsed_ns =
            if self.now.is_unknown() { limits.sweep_ns } else { now.since_ns(self.now) };
        self.now = self.now.max(now);
        self.owed += u128::from(elapsed_ns) * count as u128;
        let sweep_ns = u128::from(limits.sweep_ns.max(1));
        let due = self.owed / sweep_ns;
        let most = bounded(count, limits);
        if due > most as u128 {
            self.owed = 0;
            return most;
        }
        self.owed -= due * sweep_ns;
        due as usize
    }

    fn advance(&mut self, count: usize) -> usize {
        let position = if self.position < count { self.position } else { 0 };
        self.position = position + 1;
        position
    }
}

/// How many of `count` one call may look at.
fn bounded(count: usize, limits: &Limits) -> usize {
    count.min(limits.sweep_connections.max(count / 10))
}

impl<C: Consumer> Table<C> {
    /// Lets time pass: visits a part of the connections, gives up holes and connections that are
    /// too old, and lets the consumer look at the others.
    ///
    /// Call it ten times a second of the events' time or more often; one call does a tenth of the
    /// table at most. Called less often, each connection is visited less often. One that has been
    /// silent for a while rests: it is visited once in [`Limits::rest_ns`], until it speaks.
    pub fn tick(&mut self, now: Timestamp, consumer: &mut C) {
        self.forget_closed(now);
        let count = self.slots.count();
        for _ in 0..self.sweep.share(now, count, &self.limits) {
            let slot = self.sweep.advance(count) as u32;
            if self.sweep.is_resting(slot, now) {
                continue;
            }
            let Some(entry) = self.slots.live_mut(slot) else {
                continue;
            };
            let mut desk = Desk { limits: &self.limits, counters: &mut self.counters, consumer };
            if let Outcome::Over(reason) = entry.visit(now, &mut desk) {
                self.close(slot, reason, now, consumer);
            } else if !consumer.is_waiting(&entry.state)
                && let Some(until) = entry.rest(now, &self.limits)
            {
                self.sweep.rest(slot, until);
            }
        }
    }

    /// Forgets connections that were closed long ago.
    fn forget_closed(&mut self, now: Timestamp) {
        for _ in 0..bounded(self.closing.len(), &self.limits) {
            let limit_ns = self.limits.closing_ns;
            let is_over = |&&(_, at): &&(u32, Timestamp)| now.since_ns(at) > limit_ns;
            let Some(&oldest) = self.closing.front().filter(is_over) else {
                return;
            };
            self.closing.pop_front();
            self.forget(oldest);
        }
    }
}
