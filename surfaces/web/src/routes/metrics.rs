//! `/metrics`: the Prometheus text format.

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::ask::Ask;
use crate::problem::Problem;

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The exposition as the store writes it.
pub(super) async fn answer(State(ask): State<Ask>) -> Result<Response, Problem> {
    let text = ask.ask(|query| query.prometheus()).await?;
    Ok(([(CONTENT_TYPE, TEXT)], text).into_response())
}
