//! What a worker counts, and what its limits do.

use model::{Incomplete, Kind};

use super::*;
use crate::samples::{SECOND, exchange};

const WEB: EntityId = EntityId(2);
const SHOP: EntityId = EntityId(4);

fn counted(rollup: &Rollup) -> u64 {
    rollup.cells.iter().map(|(_, cell)| cell.count).sum()
}

#[test]
fn equal_exchanges_share_a_cell_with_and_without_a_hint() {
    let mut names = Names::new(100);
    let cart = names.intern("GET", "/cart/{id}");
    let mut red = Red::new(RedLimits::default());
    let mut hint = CellHint::default();
    for i in 0..10 {
        red.record(&mut hint, WEB, SHOP, &exchange(cart, "200", 1_000_000 + i));
        red.record(&mut CellHint::default(), WEB, SHOP, &exchange(cart, "200", 5));
    }
    let rollup = red.close_window(Timestamp(101 * SECOND), &names);
    assert_eq!(rollup.cells.len(), 1);
    let (key, cell) = &rollup.cells[0];
    assert_eq!((key.client, key.server, key.failed), (WEB, SHOP, false));
    assert_eq!((cell.count, cell.duration.count()), (20, 20));
    assert_eq!((cell.request_bytes, cell.response_bytes), (200, 2_000));
    assert_eq!(rollup.names, [(cart, "GET".into(), "/cart/{id}".into())]);
    assert_eq!(rollup.from, Timestamp(100 * SECOND));
}

#[test]
fn a_hint_is_not_believed_when_the_exchange_differs() {
    let mut names = Names::new(100);
    let (cart, pay) = (names.intern("GET", "/cart"), names.intern("POST", "/pay"));
    let mut red = Red::new(RedLimits::default());
    let mut hint = CellHint::default();
    red.record(&mut hint, WEB, SHOP, &exchange(cart, "200", 1));
    red.record(&mut hint, SHOP, WEB, &exchange(cart, "200", 1));
    red.record(&mut hint, WEB, SHOP, &exchange(pay, "200", 1));
    red.record(&mut hint, WEB, SHOP, &exchange(pay, "500", 1));
    let mut reset = exchange(pay, "500", 1);
    reset.incomplete = Some(Incomplete::Reset);
    red.record(&mut hint, WEB, SHOP, &reset);
    let rollup = red.close_window(Timestamp(101 * SECOND), &names);
    assert_eq!(rollup.cells.len(), 5);
    assert_eq!(rollup.cells.iter().filter(|(key, _)| key.failed).count(), 2);
}

#[test]
fn a_window_starts_empty_and_a_hint_from_the_last_one_is_stale() {
    let mut names = Names::new(100);
    let cart = names.intern("GET", "/cart");
    let mut red = Red::new(RedLimits::default());
    let mut hint = CellHint::default();
    red.record(&mut hint, WEB, SHOP, &exchange(cart, "200", 1));
    red.edge(WEB, SHOP).opened += 1;
    red.close_window(Timestamp(101 * SECOND), &names);
    red.record(&mut hint, SHOP, WEB, &exchange(cart, "200", 1));
    red.record(&mut hint, WEB, SHOP, &exchange(cart, "200", 1));
    let rollup = red.close_window(Timestamp(102 * SECOND), &names);
    assert_eq!(rollup.from, Timestamp(101 * SECOND));
    assert_eq!(rollup.cells.len(), 2);
    assert_eq!(counted(&rollup), 2);
    assert!(rollup.edges.is_empty());
    assert!(rollup.names.is_empty(), "a name is handed on once");
}

#[test]
fn sessions_and_pushes_are_counted_apart() {
    let mut red = Red::new(RedLimits::default());
    for kind in Kind::ALL {
        let mut one = exchange(EndpointId(1), "200", 1);
        one.kind = kind;
        red.record(&mut CellHint::default(), WEB, SHOP, &one);
    }
    let rollup = red.close_window(Timestamp(101 * SECOND), &Names::new(10));
    assert_eq!(counted(&rollup), 2);
    assert_eq!(rollup.kinds.0, [1; 4]);
}

#[test]
fn an_exchange_without_duration_counts_and_has_none() {
    let mut lost = exchange(EndpointId(1), "", 1);
    lost.duration_ns = None;
    lost.incomplete = Some(Incomplete::Timeout);
    let mut red = Red::new(RedLimits::default());
    red.record(&mut CellHint::default(), WEB, SHOP, &lost);
    let rollup = red.close_window(Timestamp(101 * SECOND), &Names::new(10));
    let (key, cell) = &rollup.cells[0];
    assert_eq!((key.error_type.as_str(), key.failed), ("timeout", true));
    assert_eq!((cell.count, cell.duration.count()), (1, 0));
}

#[test]
fn an_error_without_a_code_still_has_a_type() {
    let mut failed = exchange(EndpointId(1), "", 1);
    failed.status.error = true;
    let mut red = Red::new(RedLimits::default());
    red.record(&mut CellHint::default(), WEB, SHOP, &failed);
    let rollup = red.close_window(Timestamp(101 * SECOND), &Names::new(10));
    assert_eq!(rollup.cells[0].0.error_type.as_str(), "_OTHER");
}

#[test]
fn endpoints_beyond_the_limit_of_a_server_become_other_and_are_counted() {
    let limits = RedLimits { endpoints_per_server: 3, ..RedLimits::default() };
    let mut red = Red::new(limits);
    let mut hint = CellHint::default();
    for round in 0..2 {
        for id in 1..=10 {
            red.record(&mut hint, WEB, SHOP, &exchange(EndpointId(id), "200", 1));
        }
        assert_eq!(red.overflow, 7 * (round + 1));
    }
    red.record(&mut hint, SHOP, WEB, &exchange(EndpointId(9), "200", 1));
    let rollup = red.close_window(Timestamp(101 * SECOND), &Names::new(10));
    assert_eq!(rollup.cells.len(), 3 + 1 + 1);
    assert_eq!((counted(&rollup), rollup.overflow), (21, 14));
}

#[test]
fn a_flood_of_clients_and_paths_stays_within_the_limit_and_loses_no_count() {
    let limits = RedLimits { cells: 100, edges: 50, ..RedLimits::default() };
    let mut red = Red::new(limits);
    for i in 0..200_000_u32 {
        let status = if i % 10 == 0 { "503" } else { "200" };
        let one = exchange(EndpointId(i), status, 1_000);
        let server = EntityId(i % 1_000);
        red.record(&mut CellHint::default(), EntityId(i), server, &one);
        red.ledger(EntityId(i), server).seen += 7;
    }
    let rollup = red.close_window(Timestamp(101 * SECOND), &Names::new(10));
    assert!(rollup.cells.len() <= 2 * 100 + 2, "{}", rollup.cells.len());
    assert_eq!(counted(&rollup), 200_000);
    let failed = rollup.cells.iter().filter(|(key, _)| key.failed);
    assert_eq!(failed.map(|(_, cell)| cell.count).sum::<u64>(), 20_000);
    assert_eq!(rollup.edges.len(), 51);
    let seen = rollup.edges.iter().map(|(_, health)| health.ledger.seen);
    assert_eq!(seen.sum::<u64>(), 1_400_000);
    assert!(rollup.overflow > 390_000);
}
