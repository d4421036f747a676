//! Sums over one time window, per edge and endpoint.

use std::hash::{Hash, Hasher};

use crate::entity::EntityId;
use crate::exchange::{Kind, ProtocolInfo};
use crate::histogram::Histogram;
use crate::ledger::Ledger;
use crate::names::EndpointId;
use crate::sealed::SealedBytes;
use crate::short_text::ShortText;
use crate::time::Timestamp;

/// What one cell counts: one edge, one endpoint, one outcome.
#[derive(Clone, Copy, Debug)]
pub struct CellKey {
    /// Who asked.
    pub client: EntityId,
    /// Who answered.
    pub server: EntityId,
    /// In which protocol.
    pub protocol: &'static ProtocolInfo,
    /// Protocol version; may be empty.
    pub version: ShortText,
    /// Operation and target.
    pub endpoint: EndpointId,
    /// Status code; empty if not known.
    pub status: ShortText,
    /// `error.type`; empty on success.
    pub error_type: ShortText,
    /// True if RED counts it as failed.
    pub failed: bool,
}

impl PartialEq for CellKey {
    fn eq(&self, other: &Self) -> bool {
        self.client == other.client
            && self.server == other.server
            && self.endpoint == other.endpoint
            && self.protocol.is(other.protocol)
            && self.failed == other.failed
            && self.status == other.status
            && self.error_type == other.error_type
            && self.version == other.version
    }
}

impl Eq for CellKey {}

impl Hash for CellKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let ends = u64::from(self.client.0) << 32 | u64::from(self.server.0);
        ends.hash(state);
        (u64::from(self.endpoint.0) << 1 | u64::from(self.failed)).hash(state);
        self.protocol.name.hash(state);
        // The error type follows from the status nearly always, and the version hardly varies:
        // equality looks at both, the hash need not.
        self.status.hash(state);
    }
}

/// Count and duration of the exchanges of one [`CellKey`] in one window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Exchanges; those without a known duration included.
    pub count: u64,
    /// Durations.
    pub duration: Histogram,
    /// Request bytes.
    pub request_bytes: u64,
    /// Response bytes.
    pub response_bytes: u64,
}

impl Cell {
    /// Adds every count of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.duration.merge(&other.duration);
        self.request_bytes += other.request_bytes;
        self.response_bytes += other.response_bytes;
    }
}

/// Health of the connections of one edge in one window, and where their bytes went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EdgeHealth {
    /// Connections opened.
    pub opened: u64,
    /// Connections closed, for whatever reason.
    pub closed: u64,
    /// Connections that ended before they were established.
    pub failed: u64,
    /// Connections ended by RST.
    pub resets: u64,
    /// Segments sent again.
    pub retransmits: u64,
    /// Sum of the last smoothed round-trip times, in microseconds.
    pub rtt_sum_us: u64,
    /// How many round-trip samples are in `rtt_sum_us`.
    pub rtt_count: u64,
    /// Sum of SYN to ACK times, in microseconds.
    pub connect_sum_us: u64,
    /// How many connects are in `connect_sum_us`.
    pub connect_count: u64,
    /// Payload bytes from client to server.
    pub client_bytes: u64,
    /// Payload bytes from server to client.
    pub server_bytes: u64,
    /// Where the payload bytes of both directions went.
    pub ledger: Ledger,
    /// Why those that are sealed are.
    pub sealed: SealedBytes,
}

impl EdgeHealth {
    /// Adds every count of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.opened += other.opened;
        self.closed += other.closed;
        self.failed += other.failed;
        self.resets += other.resets;
        self.retransmits += other.retransmits;
        self.rtt_sum_us += other.rtt_sum_us;
        self.rtt_count += other.rtt_count;
        self.connect_sum_us += other.connect_sum_us;
        self.connect_count += other.connect_count;
        self.client_bytes += other.client_bytes;
        self.server_bytes += other.server_bytes;
        self.ledger += other.ledger;
        self.sealed += other.sealed;
    }
}

/// How many exchanges of each [`Kind`] there were, in the order of [`Kind::ALL`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KindCounts(pub [u64; Kind::ALL.len()]);

impl KindCounts {
    /// Counts so many of one kind.
    pub fn record(&mut self, kind: Kind, count: u64) {
        self.0[kind as usize] += count;
    }

    /// Adds every count of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (into, from) in self.0.iter_mut().zip(other.0) {
            *into += from;
        }
    }

    /// Every kind with its count.
    pub fn iter(&self) -> impl Iterator<Item = (Kind, u64)> + '_ {
        Kind::ALL.into_iter().zip(self.0)
    }
}

/// What a worker hands on when a window closes. The numbers are of this window only.
#[derive(Debug, Default)]
pub struct Rollup {
    /// When the window began; unknown if nothing happened before it closed.
    pub from: Timestamp,
    /// When the window closed.
    pub at: Timestamp,
    /// RED.
    pub cells: Vec<(CellKey, Cell)>,
    /// TCP health and ledger per (client, server).
    pub edges: Vec<((EntityId, EntityId), EdgeHealth)>,
    /// Endpoint names first used in this window: id, operation, target.
    pub names: Vec<(EndpointId, String, String)>,
    /// Exchanges of every kind, those that RED does not count included.
    pub kinds: KindCounts,
    /// Exchanges and connections that found no cell of their own because a limit was reached.
    pub overflow: u64,
}
