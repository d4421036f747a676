//! Connections and bytes: the ledger per service, TCP health per service and peer.

use model::{EdgeHealth, EdgeTotal, Outcome, Totals};

use super::series::{Encoder, Family, Labels, Series, Type, Value};

/// Reads one counter of an edge.
type Counter = fn(&EdgeHealth) -> u64;

const COUNTERS: [(&str, &str, Counter); 5] = [
    ("redsight_connections_opened_total", "Connections opened.", |health| health.opened),
    ("redsight_connections_closed_total", "Connections closed, for whatever reason.", |health| {
        health.closed
    }),
    (
        "redsight_connections_failed_total",
        "Connections that ended before they were established.",
        |health| health.failed,
    ),
    ("redsight_tcp_resets_total", "Connections ended by a reset.", |health| health.resets),
    ("redsight_tcp_retransmits_total", "TCP segments sent again.", |health| health.retransmits),
];

/// Reads the sum in microseconds and the count of one measurement of an edge.
type Measurement = fn(&EdgeHealth) -> (u64, u64);

const MEASUREMENTS: [(&str, &str, Measurement); 2] = [
    (
        "redsight_tcp_rtt_seconds",
        "Smoothed TCP round-trip times, one sample a connection and reading.",
        |health| (health.rtt_sum_us, health.rtt_count),
    ),
    (
        "redsight_tcp_connect_seconds",
        "Time from SYN to the acknowledgment that opens the connection.",
        |health| (health.connect_sum_us, health.connect_count),
    ),
];

pub(super) fn walk(totals: &dyn Totals, encoder: &mut dyn Encoder) {
    ledgers(totals, encoder);
    let edges: Vec<EdgeTotal<'_>> = totals.edges().collect();
    for (name, help, counter) in COUNTERS {
        let series = edges
            .iter()
            .map(|edge| Series { labels: labels(edge), value: Value::Whole(counter(edge.health)) });
        let family = Family::new(name, help, Type::Counter, series.collect());
        encoder.family(&family);
    }
    network_io(&edges, encoder);
    sealed(&edges, encoder);
    for (name, help, measurement) in MEASUREMENTS {
        let series = edges.iter().filter_map(|edge| {
            let (sum_us, count) = measurement(edge.health);
            let sum = sum_us as f64 / 1e6;
            (count > 0)
                .then(|| Series { labels: labels(edge), value: Value::Summary { sum, count } })
        });
        let family = Family::new(name, help, Type::Summary, series.collect());
        encoder.family(&family);
    }
}

fn ledgers(totals: &dyn Totals, encoder: &mut dyn Encoder) {
    let series = totals.ledgers().filter(|(_, ledger)| ledger.seen > 0);
    let series = series.flat_map(|(service, ledger)| {
        Outcome::ALL.map(|outcome| Series {
            labels: Labels::of(service).with("outcome", outcome.as_str()),
            value: Value::Whole(ledger.get(outcome)),
        })
    });
    encoder.family(&Family::new(
        "redsight_bytes_total",
        "Payload bytes of connections by what became of them; the sum is every byte seen.",
        Type::Counter,
        series.collect(),
    ));
}

fn sealed(edges: &[EdgeTotal<'_>], encoder: &mut dyn Encoder) {
    let series = edges.iter().flat_map(|edge| {
        edge.health.sealed.iter().map(|(reason, bytes)| Series {
            labels: labels(edge).with("reason", reason.as_str()),
            value: Value::Whole(bytes),
        })
    });
    encoder.family(&Family::new(
        "redsight_sealed_bytes_total",
        "Payload bytes that stay encrypted, by the reason why nobody opens them.",
        Type::Counter,
        series.collect(),
    ));
}

fn network_io(edges: &[EdgeTotal<'_>], encoder: &mut dyn Encoder) {
    let series = edges.iter().flat_map(|edge| {
        let health = edge.health;
        let (received, sent) = if is_servers(edge) {
            (health.client_bytes, health.server_bytes)
        } else {
            (health.server_bytes, health.client_bytes)
        };
        [("receive", received), ("transmit", sent)].map(|(direction, bytes)| Series {
            labels: labels(edge).with("direction", direction),
            value: Value::Whole(bytes),
        })
    });
    encoder.family(&Family::new(
        "redsight_network_io_bytes_total",
        "Payload bytes by direction, as the service sees it.",
        Type::Counter,
        series.collect(),
    ));
}

/// Each connection is counted once: with the server, unless only the client runs here.
const fn is_servers(edge: &EdgeTotal<'_>) -> bool {
    edge.server.local || !edge.client.local
}

fn labels<'a>(edge: &EdgeTotal<'a>) -> Labels<'a> {
    let (service, peer) =
        if is_servers(edge) { (edge.server, edge.client) } else { (edge.client, edge.server) };
    Labels::of(service).with("peer", &peer.name)
}
