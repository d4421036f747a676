//! The last way through TLS: no key was found, and the process that calls the TLS library is
//! probed.
//!
//! What its calls had goes to the dissector of their connection, in the place of what the opener
//! would have opened. The account stays that of the wire: sealed bytes count as read as far as
//! plaintext of them was told, and the rest of them, record heads and tags among it, stays sealed.

use std::collections::HashMap;
use std::sync::Arc;

use connections::Connection;
use dissect::Dissector;
use model::{Chunk, Content, Ledger, MissingReason, Outcome, Plaintext, Sealed, Timestamp};

use super::asking::client;
use super::sealed::said;
use super::{Stages, State, Worker, ports};

/// Processes remembered that tell of plaintext; beyond this all are forgotten, and connections of
/// theirs count as begun before.
const CALLERS_MAX: usize = 1_024;

/// Since when which process tells of plaintext.
#[derive(Debug, Default)]
pub(super) struct Callers(HashMap<u32, Timestamp>);

/// A connection of which a process tells.
pub(super) struct Hooked {
    /// Which: the one at the other end would tell the same again.
    pid: u32,
    /// How much of each direction it has told of.
    told: [Option<u64>; 2],
    /// What the dissector has booked of bytes that the wire has not shown yet.
    ahead: Ledger,
}

/// How what is told stands to what was told before.
enum Place {
    /// So many bytes are missing between.
    After(u64),
    /// The count began anew.
    Elsewhere,
}

impl Callers {
    /// When the process first told of plaintext; now, if this is the first time.
    fn since(&mut self, pid: u32, now: Timestamp) -> Timestamp {
        if self.0.len() >= CALLERS_MAX && !self.0.contains_key(&pid) {
            self.0.clear();
        }
        *self.0.entry(pid).or_insert(now)
    }
}

impl Hooked {
    fn new(pid: u32, from_start: bool) -> Self {
        let told = if from_start { [Some(0); 2] } else { [None; 2] };
        Self { pid, told, ahead: Ledger::default() }
    }

    fn place(&mut self, plaintext: &Plaintext<'_>) -> Place {
        let told = &mut self.told[plaintext.direction.index()];
        let before = told.replace(plaintext.before + u64::from(plaintext.length));
        match plaintext.before.checked_sub(before.unwrap_or(plaintext.before)) {
            Some(missing) => Place::After(missing),
            None => {
                self.told[plaintext.direction.opposite().index()] = None;
                Place::Elsewhere
            }
        }
    }

    /// Puts what the dissector has booked in the place of as many sealed bytes of the wire. Gives
    /// what is covered; the rest waits for the wire to tell of it.
    pub(super) fn cover(&mut self, wire: &mut Ledger, clear: Ledger) -> Ledger {
        self.ahead += clear;
        let mut covered = Ledger::default();
        let mut room = wire.sealed.min(self.ahead.seen);
        for outcome in Outcome::ALL {
            let bytes = self.ahead.get(outcome).min(room);
            covered.book(outcome, bytes);
            covered.seen += bytes;
            room -= bytes;
        }
        self.ahead = self.ahead.since(&covered);
        wire.sealed -= covered.seen;
        wire.seen -= covered.seen;
        covered
    }
}

impl Worker {
    /// Takes what a call of a TLS library had.
    pub(crate) fn plaintext(&mut self, plaintext: &Plaintext<'_>) {
        self.table.visit(plaintext.connection, &mut self.stages, |stages, connection, state| {
            stages.take_plaintext(connection, state, plaintext);
        });
    }
}

impl Stages {
    fn take_plaintext(
        &mut self,
        connection: &Connection,
        state: &mut State,
        plaintext: &Plaintext<'_>,
    ) {
        let since = self.callers.since(plaintext.pid, plaintext.at);
        let Some(tls) = &mut state.tls else { return };
        // What a key opens is had at the price of the wire alone.
        if tls.opener.has_opened() {
            return;
        }
        if tls.hooked.is_none() {
            let from_start =
                plaintext.before == 0 && since < tls.began && connection.from_start == [true; 2];
            self.begin_hooked(connection, state, plaintext.pid, from_start);
        }
        let hooked = state.tls.as_mut().and_then(|tls| tls.hooked.as_mut());
        let Some(hooked) = hooked.filter(|hooked| hooked.pid == plaintext.pid) else { return };
        match hooked.place(plaintext) {
            Place::After(0) => {}
            Place::After(bytes) => {
                let lost = Content::Missing { bytes, reason: MissingReason::Lost };
                self.show(connection, state, plaintext, lost);
            }
            // Nobody knows how much was missed: what follows is read as from the middle.
            Place::Elsewhere => self.dissect_anew(connection, state, false),
        }
        let (length, payload) = (u64::from(plaintext.length), plaintext.payload);
        if !payload.is_empty() {
            self.show(connection, state, plaintext, Content::Bytes(payload));
        }
        // Of a call only the first bytes are copied, on purpose.
        let reason = match payload {
            [] => MissingReason::Lost,
            _ => MissingReason::Skipped,
        };
        let bytes = length.saturating_sub(payload.len() as u64);
        if bytes > 0 {
            self.show(connection, state, plaintext, Content::Missing { bytes, reason });
        }
    }

    fn show(
        &mut self,
        connection: &Connection,
        state: &mut State,
        plaintext: &Plaintext<'_>,
        content: Content<'_>,
    ) {
        let chunk = Chunk { direction: plaintext.direction, at: plaintext.at, content };
        self.dissect(connection, state, |dissector, output, counters| {
            dissector.chunk(&chunk, output, counters);
        });
    }

    /// The first plaintext of a connection: no key is waited for any more.
    #[cold]
    fn begin_hooked(
        &mut self,
        connection: &Connection,
        state: &mut State,
        pid: u32,
        from_start: bool,
    ) {
        let Some(tls) = &mut state.tls else { return };
        let Some(reason) = tls.opener.why_sealed() else { return };
        // What was booked so far was sealed before anybody told of it.
        let before = tls.opener.take_ledger();
        tls.before += before;
        tls.opener.give_up(reason);
        tls.row = Some(Arc::new(said(tls.opener.facts())));
        tls.hooked = Some(Hooked::new(pid, from_start));
        tls.told.sealed = true;
        if !std::mem::replace(&mut tls.told.opened, true) {
            self.census.opened(tls.opener.owners());
        }
        self.dissect_anew(connection, state, from_start);
    }

    /// Nothing will open the connection: the processes at its ends may be asked.
    #[cold]
    pub(super) fn despair(
        &mut self,
        connection: &Connection,
        owners: [u32; 2],
        reason: Sealed,
        at_last: bool,
    ) {
        // The server's end first: it has more connections than this one.
        let client = client(connection);
        let both = [client.opposite(), client].map(|way| owners[way.index()]);
        self.census.despair(both, reason, at_last);
    }

    #[cold]
    fn dissect_anew(&mut self, connection: &Connection, state: &mut State, from_start: bool) {
        let Some(tls) = &mut state.tls else { return };
        let client = tls.opener.client().or(state.dissector.client()).or(connection.initiator);
        let inner = Dissector::new(client, ports(connection), from_start);
        let mut old = std::mem::replace(&mut state.dissector, inner);
        if let Some(hooked) = &mut tls.hooked {
            hooked.ahead += old.take_ledger();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{ConnectionId, Direction};

    fn told(direction: Direction, before: u64, length: u32) -> Plaintext<'static> {
        let at = Timestamp(1);
        let connection = ConnectionId(1);
        Plaintext { connection, direction, at, pid: 7, before, length, payload: &[] }
    }

    fn missing(hooked: &mut Hooked, plaintext: &Plaintext<'_>) -> Option<u64> {
        match hooked.place(plaintext) {
            Place::After(bytes) => Some(bytes),
            Place::Elsewhere => None,
        }
    }

    #[test]
    fn what_was_not_told_is_counted_and_a_new_count_is_a_new_start() {
        let (forward, backward) = (Direction::Forward, Direction::Backward);
        let mut hooked = Hooked::new(7, false);
        assert_eq!(missing(&mut hooked, &told(forward, 100, 10)), Some(0), "from the middle");
        assert_eq!(missing(&mut hooked, &told(forward, 110, 10)), Some(0));
        assert_eq!(missing(&mut hooked, &told(forward, 150, 10)), Some(30));
        assert_eq!(missing(&mut hooked, &told(backward, 5, 5)), Some(0));
        assert_eq!(missing(&mut hooked, &told(forward, 0, 10)), None);
        assert_eq!(missing(&mut hooked, &told(backward, 0, 5)), Some(0), "it began anew as well");
        let mut whole = Hooked::new(7, true);
        assert_eq!(missing(&mut whole, &told(forward, 20, 10)), Some(20));
    }

    #[test]
    fn no_more_is_read_than_was_sealed_and_no_byte_is_counted_twice() {
        let mut hooked = Hooked::new(7, true);
        let wire = |sealed| Ledger { seen: sealed, sealed, ..Ledger::default() };
        let clear = Ledger { seen: 100, parsed: 90, skipped: 10, ..Ledger::default() };
        let mut seen = wire(60);
        let covered = hooked.cover(&mut seen, clear);
        assert_eq!((seen.seen, covered.seen, covered.parsed), (0, 60, 60));
        let mut seen = wire(66);
        let covered = hooked.cover(&mut seen, Ledger::default());
        assert_eq!((covered.parsed, covered.skipped, seen.sealed), (30, 10, 26));
        assert!(covered.adds_up() && seen.adds_up());
        let mut seen = wire(5);
        assert_eq!(hooked.cover(&mut seen, Ledger::default()), Ledger::default());
        assert_eq!(seen, wire(5));
    }
}
