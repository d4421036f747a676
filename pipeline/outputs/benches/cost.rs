//! What handing on costs: one JSON line, one scrape.
//!
//! `cargo bench -p redsight-outputs` prints a line for each.

use std::hint::black_box;
use std::time::Instant;

use model::rollup::KindCounts;
use model::view::AgentCost;
use model::{
    CallTotal, Cell, EdgeTotal, EndpointId, Entity, Exchange, Family, Kind, Ledger, ProtocolInfo,
    ShortText, Status, Timestamp, Totals,
};
use outputs::jsonl::{Line, Scope, write_exchange};

static HTTP: ProtocolInfo = ProtocolInfo {
    name: "http1",
    family: Family::Http,
    system: "",
    specification: "RFC 9112",
    ports: &[80],
};

/// `targets` endpoints between two services.
struct Counted {
    client: Entity,
    server: Entity,
    targets: Vec<String>,
    cell: Cell,
}

impl Totals for Counted {
    fn calls<'a>(&'a self) -> Box<dyn Iterator<Item = CallTotal<'a>> + 'a> {
        Box::new(self.targets.iter().map(|target| CallTotal {
            client: &self.client,
            server: &self.server,
            protocol: &HTTP,
            version: "1.1",
            operation: "GET",
            target,
            status: "200",
            error_type: "",
            failed: false,
            cell: &self.cell,
        }))
    }

    fn edges<'a>(&'a self) -> Box<dyn Iterator<Item = EdgeTotal<'a>> + 'a> {
        Box::new(std::iter::empty())
    }

    fn ledgers<'a>(&'a self) -> Box<dyn Iterator<Item = (&'a Entity, &'a Ledger)> + 'a> {
        Box::new(std::iter::empty())
    }

    fn kinds(&self) -> KindCounts {
        KindCounts::default()
    }

    fn overflow(&self) -> u64 {
        0
    }
}

fn main() {
    json_line();
    scrape();
}

fn json_line() {
    const ROUNDS: u32 = 2_000_000;
    let exchange = Exchange {
        protocol: &HTTP,
        version: ShortText::new("1.1"),
        kind: Kind::Request,
        endpoint: EndpointId(1),
        status: Status { code: ShortText::new("200"), error: false, client_error: false },
        start: Timestamp(1_700_000_000_123_456_789),
        duration_ns: Some(1_234_567),
        ttfb_ns: Some(987_654),
        request_bytes: 120,
        response_bytes: 5_120,
        incomplete: None,
        wire: None,
    };
    let line = Line {
        exchange: &exchange,
        operation: "GET",
        target: "/cart/{id}/items",
        client: ([127, 0, 0, 1], 40_000).into(),
        server: ([127, 0, 0, 1], 8_080).into(),
        side: Scope::Both,
        tls: None,
        service: "shop",
        peer: "web",
        raw: false,
    };
    let mut out = Vec::new();
    let start = Instant::now();
    for _ in 0..ROUNDS {
        out.clear();
        write_exchange(&mut out, black_box(&line));
    }
    let ns = start.elapsed().as_nanos() as f64 / f64::from(ROUNDS);
    println!("JSON line: {ns:.0} ns ({} bytes)", out.len());
}

fn scrape() {
    let named = |name: &str| Entity { name: name.into(), local: true, ..Entity::default() };
    let mut counted = Counted {
        client: named("web"),
        server: named("shop"),
        targets: (0..5_000).map(|i| format!("/path/{i}")).collect(),
        cell: Cell::default(),
    };
    for i in 0..100 {
        counted.cell.count += 1;
        counted.cell.duration.record(i * 1_000_000);
    }
    let start = Instant::now();
    let text = black_box(outputs::prometheus::text(&counted, &AgentCost::default(), "0"));
    let ms = start.elapsed().as_nanos() as f64 / 1e6;
    println!("scrape of 5,000 calls in two roles: {ms:.1} ms ({} kB)", text.len() / 1_000);
}
