//! What every version of HTTP calls its requests and answers: method and target → operation and
//! route, status code → outcome.

use model::{EndpointId, ShortText, Status, Wire};

use super::route;
use crate::protocol::Output;

/// Methods of the IANA registry, and those of caches and UPnP events that are as common. Anything
/// else is `_OTHER`, as in the OpenTelemetry conventions: a method can be any word a client makes
/// up.
const METHODS: [&str; 45] = [
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "PATCH",
    "CONNECT",
    "TRACE",
    "QUERY",
    "ACL",
    "BASELINE-CONTROL",
    "BIND",
    "CHECKIN",
    "CHECKOUT",
    "COPY",
    "LABEL",
    "LINK",
    "LOCK",
    "MERGE",
    "MKACTIVITY",
    "MKCALENDAR",
    "MKCOL",
    "MKREDIRECTREF",
    "MKWORKSPACE",
    "MOVE",
    "ORDERPATCH",
    "PROPFIND",
    "PROPPATCH",
    "REBIND",
    "REPORT",
    "SEARCH",
    "UNBIND",
    "UNCHECKOUT",
    "UNLINK",
    "UNLOCK",
    "UPDATE",
    "UPDATEREDIRECTREF",
    "VERSION-CONTROL",
    "PURGE",
    "BAN",
    "NOTIFY",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "SOURCE",
];

/// The name of a known method.
fn method_name(method: &[u8]) -> Option<&'static str> {
    METHODS.into_iter().find(|name| name.as_bytes() == method)
}

/// True if the method is registered or in wide use: only such a word says "a request starts here"
/// where we did not see what came before.
pub fn is_known_method(method: &[u8]) -> bool {
    method_name(method).is_some()
}

/// True if more bytes may make a known method of these.
pub fn may_become_method(start: &[u8]) -> bool {
    METHODS.into_iter().any(|name| name.as_bytes().starts_with(start))
}

/// The endpoint of a request; naming is skipped for a method and path seen lately.
#[inline]
pub fn endpoint(method: &[u8], target: &[u8], output: &mut Output<'_>) -> EndpointId {
    // A tunnel's target is an authority; an extended CONNECT (RFC 8441 §4) has a path.
    let is_tunnel = method == b"CONNECT" && target.first() != Some(&b'/');
    let path = if is_tunnel { target } else { route::path(target) };
    output.names.cached("http", (method, path), |operation, name| {
        operation.push_str(method_name(method).unwrap_or("_OTHER"));
        if is_tunnel {
            route::authority(path, name);
        } else {
            route::route(path, name);
        }
    })
}

/// The endpoint of a request of which a part is not known: that part is empty.
pub fn endpoint_in_part(
    method: Option<&[u8]>,
    target: Option<&[u8]>,
    output: &mut Output<'_>,
) -> EndpointId {
    let operation = method.map_or("", |method| method_name(method).unwrap_or("_OTHER"));
    let mut name = String::new();
    if let Some(target) = target {
        route::route(target, &mut name);
    }
    output.names.intern(operation, &name)
}

/// The request as on the wire.
pub fn wire(operation: &[u8], target: Option<&[u8]>) -> Box<Wire> {
    Box::new(Wire {
        operation: String::from_utf8_lossy(operation).into_owned(),
        target: target.map(|target| String::from_utf8_lossy(target).into_owned()),
        status: None,
    })
}

/// What a status code says: the service failed from 500 on, the client from 400 on.
#[inline]
pub fn status(code: [u8; 3]) -> Status {
    let [class, ..] = code;
    Status { code: ShortText::from_wire(&code), error: class >= b'5', client_error: class == b'4' }
}
