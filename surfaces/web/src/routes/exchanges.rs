//! `/api/v1/exchanges`: exchanges as they happen, from a place the client remembers.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use model::filter::Rows;
use model::view::ExchangesAsked;

use crate::ask::Ask;
use crate::limits::{EXCHANGES_DEFAULT, EXCHANGES_MAX};
use crate::parameters::Parameters;
use crate::problem::Problem;

/// What can be asked.
pub(super) const PARAMETERS: &[&str] = &["after", "filter", "limit"];

/// One page of them; `next` of the answer is the `after` of the next question.
pub(super) async fn answer(State(ask): State<Ask>, uri: Uri) -> Result<Response, Problem> {
    let asked = asked(&Parameters::read(&uri, PARAMETERS)?)?;
    ask.written(move |query| query.exchanges(&asked)).await
}

fn asked(parameters: &Parameters) -> Result<ExchangesAsked, Problem> {
    let has_place = parameters.text("after").is_some();
    let after = parameters.number("after", 0..=u64::MAX, 0)?;
    let limit = parameters.number("limit", 0..=EXCHANGES_MAX as u64, EXCHANGES_DEFAULT as u64)?;
    Ok(ExchangesAsked {
        after: has_place.then_some(after),
        filter: parameters.filter(Rows::Exchanges)?,
        limit: limit as usize,
    })
}
