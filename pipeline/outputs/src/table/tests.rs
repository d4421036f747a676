//! Reports against cases, and what they must never do.

use model::view::{EdgeRow, EndpointRow, Red, ServiceRow, Snapshot};
use model::{Entity, Ledger};

use super::*;

fn red(count: u64, errors: u64, p50_us: f64) -> Red {
    let has_duration = p50_us > 0.0;
    Red {
        count,
        errors,
        rate: count as f64 / 30.0,
        error_ratio: errors as f64 / count.max(1) as f64,
        p50_us: has_duration.then_some(p50_us),
        p95_us: has_duration.then_some(p50_us * 7.0),
        p99_us: has_duration.then_some(p50_us * 31.0),
    }
}

fn endpoint(protocol: &str, operation: &str, target: &str, red: Red) -> EndpointRow {
    EndpointRow {
        protocol: protocol.into(),
        operation: operation.into(),
        target: target.into(),
        red,
    }
}

fn service(name: &str, protocols: &[&str], served: Red, parsed: u64, lost: u64) -> ServiceRow {
    let ledger = Ledger { seen: parsed + lost, parsed, lost, ..Ledger::default() };
    ServiceRow {
        entity: Entity { name: name.into(), ..Entity::default() },
        protocols: protocols.iter().map(|p| (*p).to_owned()).collect(),
        served,
        ledger,
        coverage: ledger.coverage(),
        ..ServiceRow::default()
    }
}

fn shop() -> Snapshot {
    let mut web = service("web", &["http1"], red(123_456, 12, 850.0), 98_000_000, 0);
    web.endpoints = vec![
        endpoint("http1", "GET", "/cart/{id}", red(100_000, 0, 700.0)),
        endpoint("http1", "POST", "/checkout/{id}/payments/{id}/confirm", red(23_456, 12, 2_300.0)),
    ];
    let mut store = service("store", &["redis", "http1"], red(4_100, 4_000, 45.0), 99_999, 1);
    store.endpoints = vec![
        endpoint("redis", "GET", "user:{id}", red(4_000, 4_000, 45.0)),
        endpoint("http1", "GET", "/metrics", red(90, 0, 0.0)),
    ];
    let mut cron = service("cron", &["http1"], Red::default(), 5_000, 0);
    cron.asked = red(3, 0, 1_200_000.0);
    let mut snapshot = Snapshot {
        window_s: 30.0,
        services: vec![web, store, cron],
        edges: vec![EdgeRow::default(); 3],
        ..Snapshot::default()
    };
    let opaque = service("10.0.0.9:4242", &[], Red::default(), 0, 0);
    snapshot.services.push(opaque);
    snapshot.services[3].ledger.seen = 77;
    snapshot.services[3].ledger.unknown = 77;
    snapshot.services[3].coverage = 0.0;
    snapshot.services.push(service("idle", &[], Red::default(), 0, 0));
    for row in &snapshot.services {
        if row.asked.count == 0 {
            snapshot.ledger += row.ledger;
        }
    }
    snapshot
}

#[test]
fn a_report_reads_as_the_cases_say() {
    let cases = [(80, include_str!("cases/80.txt")), (120, include_str!("cases/120.txt"))];
    if let Some(folder) = std::env::var_os("REDSIGHT_WRITE_CASES") {
        for (width, _) in cases {
            let path = std::path::Path::new(&folder).join(format!("{width}.txt"));
            std::fs::write(path, report(&shop(), width)).expect("the folder exists");
        }
    }
    for (width, expected) in cases {
        assert_eq!(report(&shop(), width), expected);
    }
}

#[test]
fn no_line_is_wider_than_asked_for() {
    for width in [80, 100, 132, 250] {
        for line in report(&shop(), width).lines() {
            assert!(line.chars().count() <= width, "{line}");
        }
    }
}

#[test]
fn names_cannot_command_the_terminal() {
    let mut snapshot = shop();
    snapshot.services[0].endpoints[0].target = "/\u{1b}[2J\u{9b}31m\r\n".into();
    let written = report(&snapshot, 80);
    let control = |c: char| c.is_control() && c != '\n';
    assert!(!written.contains(control), "{written:?}");
    assert!(written.contains("GET /?[2J?31m??"));
}

#[test]
fn a_ledger_that_does_not_add_up_is_not_hidden() {
    let mut snapshot = shop();
    snapshot.ledger.seen += 1;
    assert!(ledger_table(&snapshot, 80).contains("does not add up"));
}

#[test]
fn nothing_seen_is_a_table_too() {
    let written = report(&Snapshot::default(), 80);
    assert!(written.starts_with("0 requests in 0s, 0 services, 0 edges, coverage 100%\n"));
    assert!(written.contains("0 bytes seen = 0 parsed"));
}
