//! The two tables and the headline above them, made from a snapshot.

use model::view::{EndpointRow, Red, ServiceRow, Snapshot};
use model::{Ledger, Outcome};

use super::grid::{Grid, Row};
use super::units;

/// Endpoints printed per service; what is left is summed up in one line.
const ENDPOINTS_MAX: usize = 20;

/// Stands where there is no number.
const NOTHING: &str = "-";

/// From this width on, there is room for the count of errors beside their share.
const WIDE: usize = 100;

/// The whole report: a headline, [`red_table`] and [`ledger_table`].
pub fn report(snapshot: &Snapshot, width: usize) -> String {
    let mut out = headline(snapshot);
    out.push_str("\n\n");
    out.push_str(&red_table(snapshot, width));
    out.push('\n');
    out.push_str(&ledger_table(snapshot, width));
    out
}

/// Rate, errors and duration of each service that has any, its endpoints below it.
pub fn red_table(snapshot: &Snapshot, width: usize) -> String {
    let wide = width >= WIDE;
    let mut titles = vec!["SERVICE", "COUNT", "RATE/s", "ERROR", "P50", "P95", "P99", "COVER"];
    if wide {
        titles.insert(3, "ERRORS");
    }
    let mut grid = Grid::new(&titles);
    let mut silent = 0;
    for service in &snapshot.services {
        if service.served.count == 0 && service.asked.count == 0 && service.ledger.seen == 0 {
            silent += 1;
            continue;
        }
        push_service(&mut grid, service, wide);
    }
    let mut out = grid.render(width);
    if silent > 0 {
        let (noun, verb) = plural(silent, "service", "has", "have");
        out.push_str(&format!("{silent} more {noun} {verb} no traffic\n"));
    }
    out
}

/// Where the bytes of each service went, and the proof that none is missing.
pub fn ledger_table(snapshot: &Snapshot, width: usize) -> String {
    let titles = ["LEDGER", "SEEN", "PARSED", "SKIPPED", "LOST", "SEALED", "UNKNOWN"];
    let mut grid = Grid::new(&titles);
    for service in &snapshot.services {
        // A mere client's bytes are in the rows of the services it asked.
        let serves = service.served.count > 0 || service.asked.count == 0;
        if serves && service.ledger.seen > 0 {
            grid.push(ledger_row(&service.entity.name, &service.ledger));
        }
    }
    let mut out = grid.render(width);
    out.push_str(&proof(&snapshot.ledger, width));
    out
}

fn headline(snapshot: &Snapshot) -> String {
    let served = |row: &ServiceRow| row.served.count;
    let requests: u64 = snapshot.services.iter().map(served).sum();
    let services = snapshot.services.len() as u64;
    let edges = snapshot.edges.len() as u64;
    format!(
        "{requests} {} in {}, {services} {}, {edges} {}, coverage {}",
        plural(requests, "request", "", "").0,
        units::duration_us(snapshot.window_s * 1e6),
        plural(services, "service", "", "").0,
        plural(edges, "edge", "", "").0,
        units::share_down(snapshot.ledger.coverage()),
    )
}

fn push_service(grid: &mut Grid, service: &ServiceRow, wide: bool) {
    let protocols = service.protocols.join(" ");
    let (red, role) = if service.served.count > 0 || service.asked.count == 0 {
        (&service.served, "")
    } else {
        (&service.asked, "client ")
    };
    let mut label = service.entity.name.clone();
    if !(role.is_empty() && protocols.is_empty()) {
        label = format!("{label}  ({})", format!("{role}{protocols}").trim_end());
    }
    let coverage = if service.ledger.seen > 0 {
        units::share_down(service.coverage)
    } else {
        NOTHING.to_owned()
    };
    grid.push(red_row(label, red, coverage, wide));
    for endpoint in service.endpoints.iter().take(ENDPOINTS_MAX) {
        let label = format!("  {}", endpoint_name(endpoint, service));
        grid.push(red_row(label, &endpoint.red, String::new(), wide));
    }
    let shown = service.endpoints.iter().take(ENDPOINTS_MAX);
    let shown: u64 = shown.map(|endpoint| endpoint.red.count).sum();
    let rest = service.served.count.saturating_sub(shown);
    if rest > 0 && !service.endpoints.is_empty() {
        let mut cells = vec![units::count(rest)];
        cells.resize(if wide { 8 } else { 7 }, String::new());
        grid.push(Row::new("  other endpoints".to_owned(), cells));
    }
}

/// Operation and target; the protocol too where the service speaks several.
fn endpoint_name(endpoint: &EndpointRow, service: &ServiceRow) -> String {
    let mut name = endpoint.operation.clone();
    if !endpoint.target.is_empty() {
        name.push(' ');
        name.push_str(&endpoint.target);
    }
    if service.protocols.len() > 1 {
        name.push_str(&format!("  ({})", endpoint.protocol));
    }
    name
}

fn red_row(label: String, red: &Red, coverage: String, wide: bool) -> Row {
    let duration = |value: Option<f64>| match value {
        Some(us) => units::duration_us(us),
        None => NOTHING.to_owned(),
    };
    let mut cells = vec![units::count(red.count), units::rate(red.rate)];
    if wide {
        cells.push(units::count(red.errors));
    }
    cells.push(if red.count > 0 { units::share(red.error_ratio) } else { NOTHING.to_owned() });
    cells.extend([red.p50_us, red.p95_us, red.p99_us].map(duration));
    cells.push(coverage);
    Row::new(label, cells)
}

fn ledger_row(label: &str, ledger: &Ledger) -> Row {
    let mut cells = vec![units::bytes(ledger.seen)];
    cells.extend(Outcome::ALL.map(|outcome| units::bytes(ledger.get(outcome))));
    Row::new(label.to_owned(), cells)
}

/// The identity in exact bytes, since the start, broken over two lines where it must be.
fn proof(ledger: &Ledger, width: usize) -> String {
    let parts = Outcome::ALL.map(|outcome| {
        let bytes = ledger.get(outcome);
        format!("{bytes} {}", outcome.as_str())
    });
    let sum = parts.join(" + ");
    let sign = if ledger.adds_up() { "=" } else { "≠" };
    let left = format!("in all, {} bytes seen {sign}", ledger.seen);
    let space = if left.chars().count() + 1 + sum.len() <= width { " " } else { "\n  " };
    let mut out = format!("{left}{space}{sum}\n");
    if !ledger.adds_up() {
        out.push_str("the ledger does not add up: this is a defect of redsight\n");
    }
    out
}

fn plural<'a>(count: u64, noun: &str, one: &'a str, many: &'a str) -> (String, &'a str) {
    if count == 1 { (noun.to_owned(), one) } else { (format!("{noun}s"), many) }
}
