//! A worker's own table of rate, errors and duration: exchanges in, one rollup a window out.
//!
//! No locks and no clock. A cell is made once a window for each edge, endpoint and outcome; after
//! that an exchange costs one comparison (the connection's hint) or one hash.

use hashbrown::{HashMap, HashSet};
use model::rollup::KindCounts;
use model::{
    Cell, CellKey, EdgeHealth, EndpointId, EntityId, Exchange, Ledger, Names, Rollup, ShortText,
    Timestamp,
};

use crate::sums::Sums;

/// What `error.type` says of an error without a name of its own (OpenTelemetry's fallback value).
pub(crate) const ERROR_OTHER: &str = "_OTHER";

/// Endpoint ids above this count as [`EndpointId::OTHER`]; [`Names::LIMIT`] is far below.
const ENDPOINT_IDS_MAX: u32 = 1 << 20;

/// Bounds of a [`Red`] within one window. What they refuse is counted in [`Rollup::overflow`].
#[derive(Clone, Copy, Debug)]
pub struct RedLimits {
    /// Cells before new ones share one per server and outcome. Beyond twice as many, they share
    /// one per protocol and outcome.
    pub cells: usize,
    /// Endpoints of one server before new ones become [`EndpointId::OTHER`].
    pub endpoints_per_server: u32,
    /// Edges before new ones share one between [`EntityId::OTHER`] and itself.
    pub edges: usize,
}

impl Default for RedLimits {
    fn default() -> Self {
        Self { cells: 20_000, endpoints_per_server: 1_000, edges: 20_000 }
    }
}

/// Where a connection's last exchange was counted. Keep one per connection, made by `default()`.
///
/// It is only a hint: a stale one, or one of another [`Red`], costs a look-up and does no harm.
#[derive(Clone, Copy, Debug, Default)]
pub struct CellHint {
    window: u32,
    slot: u32,
}

/// The counts of one worker in the window now open.
#[derive(Debug)]
pub struct Red {
    limits: RedLimits,
    /// Number of the window; starts at 1 so that a default hint is stale.
    window: u32,
    from: Timestamp,
    cells: Sums<CellKey, Cell>,
    edges: Sums<(EntityId, EntityId), EdgeHealth>,
    /// Endpoints met in this window, and how many each server has.
    endpoints: HashSet<(EntityId, EndpointId)>,
    endpoints_of: HashMap<EntityId, u32>,
    /// One bit per endpoint id whose name was handed on.
    named: Vec<u64>,
    fresh: Vec<EndpointId>,
    kinds: KindCounts,
    overflow: u64,
}

impl Red {
    /// An empty table.
    pub fn new(limits: RedLimits) -> Self {
        Self {
            limits,
            window: 1,
            from: Timestamp::UNKNOWN,
            cells: Sums::new(),
            edges: Sums::new(),
            endpoints: HashSet::new(),
            endpoints_of: HashMap::new(),
            named: Vec::new(),
            fresh: Vec::new(),
            kinds: KindCounts::default(),
            overflow: 0,
        }
    }

    /// Says when the first window begins. Without it, it begins with the first exchange.
    pub fn begin(&mut self, at: Timestamp) {
        self.from = at;
    }

    /// Counts one exchange. Only requests and one-way messages are RED; the rest is counted by
    /// kind.
    pub fn record(
        &mut self,
        hint: &mut CellHint,
        client: EntityId,
        server: EntityId,
        exchange: &Exchange,
    ) {
        self.record_alike(hint, client, server, exchange, 1);
    }

    /// Counts so many exchanges that are alike.
    pub fn record_alike(
        &mut self,
        hint: &mut CellHint,
        client: EntityId,
        server: EntityId,
        exchange: &Exchange,
        count: u64,
    ) {
        self.kinds.record(exchange.kind, count);
        if !exchange.kind.counts() {
            return;
        }
        let slot = match self.hinted(*hint, client, server, exchange) {
            Some(slot) => slot,
            None => {
                let slot = self.slot(client, server, exchange);
                *hint = CellHint { window: self.window, slot: slot as u32 };
                slot
            }
        };
        let (key, cell) = self.cells.entry_mut(slot);
        self.overflow += if key.endpoint == EndpointId::OTHER { count } else { 0 };
        cell.count += count;
        cell.request_bytes += exchange.request_bytes * count;
        cell.response_bytes += exchange.response_bytes * count;
        if let Some(duration_ns) = exchange.duration_ns {
            cell.duration.record_alike(duration_ns, count);
        }
    }

    /// The connection counters of one edge in this window.
    pub fn edge(&mut self, client: EntityId, server: EntityId) -> &mut EdgeHealth {
        let mut key = (client, server);
        let mut slot = self.edges.find(&key);
        if slot.is_none() && self.edges.len() >= self.limits.edges {
            self.overflow += 1;
            key = (EntityId::OTHER, EntityId::OTHER);
            slot = self.edges.find(&key);
        }
        let slot = slot.unwrap_or_else(|| self.edges.insert(key));
        &mut self.edges.entry_mut(slot).1
    }

    /// The byte account of one edge in this window.
    pub fn ledger(&mut self, client: EntityId, server: EntityId) -> &mut Ledger {
        &mut self.edge(client, server).ledger
    }

    /// Hands on the window that ends at `at` and opens the next. `names` is the worker's own.
    ///
    /// Each endpoint's name is handed on once, so a rollup must not be thrown away.
    pub fn close_window(&mut self, at: Timestamp, names: &Names) -> Rollup {
        let named = |id: EndpointId| {
            let (operation, target) = (names.operation(id), names.target(id));
            (id, operation.to_owned(), target.to_owned())
        };
        let rollup = Rollup {
            from: self.from,
            at,
            cells: self.cells.take(),
            edges: self.edges.take(),
            names: self.fresh.drain(..).map(named).collect(),
            kinds: std::mem::take(&mut self.kinds),
            overflow: std::mem::take(&mut self.overflow),
        };
        self.endpoints.clear();
        self.endpoints_of.clear();
        self.window = self.window.wrapping_add(1).max(1);
        self.from = at;
        rollup
    }

    /// The slot the hint names, if it is the cell of this exchange.
    fn hinted(
        &self,
        hint: CellHint,
        client: EntityId,
        server: EntityId,
        exchange: &Exchange,
    ) -> Option<usize> {
        if hint.window != self.window {
            return None;
        }
        let slot = hint.slot as usize;
        let (key, _) = self.cells.entry(slot)?;
        let same = key.client == client
            && key.server == server
            && key.endpoint == exchange.endpoint
            && key.protocol.is(exchange.protocol)
            && key.status == exchange.status.code
            && key.version == exchange.version
            && has_outcome(key, exchange);
        same.then_some(slot)
    }

    /// The slot of this exchange's cell, made if new, or of the cell that stands in for it.
    fn slot(&mut self, client: EntityId, server: EntityId, exchange: &Exchange) -> usize {
        let mut key = CellKey {
            client,
            server,
            protocol: exchange.protocol,
            version: exchange.version,
            endpoint: exchange.endpoint,
            status: exchange.status.code,
            error_type: error_type(exchange),
            failed: exchange.failed(),
        };
        if let Some(slot) = self.cells.find(&key) {
            return slot;
        }
        if !self.admits(&key) {
            key.endpoint = EndpointId::OTHER;
        }
        if self.cells.len() >= self.limits.cells {
            key = without_detail(key);
        }
        if self.cells.len() >= 2 * self.limits.cells {
            key.server = EntityId::OTHER;
        }
        if let Some(slot) = self.cells.find(&key) {
            return slot;
        }
        if self.from.is_unknown() {
            self.from = exchange.start;
        }
        self.announce(key.endpoint);
        self.cells.insert(key)
    }

    /// True if the server may have this endpoint in this window; counts it if it is new.
    fn admits(&mut self, key: &CellKey) -> bool {
        if key.endpoint.0 >= ENDPOINT_IDS_MAX {
            return false;
        }
        if self.endpoints.contains(&(key.server, key.endpoint)) {
            return true;
        }
        if self.cells.len() >= self.limits.cells {
            return false;
        }
        let known = self.endpoints_of.entry(key.server).or_default();
        if *known >= self.limits.endpoints_per_server {
            return false;
        }
        *known += 1;
        self.endpoints.insert((key.server, key.endpoint));
        true
    }

    /// Puts the endpoint's name on the list of this window if it was never handed on.
    fn announce(&mut self, endpoint: EndpointId) {
        let (word, bit) = ((endpoint.0 / 64) as usize, 1_u64 << (endpoint.0 % 64));
        if endpoint == EndpointId::OTHER {
            return;
        }
        if self.named.len() <= word {
            self.named.resize(word + 1, 0);
        }
        if let Some(bits) = self.named.get_mut(word)
            && *bits & bit == 0
        {
            *bits |= bit;
            self.fresh.push(endpoint);
        }
    }
}

/// The key of the cell that a full table shares among all clients and endpoints of one server.
fn without_detail(key: CellKey) -> CellKey {
    let error_type = if key.error_type.is_empty() { "" } else { ERROR_OTHER };
    CellKey {
        client: EntityId::OTHER,
        version: ShortText::default(),
        endpoint: EndpointId::OTHER,
        status: ShortText::default(),
        error_type: error_type.into(),
        ..key
    }
}

/// True if the cell counts exchanges that ended as this one did; quick where all went well.
fn has_outcome(key: &CellKey, exchange: &Exchange) -> bool {
    let status = &exchange.status;
    if exchange.incomplete.is_none() && !status.error && !status.client_error {
        return !key.failed && key.error_type.is_empty();
    }
    key.failed == exchange.failed() && key.error_type == error_type(exchange)
}

/// The `error_type` label of an exchange: empty on success, and never empty on an error.
fn error_type(exchange: &Exchange) -> ShortText {
    match exchange.error_type() {
        None => ShortText::default(),
        Some(name) if name.is_empty() => ERROR_OTHER.into(),
        Some(name) => name,
    }
}

#[cfg(test)]
mod tests;
