//! A store with fixed answers.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use model::view::{AgentCost, EdgeRow, EndpointRow, ExchangeRow, Exchanges, ExchangesAsked};
use model::view::{HealthReport, KeyWay, MetricsForm, Query, Red, ServiceRow, Snapshot};
use model::view::{TlsEngine, TlsProcess, TlsReport};
use model::{Entity, Ledger, TapHealth, TapState};
use web::Server;

/// Answers with two services; remembers the windows it was asked for.
#[derive(Default)]
pub(crate) struct Fake {
    pub(crate) is_ready: AtomicBool,
    pub(crate) windows: Mutex<Vec<f64>>,
    pub(crate) exposition: String,
    pub(crate) asked: Mutex<Vec<ExchangesAsked>>,
    pub(crate) last_exchange: AtomicU64,
    /// What the next question has missed.
    pub(crate) missed: AtomicU64,
}

impl Fake {
    pub(crate) fn ready() -> Self {
        let exposition = "# TYPE redsight_build_info gauge\nredsight_build_info 1\n".into();
        let is_ready = AtomicBool::new(true);
        let last_exchange = AtomicU64::new(10);
        Self { is_ready, exposition, last_exchange, ..Self::default() }
    }
}

impl Query for Fake {
    fn snapshot(&self, window_s: f64) -> Snapshot {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        windows.push(window_s);
        picture(window_s)
    }

    fn health(&self) -> HealthReport {
        let Snapshot { at_us, health, agent, .. } = picture(1.0);
        HealthReport { at_us, health, agent }
    }

    fn tls(&self) -> TlsReport {
        let engines = vec![TlsEngine { way: KeyWay::Anchor, ..TlsEngine::default() }];
        let processes = vec![TlsProcess { pid: 7, engines, ..TlsProcess::default() }];
        TlsReport { enabled: true, processes }
    }

    fn exchanges(&self, asked: &ExchangesAsked) -> Exchanges {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner).push(asked.clone());
        let last = self.last_exchange.load(Ordering::Relaxed);
        let after = asked.after.unwrap_or(last.saturating_sub(asked.limit as u64));
        let row = |id: u64| ExchangeRow {
            id,
            status: if id.is_multiple_of(2) { "200" } else { "503" }.into(),
            ..ExchangeRow::default()
        };
        let rows = (after + 1..=last).map(row);
        let kept = rows.filter(|row| asked.filter.keeps(row)).take(asked.limit);
        let rows: Vec<ExchangeRow> = kept.collect();
        let next = rows.last().map_or(after, |row| row.id);
        Exchanges { rows, next, missed: self.missed.swap(0, Ordering::Relaxed) }
    }

    fn metrics(&self, form: MetricsForm) -> Vec<u8> {
        match form {
            MetricsForm::Text => self.exposition.clone().into_bytes(),
            other => format!("{other:?}").into_bytes(),
        }
    }

    fn ready(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed)
    }
}

/// A server on a free port.
pub(crate) fn serve(query: Arc<dyn Query>) -> Server {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    web::serve(address, &["agent.example".into()], query).expect("a free port")
}

pub(crate) fn picture(window_s: f64) -> Snapshot {
    let red = Red { count: 120, errors: 3, rate: 2.0, error_ratio: 0.025, ..Red::default() };
    let ledger = Ledger { seen: 1_000, parsed: 900, skipped: 50, lost: 50, ..Ledger::default() };
    let endpoint = |operation: &str| EndpointRow {
        protocol: "http1".into(),
        operation: operation.into(),
        target: "/cart/{id}".into(),
        red,
    };
    let service = |name: &str, endpoints| ServiceRow {
        entity: Entity { name: name.into(), local: true, ..Entity::default() },
        protocols: vec!["http1".into()],
        served: red,
        ledger,
        coverage: ledger.coverage(),
        endpoints,
        ..ServiceRow::default()
    };
    Snapshot {
        at_us: 1_700_000_000_000_000,
        window_s,
        services: vec![
            service("shop", vec![endpoint("GET"), endpoint("POST")]),
            service("web", Vec::new()),
        ],
        edges: vec![EdgeRow {
            client: "web".into(),
            server: "shop".into(),
            red,
            rtt_us: Some(31.5),
            ..EdgeRow::default()
        }],
        ledger,
        health: vec![
            TapHealth {
                name: "kernel".into(),
                state: TapState::On,
                detail: "6.18".into(),
                remedy: String::new(),
            },
            TapHealth {
                name: "wire tap".into(),
                state: TapState::Refused,
                detail: "no CAP_BPF".into(),
                remedy: "run as root".into(),
            },
        ],
        agent: AgentCost { cpu_seconds: 1.5, memory_bytes: 30 << 20, ..AgentCost::default() },
    }
}
