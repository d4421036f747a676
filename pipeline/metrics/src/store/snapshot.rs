//! The picture of one moment, for surfaces.
//!
//! Two passes over the series, or over the windows asked for: the first sums up services and edges
//! and counts endpoints, the second fills the durations of the endpoints that will be shown.

use model::histogram::Buckets;
use model::view::{EdgeRow, EndpointRow, Red, SealedRow, ServiceRow, Snapshot};
use model::{Directory, EdgeHealth, Entity, Ledger, ProtocolInfo, Sealed, SealedBytes};

use super::ring::Window;
use super::services::{Service, ServiceKey, ServiceSlot};
use super::{EdgeKey, RowKey, Series, SeriesKey, Store};

/// Endpoints shown per service.
const ENDPOINTS_MAX: usize = 50;

/// A rate is not computed over less time than this.
const SPAN_MIN_S: f64 = 0.001;

/// Count, errors and durations of one line of the picture.
#[derive(Clone, Debug, Default)]
struct Tally {
    count: u64,
    errors: u64,
    durations: Buckets,
}

impl Tally {
    fn add(&mut self, count: u64, failed: bool) {
        self.count += count;
        if failed {
            self.errors += count;
        }
    }

    fn merge(&mut self, other: &Self) {
        self.count += other.count;
        self.errors += other.errors;
        self.durations.merge(&other.durations);
    }

    fn red(&self, span_s: f64) -> Red {
        let quantiles = self.durations.quantiles_ns([0.5, 0.95, 0.99]);
        let [p50, p95, p99] = match quantiles {
            Some(values) => values.map(|ns| Some(ns / 1_000.0)),
            None => [None; 3],
        };
        let count = self.count as f64;
        Red {
            count: self.count,
            errors: self.errors,
            rate: count / span_s.max(SPAN_MIN_S),
            error_ratio: self.errors as f64 / count.max(1.0),
            p50_us: p50,
            p95_us: p95,
            p99_us: p99,
        }
    }
}

/// Durations as the store holds them: whole since the start, or packed in a window.
#[derive(Clone, Copy)]
enum Durations<'a> {
    Whole(&'a Buckets),
    Packed(&'a [(i32, u32)]),
}

impl Durations<'_> {
    fn add_to(self, sum: &mut Buckets) {
        match self {
            Self::Whole(buckets) => sum.merge(buckets),
            Self::Packed(buckets) => {
                for (index, count) in buckets {
                    sum.add(*index, u64::from(*count));
                }
            }
        }
    }
}

/// Which part of the past a picture shows.
#[derive(Clone, Copy)]
enum Past<'a> {
    Whole,
    Recent(&'a [&'a Window]),
}

/// The sums of a picture, by slot.
struct Sums {
    served: Vec<Tally>,
    asked: Vec<Tally>,
    edges: Vec<Tally>,
    edge_health: Vec<EdgeHealth>,
    edge_protocols: Vec<Vec<&'static ProtocolInfo>>,
    rows: Vec<Tally>,
    served_bytes: Vec<Ledger>,
    asked_bytes: Vec<Ledger>,
    served_sealed: Vec<SealedBytes>,
    asked_sealed: Vec<SealedBytes>,
}

impl Sums {
    fn edge(&self, slot: u32) -> (&Tally, &EdgeHealth) {
        let index = slot as usize;
        (&self.edges[index], &self.edge_health[index])
    }
}

/// An endpoint that will be shown.
#[derive(Clone, Copy)]
struct ShownRow {
    server: ServiceSlot,
    row: u32,
}

impl Store {
    /// The picture over about the last `window_s` seconds; 0 means since the start.
    ///
    /// A window longer than the ring gives what the ring has; [`Snapshot::window_s`] says how much.
    /// `health` and the agent's cost, overflow excepted, are left for the caller to fill.
    pub fn snapshot(&self, window_s: f64, directory: &dyn Directory) -> Snapshot {
        let windows: Vec<&Window>;
        let (past, span_s) = if window_s > 0.0 {
            let (chosen, covered_s) = self.ring.last(window_s);
            windows = chosen.collect();
            (Past::Recent(&windows), covered_s)
        } else {
            let known = !self.began.is_unknown();
            let span_ns = if known { self.latest.since_ns(self.began) } else { 0 };
            (Past::Whole, span_ns as f64 / 1e9)
        };
        let mut sums = self.sum_up(past);
        let shown = self.busiest_rows(&sums.rows);
        self.fill_rows(past, &shown, &mut sums.rows);
        let mut snapshot = Snapshot {
            at_us: self.latest.as_micros(),
            window_s: span_s,
            services: self.service_rows(&sums, &shown, span_s, directory),
            edges: self.edge_rows(&sums, span_s),
            ledger: self.ledger(),
            ..Snapshot::default()
        };
        snapshot.agent.cardinality_overflow = self.overflow();
        snapshot
    }

    /// Where every byte went since the start.
    pub fn ledger(&self) -> Ledger {
        let mut sum = Ledger::default();
        for (_, _, service) in self.services.slab.iter() {
            sum += service.served;
        }
        sum
    }

    /// Calls `see` with every count of that part of the past.
    fn each_count(
        &self,
        past: Past<'_>,
        mut see: impl FnMut(&SeriesKey, &Series, u64, Durations<'_>),
    ) {
        match past {
            Past::Whole => {
                for (_, key, series) in self.series.iter() {
                    let durations = Durations::Whole(series.cell.duration.exponential());
                    see(key, series, series.cell.count, durations);
                }
            }
            Past::Recent(windows) => {
                for (cell, buckets) in windows.iter().flat_map(|w| w.cells()) {
                    if let Some((key, series)) = self.series.get(cell.series) {
                        see(key, series, cell.count, Durations::Packed(buckets));
                    }
                }
            }
        }
    }

    fn sum_up(&self, past: Past<'_>) -> Sums {
        let (services, edges) = (self.services.slab.slots(), self.edges.slots());
        let mut sums = Sums {
            served: vec![Tally::default(); services],
            asked: vec![Tally::default(); services],
            edges: vec![Tally::default(); edges],
            edge_health: vec![EdgeHealth::default(); edges],
            edge_protocols: vec![Vec::new(); edges],
            rows: vec![Tally::default(); self.rows.slots()],
            served_bytes: vec![Ledger::default(); services],
            asked_bytes: vec![Ledger::default(); services],
            served_sealed: vec![SealedBytes::default(); services],
            asked_sealed: vec![SealedBytes::default(); services],
        };
        self.each_count(past, |key, series, count, durations| {
            let edge = series.edge as usize;
            sums.edges[edge].add(count, key.failed);
            durations.add_to(&mut sums.edges[edge].durations);
            sums.rows[series.row as usize].add(count, key.failed);
            let protocols = &mut sums.edge_protocols[edge];
            if !protocols.iter().any(|known| known.is(key.row.protocol.0)) {
                protocols.push(key.row.protocol.0);
            }
        });
        // What a service served and asked is what its edges carried.
        for (slot, key, _) in self.edges.iter() {
            let edge = &sums.edges[slot as usize];
            sums.served[key.server.index()].merge(edge);
            sums.asked[key.client.index()].merge(edge);
        }
        match past {
            Past::Whole => {
                for (slot, _, edge) in self.edges.iter() {
                    sums.edge_health[slot as usize] = edge.health;
                }
                for (slot, _, service) in self.services.slab.iter() {
                    sums.served_bytes[slot as usize] = service.served;
                    sums.asked_bytes[slot as usize] = service.asked;
                }
            }
            Past::Recent(windows) => {
                for (slot, health) in windows.iter().flat_map(|w| &w.edges) {
                    if let Some((key, _)) = self.edges.get(*slot) {
                        sums.edge_health[*slot as usize].merge(health);
                        sums.served_bytes[key.server.index()] += health.ledger;
                        sums.asked_bytes[key.client.index()] += health.ledger;
                    }
                }
            }
        }
        for (slot, key, _) in self.edges.iter() {
            let sealed = sums.edge_health[slot as usize].sealed;
            sums.served_sealed[key.server.index()] += sealed;
            sums.asked_sealed[key.client.index()] += sealed;
        }
        sums
    }

    /// The endpoints to show: by service, busiest first, at most [`ENDPOINTS_MAX`] of each.
    fn busiest_rows(&self, tallies: &[Tally]) -> Vec<ShownRow> {
        let mut rows: Vec<(RowKey, u64, u32)> = self
            .rows
            .iter()
            .map(|(slot, key, _)| (*key, tallies[slot as usize].count, slot))
            .filter(|(_, count, _)| *count > 0)
            .collect();
        rows.sort_unstable_by(|(a, a_count, _), (b, b_count, _)| {
            let by_count = a.server.cmp(&b.server).then(b_count.cmp(a_count));
            by_count.then_with(|| self.row_name(a).cmp(&self.row_name(b)))
        });
        let by_server = rows.chunk_by(|(a, ..), (b, ..)| a.server == b.server);
        by_server
            .flat_map(|rows| rows.iter().take(ENDPOINTS_MAX))
            .map(|(key, _, row)| ShownRow { server: key.server, row: *row })
            .collect()
    }

    fn row_name(&self, key: &RowKey) -> (&str, &str, &str) {
        let (operation, target) =
            (self.names.operation(key.endpoint), self.names.target(key.endpoint));
        (operation, target, key.protocol.0.name)
    }

    /// Adds the durations of the rows that will be shown.
    fn fill_rows(&self, past: Past<'_>, shown: &[ShownRow], tallies: &mut [Tally]) {
        let mut wanted = vec![false; tallies.len()];
        for row in shown {
            wanted[row.row as usize] = true;
        }
        self.each_count(past, |_, series, _, durations| {
            let row = series.row as usize;
            if wanted[row] {
                durations.add_to(&mut tallies[row].durations);
            }
        });
    }

    /// Every service that runs here and every peer that served something, busiest first.
    fn service_rows(
        &self,
        sums: &Sums,
        shown: &[ShownRow],
        span_s: f64,
        directory: &dyn Directory,
    ) -> Vec<ServiceRow> {
        let mut rows = Vec::with_capacity(self.services.slab.len());
        for (slot, key, service) in self.services.slab.iter() {
            let serves = service.rows > 0 || service.served.seen > 0;
            if !(service.entity.local || serves) {
                continue;
            }
            let slot = ServiceSlot(slot);
            let start = shown.partition_point(|row| row.server < slot);
            let own = shown[start..].iter().take_while(|row| row.server == slot);
            let (ledger, sealed) = if serves {
                (sums.served_bytes[slot.index()], sums.served_sealed[slot.index()])
            } else {
                (sums.asked_bytes[slot.index()], sums.asked_sealed[slot.index()])
            };
            rows.push(ServiceRow {
                entity: described(key, service, directory),
                protocols: names(&service.protocols),
                served: sums.served[slot.index()].red(span_s),
                asked: sums.asked[slot.index()].red(span_s),
                ledger,
                coverage: ledger.coverage(),
                sealed: sealed_rows(&sealed),
                connections: service.open,
                endpoints: own.filter_map(|row| self.endpoint_row(row.row, sums, span_s)).collect(),
            });
        }
        rows.sort_by(|a, b| {
            let busy = |row: &ServiceRow| (row.served.count, row.asked.count);
            busy(b)
                .cmp(&busy(a))
                .then_with(|| a.entity.name.cmp(&b.entity.name))
                .then_with(|| a.entity.instance.cmp(&b.entity.instance))
        });
        rows
    }

    fn endpoint_row(&self, slot: u32, sums: &Sums, span_s: f64) -> Option<EndpointRow> {
        let (key, _) = self.rows.get(slot)?;
        Some(EndpointRow {
            protocol: key.protocol.0.name.to_owned(),
            operation: self.names.operation(key.endpoint).to_owned(),
            target: self.names.target(key.endpoint).to_owned(),
            red: sums.rows[slot as usize].red(span_s),
        })
    }

    /// Every edge with something to say, busiest first.
    fn edge_rows(&self, sums: &Sums, span_s: f64) -> Vec<EdgeRow> {
        let mut order: Vec<(u32, &EdgeKey)> = self
            .edges
            .iter()
            .map(|(slot, key, _)| (slot, key))
            .filter(|(slot, _)| {
                let (tally, health) = sums.edge(*slot);
                tally.count > 0 || *health != EdgeHealth::default()
            })
            .collect();
        let name = |slot: ServiceSlot| &self.services.entity(slot).name;
        // Sorted before the rows are built: their names are text, and rows are big to move.
        order.sort_unstable_by(|(a, a_key), (b, b_key)| {
            let busy = |slot: u32| {
                let (tally, health) = sums.edge(slot);
                (tally.count, health.client_bytes + health.server_bytes)
            };
            busy(*b)
                .cmp(&busy(*a))
                .then_with(|| name(a_key.client).cmp(name(b_key.client)))
                .then_with(|| name(a_key.server).cmp(name(b_key.server)))
                .then(a.cmp(b))
        });
        let rows = order.into_iter().map(|(slot, key)| {
            let (tally, health) = sums.edge(slot);
            let mean = |sum: u64, count: u64| (count > 0).then(|| sum as f64 / count as f64);
            EdgeRow {
                client: name(key.client).clone(),
                server: name(key.server).clone(),
                protocols: names(&sums.edge_protocols[slot as usize]),
                red: tally.red(span_s),
                rtt_us: mean(health.rtt_sum_us, health.rtt_count),
                connect_us: mean(health.connect_sum_us, health.connect_count),
                retransmits: health.retransmits,
                resets: health.resets,
                opened: health.opened,
                bytes: health.client_bytes + health.server_bytes,
            }
        });
        rows.collect()
    }
}

fn names(protocols: &[&'static ProtocolInfo]) -> Vec<String> {
    protocols.iter().map(|p| p.name.to_owned()).collect()
}

/// The service as the directory knows it now, with the processes of all its entities.
fn described(key: &ServiceKey, service: &Service, directory: &dyn Directory) -> Entity {
    let mut entity = (*service.entity).clone();
    if service.entities.len() == 1 {
        let known = directory.entity(service.entities[0]);
        return if key.fits(&known) { (*known).clone() } else { entity };
    }
    entity.pids.clear();
    entity.listens.clear();
    for id in &service.entities {
        let part = directory.entity(*id);
        if key.fits(&part) {
            entity.pids.extend(&part.pids);
            entity.listens.extend(part.listens.iter().cloned());
        }
    }
    entity.pids.sort_unstable();
    entity.pids.dedup();
    entity.listens.sort_unstable();
    entity.listens.dedup();
    entity
}

/// Most bytes first.
fn sealed_rows(sealed: &SealedBytes) -> Vec<SealedRow> {
    let row =
        |(reason, bytes): (Sealed, u64)| SealedRow { reason: reason.as_str().to_owned(), bytes };
    let mut rows: Vec<SealedRow> = sealed.iter().map(row).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.bytes));
    rows
}
