//! `/api/v1/health`: what is on, off or refused, why, what to do, and what the agent costs.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use crate::ask::Ask;
use crate::parameters::Parameters;
use crate::problem::Problem;

/// Always 200: a refused tap is an answer, not a failure. `/readyz` has the status for machines.
pub(super) async fn answer(State(ask): State<Ask>, uri: Uri) -> Result<Response, Problem> {
    Parameters::read(&uri, &[])?;
    ask.written(|query| query.health()).await
}
