//! `/api/v1/endpoints`: the endpoints of all services in one list.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use model::filter::{Field, Fields, Key, Rows};
use model::view::{EndpointRow, ServiceRow};
use serde::Serialize;

use crate::ask::Ask;
use crate::listing::Listing;
use crate::problem::Problem;

/// A page of endpoints: by service, each service's busiest first, unless asked otherwise.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Endpoints {
    /// When the picture was taken, microseconds since the epoch.
    at_us: u64,
    /// Seconds that the numbers cover.
    window_s: f64,
    /// Endpoints that the filter keeps.
    matched: usize,
    /// How many of them come before this page.
    offset: usize,
    /// Where the next page starts; null if this is the last.
    next_offset: Option<usize>,
    /// The page.
    endpoints: Vec<Endpoint>,
}

/// An endpoint and the service it belongs to.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Endpoint {
    /// Name of the service.
    service: String,
    /// Its namespace; may be empty.
    namespace: String,
    /// Its instance.
    instance: String,
    #[serde(flatten)]
    row: EndpointRow,
}

impl Fields for Endpoint {
    fn field(&self, key: Key) -> Field<'_> {
        match key {
            Key::Service => Field::Text(&self.service),
            Key::Namespace => Field::Text(&self.namespace),
            Key::Instance => Field::Text(&self.instance),
            _ => self.row.field(key),
        }
    }
}

pub(super) async fn answer(State(ask): State<Ask>, uri: Uri) -> Result<Response, Problem> {
    let listing = Listing::read(&uri, Rows::Endpoints)?;
    ask.json(listing.window, move |snapshot| {
        let page = listing.page(snapshot.services.into_iter().flat_map(of_service).collect());
        Endpoints {
            at_us: snapshot.at_us,
            window_s: snapshot.window_s,
            matched: page.matched,
            offset: page.offset,
            next_offset: page.next_offset,
            endpoints: page.rows,
        }
    })
    .await
}

fn of_service(service: ServiceRow) -> impl Iterator<Item = Endpoint> {
    let ServiceRow { entity, endpoints, .. } = service;
    endpoints.into_iter().map(move |row| Endpoint {
        service: entity.name.clone(),
        namespace: entity.namespace.clone(),
        instance: entity.instance.clone(),
        row,
    })
}
