//! `/api/v1/tls`: who speaks TLS, by which engine, how its secrets are had, what was opened.

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
