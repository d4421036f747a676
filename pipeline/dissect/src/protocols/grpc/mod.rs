//! gRPC over HTTP/2.
//!
//! **An operation** is one call: a stream with a content type of `application/grpc`, or with a
//! subtype of it (`+proto`; not `-web`). Its name is the method, its target the service with its
//! package: `Get` on `shop.v1.Cart`. Unary and streaming calls are one operation each, from the
//! first byte of their `HEADERS` to the end of the stream, however long that stays open; messages
//! are not counted. No metadata, no `grpc-message` and no byte of a message leaves the parser.
//!
//! **Status** is the name of the code: of `grpc-status` in the trailers, or in an answer that is
//! trailers only. Where there is none, it is what a client makes of the HTTP status of a proxy (503
//! is `UNAVAILABLE`) or of the code of `RST_STREAM`. A client that cancels makes it `CANCELLED`, or
//! `DEADLINE_EXCEEDED` if it had waited for as long as its `grpc-timeout`.
//!
//! **An error** is every status but `OK` (and but `CANCELLED` by the client): to the caller a call
//! has failed, as the OpenTelemetry conventions say. Codes that speak of the request and not of the
//! service (`NOT_FOUND`, `INVALID_ARGUMENT`, …) are marked as the client's error as well.
//!
//! **A session**: none.
//!
//! **Not seen**: calls whose content type stands in a part of the connection that was not seen are
//! HTTP/2. gRPC-Web is HTTP.
//!
//! Specification: gRPC over HTTP2 (PROTOCOL-HTTP2), gRPC status codes, HTTP to gRPC status mapping.

use model::{EndpointId, Family, ProtocolInfo};

use crate::protocol::{Opening, Output, Protocol, Session, Start, Verdict};
use crate::rider::{self, Rider};

mod status;

/// gRPC.
pub struct Grpc;

/// The one value of [`Grpc`].
pub static PROTOCOL: Grpc = Grpc;

static INFO: ProtocolInfo = ProtocolInfo {
    name: "grpc",
    family: Family::Rpc,
    system: "grpc",
    specification: "https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md",
    ports: &[],
};

static RIDER: Rider = Rider {
    protocol: &INFO,
    content_type: b"application/grpc",
    outcome_field: b"grpc-status",
    patience_field: b"grpc-timeout",
    patience_ns: status::timeout_ns,
    endpoint,
    status: status::status,
};

impl Protocol for Grpc {
    fn protocol(&self) -> &'static ProtocolInfo {
        &INFO
    }

    /// A connection is never gRPC's own: it is HTTP/2.
    fn probe(&self, _opening: Opening<'_>) -> Verdict {
        Verdict::No
    }

    fn open(&self, start: Start) -> Box<dyn Session> {
        rider::carried(start)
    }

    fn rides(&self) -> Option<&'static Rider> {
        Some(&RIDER)
    }
}

/// `/package.Service/Method`: what stands before the last slash is the target. A path that cannot
/// be one (a proxy's, a probe's) has no target and is called `_OTHER`.
fn endpoint(path: &[u8], output: &mut Output<'_>) -> EndpointId {
    output.names.cached("grpc", (b"", path), |operation, target| {
        let parts = path
            .strip_prefix(b"/")
            .and_then(|path| std::str::from_utf8(path).ok())
            .and_then(|path| path.rsplit_once('/'))
            .filter(|(service, method)| is_name(service) && is_name(method));
        match parts {
            Some((service, method)) => {
                operation.push_str(method);
                target.push_str(service);
            }
            None if path.is_empty() => {}
            None => operation.push_str("_OTHER"),
        }
    })
}

/// The longest name taken: generated ones have tens of letters.
const NAME_BYTES_MAX: usize = 200;

/// Packages, services and methods are identifiers; some put a prefix path before the service.
fn is_name(name: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/');
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(is_plain)
}
