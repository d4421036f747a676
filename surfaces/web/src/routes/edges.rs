//! `/api/v1/edges`: every client and server that talked, with the health of their connections.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use model::filter::Rows;
use model::view::EdgeRow;
use serde::Serialize;

use crate::ask::Ask;
use crate::listing::Listing;
use crate::problem::Problem;

/// A page of edges, busiest first unless asked otherwise.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Edges {
    /// When the picture was taken, microseconds since the epoch.
    at_us: u64,
    /// Seconds that the numbers cover.
    window_s: f64,
    /// Edges that the filter keeps.
    matched: usize,
    /// How many of them come before this page.
    offset: usize,
    /// Where the next page starts; null if this is the last.
    next_offset: Option<usize>,
    /// The page.
    edges: Vec<EdgeRow>,
}

pub(super) async fn answer(State(ask): State<Ask>, uri: Uri) -> Result<Response, Problem> {
    let listing = Listing::read(&uri, Rows::Edges)?;
    ask.json(listing.window, move |snapshot| {
        let page = listing.page(snapshot.edges);
        Edges {
            at_us: snapshot.at_us,
            window_s: snapshot.window_s,
            matched: page.matched,
            offset: page.offset,
            next_offset: page.next_offset,
            edges: page.rows,
        }
    })
    .await
}
