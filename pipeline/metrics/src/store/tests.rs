//! Rollups in, pictures and totals out; limits, expiry and the ring.

use model::{Ledger, Names, Sealed, Totals};

use super::*;
use crate::samples::{SECOND, Town, exchange};
use crate::{CellHint, Red, RedLimits};

const CLIENT: EntityId = EntityId(1);
const WEB: EntityId = EntityId(2);
const SHOP: EntityId = EntityId(4);

fn at(second: u64) -> Timestamp {
    Timestamp(second * SECOND)
}

fn limits() -> StoreLimits {
    StoreLimits::default()
}

/// One worker as the agent would run it.
struct Worker {
    red: Red,
    names: Names,
}

impl Worker {
    fn new() -> Self {
        let mut red = Red::new(RedLimits::default());
        red.begin(at(100));
        Self { red, names: Names::new(1_000) }
    }

    fn call(&mut self, ends: (EntityId, EntityId), target: &str, status: &str, ms: u64) {
        let endpoint = self.names.intern("GET", target);
        let one = exchange(endpoint, status, ms * 1_000_000);
        self.red.record(&mut CellHint::default(), ends.0, ends.1, &one);
    }

    fn close(&mut self, at: Timestamp) -> Rollup {
        self.red.close_window(at, &self.names)
    }
}

#[test]
fn workers_with_ids_of_their_own_meet_in_one_series() {
    let (mut one, mut two) = (Worker::new(), Worker::new());
    two.names.intern("PUT", "/shifts/every/id");
    let mut store = Store::new(limits());
    for worker in [&mut one, &mut two] {
        worker.call((WEB, SHOP), "/cart", "200", 10);
        worker.call((WEB, SHOP), "/pay", "500", 20);
    }
    store.add(0, &one.close(at(101)), &Town::default());
    store.add(1, &two.close(at(101)), &Town::default());
    let calls: Vec<_> = store.calls().collect();
    assert_eq!(calls.len(), 2);
    for call in calls {
        assert_eq!((call.cell.count, call.operation), (2, "GET"));
        assert_eq!(call.failed, call.target == "/pay");
        assert_eq!(call.client.name, "service-2");
    }
}

#[test]
fn a_picture_holds_rates_errors_and_quantiles_of_services_endpoints_and_edges() {
    let mut worker = Worker::new();
    for i in 0..100 {
        let status = if i < 5 { "503" } else { "200" };
        worker.call((CLIENT, WEB), "/", status, 10);
        worker.call((WEB, SHOP), "/cart", "404", 1 + i);
    }
    *worker.red.edge(WEB, SHOP) = EdgeHealth {
        opened: 3,
        closed: 1,
        rtt_sum_us: 300,
        rtt_count: 2,
        client_bytes: 40,
        server_bytes: 60,
        ..EdgeHealth::default()
    };
    let ledger = Ledger { seen: 107, parsed: 90, lost: 10, sealed: 7, ..Ledger::default() };
    *worker.red.ledger(WEB, SHOP) = ledger;
    let sealed = &mut worker.red.edge(WEB, SHOP).sealed;
    sealed.book(Sealed::NoKey, 3);
    sealed.book(Sealed::KernelTls, 4);
    let mut store = Store::new(limits());
    store.add(0, &worker.close(at(102)), &Town::default());
    for window_s in [0.0, 10.0] {
        let picture = store.snapshot(window_s, &Town::default());
        assert!((picture.window_s - 2.0).abs() < 1e-9);
        let names: Vec<_> = picture.services.iter().map(|s| &*s.entity.name).collect();
        assert_eq!(names, ["service-2", "service-4"], "a mere client is no row");
        let (web, shop) = (&picture.services[0], &picture.services[1]);
        assert_eq!((web.served.count, web.served.errors), (100, 5));
        assert!((web.served.rate - 50.0).abs() < 1e-9);
        assert!((web.served.p50_us.unwrap_or(0.0) / 10_000.0 - 1.0).abs() < 0.011);
        assert_eq!((web.asked.count, shop.served.errors), (100, 0));
        assert!((shop.served.p99_us.unwrap_or(0.0) / 99_000.0 - 1.0).abs() < 0.011);
        assert_eq!((shop.connections, shop.ledger.lost), (2, 10));
        assert!((shop.coverage - 90.0 / 107.0).abs() < 1e-9);
        let why = shop.sealed.iter().map(|row| (&*row.reason, row.bytes)).collect::<Vec<_>>();
        assert_eq!(why, [("kernel_tls", 4), ("no_key", 3)]);
        assert!(web.sealed.is_empty());
        assert_eq!(shop.endpoints.len(), 1);
        assert_eq!(shop.endpoints[0].red, shop.served);
        assert_eq!(picture.edges.len(), 2);
        let edge = picture.edges.iter().find(|e| e.server == "service-4");
        let edge = edge.expect("the edge was counted");
        assert_eq!((edge.rtt_us, edge.connect_us), (Some(150.0), None));
        assert_eq!((edge.bytes, edge.opened), (100, 3));
        assert_eq!(edge.protocols, ["http1"]);
        assert_eq!(picture.ledger.seen, 107);
    }
}

#[test]
fn a_recent_picture_forgets_what_is_older() {
    let mut worker = Worker::new();
    let mut store = Store::new(limits());
    for second in 101..=110 {
        worker.call((CLIENT, WEB), "/", "200", second);
        store.add(0, &worker.close(at(second)), &Town::default());
    }
    let count = |window_s| {
        let picture = store.snapshot(window_s, &Town::default());
        (picture.services[0].served.count, picture.window_s.round())
    };
    assert_eq!(count(1.0), (1, 1.0));
    assert_eq!(count(5.0), (5, 5.0));
    assert_eq!(count(60.0), (10, 10.0));
    assert_eq!(count(0.0), (10, 10.0));
    let rate = store.snapshot(5.0, &Town::default()).services[0].served.rate;
    assert!((rate - 1.0).abs() < 1e-9);
}

#[test]
fn idle_workers_do_not_change_a_rate() {
    let (mut busy, mut idle) = (Worker::new(), Worker::new());
    let mut store = Store::new(limits());
    for second in 101..=104 {
        for _ in 0..8 {
            busy.call((CLIENT, WEB), "/", "200", 1);
        }
        store.add(0, &busy.close(at(second)), &Town::default());
        store.add(1, &idle.close(at(second)), &Town::default());
    }
    let rate = store.snapshot(4.0, &Town::default()).services[0].served.rate;
    assert!((rate - 8.0).abs() < 1e-9);
}

#[test]
fn a_full_ring_lets_the_oldest_windows_go_and_says_how_much_is_left() {
    let mut worker = Worker::new();
    let mut store = Store::new(StoreLimits { recent_bytes: 2_000, ..limits() });
    for second in 101..=130 {
        worker.call((CLIENT, WEB), "/", "200", 1);
        store.add(0, &worker.close(at(second)), &Town::default());
    }
    let picture = store.snapshot(60.0, &Town::default());
    assert!(picture.window_s < 20.0 && picture.window_s >= 1.0);
    let red = picture.services[0].served;
    assert!((red.rate - 1.0).abs() < 1e-9, "{}", red.rate);
    assert_eq!(store.snapshot(0.0, &Town::default()).services[0].served.count, 30);
}

#[test]
fn a_full_store_loses_no_count() {
    let mut store = Store::new(StoreLimits {
        series: 10,
        services: 8,
        edges: 6,
        endpoints_per_service: 3,
        ..limits()
    });
    for second in 101..=120 {
        let mut worker = Worker::new();
        for i in 0..20 {
            let ends = (EntityId(i * second as u32), EntityId(2 * i));
            worker.call(ends, &format!("/{i}"), "500", 1);
            worker.red.ledger(ends.0, ends.1).seen += 1;
        }
        store.add(0, &worker.close(at(second)), &Town::default());
    }
    let count: u64 = store.calls().map(|c| c.cell.count).sum();
    assert_eq!(count, 400);
    assert!(store.series.len() <= 10 + 8, "{}", store.series.len());
    assert!(store.edges.len() <= 6 + 8, "{}", store.edges.len());
    assert_eq!(store.services.slab.len(), 8);
    assert_eq!(store.ledger().seen, 400);
    assert!(store.overflow() > 0);
    let picture = store.snapshot(0.0, &Town::default());
    let served: u64 = picture.services.iter().map(|s| s.served.count).sum();
    assert_eq!(served, 400);
}

#[test]
fn idle_series_go_when_an_end_is_gone_and_their_bytes_stay_in_the_account() {
    let mut store = Store::new(limits());
    let mut worker = Worker::new();
    for ends in [(CLIENT, WEB), (WEB, SHOP)] {
        worker.call(ends, "/", "200", 1);
        worker.red.ledger(ends.0, ends.1).seen += 5;
    }
    let gone = Town { gone: vec![SHOP.0] };
    store.add(0, &worker.close(at(101)), &Town::default());
    store.add(0, &worker.close(at(350)), &gone);
    assert_eq!(store.calls().count(), 2, "not idle for long enough");
    store.add(0, &worker.close(at(500)), &gone);
    assert_eq!((store.calls().count(), store.expired()), (0, 2));
    let names: Vec<_> = store.ledgers().map(|(e, l)| (&*e.name, l.seen)).collect();
    assert_eq!(names, [("_other", 5), ("service-2", 5)]);
    // A service that comes back starts anew, in the slot that was left.
    worker.call((WEB, SHOP), "/", "200", 1);
    store.add(0, &worker.close(at(501)), &Town::default());
    let calls: Vec<_> = store.calls().map(|c| c.cell.count).collect();
    assert_eq!(calls, [1]);
}

#[test]
fn series_between_living_services_stay_however_idle() {
    let mut store = Store::new(limits());
    let mut worker = Worker::new();
    worker.call((WEB, SHOP), "/", "200", 1);
    store.add(0, &worker.close(at(101)), &Town::default());
    store.add(0, &worker.close(at(10_000)), &Town::default());
    assert_eq!((store.calls().count(), store.expired()), (1, 0));
}

#[test]
fn only_the_busiest_endpoints_are_shown() {
    let mut store = Store::new(limits());
    let mut worker = Worker::new();
    for i in 0..80 {
        for _ in 0..=i {
            worker.call((CLIENT, WEB), &format!("/{i}"), "200", 1);
        }
    }
    store.add(0, &worker.close(at(101)), &Town::default());
    let picture = store.snapshot(0.0, &Town::default());
    let endpoints = &picture.services[0].endpoints;
    assert_eq!(endpoints.len(), 50);
    assert_eq!((&*endpoints[0].target, endpoints[0].red.count), ("/79", 80));
    assert_eq!(endpoints[49].red.count, 31);
    assert!(endpoints.iter().all(|e| e.red.p50_us.is_some()));
}

#[test]
fn an_empty_store_gives_an_empty_picture() {
    let store = Store::new(limits());
    for window_s in [0.0, 5.0] {
        let picture = store.snapshot(window_s, &Town::default());
        assert!(picture.services.is_empty() && picture.edges.is_empty());
        assert!(picture.window_s.abs() < f64::EPSILON);
    }
}
