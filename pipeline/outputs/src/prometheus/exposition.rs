//! The walk over all families, and the formats it can be written in.

use model::Totals;
use model::view::AgentCost;

use super::series::Encoder;
use super::{agent, calls, edges, text_format};

/// The `Content-Type` of [`text`].
pub const TEXT_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `/metrics` in the text format 0.0.4. `version` is the agent's.
pub fn text(totals: &dyn Totals, agent: &AgentCost, version: &str) -> String {
    let mut encoder = text_format::Text::default();
    walk(totals, agent, version, &mut encoder);
    encoder.finish()
}

/// Hands every family to the encoder, always in the same order.
fn walk(totals: &dyn Totals, agent: &AgentCost, version: &str, encoder: &mut dyn Encoder) {
    calls::walk(totals, encoder);
    edges::walk(totals, encoder);
    agent::walk(totals, agent, version, encoder);
}
