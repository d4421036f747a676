//! What counting costs: one exchange in a worker, one window in the store, one picture.
//!
//! `cargo bench -p redsight-metrics` prints a line for each.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use metrics::{CellHint, Red, RedLimits, Store, StoreLimits};
use model::view::Snapshot;
use model::{
    Directory, EndpointId, Entity, EntityId, Exchange, Family, Kind, Names, ProtocolInfo,
    ShortText, Status, Timestamp,
};

static HTTP: ProtocolInfo = ProtocolInfo {
    name: "http1",
    family: Family::Http,
    system: "",
    specification: "RFC 9112",
    ports: &[80],
};

const SECOND: u64 = 1_000_000_000;

/// 500 services that all run here.
struct Town(Vec<Arc<Entity>>);

impl Directory for Town {
    fn entity(&self, id: EntityId) -> Arc<Entity> {
        Arc::clone(&self.0[id.0 as usize % self.0.len()])
    }
}

fn exchange(endpoint: EndpointId) -> Exchange {
    Exchange {
        protocol: &HTTP,
        version: ShortText::new("1.1"),
        kind: Kind::Request,
        endpoint,
        status: Status { code: ShortText::new("200"), error: false, client_error: false },
        start: Timestamp(SECOND),
        duration_ns: Some(0),
        ttfb_ns: None,
        request_bytes: 100,
        response_bytes: 1_000,
        incomplete: None,
        wire: None,
    }
}

fn main() {
    let entities = (0..500).map(|i| {
        Arc::new(Entity {
            name: format!("service-{i}"),
            pids: vec![i],
            local: true,
            ..Entity::default()
        })
    });
    let town = Town(entities.collect());
    let mut names = Names::new(Names::LIMIT);
    let endpoints: Vec<_> = (0..20).map(|i| names.intern("GET", &format!("/path/{i}"))).collect();

    record("one endpoint, hinted", &endpoints[..1], &names);
    record("twenty endpoints by turns", &endpoints, &names);
    store(&endpoints, &names, &town);
}

fn record(what: &str, endpoints: &[EndpointId], names: &Names) {
    const ROUNDS: u32 = 5_000_000;
    let mut red = Red::new(RedLimits::default());
    let mut hint = CellHint::default();
    let exchanges: Vec<_> = endpoints.iter().map(|id| exchange(*id)).collect();
    let start = Instant::now();
    for (i, one) in exchanges.iter().cycle().take(ROUNDS as usize).enumerate() {
        let mut one = black_box(one).clone();
        one.duration_ns = Some(50_000 + (i as u64 * 2_654_435_761) % 5_000_000);
        red.record(&mut hint, EntityId(1), EntityId(2), &one);
    }
    let ns = start.elapsed().as_nanos() as f64 / f64::from(ROUNDS);
    let cells = red.close_window(Timestamp(SECOND), names).cells.len();
    println!("record, {what}: {ns:.1} ns an exchange ({cells} cells)");
}

/// 500 services, 5,000 edges, two endpoints an edge, 60 windows.
fn store(endpoints: &[EndpointId], names: &Names, town: &Town) {
    let mut store = Store::new(StoreLimits::default());
    let mut red = Red::new(RedLimits::default());
    let mut add_ns = 0;
    for second in 1..=60 {
        for i in 0..10_000_u32 {
            let (client, server) =
                (EntityId(i / 20), EntityId((i / 20 + i / 2 % 10 * 37 + 1) % 500));
            let mut one = exchange(endpoints[(i % 20) as usize]);
            one.duration_ns = Some(100_000 + u64::from(i) * 1_000);
            red.record(&mut CellHint::default(), client, server, &one);
            red.ledger(client, server).seen += 1_100;
        }
        let rollup = red.close_window(Timestamp(second * SECOND), names);
        let start = Instant::now();
        store.add(0, &rollup, town);
        add_ns += start.elapsed().as_nanos();
    }
    println!("store, one window: {:.2} ms", add_ns as f64 / 60e6);
    for window_s in [0.0, 5.0, 60.0] {
        let mut best_ms = f64::INFINITY;
        let mut picture = Snapshot::default();
        // The best of some: what the code costs, not what else the machine does.
        for _ in 0..10 {
            let start = Instant::now();
            let fresh = black_box(store.snapshot(window_s, town));
            best_ms = best_ms.min(start.elapsed().as_nanos() as f64 / 1e6);
            picture = fresh;
        }
        let (services, edges) = (picture.services.len(), picture.edges.len());
        let covered_s = picture.window_s;
        let what = format!("{services} services, {edges} edges, {covered_s:.0} s covered");
        println!("picture of {window_s} s: {best_ms:.2} ms ({what})");
    }
}
