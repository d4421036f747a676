//! `/readyz`: every tap that can attach is attached.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::TapState;
use model::view::Query;

use crate::ask::Ask;
use crate::problem::Problem;

/// 200, or 503 with one line per thing that stands in the way.
pub(super) async fn answer(State(ask): State<Ask>) -> Result<Response, Problem> {
    let reason = ask.ask(obstacle).await?;
    Ok(match reason {
        None => "ok\n".into_response(),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason).into_response(),
    })
}

/// Why the agent is not ready; `None` if it is.
fn obstacle(query: &dyn Query) -> Option<String> {
    if query.ready() {
        return None;
    }
    let mut reason = String::from("not ready\n");
    for line in &query.health().health {
        if matches!(line.state, TapState::On | TapState::Off) {
            continue;
        }
        reason.push_str(&format!("{}: {}", line.name, line.detail));
        if !line.remedy.is_empty() {
            reason.push_str(&format!(" ({})", line.remedy));
        }
        reason.push('\n');
    }
    if reason == "not ready\n" {
        reason.push_str("the taps are still being attached\n");
    }
    Some(reason)
}
