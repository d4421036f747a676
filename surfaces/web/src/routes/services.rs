//! `/api/v1/services`: every service, with what it served and what it asked of others.

use axum::extract::State;
use axum::response::Response;
use model::view::ServiceRow;
use serde::Serialize;

use crate::ask::Ask;
use crate::problem::Problem;
use crate::window::Window;

#[derive(Serialize)]
struct Services {
    at_us: u64,
    window_s: f64,
    services: Vec<ServiceRow>,
}

/// Busiest first.
pub(super) async fn answer(State(ask): State<Ask>, window: Window) -> Result<Response, Problem> {
    ask.json(window, |snapshot| Services {
        at_us: snapshot.at_us,
        window_s: snapshot.window_s,
        services: snapshot.services,
    })
    .await
}
