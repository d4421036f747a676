//! `/api/v1/edges`: every client and server that talked, with the health of their connections.

use axum::extract::State;
use axum::response::Response;
use model::view::EdgeRow;
use serde::Serialize;

use crate::ask::Ask;
use crate::problem::Problem;
use crate::window::Window;

#[derive(Serialize)]
struct Edges {
    at_us: u64,
    window_s: f64,
    edges: Vec<EdgeRow>,
}

/// Busiest first.
pub(super) async fn answer(State(ask): State<Ask>, window: Window) -> Result<Response, Problem> {
    ask.json(window, |snapshot| Edges {
        at_us: snapshot.at_us,
        window_s: snapshot.window_s,
        edges: snapshot.edges,
    })
    .await
}
