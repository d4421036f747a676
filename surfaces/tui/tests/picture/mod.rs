//! A made-up shop, the same for every run: `step` is the second it is looked at.

use model::view::{
    AgentCost, EdgeRow, EndpointRow, ExchangeRow, Exchanges, Red, ServiceRow, Snapshot,
};
use model::{Entity, Ledger, TapHealth, TapState};

/// What one service of the shop is like.
struct Part {
    name: &'static str,
    reason: &'static str,
    protocol: &'static str,
    program: [&'static str; 2],
    listens: &'static str,
    rate: f64,
    failed: f64,
    p50_us: f64,
    /// Bytes parsed, skipped, lost, sealed and unknown, of 1,000.
    bytes: [u64; 5],
    /// Operation, target and share of the rate.
    endpoints: &'static [(&'static str, &'static str, f64)],
}

const PARTS: &[Part] = &[
    Part {
        name: "web",
        reason: "systemd unit",
        protocol: "http1",
        program: ["/usr/sbin/nginx", "nginx: master process -g daemon on;"],
        listens: "0.0.0.0:80 [::]:80",
        rate: 1_840.0,
        failed: 0.004,
        p50_us: 870.0,
        bytes: [620, 380, 0, 0, 0],
        endpoints: &[
            ("GET", "/", 0.4),
            ("GET", "/product/{id}", 0.35),
            ("POST", "/cart/{id}", 0.2),
            ("POST", "/checkout", 0.05),
        ],
    },
    Part {
        name: "cart",
        reason: "OTEL_SERVICE_NAME",
        protocol: "http1",
        program: ["/usr/bin/python3.11", "-m gunicorn cart:app --workers 4"],
        listens: "10.0.0.7:8000",
        rate: 410.0,
        failed: 0.021,
        p50_us: 12_400.0,
        bytes: [900, 95, 5, 0, 0],
        endpoints: &[
            ("GET", "/cart/{id}", 0.7),
            ("POST", "/cart/{id}/items", 0.25),
            ("DELETE", "/cart/{id}/items/{id}", 0.05),
        ],
    },
    Part {
        name: "checkout",
        reason: "executable",
        protocol: "http1",
        program: ["/opt/shop/checkout", "--port 8080 --token ***"],
        listens: "10.0.0.8:8080",
        rate: 92.0,
        failed: 0.112,
        p50_us: 148_000.0,
        bytes: [780, 220, 0, 0, 0],
        endpoints: &[("POST", "/checkout", 0.9), ("GET", "/receipt/{id}", 0.1)],
    },
    Part {
        name: "sessions",
        reason: "systemd unit",
        protocol: "redis",
        program: ["/usr/bin/redis-server", "127.0.0.1:6379"],
        listens: "127.0.0.1:6379",
        rate: 12_640.0,
        failed: 0.0,
        p50_us: 38.0,
        bytes: [1_000, 0, 0, 0, 0],
        endpoints: &[
            ("GET", "session:{id}", 0.8),
            ("SET", "session:{id}", 0.15),
            ("EXPIRE", "session:{id}", 0.05),
        ],
    },
    Part {
        name: "orders-db",
        reason: "container",
        protocol: "postgresql",
        program: ["/usr/lib/postgresql/15/bin/postgres", "-D /var/lib/postgresql"],
        listens: "10.0.0.9:5432",
        rate: 733.0,
        failed: 0.0004,
        p50_us: 1_930.0,
        bytes: [700, 250, 0, 50, 0],
        endpoints: &[
            ("SELECT", "orders", 0.6),
            ("INSERT", "orders", 0.3),
            ("UPDATE", "stock", 0.1),
        ],
    },
    Part {
        name: "payments.example.com",
        reason: "address",
        protocol: "unknown",
        program: ["", ""],
        listens: "",
        rate: 0.0,
        failed: 0.0,
        p50_us: 0.0,
        bytes: [0, 0, 0, 1_000, 0],
        endpoints: &[],
    },
];

/// Client, server, share of the server's rate, round trip in microseconds, segments sent again.
const EDGES: &[(&str, &str, f64, f64, u64)] = &[
    ("load", "web", 1.0, 61.0, 0),
    ("web", "cart", 1.0, 74.0, 0),
    ("web", "checkout", 1.0, 80.0, 2),
    ("cart", "sessions", 0.7, 29.0, 0),
    ("web", "sessions", 0.3, 31.0, 0),
    ("cart", "orders-db", 0.4, 102.0, 0),
    ("checkout", "orders-db", 0.6, 97.0, 17),
];

/// The shop at second `step`.
pub(crate) fn shop(step: u64, window_s: f64) -> Snapshot {
    let edges: Vec<EdgeRow> = EDGES.iter().map(|edge| edge_row(edge, step, window_s)).collect();
    let mut services: Vec<ServiceRow> =
        PARTS.iter().map(|part| service(part, step, window_s, &edges)).collect();
    services.push(client("load", "http1", &edges));
    services.sort_by(|a, b| b.served.rate.total_cmp(&a.served.rate));
    let mut ledger = Ledger::default();
    for row in &services {
        ledger += row.ledger;
    }
    Snapshot {
        at_us: 1_700_000_000_000_000 + step * 1_000_000,
        window_s,
        agent: AgentCost {
            cpu_seconds: 2.0 + step as f64 * 0.021,
            memory_bytes: 35_900_000 + step * 2_048,
            connections: 412 + wave(step, 5) as u64,
            tap_events: 18_000 * step,
            tap_bytes: ledger.seen,
            tap_lost: ledger.lost,
            ..AgentCost::default()
        },
        services,
        edges,
        ledger,
        health: Vec::new(),
    }
}

/// Exchanges of the shop up to second `step`, ten a second.
pub(crate) fn exchanges(step: u64, after: u64) -> Exchanges {
    let next = step * 10;
    let rows = (after.max(next.saturating_sub(500)) + 1..=next).map(exchange);
    Exchanges { rows: rows.collect(), next, missed: 0 }
}

fn exchange(id: u64) -> ExchangeRow {
    let (client, server, ..) = EDGES[(id * id % 7) as usize];
    let part = part(server).expect("every server of an edge is a part");
    let (operation, target, _) = part.endpoints[(id % part.endpoints.len() as u64) as usize];
    let (status, incomplete) = match (part.protocol, id % 23) {
        (_, 7) => ("", Some("reset")),
        ("http1", 5) => ("503", None),
        ("http1", 11) => ("404", None),
        ("http1", _) => ("200", None),
        ("postgresql", 5) => ("40001", None),
        _ => ("OK", None),
    };
    let duration_us = (part.p50_us * (0.6 + wave(id, 1) / 25.0)) as u64;
    ExchangeRow {
        id,
        kind: "request".into(),
        protocol: part.protocol.into(),
        version: if part.protocol == "http1" { "1.1".into() } else { String::new() },
        client: format!("10.0.0.5:{}", 40_000 + id % 512),
        server: part.listens.split(' ').next().unwrap_or_default().into(),
        side: "both".into(),
        operation: operation.into(),
        target: target.into(),
        status: status.into(),
        error: matches!(status, "503" | "40001"),
        client_error: status == "404",
        start_us: Some(1_700_000_000_000_000 + id * 100_000),
        duration_us: incomplete.is_none().then_some(duration_us),
        ttfb_us: Some(duration_us * 7 / 10),
        request_bytes: 120 + id % 90,
        response_bytes: 900 + id * 37 % 5_000,
        tls: None,
        incomplete: incomplete.map(str::to_owned),
        service: server.into(),
        peer: client.into(),
    }
}

/// A host on which nothing was seen, because the tap is refused.
pub(crate) fn silence() -> Snapshot {
    let health = |name: &str, state, detail: &str, remedy: &str| TapHealth {
        name: name.into(),
        state,
        detail: detail.into(),
        remedy: remedy.into(),
    };
    Snapshot {
        at_us: 1_700_000_000_000_000,
        window_s: 10.0,
        health: vec![
            health("kernel", TapState::On, "6.18 with BTF", ""),
            health(
                "wire tap",
                TapState::Refused,
                "loading a program was refused: operation not permitted",
                "run as root, or give the binary CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON",
            ),
        ],
        ..Snapshot::default()
    }
}

/// 0 to 40, up and down, a bit uneven; `phase` keeps services apart.
fn wave(step: u64, phase: u64) -> f64 {
    let slow = ((step + phase * 7) as f64 / 9.0).sin() * 14.0;
    let fast = ((step * (phase + 3)) % 11) as f64;
    (20.0 + slow + fast - 5.0).clamp(0.0, 40.0)
}

fn red(rate: f64, failed: f64, p50_us: f64, window_s: f64) -> Red {
    let count = (rate * window_s.max(1.0)) as u64;
    let errors = (count as f64 * failed) as u64;
    let known = |micros: f64| (micros > 0.0).then_some(micros);
    Red {
        count,
        errors,
        rate,
        error_ratio: if count == 0 { 0.0 } else { errors as f64 / count as f64 },
        p50_us: known(p50_us),
        p95_us: known(p50_us * 3.1),
        p99_us: known(p50_us * 9.4),
    }
}

/// The numbers of a service swing around what they are made of.
fn moving(part: &Part, step: u64, share: f64, window_s: f64) -> Red {
    let swing = wave(step, part.name.len() as u64) / 20.0;
    red(part.rate * share * swing, part.failed, part.p50_us * (0.9 + swing / 10.0), window_s)
}

fn part(name: &str) -> Option<&'static Part> {
    PARTS.iter().find(|part| part.name == name)
}

fn edge_row(edge: &(&str, &str, f64, f64, u64), step: u64, window_s: f64) -> EdgeRow {
    let &(client, server, share, rtt_us, retransmits) = edge;
    let red = part(server).map(|part| moving(part, step, share, window_s)).unwrap_or_default();
    EdgeRow {
        client: client.into(),
        server: server.into(),
        protocols: part(server).map(|part| part.protocol.into()).into_iter().collect(),
        red,
        rtt_us: Some(rtt_us),
        connect_us: Some(rtt_us * 1.4),
        retransmits,
        resets: retransmits / 8,
        opened: 16,
        bytes: red.count * 1_340,
    }
}

fn service(part: &Part, step: u64, window_s: f64, edges: &[EdgeRow]) -> ServiceRow {
    let [parsed, skipped, lost, sealed, unknown] = part.bytes.map(|share| share * 40_000);
    let seen = parsed + skipped + lost + sealed + unknown;
    let ledger = Ledger { seen, parsed, skipped, lost, sealed, unknown };
    let endpoints = part.endpoints.iter().map(|(operation, target, share)| EndpointRow {
        protocol: part.protocol.into(),
        operation: (*operation).into(),
        target: (*target).into(),
        red: moving(part, step, *share, window_s),
    });
    let is_local = !part.program[0].is_empty();
    ServiceRow {
        entity: Entity {
            name: part.name.into(),
            reason: part.reason.into(),
            pids: if is_local { vec![4_100 + part.name.len() as u32, 4_200] } else { Vec::new() },
            executable: part.program[0].into(),
            arguments: part.program[1].into(),
            language: language(part.program[0]).0.into(),
            runtime_version: language(part.program[0]).1.into(),
            listens: part.listens.split_whitespace().map(str::to_owned).collect(),
            local: is_local,
            ..Entity::default()
        },
        protocols: vec![part.protocol.into()],
        served: moving(part, step, 1.0, window_s),
        asked: asked(part.name, edges),
        ledger,
        coverage: ledger.coverage(),
        connections: part.name.len() as u64 * 4,
        endpoints: endpoints.collect(),
        sealed: Vec::new(),
    }
}

/// Of the program at this path.
fn language(path: &str) -> (&'static str, &'static str) {
    match path {
        "" => ("", ""),
        path if path.contains("python") => ("python", "3.11.2"),
        path if path.contains("checkout") => ("go", "1.26.8"),
        _ => ("c", ""),
    }
}

fn client(name: &str, protocol: &str, edges: &[EdgeRow]) -> ServiceRow {
    ServiceRow {
        entity: Entity {
            name: name.into(),
            reason: "executable".into(),
            local: true,
            ..Entity::default()
        },
        protocols: vec![protocol.into()],
        asked: asked(name, edges),
        coverage: 1.0,
        ..ServiceRow::default()
    }
}

fn asked(name: &str, edges: &[EdgeRow]) -> Red {
    let own = edges.iter().filter(|edge| edge.client == name).map(|edge| edge.red);
    own.fold(Red::default(), |sum, red| {
        let (count, errors) = (sum.count + red.count, sum.errors + red.errors);
        Red {
            count,
            errors,
            rate: sum.rate + red.rate,
            error_ratio: errors as f64 / count.max(1) as f64,
            p50_us: sum.p50_us.or(red.p50_us),
            p95_us: sum.p95_us.or(red.p95_us),
            p99_us: sum.p99_us.or(red.p99_us),
        }
    })
}
