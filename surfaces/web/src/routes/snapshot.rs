//! `/api/v1/snapshot`: everything at one moment, for `redsight top --connect`.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use crate::ask::Ask;
use crate::parameters::Parameters;
use crate::problem::Problem;

/// What can be asked.
pub(super) const PARAMETERS: &[&str] = &["window"];

/// The [`model::view::Snapshot`] as it is.
pub(super) async fn answer(State(ask): State<Ask>, uri: Uri) -> Result<Response, Problem> {
    let window = Parameters::read(&uri, PARAMETERS)?.window()?;
    ask.json(window, |snapshot| snapshot).await
}
