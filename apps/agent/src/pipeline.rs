//! The page to read first: how the stages are put together.
//!
//! ```text
//! tap ─TapEvent─▶ connections::Table ─Chunk─▶ dissect::Dissector ─Exchange─▶ metrics::Red
//!                        │                        │    ▲            │            │ once a second
//!                        │                     TLS▼    │in clear    │            ▼
//!                        │                  decrypt::Opener   outputs::jsonl   Rollup ─▶ store
//!                 entities::Directory (once per connection)
//! ```
//! One [`Worker`] owns all of it for its share of the connections and runs it by plain calls: no
//! lock, no channel and no allocation lies between a packet and its cell. What leaves the worker is
//! a closed window of sums, and exchanges only while somebody wants them as lines.

use std::sync::Arc;
use std::time::Duration;

use connections::{Connection, Consumer, Limits, Table};
use decrypt::Keyring;
use dissect::{AddressNamed, Dissector, Output, Sink, Transport};
use entities::Directory;
use metrics::{CellHint, Red, RedLimits};
use model::view::TlsRow;
use model::{
    Chunk, CloseReason, Direction, Endpoints, EntityId, Exchange, Ledger, Names, Rollup, Secret,
    TapEvent, Timestamp,
};

use crate::feed::{Block, Feed};
use crate::keyscan::KeyScan;
use crate::lines::{Ends, Lines};
use crate::resolve::{End, Resolver};
use crate::steer::{Steered, Steerer};

mod asking;
mod census;
mod hindered;
mod hooked;
mod quic;
mod sealed;

use asking::Asked;
use census::Census;
pub(crate) use census::{Count, Taken};
pub(crate) use hindered::Hindrance;
use hooked::Callers;
use quic::Quic;
use sealed::Tls;

/// A request without an answer for this long is reported as timed out. Long polls and blocking
/// commands wait for about a minute by habit.
const UNANSWERED_MAX: Duration = Duration::from_secs(120);

/// A connection without news is told of once in so many ticks: about once a minute while it rests,
/// well within the time after which the store drops an edge.
const SILENT_TICKS_MAX: u8 = 2;

/// One worker: a share of the connections through every stage.
pub(crate) struct Worker {
    table: Table<Stages>,
    stages: Stages,
}

/// What stands behind the connections table.
pub(crate) struct Stages {
    names: Names,
    takers: Takers,
    steerer: Steerer,
    counters: dissect::Counters,
    /// `None`: TLS is not looked into.
    keyring: Option<Keyring>,
    census: Census,
    hindrances: hindered::Hindrances,
    quic: Quic,
    key_scan: Option<KeyScan>,
    callers: Callers,
    raw: bool,
}

/// Who takes exchanges, and says whose they are.
struct Takers {
    red: Red,
    resolver: Resolver,
    lines: Option<Lines>,
    feed: Option<Feed>,
    live: bool,
}

/// What the later stages keep per connection.
pub(crate) struct State {
    dissector: Dissector,
    /// What opens the bytes before the dissector sees them.
    tls: Option<Box<Tls>>,
    /// The QUIC connections between these addresses.
    quic: decrypt::quic::Flow,
    quic_asked: Asked,
    /// Who sends in each direction.
    ends: [End; 2],
    /// How often they were looked up again.
    attempts: u8,
    hint: CellHint,
    steered: Steered,
    /// What of the connection's health the edge has been told already.
    told: Told,
}

#[derive(Clone, Copy, Default)]
struct Told {
    bytes: [u64; 2],
    retransmits: u32,
    rtt_us: u32,
    /// Where the opening was counted; the end is counted there too.
    edge: Option<(EntityId, EntityId)>,
    /// Ticks since there was anything to tell.
    silent: u8,
}

impl Worker {
    /// A worker without connections. `lines` takes every exchange as JSON; `raw` adds wire names.
    pub(crate) fn new(
        limits: Limits,
        directory: Arc<Directory>,
        live: bool,
        steerer: Steerer,
        lines: Option<Lines>,
        raw: bool,
        keyring: Option<Keyring>,
    ) -> Self {
        let stages = Stages {
            names: Names::new(Names::LIMIT),
            takers: Takers {
                red: Red::new(RedLimits::default()),
                resolver: Resolver::new(directory, live),
                lines,
                feed: None,
                live,
            },
            steerer,
            counters: dissect::Counters::default(),
            keyring,
            census: Census::default(),
            hindrances: hindered::Hindrances::default(),
            quic: Quic::default(),
            key_scan: None,
            callers: Callers::default(),
            raw,
        };
        Self { table: Table::new(limits), stages }
    }

    /// Keeps exchanges for readers from now on.
    pub(crate) fn show_to(&mut self, feed: Feed) {
        self.stages.takers.feed = Some(feed);
    }

    /// Says when the first window begins.
    pub(crate) fn begin(&mut self, at: Timestamp) {
        self.stages.takers.red.begin(at);
    }

    /// Takes one event of the tap through all stages.
    #[inline]
    pub(crate) fn event(&mut self, event: TapEvent<'_>) {
        match &event {
            TapEvent::Secret(secret) => self.secret(secret),
            TapEvent::Plaintext(plaintext) => self.plaintext(plaintext),
            _ => self.table.event(event, &mut self.stages),
        }
    }

    /// Keeps a secret for the connection that it opens.
    pub(crate) fn secret(&mut self, secret: &Secret<'_>) {
        if let Some(keyring) = &mut self.stages.keyring {
            keyring.add(secret);
        }
    }

    /// Lets time pass: timeouts, sweeps, upkeep of a share of the connections.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        if let Some(keyring) = &mut self.stages.keyring {
            keyring.tick(now);
        }
        self.table.tick(now, &mut self.stages);
        self.stages.tick_lines();
    }

    /// What readers are shown next; asked for once a tick.
    pub(crate) fn block(&mut self) -> Option<Block> {
        let Stages { takers: Takers { feed, resolver, .. }, names, .. } = &mut self.stages;
        feed.as_mut()?.tick(names, resolver)
    }

    /// Hands on the sums of the window that ends at `at`.
    pub(crate) fn close_window(&mut self, at: Timestamp) -> Rollup {
        self.stages.takers.red.close_window(at, &self.stages.names)
    }

    /// The tap has no more: everything held and pending is booked and emitted.
    pub(crate) fn finish(&mut self, at: Timestamp) -> Rollup {
        self.table.finish(at, &mut self.stages);
        if let Some(lines) = &mut self.stages.takers.lines {
            lines.be_patient();
        }
        // Lines are held for two ticks at most.
        self.stages.tick_lines();
        self.stages.tick_lines();
        self.close_window(at)
    }

    /// Books bytes that no connection of the table stands for.
    pub(crate) fn book(&mut self, client: EntityId, server: EntityId, ledger: Ledger) {
        *self.stages.takers.red.ledger(client, server) += ledger;
    }

    /// Live connections.
    pub(crate) fn connections(&self) -> usize {
        self.table.len()
    }

    /// What the table did, refused and ignored.
    pub(crate) fn connection_counters(&self) -> connections::Counters {
        *self.table.counters()
    }

    /// What the opener of QUIC did and refused.
    pub(crate) const fn quic_counters(&self) -> decrypt::quic::Counters {
        self.stages.quic.counters()
    }

    /// What the dissectors did besides exchanges.
    pub(crate) const fn dissect_counters(&self) -> dissect::Counters {
        self.stages.counters
    }
}

impl Consumer for Stages {
    type State = State;

    fn opened(&mut self, connection: &Connection) -> State {
        let (initiator, ports) = (connection.initiator, ports(connection));
        let dissector = match transport(connection) {
            Transport::Stream => {
                let stream = Dissector::new(initiator, ports, connection.from_start == [true; 2]);
                if self.keyring.is_some() { stream.handing_over() } else { stream }
            }
            datagrams @ (Transport::Datagram | Transport::Multicast) => {
                Dissector::datagrams(datagrams, initiator, ports)
            }
        };
        State {
            dissector,
            tls: None,
            quic: decrypt::quic::Flow::default(),
            quic_asked: Asked::default(),
            ends: self.ends(connection),
            attempts: 0,
            hint: CellHint::default(),
            steered: Steered::default(),
            told: Told::default(),
        }
    }

    #[inline]
    fn chunk(&mut self, connection: &Connection, state: &mut State, chunk: Chunk<'_>) {
        if state.tls.is_some() {
            self.open_chunk(connection, state, &chunk);
            self.ask_for_keys(connection, state, chunk.at);
        } else if connection.protocol == 6 || !self.quic_chunk(connection, state, &chunk) {
            self.dissect(connection, state, |dissector, output, counters| {
                dissector.chunk(&chunk, output, counters);
            });
            if state.dissector.is_sealed() {
                self.begin_tls(connection, state, &chunk);
            }
        }
        if connection.protocol != 6 {
            self.ask_for_keys(connection, state, chunk.at);
        }
        let wants = self.quic.wants(state).unwrap_or_else(|| state.wants(chunk.direction));
        let wants = (wants, state.framing());
        self.steerer.after_chunk(connection, wants, &mut state.steered, chunk.direction);
    }

    fn updated(&mut self, connection: &Connection, state: &mut State) {
        if let Some(initiator) = connection.initiator {
            state.dissector.opened_by(initiator, connection.from_start == [true; 2]);
        }
        state.ends = self.takers.resolver.again(connection, state.ends);
        self.learn_owners(connection, state);
    }

    fn tick(&mut self, connection: &Connection, state: &mut State, now: Timestamp) {
        self.ask_what_hinders(connection, state);
        self.open(connection, state, |opener, keyring, clear| opener.tick(now, keyring, clear));
        self.ask_once_more(connection, state, now);
        self.tick_quic(connection, state, now);
        let before = Timestamp(now.0.saturating_sub(UNANSWERED_MAX.as_nanos() as u64));
        self.dissect(connection, state, |dissector, output, _| dissector.expire(before, output));
        if self.takers.resolver.is_unsure(state.ends, state.attempts) {
            state.attempts += 1;
            state.ends = self.takers.resolver.again(connection, state.ends);
            self.learn_owners(connection, state);
            if !state.ends.iter().any(|end| end.is_local) {
                self.takers.resolver.met_stranger();
            }
        }
        self.tell(connection, state);
    }

    fn is_at_rest(&self, state: &State) -> bool {
        state.dissector.is_at_rest()
    }

    fn is_waiting(&self, state: &State) -> bool {
        state.holds_sealed() || self.quic.waits(state)
    }

    fn closed(
        &mut self,
        connection: &Connection,
        mut state: State,
        reason: CloseReason,
        at: Timestamp,
    ) {
        self.ask_what_hinders(connection, &mut state);
        self.open(connection, &mut state, |opener, keyring, clear| opener.close(keyring, clear));
        self.close_quic(connection, &mut state, reason, at);
        self.dissect(connection, &mut state, |dissector, output, _| {
            dissector.close(reason, at, output);
        });
        self.end_tls(connection, &mut state, reason);
        self.tell(connection, &mut state);
        self.steerer.forget(connection, &state.steered);
        let asking = asking(connection, &state);
        let (client, server) = state.told.edge.unwrap_or(parties(state.ends, asking));
        let edge = self.takers.red.edge(client, server);
        edge.closed += 1;
        edge.failed += u64::from(connection.protocol == 6 && !connection.established);
        edge.resets += u64::from(matches!(reason, CloseReason::Reset(_)));
    }
}

impl Stages {
    fn ends(&self, connection: &Connection) -> [End; 2] {
        Direction::BOTH.map(|way| self.takers.resolver.end(connection, way))
    }

    /// Runs the dissector; what it finds is counted in the cell of its edge, and written as lines.
    #[inline]
    fn dissect(
        &mut self,
        connection: &Connection,
        state: &mut State,
        run: impl FnOnce(&mut Dissector, &mut Output<'_>, &mut dissect::Counters),
    ) {
        let mut found = self.takers.found(
            connection,
            (&mut state.ends, &mut state.hint),
            state.tls.as_ref().and_then(|tls| tls.row()),
        );
        let mut output = Output::new(&mut self.names, self.raw, &mut found);
        run(&mut state.dissector, &mut output, &mut self.counters);
    }

    fn tick_lines(&mut self) {
        if let Some(lines) = &mut self.takers.lines {
            lines.tick(&self.names, &self.takers.resolver);
        }
    }

    /// Tells the edge what is new about the connection: bytes, their account, TCP health.
    fn tell(&mut self, connection: &Connection, state: &mut State) {
        let asking = asking(connection, state);
        let (client, server) = parties(state.ends, asking);
        let mut ledger = state.dissector.take_ledger();
        if let Some(tls) = &mut state.tls {
            ledger = tls.take_ledger(ledger);
        }
        ledger += state.quic.take_ledger();
        let sealed = self.sealed(connection, state, ledger.sealed);
        let (health, told) = (&connection.health, &mut state.told);
        let is_news = ledger.seen > 0
            || health.bytes != told.bytes
            || health.rtt_us.is_some_and(|rtt_us| rtt_us != told.rtt_us);
        // An idle connection keeps its edge alive, once in a while.
        told.silent = if is_news { 0 } else { told.silent + 1 };
        if !is_news && told.edge.is_some() && !told.silent.is_multiple_of(SILENT_TICKS_MAX) {
            return;
        }
        told.silent %= SILENT_TICKS_MAX;
        let is_forward = asking == Direction::Forward;
        let fresh = [health.bytes[0] - told.bytes[0], health.bytes[1] - told.bytes[1]];
        let retransmits = health.retransmits[0] + health.retransmits[1];
        let edge = self.takers.red.edge(client, server);
        edge.ledger += ledger;
        edge.sealed += sealed;
        edge.client_bytes += fresh[usize::from(!is_forward)];
        edge.server_bytes += fresh[usize::from(is_forward)];
        edge.retransmits += u64::from(retransmits.saturating_sub(told.retransmits));
        if let Some(rtt_us) = health.rtt_us
            && rtt_us != told.rtt_us
        {
            edge.rtt_sum_us += u64::from(rtt_us);
            edge.rtt_count += 1;
            told.rtt_us = rtt_us;
        }
        if told.edge.is_none() {
            told.edge = Some((client, server));
            edge.opened += 1;
            if let Some(connect_us) = health.connect_us {
                edge.connect_sum_us += u64::from(connect_us);
                edge.connect_count += 1;
            }
        }
        told.bytes = health.bytes;
        told.retransmits = retransmits;
    }
}

impl Takers {
    /// The way to them for the exchanges of one connection.
    #[inline]
    fn found<'a>(
        &'a mut self,
        connection: &'a Connection,
        (ends, hint): (&'a mut [End; 2], &'a mut CellHint),
        tls: Option<&'a Arc<TlsRow>>,
    ) -> Found<'a> {
        Found { takers: self, connection, ends, hint, tls }
    }
}

/// Where the exchanges of one connection go.
struct Found<'a> {
    takers: &'a mut Takers,
    connection: &'a Connection,
    ends: &'a mut [End; 2],
    hint: &'a mut CellHint,
    /// What the connection's TLS was found to be.
    tls: Option<&'a Arc<TlsRow>>,
}

impl Sink for Found<'_> {
    fn exchange(&mut self, exchange: &Exchange, client: Direction, names: &Names) {
        self.exchanges(exchange, 1, client, names);
    }

    fn exchanges(&mut self, exchange: &Exchange, count: u64, client: Direction, names: &Names) {
        let (ends, live) = (*self.ends, self.takers.live);
        let (asks, answers) = parties(ends, client);
        self.takers.red.record_alike(self.hint, asks, answers, exchange, count);
        let ends = || Ends::new(self.connection, client, ends, live, self.tls);
        for _ in 0..count {
            if let Some(feed) = &mut self.takers.feed {
                feed.see(exchange, ends);
            }
            if let Some(lines) = &mut self.takers.lines {
                lines.write(exchange, names, ends(), &self.takers.resolver);
            }
        }
    }

    fn address_named(&mut self, named: &AddressNamed<'_>, client: Direction) {
        self.takers.resolver.address_named(named, self.ends[client.index()]);
    }

    fn server_named(&mut self, name: &str, client: Direction) {
        let server = client.opposite();
        let end = &mut self.ends[server.index()];
        *end = self.takers.resolver.server_named(self.connection, server, *end, name);
    }
}

/// The direction in which the client sends; if nobody knows, one is as good as the other.
fn asking(connection: &Connection, state: &State) -> Direction {
    state.dissector.client().or(connection.initiator).unwrap_or(Direction::Forward)
}

/// Names of client and server.
fn parties(ends: [End; 2], client: Direction) -> (EntityId, EntityId) {
    (ends[client.index()].as_client, ends[client.opposite().index()].as_server)
}

/// How the bytes of the connection travel.
fn transport(connection: &Connection) -> Transport {
    let is_group = |ends: Endpoints| {
        [ends.source, ends.destination].iter().any(|end| end.ip().to_canonical().is_multicast())
    };
    if connection.protocol == 6 {
        Transport::Stream
    } else if connection.endpoints.is_some_and(is_group) {
        Transport::Multicast
    } else {
        Transport::Datagram
    }
}

/// Ports of the Forward and the Backward sender.
fn ports(connection: &Connection) -> [u16; 2] {
    connection.endpoints.map_or([0; 2], |ends| [ends.source.port(), ends.destination.port()])
}
