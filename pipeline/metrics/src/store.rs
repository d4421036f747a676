//! Sums of all workers: since the start for exporters, and of the last minute for surfaces.
//!
//! Takes rollups, resolves their ids through a [`Directory`] and folds processes into services.
//! Lives behind one lock that no worker takes. Views are built in [`snapshot`], series that nobody
//! feeds any more are dropped in [`expiry`].

mod expiry;
mod ring;
mod services;
mod slab;
mod snapshot;
mod totals;

use hashbrown::HashMap;
use model::rollup::KindCounts;
use model::{
    Cell, CellKey, Directory, EdgeHealth, EndpointId, EntityId, Names, ProtocolInfo, Rollup,
    ShortText, Timestamp,
};

use crate::red::ERROR_OTHER;
use ring::{Ring, Window};
use services::{ServiceSlot, Services};
use slab::Slab;

/// Bounds of a [`Store`]. What they refuse is counted in [`Store::overflow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoreLimits {
    /// Edge × endpoint × outcome series before new ones share one per server and outcome.
    pub series: usize,
    /// Services, peers known by address included, before new ones become `_other`.
    pub services: usize,
    /// Edges before new ones are counted as coming from `_other`.
    pub edges: usize,
    /// Endpoints of one service before new ones become `_other`.
    pub endpoints_per_service: u32,
    /// Distinct endpoint names of all services.
    pub names: usize,
    /// Length of the ring of recent windows in seconds.
    pub recent_s: u64,
    /// Memory of the ring; when it is full, the oldest windows go early.
    pub recent_bytes: usize,
    /// A series without an update for this long is dropped once one of its ends is gone.
    pub idle_s: u64,
}

impl Default for StoreLimits {
    fn default() -> Self {
        Self {
            series: 50_000,
            services: 10_000,
            edges: 20_000,
            endpoints_per_service: 1_000,
            names: 65_536,
            recent_s: 60,
            recent_bytes: 16 << 20,
            idle_s: 300,
        }
    }
}

/// A protocol as part of a key: equal if the names are.
#[derive(Clone, Copy, Debug)]
struct Protocol(&'static ProtocolInfo);

impl PartialEq for Protocol {
    fn eq(&self, other: &Self) -> bool {
        self.0.is(other.0)
    }
}

impl Eq for Protocol {}

impl std::hash::Hash for Protocol {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.name.hash(state);
    }
}

/// One client and one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct EdgeKey {
    client: ServiceSlot,
    server: ServiceSlot,
}

#[derive(Debug, Default)]
struct Edge {
    health: EdgeHealth,
    updated: Timestamp,
    /// Series that name this edge; it stays while there are any.
    series: u32,
}

/// One endpoint of a service, over all its clients and outcomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct RowKey {
    server: ServiceSlot,
    protocol: Protocol,
    endpoint: EndpointId,
}

#[derive(Debug, Default)]
struct Row {
    /// Series that name this row; it stays while there are any.
    series: u32,
}

/// As [`CellKey`], with services in place of entities and names of the store's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SeriesKey {
    row: RowKey,
    client: ServiceSlot,
    version: ShortText,
    status: ShortText,
    error_type: ShortText,
    failed: bool,
}

#[derive(Debug)]
struct Series {
    cell: Cell,
    row: u32,
    edge: u32,
    updated: Timestamp,
}

/// Adds up the rollups of all workers and answers questions about them.
#[derive(Debug)]
pub struct Store {
    limits: StoreLimits,
    services: Services,
    names: Names,
    edges: Slab<EdgeKey, Edge>,
    rows: Slab<RowKey, Row>,
    series: Slab<SeriesKey, Series>,
    /// Per worker, the store's id of each endpoint id of that worker.
    endpoints: Vec<Vec<EndpointId>>,
    ring: Ring,
    kinds: KindCounts,
    overflow: u64,
    expired: u64,
    began: Timestamp,
    latest: Timestamp,
    next_expiry: Timestamp,
}

impl Store {
    /// An empty store.
    pub fn new(mut limits: StoreLimits) -> Self {
        // The ring names series by slot: none may go while a window can still name it.
        limits.idle_s = limits.idle_s.max(limits.recent_s + 1);
        Self {
            services: Services::new(limits.services),
            names: Names::new(limits.names),
            edges: Slab::new(),
            rows: Slab::new(),
            series: Slab::new(),
            endpoints: Vec::new(),
            ring: Ring::new(limits.recent_s, limits.recent_bytes),
            kinds: KindCounts::default(),
            overflow: 0,
            expired: 0,
            began: Timestamp::UNKNOWN,
            latest: Timestamp::UNKNOWN,
            next_expiry: Timestamp::UNKNOWN,
            limits,
        }
    }

    /// Adds one window of one worker. Workers are numbered from 0; endpoint ids are each worker's
    /// own.
    pub fn add(&mut self, worker: usize, rollup: &Rollup, directory: &dyn Directory) {
        if self.began.is_unknown() || (!rollup.from.is_unknown() && rollup.from < self.began) {
            self.began = rollup.from;
        }
        self.latest = self.latest.max(rollup.at);
        self.kinds.merge(&rollup.kinds);
        self.overflow += rollup.overflow;
        self.learn_names(worker, &rollup.names);
        let mut window = self.ring.open(rollup.at);
        window.cover(worker, rollup.from, rollup.at);
        let mut resolved = HashMap::new();
        for ((client, server), health) in &rollup.edges {
            let client = self.service(*client, &mut resolved, directory);
            let server = self.service(*server, &mut resolved, directory);
            self.add_edge(client, server, health, &mut window);
        }
        for (key, cell) in &rollup.cells {
            let client = self.service(key.client, &mut resolved, directory);
            let server = self.service(key.server, &mut resolved, directory);
            self.add_cell(worker, (client, server), key, cell, &mut window);
        }
        self.ring.close(window);
        if self.latest >= self.next_expiry {
            self.expire(directory);
        }
    }

    /// Exchanges and connections that found no series of their own because a limit was reached.
    pub const fn overflow(&self) -> u64 {
        self.overflow + self.services.refused()
    }

    /// When the newest window closed.
    pub const fn latest(&self) -> Timestamp {
        self.latest
    }

    /// Series dropped because nobody fed them and one of their ends was gone.
    pub const fn expired(&self) -> u64 {
        self.expired
    }

    fn learn_names(&mut self, worker: usize, names: &[(EndpointId, String, String)]) {
        if self.endpoints.len() <= worker {
            self.endpoints.resize(worker + 1, Vec::new());
        }
        for (id, operation, target) in names {
            let known = &mut self.endpoints[worker];
            let index = id.0 as usize;
            if known.len() <= index {
                known.resize(index + 1, EndpointId::OTHER);
            }
            known[index] = self.names.intern(operation, target);
        }
    }

    /// The service of an entity, asked of the directory once per rollup.
    fn service(
        &mut self,
        id: EntityId,
        resolved: &mut HashMap<EntityId, ServiceSlot>,
        directory: &dyn Directory,
    ) -> ServiceSlot {
        let resolve = || self.services.resolve(id, self.latest, directory);
        *resolved.entry(id).or_insert_with(resolve)
    }

    fn add_edge(
        &mut self,
        client: ServiceSlot,
        server: ServiceSlot,
        health: &EdgeHealth,
        window: &mut Window,
    ) {
        self.services.add_connections(client, server, health);
        let slot = self.edge(client, server);
        self.edges.value_mut(slot).health.merge(health);
        window.edges.push((slot, *health));
    }

    /// The edge between two services, made if new.
    fn edge(&mut self, client: ServiceSlot, server: ServiceSlot) -> u32 {
        let mut key = EdgeKey { client, server };
        let mut slot = self.edges.find(&key);
        if slot.is_none() && self.edges.len() >= self.limits.edges {
            self.overflow += 1;
            key.client = ServiceSlot::OTHER;
            slot = self.edges.find(&key);
        }
        let slot = slot.unwrap_or_else(|| {
            self.services.hold(key.client);
            self.services.hold(key.server);
            self.edges.insert(key, Edge::default())
        });
        self.edges.value_mut(slot).updated = self.latest;
        slot
    }

    fn add_cell(
        &mut self,
        worker: usize,
        (client, server): (ServiceSlot, ServiceSlot),
        key: &CellKey,
        cell: &Cell,
        window: &mut Window,
    ) {
        let known = self.endpoints.get(worker);
        let endpoint = known.and_then(|ids| ids.get(key.endpoint.0 as usize));
        let key = SeriesKey {
            row: RowKey {
                server,
                protocol: Protocol(key.protocol),
                endpoint: endpoint.copied().unwrap_or(EndpointId::OTHER),
            },
            client,
            version: key.version,
            status: key.status,
            error_type: key.error_type,
            failed: key.failed,
        };
        let slot = self.series(key, cell.count);
        let series = self.series.value_mut(slot);
        series.cell.merge(cell);
        series.updated = self.latest;
        window.push_cell(slot, cell);
    }

    /// The series of this key, made if new, or the one that stands in for it.
    fn series(&mut self, mut key: SeriesKey, count: u64) -> u32 {
        if let Some(slot) = self.series.find(&key) {
            return slot;
        }
        let asked = key.row.endpoint;
        if self.series.len() >= self.limits.series {
            key = without_detail(key);
        } else if !self.admits(&key.row) {
            key.row.endpoint = EndpointId::OTHER;
        }
        if asked != EndpointId::OTHER && key.row.endpoint == EndpointId::OTHER {
            self.overflow += count;
        }
        if let Some(slot) = self.series.find(&key) {
            return slot;
        }
        let edge = self.edge(key.client, key.row.server);
        self.edges.value_mut(edge).series += 1;
        let row = self.row(key.row);
        self.rows.value_mut(row).series += 1;
        let series = Series { cell: Cell::default(), row, edge, updated: self.latest };
        self.services.speak(key.client, key.row.protocol.0);
        self.services.speak(key.row.server, key.row.protocol.0);
        self.series.insert(key, series)
    }

    /// True if the service has this endpoint or has room for one more.
    fn admits(&mut self, row: &RowKey) -> bool {
        row.endpoint == EndpointId::OTHER
            || self.rows.find(row).is_some()
            || self.services.rows(row.server) < self.limits.endpoints_per_service
    }

    fn row(&mut self, key: RowKey) -> u32 {
        if let Some(slot) = self.rows.find(&key) {
            return slot;
        }
        *self.services.rows_mut(key.server) += 1;
        self.rows.insert(key, Row::default())
    }
}

/// The key of the series that a full store shares among all clients and endpoints of one server.
fn without_detail(mut key: SeriesKey) -> SeriesKey {
    key.client = ServiceSlot::OTHER;
    key.row.endpoint = EndpointId::OTHER;
    key.version = ShortText::default();
    key.status = ShortText::default();
    if !key.error_type.is_empty() {
        key.error_type = ERROR_OTHER.into();
    }
    key
}

#[cfg(test)]
mod tests;
