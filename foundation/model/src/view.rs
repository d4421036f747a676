//! Rows that surfaces show: what a person asked, answered. JSON names are those of `/api/v1`.

mod exchanges;
mod tls;

use serde::{Deserialize, Serialize};

pub use exchanges::{ExchangeRow, Exchanges, ExchangesAsked, TlsRow};
pub use tls::{KeyWay, TlsEngine, TlsProcess, TlsReport, TlsTerms};

use crate::entity::Entity;
use crate::health::TapHealth;
use crate::ledger::Ledger;

/// Rate, errors and duration of anything that has them, over the window asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Red {
    /// Exchanges in the window.
    pub count: u64,
    /// Failed ones.
    pub errors: u64,
    /// Exchanges a second.
    pub rate: f64,
    /// Failed share, 0 to 1.
    pub error_ratio: f64,
    /// Median duration in microseconds; `None` if no duration is known.
    pub p50_us: Option<f64>,
    /// 95th percentile in microseconds.
    pub p95_us: Option<f64>,
    /// 99th percentile in microseconds.
    pub p99_us: Option<f64>,
}

/// One service with what it served and what it asked of others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ServiceRow {
    /// Who.
    pub entity: Entity,
    /// Protocols it serves or speaks, ids of the contract.
    pub protocols: Vec<String>,
    /// As server.
    pub served: Red,
    /// As client.
    pub asked: Red,
    /// Bytes of its connections as server; of all its connections if it serves nothing.
    pub ledger: Ledger,
    /// Share of those bytes understood, 0 to 1.
    pub coverage: f64,
    /// Why those that are sealed are, most bytes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sealed: Vec<SealedRow>,
    /// Open connections as server.
    pub connections: u64,
    /// Its endpoints, busiest first, bounded.
    pub endpoints: Vec<EndpointRow>,
}

/// Sealed bytes of one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SealedRow {
    /// `no_key`, `engine_unknown`, `memory_not_readable`, `cipher_unsupported`, `budget`,
    /// `kernel_tls`, `started_before`, `key_lost` or `off`.
    pub reason: String,
    /// Bytes.
    pub bytes: u64,
}

/// One endpoint of a service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EndpointRow {
    /// Protocol id.
    pub protocol: String,
    /// The verb.
    pub operation: String,
    /// What it acts on; may be empty.
    pub target: String,
    /// RED.
    pub red: Red,
}

/// One client-server pair.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct EdgeRow {
    /// Service name of the client.
    pub client: String,
    /// Service name of the server.
    pub server: String,
    /// Protocol ids seen.
    pub protocols: Vec<String>,
    /// RED.
    pub red: Red,
    /// Mean smoothed round-trip time in microseconds; `None` if never sampled.
    pub rtt_us: Option<f64>,
    /// Mean SYN to ACK time in microseconds; `None` if never seen.
    pub connect_us: Option<f64>,
    /// Segments sent again.
    pub retransmits: u64,
    /// Connections ended by RST.
    pub resets: u64,
    /// Connections opened.
    pub opened: u64,
    /// Payload bytes in both directions.
    pub bytes: u64,
}

/// Everything a surface can show at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Snapshot {
    /// When it was taken, microseconds since the epoch.
    pub at_us: u64,
    /// Seconds the RED numbers cover.
    pub window_s: f64,
    /// Services, busiest first.
    pub services: Vec<ServiceRow>,
    /// Edges, busiest first.
    pub edges: Vec<EdgeRow>,
    /// Where every byte went since the start.
    pub ledger: Ledger,
    /// Taps, protocols and outputs.
    pub health: Vec<TapHealth>,
    /// What the agent itself used.
    pub agent: AgentCost,
}

/// What the agent itself uses and refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AgentCost {
    /// CPU seconds since the start.
    pub cpu_seconds: f64,
    /// Resident memory in bytes.
    pub memory_bytes: u64,
    /// Live connections.
    pub connections: u64,
    /// Tap events handled since the start.
    pub tap_events: u64,
    /// Payload bytes the tap saw.
    pub tap_bytes: u64,
    /// Payload bytes the tap lost.
    pub tap_lost: u64,
    /// Exchanges that found no cell of their own.
    pub cardinality_overflow: u64,
    /// Cores the agent may use over a minute; 0 is no limit.
    #[serde(default)]
    pub cpu_limit_cores: f64,
    /// Bytes copied of each turn now; lower than what was set while the agent is near its limit.
    #[serde(default)]
    pub turn_budget_bytes: u64,
    /// HTTP clients that were answered 503.
    #[serde(default)]
    pub http_refused: u64,
}

/// What is on, off or refused, and what the agent itself uses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HealthReport {
    /// When the sums were last added to, microseconds since the epoch.
    pub at_us: u64,
    /// Taps, protocols and outputs, one line each.
    pub health: Vec<TapHealth>,
    /// What the agent itself uses and refuses.
    pub agent: AgentCost,
}

/// The forms in which `/metrics` can be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricsForm {
    /// The Prometheus text format 0.0.4.
    Text,
    /// OpenMetrics 1.0.
    OpenMetrics,
    /// Prometheus protobuf, with native histograms.
    Protobuf,
}

impl MetricsForm {
    /// All, the one for clients that say nothing first.
    pub const ALL: [Self; 3] = [Self::Text, Self::OpenMetrics, Self::Protobuf];

    /// What HTTP calls it.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Protobuf => {
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; \
                 encoding=delimited"
            }
        }
    }
}

/// The questions a surface may ask. The agent answers from its store.
pub trait Query: Send + Sync {
    /// The picture over about the last `window_s` seconds; 0 means since the start.
    fn snapshot(&self, window_s: f64) -> Snapshot;
    /// The same without the picture, for whoever asks how the agent is: costs next to nothing.
    fn health(&self) -> HealthReport;
    /// Every TLS engine of the scope, and how its secrets are had.
    fn tls(&self) -> TlsReport;
    /// Exchanges as they happen. Whoever asks at least every few seconds is shown all of them, as
    /// far as they fit in the ring; before that, there are samples only, and the first answer waits
    /// a moment until everything is kept. Never holds up a worker.
    fn exchanges(&self, asked: &ExchangesAsked) -> Exchanges;
    /// `/metrics` in one of its forms.
    fn metrics(&self, form: MetricsForm) -> Vec<u8>;
    /// True once every tap that can attach is attached.
    fn ready(&self) -> bool;
}
