//! `/api/v1/exchanges`: exchanges as they happen, from a place the client remembers.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};
use model::filter::Rows;
use model::view::ExchangesAsked;

use crate::accept::{Form, best};
use crate::ask::Ask;
use crate::events::Events;
use crate::limits::{EXCHANGES_DEFAULT, EXCHANGES_MAX};
use crate::parameters::{Parameters, refused};
use crate::problem::Problem;

/// What can be asked.
pub(super) const PARAMETERS: &[&str] = &["after", "filter", "limit"];

/// A stream, for clients that accept one; it is [`FORMS`] 1.
pub(crate) const STREAM: &str = "text/event-stream";
const FORMS: [Form; 2] = [
    Form { media_type: "application/json", parameters: &[] },
    Form { media_type: STREAM, parameters: &[] },
];

/// One page of them, or a stream without end.
pub(super) async fn answer(
    State(ask): State<Ask>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let parameters = Parameters::read(&uri, PARAMETERS)?;
    // What the client had when its stream broke says more than where it once began.
    let broken = headers.get("last-event-id").map(place).transpose()?;
    if best(&headers, &FORMS) == 0 {
        let asked = asked(&parameters, broken, EXCHANGES_DEFAULT)?;
        return ask.written(move |query| query.exchanges(&asked)).await;
    }
    let asked = asked(&parameters, broken, 0)?;
    let events = Events::start(&ask, asked)?;
    let stream = (CONTENT_TYPE, HeaderValue::from_static(STREAM));
    Ok(([stream], Body::new(events)).into_response())
}

/// `limit` of a page; of a stream, how many of the newest come first.
fn asked(
    parameters: &Parameters,
    broken: Option<u64>,
    limit_default: usize,
) -> Result<ExchangesAsked, Problem> {
    let has_place = parameters.text("after").is_some();
    let after = parameters.number("after", 0..=u64::MAX, 0)?;
    let limit = parameters.number("limit", 0..=EXCHANGES_MAX as u64, limit_default as u64)?;
    Ok(ExchangesAsked {
        after: broken.or(has_place.then_some(after)),
        filter: parameters.filter(Rows::Exchanges)?,
        limit: limit as usize,
    })
}

fn place(id: &HeaderValue) -> Result<u64, Problem> {
    let number = id.to_str().ok().and_then(|text| text.parse().ok());
    number.ok_or_else(|| refused("Last-Event-ID is not the id of an event of this stream"))
}
