//! The walk over all families, and the formats it can be written in.

use model::Totals;
use model::view::{AgentCost, MetricsForm};

use super::series::Encoder;
use super::{agent, calls, edges, protobuf_format, text_format};

/// `/metrics` in the form asked for. `version` is the agent's.
pub fn metrics(
    totals: &dyn Totals,
    agent: &AgentCost,
    version: &str,
    form: MetricsForm,
) -> Vec<u8> {
    match form {
        MetricsForm::Text => text(totals, agent, version).into_bytes(),
        MetricsForm::OpenMetrics => {
            let mut encoder = text_format::Text::open_metrics();
            walk(totals, agent, version, &mut encoder);
            encoder.finish().into_bytes()
        }
        MetricsForm::Protobuf => {
            let mut encoder = protobuf_format::Protobuf::default();
            walk(totals, agent, version, &mut encoder);
            encoder.finish()
        }
    }
}

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
