//! Services as a list: who, why they are called so, what they speak and how they are doing.

use model::view::{Red, ServiceRow};

use super::columns::{Align, Columns};
use super::units;

/// Stands where there is nothing.
const NOTHING: &str = "-";
/// Protocols named in one row.
const PROTOCOLS_MAX: usize = 3;

/// One line a service, with titles above.
pub fn services_table(rows: &[ServiceRow], width: usize) -> String {
    let mut columns = Columns::new([
        ("SERVICE", Align::Left),
        ("NAMED BY", Align::Left),
        ("LANGUAGE", Align::Left),
        ("PROCS", Align::Right),
        ("PROTOCOLS", Align::Left),
        ("RATE/s", Align::Right),
        ("ERROR", Align::Right),
        ("P50", Align::Right),
        ("P99", Align::Right),
        ("COVER", Align::Right),
    ]);
    for row in rows {
        columns.push(cells(row));
    }
    columns.render(width)
}

fn cells(row: &ServiceRow) -> [String; 10] {
    let entity = &row.entity;
    let red = if row.served.count > 0 { &row.served } else { &row.asked };
    let number = |known: bool, text: String| if known { text } else { NOTHING.to_owned() };
    let duration = |us: Option<f64>| us.map_or(NOTHING.to_owned(), units::duration_us);
    let asks_only = row.served.count == 0 && row.asked.count > 0;
    let rate = format!("{}{}", if asks_only { "asks " } else { "" }, units::rate(red.rate));
    [
        qualified(&entity.namespace, &entity.name),
        or_nothing(&entity.reason),
        or_nothing(&language(row)),
        number(!entity.pids.is_empty(), entity.pids.len().to_string()),
        or_nothing(&protocols(&row.protocols)),
        number(red.count > 0, rate),
        number(red.count > 0, units::share(red.error_ratio)),
        duration(p(red, red.p50_us)),
        duration(p(red, red.p99_us)),
        number(row.ledger.seen > 0, units::share_down(row.coverage)),
    ]
}

fn p(red: &Red, quantile: Option<f64>) -> Option<f64> {
    quantile.filter(|_| red.count > 0)
}

fn or_nothing(text: &str) -> String {
    if text.is_empty() { NOTHING.to_owned() } else { text.to_owned() }
}

fn qualified(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

fn language(row: &ServiceRow) -> String {
    let entity = &row.entity;
    format!("{} {}", entity.language, entity.runtime_version).trim().to_owned()
}

fn protocols(all: &[String]) -> String {
    let mut text = all.iter().take(PROTOCOLS_MAX).cloned().collect::<Vec<_>>().join(" ");
    if all.len() > PROTOCOLS_MAX {
        text.push_str(&format!(" +{}", all.len() - PROTOCOLS_MAX));
    }
    text
}

#[cfg(test)]
mod tests {
    use model::Entity;

    use super::*;

    #[test]
    fn a_service_a_mere_client_and_a_silent_one() {
        let entity = |name: &str, pids: &[u32]| Entity {
            name: name.to_owned(),
            reason: "executable".to_owned(),
            language: "go".to_owned(),
            runtime_version: "1.22".to_owned(),
            pids: pids.to_vec(),
            ..Entity::default()
        };
        let red = Red {
            count: 10,
            errors: 1,
            rate: 5.0,
            error_ratio: 0.1,
            p50_us: Some(1_000.0),
            p95_us: Some(2_000.0),
            p99_us: Some(3_000.0),
        };
        let mut serves =
            ServiceRow { entity: entity("cart", &[1, 2]), served: red, ..ServiceRow::default() };
        serves.protocols = ["http1", "grpc", "redis", "dns"].map(str::to_owned).to_vec();
        serves.ledger.seen = 7;
        serves.coverage = 0.5;
        let asks = ServiceRow { entity: entity("curl", &[3]), asked: red, ..ServiceRow::default() };
        let silent = ServiceRow { entity: entity("idle", &[]), ..ServiceRow::default() };
        let text = services_table(&[serves, asks, silent], 200);
        let expected = "\
SERVICE  NAMED BY    LANGUAGE  PROCS  PROTOCOLS               RATE/s  ERROR     P50     P99  COVER
cart     executable  go 1.22       2  http1 grpc redis +1       5.00  10.0%  1.00ms  3.00ms  50.0%
curl     executable  go 1.22       1  -                    asks 5.00  10.0%  1.00ms  3.00ms      -
idle     executable  go 1.22       -  -                            -      -       -       -      -
";
        assert_eq!(text, expected);
    }
}
