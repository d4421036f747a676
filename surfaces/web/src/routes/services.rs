//! `/api/v1/services`: every service, with what it served and what it asked of others.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use model::filter::Rows;
use model::view::ServiceRow;
use serde::Serialize;

use crate::ask::Ask;
use crate::listing::Listing;
use crate::problem::Problem;

/// A page of services, busiest first unless asked otherwise.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Services {
    /// When the picture was taken, microseconds since the epoch.
    at_us: u64,
    /// Seconds that the numbers cover.
    window_s: f64,
    /// Services that the filter keeps.
    matched: usize,
    /// How many of them come before this page.
    offset: usize,
    /// Where the next page starts; null if this is the last.
    next_offset: Option<usize>,
    /// The page.
    services: Vec<ServiceRow>,
}

pub(super) async fn answer(State(ask): State<Ask>, uri: Uri) -> Result<Response, Problem> {
    let listing = Listing::read(&uri, Rows::Services)?;
    ask.json(listing.window, move |snapshot| {
        let page = listing.page(snapshot.services);
        Services {
            at_us: snapshot.at_us,
            window_s: snapshot.window_s,
            matched: page.matched,
            offset: page.offset,
            next_offset: page.next_offset,
            services: page.rows,
        }
    })
    .await
}
