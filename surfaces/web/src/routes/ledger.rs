//! `/api/v1/ledger`: where every byte went, in total and per service.

use axum::extract::State;
use axum::response::Response;
use model::Ledger;
use model::view::ServiceRow;
use serde::Serialize;

use crate::ask::Ask;
use crate::problem::Problem;
use crate::window::Window;

#[derive(Serialize)]
struct Account {
    at_us: u64,
    window_s: f64,
    /// Since the start, whatever the window.
    total: Balance,
    services: Vec<OfService>,
}

#[derive(Serialize)]
struct Balance {
    #[serde(flatten)]
    ledger: Ledger,
    coverage: f64,
    adds_up: bool,
}

#[derive(Serialize)]
struct OfService {
    service: String,
    namespace: String,
    instance: String,
    #[serde(flatten)]
    balance: Balance,
}

impl From<Ledger> for Balance {
    fn from(ledger: Ledger) -> Self {
        let (coverage, adds_up) = (ledger.coverage(), ledger.adds_up());
        Self { ledger, coverage, adds_up }
    }
}

impl From<ServiceRow> for OfService {
    fn from(row: ServiceRow) -> Self {
        Self {
            service: row.entity.name,
            namespace: row.entity.namespace,
            instance: row.entity.instance,
            balance: row.ledger.into(),
        }
    }
}

/// `adds_up` says that every byte seen is booked exactly once.
pub(super) async fn answer(State(ask): State<Ask>, window: Window) -> Result<Response, Problem> {
    ask.json(window, |snapshot| Account {
        at_us: snapshot.at_us,
        window_s: snapshot.window_s,
        total: snapshot.ledger.into(),
        services: snapshot.services.into_iter().map(OfService::from).collect(),
    })
    .await
}
