//! The way through QUIC: datagrams are opened, and the streams in them shown in clear.

use std::collections::HashMap;
use std::sync::Arc;

use connections::Connection;
use decrypt::quic::{Datagram, Flow, Handle, News, Opener, Tell, may_begin};
use decrypt::search::{Found, Sample};
use decrypt::{Keyring, Sources};
use dissect::{Output, Sink, Streams, Wants};
use model::view::TlsRow;
use model::{
    Chunk, CloseReason, Content, Direction, Ledger, MissingReason, Outcome, Sealed, Timestamp,
};

use super::asking::Asked;
use super::sealed::{exchange, said};
use super::{Stages, State, UNANSWERED_MAX};

/// The QUIC connections of a worker: they may go on between other addresses.
pub(super) struct Quic {
    opener: Opener,
    read: HashMap<Handle, Read>,
    /// Of nobody: QUIC that is not to be opened is still told from what is unknown.
    no_keys: Keyring,
}

/// A connection whose streams are read.
struct Read {
    streams: Streams,
    row: Arc<TlsRow>,
}

impl Default for Quic {
    fn default() -> Self {
        let (opener, read) = (Opener::default(), HashMap::new());
        Self { opener, read, no_keys: Keyring::new(Sources::None) }
    }
}

impl Quic {
    /// What was done and refused.
    pub(super) const fn counters(&self) -> decrypt::quic::Counters {
        self.opener.counters()
    }

    /// How much is worth copying, if there is QUIC between these addresses.
    #[inline]
    pub(super) fn wants(&self, state: &State) -> Option<Wants> {
        let is_sealed = || self.opener.is_sealed(&state.quic);
        if !state.quic.is_quic() {
            return state.quic.is_suspected().then_some(Wants::Everything);
        }
        Some(if is_sealed() { Wants::Nothing } else { Wants::Everything })
    }

    /// True if keys are wanted for what passes, or may pass, between these addresses.
    pub(super) fn waits(&self, state: &State) -> bool {
        state.quic.is_suspected() || self.opener.waits(&state.quic)
    }

    /// Packets to prove keys on.
    pub(super) fn samples(&self, state: &State, connection: &Connection) -> Vec<Sample> {
        self.opener.samples(&state.quic, connection.id)
    }

    /// No key was found for what may be QUIC between these addresses.
    pub(super) fn dismiss(&mut self, state: &mut State) {
        if !state.quic.is_quic() {
            self.opener.dismiss(&mut state.quic);
        }
    }
}

impl Stages {
    /// Takes a datagram, or the news of one. False: it is not of QUIC.
    #[inline]
    pub(super) fn quic_chunk(
        &mut self,
        connection: &Connection,
        state: &mut State,
        chunk: &Chunk<'_>,
    ) -> bool {
        let is_quic = state.quic.is_quic();
        let bytes = match chunk.content {
            Content::Bytes(bytes) => bytes,
            Content::Missing { bytes, reason } if is_quic => {
                let mut ledger = Ledger::default();
                let outcome = match reason {
                    MissingReason::Lost => Outcome::Lost,
                    // Not copied because it is sealed.
                    MissingReason::Skipped if self.quic.opener.is_sealed(&state.quic) => {
                        Outcome::Sealed
                    }
                    MissingReason::Skipped => Outcome::Skipped,
                };
                ledger.book(outcome, bytes);
                state.quic.book(ledger);
                return true;
            }
            Content::Missing { .. } | Content::End => return is_quic,
        };
        let datagram = Datagram {
            flow: connection.id,
            direction: chunk.direction,
            at: chunk.at,
            bytes,
            pids: connection.owners.map(|owner| owner.map_or(0, |owner| owner.pid)),
        };
        // Most datagrams are not of QUIC, and are told by their first bytes. Others may be of a
        // connection that was between other addresses before, or that was there before the agent.
        let is_known = state.dissector.protocol().is_some();
        if !is_quic && !may_begin(bytes) && (is_known || self.quic.opener.is_empty()) {
            if is_known {
                self.quic.opener.dismiss(&mut state.quic);
            } else if self.key_scan.is_some() {
                self.quic.opener.suspect(&mut state.quic, &datagram);
            }
            return false;
        }
        let is_taken = self.open_quic(
            connection,
            state,
            CloseReason::Finished,
            |opener, flow, keyring, tell| opener.datagram(flow, &datagram, keyring, tell),
        );
        if !is_taken && !may_begin(bytes) && self.key_scan.is_some() {
            self.quic.opener.suspect(&mut state.quic, &datagram);
        }
        is_taken
    }

    pub(super) fn tick_quic(&mut self, connection: &Connection, state: &mut State, now: Timestamp) {
        self.quic.opener.doubt(&mut state.quic, now);
        if !state.quic.is_quic() {
            return;
        }
        let home = connection.id;
        self.open_quic(connection, state, CloseReason::Finished, |opener, flow, keyring, tell| {
            opener.tick(flow, home, now, keyring, tell);
            true
        });
        if self.quic.opener.waits(&state.quic) {
            self.census.ask_owners(self.takers.resolver.owners(connection));
        }
        let before = Timestamp(now.0.saturating_sub(UNANSWERED_MAX.as_nanos() as u64));
        for handle in state.quic.connections() {
            if self.quic.opener.is_at_home(*handle, home)
                && let Some(read) = self.quic.read.get_mut(handle)
            {
                let mut found = self.takers.found(
                    connection,
                    (&mut state.ends, &mut state.hint),
                    Some(&read.row),
                );
                let mut output = Output::new(&mut self.names, self.raw, &mut found);
                read.streams.expire(before, &mut output);
            }
        }
    }

    /// Takes keys that were found in memory.
    pub(super) fn take_quic_key(
        &mut self,
        connection: &Connection,
        state: &mut State,
        found: &Found,
        client: Direction,
    ) {
        // The next connection between these addresses may be asked for at once.
        state.quic_asked = Asked::default();
        self.open_quic(connection, state, CloseReason::Finished, |opener, flow, keyring, tell| {
            opener.accept(flow, found, client, keyring, tell);
            true
        });
    }

    pub(super) fn close_quic(
        &mut self,
        connection: &Connection,
        state: &mut State,
        reason: CloseReason,
        at: Timestamp,
    ) {
        if state.quic.is_quic() {
            let home = connection.id;
            self.open_quic(connection, state, reason, |opener, flow, keyring, tell| {
                opener.close(flow, home, at, keyring, tell);
                true
            });
        }
        self.quic.opener.dismiss(&mut state.quic);
    }

    /// Runs the opener; what it opens goes to the streams of its connection.
    fn open_quic(
        &mut self,
        connection: &Connection,
        state: &mut State,
        reason: CloseReason,
        run: impl FnOnce(&mut Opener, &mut Flow, &mut Keyring, &mut Tell<'_>) -> bool,
    ) -> bool {
        let Quic { opener, read, no_keys } = &mut self.quic;
        let is_on = self.keyring.is_some();
        let keyring = self.keyring.as_mut().unwrap_or(no_keys);
        let (mut booked, mut client) = (Ledger::default(), None);
        let is_taken = run(opener, &mut state.quic, keyring, &mut |handle, news| {
            let row = read.get(&handle).map(|read| read.row.clone());
            // Only what is counted by process asks whose it is: that may be a search.
            let owners = match news {
                News::Shaken(..) | News::Agreed { .. } | News::Closed { .. } => {
                    self.takers.resolver.owners(connection)
                }
                News::Named(..) | News::Moved(_) | News::Chunk(_) => [0; 2],
            };
            let mut found =
                self.takers.found(connection, (&mut state.ends, &mut state.hint), row.as_ref());
            if let News::Shaken(facts, handshake) = news {
                if !is_on {
                    return;
                }
                self.census.agreed(owners, handshake.client, facts);
                let row = Arc::new(said(facts));
                found.tls = Some(&row);
                let made = (&mut self.names, self.raw);
                let exchange = exchange(handshake, &row, Some(reason), made);
                found.exchange(&exchange, handshake.client, &self.names);
                return;
            }
            let mut output = Output::new(&mut self.names, self.raw, &mut found);
            match news {
                News::Agreed { client: way, .. } => {
                    client = Some(way);
                    self.census.opened(owners);
                }
                News::Named(_, way) | News::Moved(way) => client = Some(way),
                News::Closed { is_sealed: true, .. } if is_on => {
                    let reason =
                        self.hindrances.of(connection.endpoints, owners).unwrap_or(Sealed::NoKey);
                    self.census.sealed(owners, reason);
                }
                News::Shaken(..) | News::Chunk(_) | News::Closed { .. } => {}
            }
            booked += hear(read, handle, news, reason, &mut output);
        });
        for handle in state.quic.connections() {
            if let Some(read) = read.get_mut(handle) {
                booked += read.streams.take_ledger();
            }
        }
        state.quic.book(booked);
        if let Some(client) = client {
            state.dissector.opened_by(client, true);
        }
        is_taken
    }
}

/// Passes on what is told of a connection. Gives what was booked of one that is over.
fn hear(
    read: &mut HashMap<Handle, Read>,
    handle: Handle,
    news: News<'_>,
    reason: CloseReason,
    output: &mut Output<'_>,
) -> Ledger {
    match news {
        News::Named(name, client) => output.server_named(name, client),
        News::Shaken(..) => {}
        News::Agreed { facts, protocol, client, is_older } => {
            // Of early data the name is that which the client offers.
            let row = Arc::new(TlsRow { alpn: protocol.to_owned(), ..said(facts) });
            let streams = Streams::new(client, protocol.as_bytes(), !is_older);
            read.insert(handle, Read { streams, row });
        }
        News::Moved(client) => {
            if let Some(read) = read.get_mut(&handle) {
                read.streams.turn(client);
            }
        }
        News::Chunk(chunk) => {
            if let Some(read) = read.get_mut(&handle) {
                read.streams.chunk(chunk, output);
            }
        }
        News::Closed { at, .. } => {
            if let Some(mut read) = read.remove(&handle) {
                read.streams.close(reason, at, output);
                return read.streams.take_ledger();
            }
        }
    }
    Ledger::default()
}
