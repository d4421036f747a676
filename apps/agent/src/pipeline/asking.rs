//! Sealed connections are reported to the key scan, and what it finds is handed to them.

use connections::Connection;
use decrypt::search::{Opens, Sample};
use model::{Direction, Timestamp};

use super::sealed::Tls;
use super::{Stages, State, Worker, ports};
use crate::keyscan::{KeyScan, Report, Verdict};

/// How often a connection is reported while it stays sealed.
const INTERVAL_NS: u64 = 300_000_000;
/// Reports to the first process, before the one at the other end is asked as well.
const FIRST_REPORTS: u32 = 4;

/// When a connection was reported.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Asked {
    last: Timestamp,
    times: u32,
    /// Directions that had records to show.
    ways: usize,
    /// Nobody was known to ask.
    in_vain: bool,
}

impl Asked {
    /// True if it is time for another report, or the last one showed one direction only.
    const fn is_due(self, now: Timestamp) -> bool {
        self.ways < 2 || now.since_ns(self.last) >= INTERVAL_NS
    }

    /// Which of so many processes to ask: the first, and all in turn if that does not help.
    const fn whom(self, processes: usize) -> usize {
        if self.times <= FIRST_REPORTS { 0 } else { self.times as usize % processes }
    }
}

impl Stages {
    /// Reports a connection again whose owner was not known when its bytes came, or that still
    /// waits.
    pub(super) fn ask_once_more(
        &mut self,
        connection: &Connection,
        state: &mut State,
        now: Timestamp,
    ) {
        // Packets of QUIC wait for a while, and nothing more may come of them.
        let is_due = match &state.tls {
            Some(tls) => tls.asked.in_vain,
            None => state.quic_asked.in_vain || self.quic.waits(state),
        };
        if is_due {
            self.ask_for_keys(connection, state, now);
        }
    }

    /// Reports a connection that waits for a key, if it has records to prove one on.
    pub(super) fn ask_for_keys(
        &mut self,
        connection: &Connection,
        state: &mut State,
        now: Timestamp,
    ) {
        let Some(scan) = &self.key_scan else { return };
        if let Some(tls) = &mut state.tls {
            if tls.opener.why_sealed().is_some() && tls.asked.is_due(now) {
                let samples = tls.opener.samples();
                self.report(scan, connection, &mut tls.asked, samples, now);
                // The search may be through before the next tick, and what it finds is of this
                // connection alone: a probe has the secrets of all that follow.
                if tls.asked.times == 1 {
                    self.census.ask_owners(tls.opener.owners());
                }
            }
        } else if self.quic.waits(state) && state.quic_asked.is_due(now) {
            let samples = self.quic.samples(state, connection);
            self.report(scan, connection, &mut state.quic_asked, samples, now);
        }
    }

    fn report(
        &self,
        scan: &KeyScan,
        connection: &Connection,
        asked: &mut Asked,
        samples: Vec<Sample>,
        now: Timestamp,
    ) {
        let is_old = now.since_ns(asked.last) >= INTERVAL_NS;
        if samples.is_empty() || (!is_old && samples.len() <= asked.ways) {
            return;
        }
        let times = asked.times + u32::from(is_old);
        // A server has more connections, and all of them are searched for at once.
        let server = client(connection).opposite();
        let ends = [server, server.opposite()];
        let pids: Vec<u32> =
            ends.iter().filter_map(|way| self.takers.resolver.process(connection, *way)).collect();
        *asked = Asked { last: now, times, ways: samples.len(), in_vain: pids.is_empty() };
        match pids.get(asked.whom(pids.len().max(1))) {
            Some(pid) => scan.report(Report { pid: *pid, samples }),
            None => self.takers.resolver.met_stranger(),
        }
    }
}

/// The direction in which the client sends. Of a connection that was there before, the lower port
/// is the server's.
pub(super) fn client(connection: &Connection) -> Direction {
    let [forward, backward] = ports(connection);
    let by_port = if forward < backward { Direction::Backward } else { Direction::Forward };
    connection.initiator.unwrap_or(by_port)
}

impl Worker {
    /// Looks for keys in memory from now on.
    pub(crate) fn search_keys(&mut self, scan: KeyScan) {
        self.stages.key_scan = Some(scan);
    }

    /// The search for keys, if there is one.
    pub(crate) const fn key_scan(&self) -> Option<&KeyScan> {
        self.stages.key_scan.as_ref()
    }

    /// Takes what the search has found since the last call.
    pub(crate) fn take_keys(&mut self) {
        while let Some(verdict) = self.key_scan().and_then(KeyScan::verdict) {
            let id = match &verdict {
                Verdict::Found(found) => found.connection,
                Verdict::Sealed { connection, .. } => *connection,
            };
            self.table.visit(id, &mut self.stages, |stages, connection, state| {
                stages.take_key(connection, state, &verdict);
            });
        }
    }
}

impl Stages {
    fn take_key(&mut self, connection: &Connection, state: &mut State, verdict: &Verdict) {
        match verdict {
            Verdict::Found(found) if matches!(found.opens, Opens::Quic { .. }) => {
                self.take_quic_key(connection, state, found, client(connection));
            }
            Verdict::Found(found) => self.open(connection, state, |opener, keyring, clear| {
                opener.accept(found, keyring, clear);
            }),
            Verdict::Sealed { .. } if state.tls.is_none() => self.quic.dismiss(state),
            Verdict::Sealed { direction, why, .. } => {
                self.ask_what_hinders(connection, state);
                // A probe may have brought its secrets meanwhile.
                self.open(connection, state, |opener, keyring, clear| {
                    opener.tick(Timestamp::UNKNOWN, keyring, clear);
                });
                let is_sealed = |tls: &Tls| {
                    tls.opener.samples().iter().any(|sample| sample.direction == *direction)
                };
                if let Some(tls) = &mut state.tls
                    && is_sealed(tls)
                {
                    tls.opener.give_up(*why);
                }
            }
        }
    }
}
