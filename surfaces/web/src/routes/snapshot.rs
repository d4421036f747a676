//! `/api/v1/snapshot`: everything at one moment, for `redsight top --connect`.

use axum::extract::State;
use axum::response::Response;

use crate::ask::Ask;
use crate::problem::Problem;
use crate::window::Window;

/// The [`model::view::Snapshot`] as it is.
pub(super) async fn answer(State(ask): State<Ask>, window: Window) -> Result<Response, Problem> {
    ask.json(window, |snapshot| snapshot).await
}
