//! `/api/v1/tls`: every TLS engine of the processes in scope, and how its secrets are had.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;

use crate::ask::Ask;
use crate::parameters::Parameters;
use crate::problem::Problem;

/// The whole list: a host has as many as it has processes that speak TLS.
pub(super) async fn answer(State(ask): State<Ask>, uri: Uri) -> Result<Response, Problem> {
    Parameters::read(&uri, &[])?;
    ask.written(|query| query.tls()).await
}
