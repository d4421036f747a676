//! `/api/v1/ledger`: where every byte went, in total and per service.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use model::Ledger;
use model::filter::Rows;
use model::view::ServiceRow;
use serde::Serialize;

use crate::ask::Ask;
use crate::listing::Listing;
use crate::problem::Problem;

/// Where every byte went; `adds_up` says that each is booked exactly once.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Account {
    /// When the picture was taken, microseconds since the epoch.
    at_us: u64,
    /// Seconds that the numbers of the services cover.
    window_s: f64,
    /// Of everything since the start, whatever the window and the filter.
    total: Balance,
    /// Services that the filter keeps.
    matched: usize,
    /// How many of them come before this page.
    offset: usize,
    /// Where the next page starts; null if this is the last.
    next_offset: Option<usize>,
    /// The page.
    services: Vec<OfService>,
}

/// Bytes by what became of them.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Balance {
    #[serde(flatten)]
    ledger: Ledger,
    /// Share understood, 0 to 1.
    coverage: f64,
    /// True if the outcomes add up to what was seen.
    adds_up: bool,
}

/// The account of one service.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct OfService {
    /// Name of the service.
    service: String,
    /// Its namespace; may be empty.
    namespace: String,
    /// Its instance.
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

pub(super) async fn answer(State(ask): State<Ask>, uri: Uri) -> Result<Response, Problem> {
    let listing = Listing::read(&uri, Rows::Services)?;
    ask.json(listing.window, move |snapshot| {
        let page = listing.page(snapshot.services);
        Account {
            at_us: snapshot.at_us,
            window_s: snapshot.window_s,
            total: snapshot.ledger.into(),
            matched: page.matched,
            offset: page.offset,
            next_offset: page.next_offset,
            services: page.rows.into_iter().map(OfService::from).collect(),
        }
    })
    .await
}
