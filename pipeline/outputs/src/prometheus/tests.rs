//! The exposition against a case and against a strict reader.

use model::rollup::KindCounts;
use model::view::{AgentCost, MetricsForm};
use model::{
    CallTotal, Cell, EdgeHealth, EdgeTotal, Entity, Family, Kind, Ledger, ProtocolInfo, Sealed,
    SealedBytes, Totals,
};

use super::checker::check;
use super::*;

/// What a test has counted.
#[derive(Default)]
struct Counted {
    calls: Vec<Call>,
    edges: Vec<(Entity, Entity, EdgeHealth)>,
    ledgers: Vec<(Entity, Ledger)>,
}

struct Call {
    client: Entity,
    server: Entity,
    protocol: &'static ProtocolInfo,
    /// Operation, target, status, error type.
    words: [&'static str; 4],
    failed: bool,
    cell: Cell,
}

impl Totals for Counted {
    fn calls<'a>(&'a self) -> Box<dyn Iterator<Item = CallTotal<'a>> + 'a> {
        Box::new(self.calls.iter().map(|call| CallTotal {
            client: &call.client,
            server: &call.server,
            protocol: call.protocol,
            version: "",
            operation: call.words[0],
            target: call.words[1],
            status: call.words[2],
            error_type: call.words[3],
            failed: call.failed,
            cell: &call.cell,
        }))
    }

    fn edges<'a>(&'a self) -> Box<dyn Iterator<Item = EdgeTotal<'a>> + 'a> {
        Box::new(self.edges.iter().map(|(client, server, health)| EdgeTotal {
            client,
            server,
            health,
        }))
    }

    fn ledgers<'a>(&'a self) -> Box<dyn Iterator<Item = (&'a Entity, &'a Ledger)> + 'a> {
        Box::new(self.ledgers.iter().map(|(service, ledger)| (service, ledger)))
    }

    fn kinds(&self) -> KindCounts {
        let mut kinds = KindCounts::default();
        kinds.record(Kind::Request, 2);
        kinds.record(Kind::Push, 1);
        kinds
    }

    fn overflow(&self) -> u64 {
        3
    }
}

const fn protocol(name: &'static str, family: Family, system: &'static str) -> ProtocolInfo {
    ProtocolInfo { name, family, system, specification: "", ports: &[] }
}

static HTTP: ProtocolInfo = protocol("http1", Family::Http, "");
static GRPC: ProtocolInfo = protocol("grpc", Family::Rpc, "grpc");
static REDIS: ProtocolInfo = protocol("redis", Family::Database, "redis");
static KAFKA: ProtocolInfo = protocol("kafka", Family::Messaging, "kafka");
static DNS: ProtocolInfo = protocol("dns", Family::Dns, "");
static LDAP: ProtocolInfo = protocol("ldap", Family::Other, "");

fn here(name: &str) -> Entity {
    Entity { name: name.into(), local: true, ..Entity::default() }
}

fn elsewhere(name: &str) -> Entity {
    Entity { local: false, ..here(name) }
}

fn cell(durations_ms: &[u64], without_duration: u64) -> Cell {
    let mut cell = Cell::default();
    for ms in durations_ms {
        cell.duration.record(ms * 1_000_000);
    }
    cell.count = durations_ms.len() as u64 + without_duration;
    cell
}

fn call(
    ends: (&Entity, &Entity),
    protocol: &'static ProtocolInfo,
    words: [&'static str; 4],
    cell: Cell,
) -> Call {
    Call {
        client: ends.0.clone(),
        server: ends.1.clone(),
        protocol,
        words,
        failed: words[3].starts_with('5') || words[3] == "timeout",
        cell,
    }
}

/// One call of each family, between services here and elsewhere.
fn everything() -> Counted {
    let (user, web, shop) = (elsewhere("10.0.0.9"), here("web"), here("shop"));
    let mut shop_two = here("shop");
    shop_two.instance = "two".into();
    let get = |status, error| ["GET", "/cart/{id}", status, error];
    Counted {
        calls: vec![
            call((&user, &web), &HTTP, get("200", ""), cell(&[4, 5, 6], 0)),
            call((&user, &web), &HTTP, get("503", "503"), cell(&[20_000], 0)),
            call((&web, &shop), &HTTP, get("404", "404"), cell(&[1], 0)),
            call((&web, &shop), &HTTP, get("", "timeout"), cell(&[], 2)),
            call((&web, &shop_two), &HTTP, get("404", "404"), cell(&[1], 0)),
            call((&web, &shop), &GRPC, ["Get", "shop.Cart", "OK", ""], cell(&[7], 0)),
            call((&shop, &elsewhere("db")), &REDIS, ["SET", "", "OK", ""], cell(&[1], 0)),
            call((&shop, &web), &KAFKA, ["Produce", "orders", "", ""], cell(&[], 1)),
            call((&shop, &web), &DNS, ["A", "", "NXDOMAIN", "NXDOMAIN"], cell(&[2], 0)),
            call((&user, &web), &LDAP, ["search", "cn", "", ""], cell(&[2], 0)),
        ],
        edges: vec![
            (user, web.clone(), health(1)),
            (web.clone(), shop.clone(), health(2)),
            (web.clone(), shop_two, health(4)),
            (shop, elsewhere("db"), health(8)),
        ],
        ledgers: vec![(web, ledger())],
    }
}

fn health(n: u64) -> EdgeHealth {
    let mut sealed = SealedBytes::default();
    sealed.book(Sealed::NoKey, 2 * n);
    EdgeHealth {
        sealed,
        opened: 10 * n,
        closed: 9 * n,
        failed: n,
        resets: n,
        retransmits: n,
        rtt_sum_us: 500 * n,
        rtt_count: n,
        client_bytes: 100 * n,
        server_bytes: 1_000 * n,
        ..EdgeHealth::default()
    }
}

fn ledger() -> Ledger {
    Ledger { seen: 15, parsed: 5, skipped: 4, lost: 3, sealed: 2, unknown: 1 }
}

fn agent() -> AgentCost {
    AgentCost {
        cpu_seconds: 1.25,
        memory_bytes: 4_096,
        connections: 7,
        tap_events: 100,
        tap_bytes: 2_000,
        tap_lost: 3,
        cardinality_overflow: 3,
        cpu_limit_cores: 0.2,
        turn_budget_bytes: 65_536,
        http_refused: 2,
    }
}

#[test]
fn every_family_is_written_as_the_case_says() {
    let written = text(&everything(), &agent(), "0.1.0");
    let expected = include_str!("cases/everything.prom");
    if let Some(path) = std::env::var_os("REDSIGHT_WRITE_CASES") {
        let path = std::path::Path::new(&path).join("everything.prom");
        std::fs::write(path, &written).expect("the folder named in REDSIGHT_WRITE_CASES exists");
    }
    for (line, (a, b)) in written.lines().zip(expected.lines()).enumerate() {
        assert_eq!(a, b, "line {}", line + 1);
    }
    assert_eq!(written.len(), expected.len());
}

#[test]
fn the_text_passes_a_strict_reader() {
    let samples = check(&text(&everything(), &agent(), "0.1.0")).expect("the text is valid");
    assert!(samples > 100);
    check(&text(&Counted::default(), &agent(), "0.1.0")).expect("an empty one too");
}

#[test]
fn the_order_of_what_is_counted_does_not_show() {
    let one = everything();
    let mut other = everything();
    other.calls.reverse();
    other.edges.reverse();
    let (one, other) = (text(&one, &agent(), "1"), text(&other, &agent(), "1"));
    assert_eq!(one, other);
}

#[test]
fn label_values_are_escaped() {
    let odd = here("a\"b\\c\nd");
    let counted = Counted {
        calls: vec![call((&odd, &odd), &HTTP, ["GET", "/", "200", ""], cell(&[1], 0))],
        ..Counted::default()
    };
    let written = text(&counted, &agent(), "1");
    assert!(written.contains(r#"service_name="a\"b\\c\nd""#));
    check(&written).expect("the text is valid");
}

#[test]
fn an_exchange_without_duration_is_counted_above_every_bound() {
    let (web, shop) = (here("web"), here("shop"));
    let counted = Counted {
        calls: vec![call((&web, &shop), &HTTP, ["GET", "/", "", "timeout"], cell(&[], 2))],
        ..Counted::default()
    };
    let written = text(&counted, &agent(), "1");
    let sample = |suffix: &str, last: &str| {
        let start = format!("http_server_request_duration_seconds{suffix}{{");
        let line = written.lines().find(|l| l.starts_with(&start) && l.contains(last));
        line.and_then(|l| l.rsplit(' ').next()).unwrap_or("none").to_owned()
    };
    assert_eq!(sample("_bucket", "le=\"10.0\""), "0");
    assert_eq!(sample("_bucket", "le=\"+Inf\""), "2");
    assert_eq!(sample("_count", "timeout"), "2");
    assert_eq!(sample("_sum", "timeout"), "0");
}

/// Lines of a family in an exposition.
fn about<'a>(written: &'a str, name: &str) -> Vec<&'a str> {
    written.lines().filter(|line| line.contains(name)).collect()
}

#[test]
fn open_metrics_says_the_same_in_its_own_words() {
    let counted = everything();
    let written = metrics(&counted, &agent(), "0.1.0", MetricsForm::OpenMetrics);
    let written = String::from_utf8(written).expect("text");
    assert!(written.ends_with("\n# EOF\n"));
    assert_eq!(
        about(&written, "redsight_build"),
        [
            "# HELP redsight_build Which build of the agent runs.",
            "# TYPE redsight_build info",
            "redsight_build_info{version=\"0.1.0\"} 1",
        ]
    );
    assert_eq!(
        about(&written, "redsight_cpu_seconds"),
        [
            "# HELP redsight_cpu_seconds CPU time the agent used.",
            "# TYPE redsight_cpu_seconds counter",
            "# UNIT redsight_cpu_seconds seconds",
            "redsight_cpu_seconds_total 1.25",
        ]
    );
    // The samples are those of the text format, to the letter.
    let samples = |text: &str| -> Vec<String> {
        text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    };
    assert_eq!(samples(&written), samples(&text(&counted, &agent(), "0.1.0")));
}

/// A number of a message and what it holds, as the three wire types have it.
#[derive(Clone, Debug, PartialEq)]
enum Part<'a> {
    Number(u64),
    Real(f64),
    Bytes(&'a [u8]),
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first().expect("a varint ends");
        *bytes = rest;
        value |= u64::from(first & 0x7F) << shift;
        if *first < 0x80 {
            break;
        }
    }
    value
}

fn parts(mut bytes: &[u8]) -> Vec<(u64, Part<'_>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let part = match key & 7 {
            0 => Part::Number(varint(&mut bytes)),
            1 => {
                let (value, rest) = bytes.split_first_chunk().expect("eight bytes");
                bytes = rest;
                Part::Real(f64::from_le_bytes(*value))
            }
            _ => {
                let length = varint(&mut bytes) as usize;
                let (value, rest) = bytes.split_at(length);
                bytes = rest;
                Part::Bytes(value)
            }
        };
        found.push((key >> 3, part));
    }
    found
}

fn inner<'a>(parts: &[(u64, Part<'a>)], field: u64) -> Vec<&'a [u8]> {
    let bytes = parts.iter().filter(|(number, _)| *number == field);
    bytes.filter_map(|(_, part)| if let Part::Bytes(b) = part { Some(*b) } else { None }).collect()
}

/// The families of a protobuf exposition: name, and the bytes of each metric.
fn families(mut bytes: &[u8]) -> Vec<(String, Vec<&[u8]>)> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let length = varint(&mut bytes) as usize;
        let (family, rest) = bytes.split_at(length);
        bytes = rest;
        let parts = parts(family);
        let name = inner(&parts, 1)[0].to_vec();
        found.push((String::from_utf8(name).expect("a name"), inner(&parts, 4)));
    }
    found
}

#[test]
fn protobuf_has_the_families_and_series_of_the_text() {
    let counted = everything();
    let bytes = metrics(&counted, &agent(), "0.1.0", MetricsForm::Protobuf);
    let text = text(&counted, &agent(), "0.1.0");
    let families = families(&bytes);
    let named = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let named: Vec<&str> = named.filter_map(|line| line.split(' ').next()).collect();
    let names: Vec<&str> = families.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, named);
    for (name, metrics) in &families {
        let series = |line: &&str| {
            let is_count = line.starts_with(&format!("{name}_count"));
            is_count
                || line.starts_with(&format!("{name} "))
                || line.starts_with(&format!("{name}{{"))
        };
        assert_eq!(metrics.len(), text.lines().filter(series).count(), "{name}");
    }
}

#[test]
fn native_buckets_are_those_that_were_counted() {
    let mut durations = cell(&[0, 1, 2, 4_000], 3);
    durations.duration.record(1);
    let (web, shop) = (here("web"), here("shop"));
    let counted = Counted {
        calls: vec![call((&web, &shop), &HTTP, ["GET", "/", "200", ""], durations.clone())],
        ..Counted::default()
    };
    let bytes = metrics(&counted, &agent(), "1", MetricsForm::Protobuf);
    let families = families(&bytes);
    let metric = parts(families[0].1[0]);
    let histogram = parts(inner(&metric, 7)[0]);
    let field = |number: u64| {
        histogram.iter().find(|(field, _)| *field == number).map(|(_, part)| part.clone())
    };
    assert_eq!(field(5), Some(Part::Number(10)), "schema 5, zigzag");
    assert_eq!(field(7), Some(Part::Number(1)), "one duration of zero");
    // Read back: spans and deltas into index and count.
    let (mut index, mut count, mut found) = (0_i64, 0_i64, Vec::new());
    let mut deltas = inner(&histogram, 13)[0];
    let unzigzag = |value: u64| (value >> 1) as i64 ^ -((value & 1) as i64);
    for span in inner(&histogram, 12).into_iter().map(parts) {
        let [(1, Part::Number(offset)), (2, Part::Number(length))] = span[..] else {
            panic!("{span:?}")
        };
        index += unzigzag(offset);
        for _ in 0..length {
            count += unzigzag(varint(&mut deltas));
            if count > 0 {
                found.push((index, count));
            }
            index += 1;
        }
    }
    assert!(deltas.is_empty());
    let mut expected: Vec<(i64, i64)> = durations
        .duration
        .buckets()
        .filter(|(index, _)| *index != model::Histogram::INDEX_ZERO)
        .map(|(index, count)| (i64::from(index) + 1, count as i64))
        .collect();
    // Those without a known duration are above every bound: 2^1024 s.
    expected.push((1_024 * 32 + 1, 2));
    assert_eq!(found, expected);
}
