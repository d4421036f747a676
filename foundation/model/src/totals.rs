//! Sums since the start, as exporters read them.

use crate::entity::Entity;
use crate::exchange::ProtocolInfo;
use crate::ledger::Ledger;
use crate::rollup::{Cell, EdgeHealth, KindCounts};

/// Everything counted since the start, to be walked by an exporter.
///
/// The store implements it; exporters know nothing else of the store.
pub trait Totals {
    /// Exchanges per edge, endpoint and outcome, in no particular order.
    fn calls<'a>(&'a self) -> Box<dyn Iterator<Item = CallTotal<'a>> + 'a>;
    /// Connections per edge, in no particular order.
    fn edges<'a>(&'a self) -> Box<dyn Iterator<Item = EdgeTotal<'a>> + 'a>;
    /// Where the bytes of each service's connections as server went. Together: every byte seen.
    fn ledgers<'a>(&'a self) -> Box<dyn Iterator<Item = (&'a Entity, &'a Ledger)> + 'a>;
    /// Exchanges of every kind.
    fn kinds(&self) -> KindCounts;
    /// Exchanges and connections that found no series of their own because a limit was reached.
    fn overflow(&self) -> u64;
}

/// The exchanges of one edge, endpoint and outcome.
#[derive(Clone, Copy, Debug)]
pub struct CallTotal<'a> {
    /// Who asked.
    pub client: &'a Entity,
    /// Who answered.
    pub server: &'a Entity,
    /// In which protocol.
    pub protocol: &'static ProtocolInfo,
    /// Protocol version; may be empty.
    pub version: &'a str,
    /// The verb.
    pub operation: &'a str,
    /// What it acts on; may be empty.
    pub target: &'a str,
    /// Status code; empty if not known.
    pub status: &'a str,
    /// `error.type`; empty on success.
    pub error_type: &'a str,
    /// True if RED counts it as failed; a client's error has an error type and has not failed.
    pub failed: bool,
    /// The numbers.
    pub cell: &'a Cell,
}

/// The connections of one edge.
#[derive(Clone, Copy, Debug)]
pub struct EdgeTotal<'a> {
    /// Who asked.
    pub client: &'a Entity,
    /// Who answered.
    pub server: &'a Entity,
    /// The numbers.
    pub health: &'a EdgeHealth,
}
