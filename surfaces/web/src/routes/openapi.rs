//! `/api/v1/openapi.json`: the description of `/api/v1`, as it is committed.

use axum::http::Uri;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::parameters::Parameters;
use crate::problem::Problem;

/// Written from the types and the table of resources by the test in [`crate::openapi`].
const DOCUMENT: &str = include_str!("../../openapi.json");

pub(super) async fn answer(uri: Uri) -> Result<Response, Problem> {
    Parameters::read(&uri, &[])?;
    Ok(([(CONTENT_TYPE, "application/json")], DOCUMENT).into_response())
}
