//! `/metrics`: everything since the start, for Prometheus and its like.
//!
//! Not compressed: a scraper on this host would pay for it twice, and get nothing.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use model::view::MetricsForm;

use crate::accept::{Form, best};
use crate::ask::Ask;
use crate::problem::Problem;

/// What a client may ask for, in the order of [`MetricsForm::ALL`].
const FORMS: [Form; 3] = [
    Form { media_type: "text/plain", parameters: &[("version", "0.0.4")] },
    Form { media_type: "application/openmetrics-text", parameters: &[("version", "1.0.0")] },
    Form {
        media_type: "application/vnd.google.protobuf",
        parameters: &[("proto", "io.prometheus.client.metricfamily"), ("encoding", "delimited")],
    },
];

/// The exposition as the store writes it, in the form the client likes best.
pub(super) async fn answer(
    State(ask): State<Ask>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let form = MetricsForm::ALL[best(&headers, &FORMS)];
    let body = ask.ask(move |query| query.metrics(form)).await?;
    Ok(([(CONTENT_TYPE, form.content_type())], body).into_response())
}
