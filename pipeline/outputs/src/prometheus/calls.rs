//! Durations of exchanges, one family per sort of protocol and role.

use model::{CallTotal, Family as Sort, Totals};

use super::series::{Durations, Encoder, Family, Labels, Series, Type, Value};

/// Which end of the exchange a series is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Server,
    Client,
    /// The server's, in a family that has no other role.
    OnlyServer,
    /// The client's, in a family that has no other role.
    OnlyClient,
}

impl Role {
    const fn is_server(self) -> bool {
        matches!(self, Self::Server | Self::OnlyServer)
    }

    /// True if this end's series counts the exchange. An end that does not run here has a series
    /// only if the other does not run here either (a capture, a tap between hosts).
    const fn counts(self, call: &CallTotal<'_>) -> bool {
        match self {
            Self::Server => call.server.local || !call.client.local,
            Self::Client => call.client.local || !call.server.local,
            Self::OnlyServer | Self::OnlyClient => true,
        }
    }
}

/// Name, sort, role and help of each family, after OpenTelemetry 1.44 where it names one.
const FAMILIES: [(&str, Sort, Role, &str); 10] = [
    (
        "http_server_request_duration_seconds",
        Sort::Http,
        Role::Server,
        "Duration of HTTP requests served, first byte asked to last byte answered.",
    ),
    (
        "http_client_request_duration_seconds",
        Sort::Http,
        Role::Client,
        "Duration of HTTP requests sent, first byte asked to last byte answered.",
    ),
    (
        "rpc_server_call_duration_seconds",
        Sort::Rpc,
        Role::Server,
        "Duration of remote procedure calls served.",
    ),
    (
        "rpc_client_call_duration_seconds",
        Sort::Rpc,
        Role::Client,
        "Duration of remote procedure calls sent.",
    ),
    (
        "db_client_operation_duration_seconds",
        Sort::Database,
        Role::Client,
        "Duration of data store operations sent.",
    ),
    (
        "db_server_operation_duration_seconds",
        Sort::Database,
        Role::Server,
        "Duration of data store operations served.",
    ),
    (
        "messaging_client_operation_duration_seconds",
        Sort::Messaging,
        Role::Client,
        "Duration of messaging operations sent.",
    ),
    (
        "messaging_server_operation_duration_seconds",
        Sort::Messaging,
        Role::Server,
        "Duration of messaging operations served.",
    ),
    ("dns_lookup_duration_seconds", Sort::Dns, Role::OnlyClient, "Duration of DNS lookups."),
    (
        "redsight_request_duration_seconds",
        Sort::Other,
        Role::OnlyServer,
        "Duration of requests in protocols that have no family of their own.",
    ),
];

pub(super) fn walk(totals: &dyn Totals, encoder: &mut dyn Encoder) {
    let calls: Vec<CallTotal<'_>> = totals.calls().collect();
    // One text per RPC method: its series borrow the name put together here.
    let methods: Vec<String> = calls.iter().map(rpc_method).collect();
    for (name, sort, role, help) in FAMILIES {
        let series = calls
            .iter()
            .zip(&methods)
            .filter(|(call, _)| call.protocol.family == sort && role.counts(call))
            .map(|(call, method)| Series {
                labels: labels(call, role, method),
                value: Value::Histogram(Durations::of(call.cell)),
            });
        let family = Family::new(name, help, Type::Histogram, series.collect());
        encoder.family(&family);
    }
}

fn labels<'a>(call: &CallTotal<'a>, role: Role, method: &'a str) -> Labels<'a> {
    let (service, peer) =
        if role.is_server() { (call.server, call.client) } else { (call.client, call.server) };
    let protocol = call.protocol;
    let system = if protocol.system.is_empty() { protocol.name } else { protocol.system };
    let base = Labels::of(service).with("peer", &peer.name);
    let labels = match protocol.family {
        Sort::Http => base
            .with("http_request_method", call.operation)
            .with("http_route", call.target)
            .with("http_response_status_code", call.status)
            .with("network_protocol_version", call.version),
        Sort::Rpc => base
            .with("rpc_system_name", system)
            .with("rpc_method", method)
            .with("rpc_response_status_code", call.status),
        Sort::Database => base
            .with("db_system_name", system)
            .with("db_operation_name", call.operation)
            .with("db_collection_name", call.target)
            .with("db_response_status_code", call.status),
        Sort::Messaging => base
            .with("messaging_system", system)
            .with("messaging_operation_name", call.operation)
            .with("messaging_destination_name", call.target),
        Sort::Dns => base.with("dns_question_type", call.operation),
        Sort::Other => base
            .with("protocol", protocol.name)
            .with("operation", call.operation)
            .with("target", call.target),
    };
    labels.with("error_type", error_type(call, role))
}

/// What the client did wrong is an error to the client only: a 404 is no failure of the server.
fn error_type<'a>(call: &CallTotal<'a>, role: Role) -> &'a str {
    if role == Role::Server && !call.failed {
        return "";
    }
    call.error_type
}

/// `package.Service/Method`, whether the parser calls the service a target or names both in one.
fn rpc_method(call: &CallTotal<'_>) -> String {
    match (call.protocol.family, call.target.is_empty()) {
        (Sort::Rpc, false) => format!("{}/{}", call.target, call.operation),
        (Sort::Rpc, true) => call.operation.to_owned(),
        _ => String::new(),
    }
}
