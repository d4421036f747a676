//! The same line as a row, for whoever looks at exchanges live.

use model::view::ExchangeRow;

use super::line::{Line, times_us};
use super::text::push_address;

/// The row of an exchange. Serialised without its `id` it is the line that
/// [`super::write_exchange`] writes.
pub fn exchange_row(id: u64, line: &Line<'_>) -> ExchangeRow {
    let exchange = line.exchange;
    let [start_us, duration_us, ttfb_us] = times_us(exchange);
    let address = |address| {
        let mut out = Vec::with_capacity(21);
        push_address(&mut out, address);
        String::from_utf8(out).unwrap_or_default()
    };
    ExchangeRow {
        id,
        kind: exchange.kind.as_str().to_owned(),
        protocol: exchange.protocol.name.to_owned(),
        version: exchange.version.as_str().to_owned(),
        client: address(line.client),
        server: address(line.server),
        side: line.side.as_str().to_owned(),
        operation: line.operation.to_owned(),
        target: line.target.to_owned(),
        status: exchange.status.code.as_str().to_owned(),
        error: exchange.status.error,
        client_error: exchange.status.client_error,
        start_us,
        duration_us,
        ttfb_us,
        request_bytes: exchange.request_bytes,
        response_bytes: exchange.response_bytes,
        tls: line.tls.cloned(),
        incomplete: exchange.incomplete.map(|reason| reason.as_str().to_owned()),
        service: line.service.to_owned(),
        peer: line.peer.to_owned(),
    }
}
