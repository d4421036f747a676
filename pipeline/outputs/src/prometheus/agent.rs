//! What the agent says of itself.

use model::Totals;
use model::view::AgentCost;

use super::series::{Encoder, Family, Labels, Series, Type, Value};

pub(super) fn walk(
    totals: &dyn Totals,
    agent: &AgentCost,
    version: &str,
    encoder: &mut dyn Encoder,
) {
    let build = Series { labels: Labels::new().with("version", version), value: Value::Whole(1) };
    encoder.family(&Family::new(
        "redsight_build_info",
        "Which build of the agent runs.",
        Type::Info,
        vec![build],
    ));
    let kinds = totals.kinds();
    let kinds = kinds.iter().map(|(kind, count)| Series {
        labels: Labels::new().with("kind", kind.as_str()),
        value: Value::Whole(count),
    });
    encoder.family(&Family::new(
        "redsight_exchanges_total",
        "Exchanges by kind; durations and rates count requests and one-way messages.",
        Type::Counter,
        kinds.collect(),
    ));
    numbers(totals, agent, encoder);
}

/// What has one number and no labels.
fn numbers(totals: &dyn Totals, agent: &AgentCost, encoder: &mut dyn Encoder) {
    let whole = Value::Whole;
    let numbers = [
        (
            "redsight_tap_events_total",
            "Events the taps handed on.",
            Type::Counter,
            whole(agent.tap_events),
        ),
        (
            "redsight_tap_bytes_total",
            "Payload bytes the taps saw.",
            Type::Counter,
            whole(agent.tap_bytes),
        ),
        (
            "redsight_tap_lost_total",
            "Payload bytes the taps wanted to copy and lost.",
            Type::Counter,
            whole(agent.tap_lost),
        ),
        (
            "redsight_cpu_seconds_total",
            "CPU time the agent used.",
            Type::Counter,
            Value::Real(agent.cpu_seconds),
        ),
        (
            "redsight_cpu_limit_cores",
            "Cores the agent may use over a minute; 0 is no limit.",
            Type::Gauge,
            Value::Real(agent.cpu_limit_cores),
        ),
        (
            "redsight_turn_budget_bytes",
            "Bytes copied of each turn; lowered while the agent is near its limit of CPU.",
            Type::Gauge,
            whole(agent.turn_budget_bytes),
        ),
        (
            "redsight_http_refused_total",
            "HTTP clients that were answered 503: too many at once, or no answer in time.",
            Type::Counter,
            whole(agent.http_refused),
        ),
        (
            "redsight_memory_bytes",
            "Resident memory of the agent.",
            Type::Gauge,
            whole(agent.memory_bytes),
        ),
        (
            "redsight_connections",
            "Connections the agent follows now.",
            Type::Gauge,
            whole(agent.connections),
        ),
        (
            "redsight_cardinality_overflow_total",
            "Exchanges and connections counted under _other because a limit was reached.",
            Type::Counter,
            whole(totals.overflow()),
        ),
    ];
    for (name, help, r#type, value) in numbers {
        let series = Series { labels: Labels::new(), value };
        encoder.family(&Family::new(name, help, r#type, vec![series]));
    }
}
