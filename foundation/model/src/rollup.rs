//! Sums over one time window, per edge and endpoint.

use crate::entity::EntityId;
use crate::exchange::ProtocolInfo;
use crate::histogram::Histogram;
use crate::ledger::Ledger;
use crate::names::EndpointId;
use crate::short_text::ShortText;
use crate::time::Timestamp;

/// What one cell counts: one edge, one endpoint, one outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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

/// Count and duration of the exchanges of one [`CellKey`] in one window.
#[derive(Clone, Debug, Default)]
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

/// Health of the connections of one edge in one window.
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
}

/// What a worker hands on when a window closes. The numbers are of this window only.
#[derive(Debug, Default)]
pub struct Rollup {
    /// When the window closed.
    pub at: Timestamp,
    /// RED.
    pub cells: Vec<(CellKey, Cell)>,
    /// TCP health per (client, server).
    pub edges: Vec<((EntityId, EntityId), EdgeHealth)>,
    /// Bytes per server entity.
    pub ledgers: Vec<(EntityId, Ledger)>,
    /// Endpoint names first used in this window: id, operation, target.
    pub names: Vec<(EndpointId, String, String)>,
    /// Exchanges that found no cell because a limit was reached.
    pub overflow: u64,
}
