//! `/api/v1/health`: what is on, off or refused, why, what to do, and what the agent costs.

use axum::extract::State;
use axum::response::Response;
use model::TapHealth;
use model::view::AgentCost;
use serde::Serialize;

use crate::ask::Ask;
use crate::problem::Problem;
use crate::window::Window;

#[derive(Serialize)]
struct Health {
    at_us: u64,
    health: Vec<TapHealth>,
    agent: AgentCost,
}

/// Always 200: a refused tap is an answer, not a failure. `/readyz` has the status for machines.
pub(super) async fn answer(State(ask): State<Ask>, window: Window) -> Result<Response, Problem> {
    ask.json(window, |snapshot| Health {
        at_us: snapshot.at_us,
        health: snapshot.health,
        agent: snapshot.agent,
    })
    .await
}
