//! The line of one exchange, field by field in the order of the contract.

use std::net::SocketAddr;

use model::view::TlsRow;
use model::{Exchange, Timestamp};

use super::text::{push_address, push_number, push_string};

/// Which ends of the connection are in scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The end that asks.
    Client,
    /// The end that answers.
    Server,
    /// Both: still one line an exchange.
    Both,
}

impl Scope {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Server => "server",
            Self::Both => "both",
        }
    }
}

/// An exchange with everything that is said about it elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The exchange.
    pub exchange: &'a Exchange,
    /// Its operation, from the worker's names.
    pub operation: &'a str,
    /// Its target, from the worker's names; may be empty.
    pub target: &'a str,
    /// Address of the end that asked.
    pub client: SocketAddr,
    /// Address of the end that answered.
    pub server: SocketAddr,
    /// Which ends are in scope.
    pub side: Scope,
    /// TLS of the connection, if it was opened.
    pub tls: Option<&'a TlsRow>,
    /// Service name of the server.
    pub service: &'a str,
    /// Service name of the client.
    pub peer: &'a str,
    /// Adds the wire's own words, where the exchange kept them.
    pub raw: bool,
}

/// Appends the line and a newline.
pub fn write_exchange(out: &mut Vec<u8>, line: &Line<'_>) {
    let exchange = line.exchange;
    let field = |out: &mut Vec<u8>, name: &str, value: &str| {
        out.extend_from_slice(name.as_bytes());
        push_string(out, value);
    };
    field(out, "{\"kind\":", exchange.kind.as_str());
    field(out, ",\"protocol\":", exchange.protocol.name);
    field(out, ",\"version\":", exchange.version.as_str());
    out.extend_from_slice(b",\"client\":\"");
    push_address(out, line.client);
    out.extend_from_slice(b"\",\"server\":\"");
    push_address(out, line.server);
    out.push(b'"');
    field(out, ",\"side\":", line.side.as_str());
    field(out, ",\"operation\":", line.operation);
    field(out, ",\"target\":", line.target);
    field(out, ",\"status\":", exchange.status.code.as_str());
    out.extend_from_slice(match exchange.status.error {
        true => b",\"error\":true",
        false => b",\"error\":false",
    });
    out.extend_from_slice(match exchange.status.client_error {
        true => b",\"client_error\":true",
        false => b",\"client_error\":false",
    });
    write_numbers(out, exchange);
    match line.tls {
        Some(tls) => {
            field(out, ",\"tls\":{\"version\":", &tls.version);
            field(out, ",\"sni\":", &tls.sni);
            field(out, ",\"alpn\":", &tls.alpn);
            out.push(b'}');
        }
        None => out.extend_from_slice(b",\"tls\":null"),
    }
    match exchange.incomplete {
        Some(reason) => field(out, ",\"incomplete\":", reason.as_str()),
        None => out.extend_from_slice(b",\"incomplete\":null"),
    }
    field(out, ",\"service\":", line.service);
    field(out, ",\"peer\":", line.peer);
    if line.raw {
        write_wire(out, exchange);
    }
    out.extend_from_slice(b"}\n");
}

/// Start, duration and time to the first byte of the answer, in whole microseconds.
pub(super) fn times_us(exchange: &Exchange) -> [Option<u64>; 3] {
    let start = exchange.start;
    let start_us = (!start.is_unknown()).then(|| start.as_micros());
    // The difference of two truncated times, as a capture in microseconds would show it.
    let until_us = |ns: u64| Timestamp(start.0.saturating_add(ns)).as_micros() - start.as_micros();
    [start_us, exchange.duration_ns.map(until_us), exchange.ttfb_ns.map(until_us)]
}

fn write_numbers(out: &mut Vec<u8>, exchange: &Exchange) {
    let [start_us, duration_us, ttfb_us] = times_us(exchange);
    for (name, value) in [
        (",\"start_us\":", start_us),
        (",\"duration_us\":", duration_us),
        (",\"ttfb_us\":", ttfb_us),
        (",\"request_bytes\":", Some(exchange.request_bytes)),
        (",\"response_bytes\":", Some(exchange.response_bytes)),
    ] {
        out.extend_from_slice(name.as_bytes());
        match value {
            Some(value) => push_number(out, value),
            None => out.extend_from_slice(b"null"),
        }
    }
}

/// The wire's own words; `null` where the exchange kept none.
fn write_wire(out: &mut Vec<u8>, exchange: &Exchange) {
    let wire = exchange.wire.as_deref();
    for (name, value) in [
        (",\"wire_operation\":", wire.map(|w| w.operation.as_str())),
        (",\"wire_target\":", wire.and_then(|w| w.target.as_deref())),
        (",\"wire_status\":", wire.and_then(|w| w.status.as_deref())),
    ] {
        out.extend_from_slice(name.as_bytes());
        match value {
            Some(value) => push_string(out, value),
            None => out.extend_from_slice(b"null"),
        }
    }
}
