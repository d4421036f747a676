//! `/api/v1/health`: what is on, off or refused, why, what to do, and what the agent costs.

use axum::extract::State;
use axum::http::Uri;
use axum::response::Response;
use model::TapHealth;
use model::view::AgentCost;
use serde::Serialize;

use crate::ask::Ask;
use crate::parameters::Parameters;
use crate::problem::Problem;
use crate::window::Window;

/// What is on, off or refused, and what the agent itself uses.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Health {
    /// When the picture was taken, microseconds since the epoch.
    at_us: u64,
    /// One line each.
    health: Vec<TapHealth>,
    /// What the agent itself uses and refuses.
    agent: AgentCost,
}

/// Always 200: a refused tap is an answer, not a failure. `/readyz` has the status for machines.
pub(super) async fn answer(State(ask): State<Ask>, uri: Uri) -> Result<Response, Problem> {
    Parameters::read(&uri, &[])?;
    ask.json(Window::NOW, |snapshot| Health {
        at_us: snapshot.at_us,
        health: snapshot.health,
        agent: snapshot.agent,
    })
    .await
}
