//! Opcodes and close codes → names and outcomes.

use model::{EndpointId, ShortText, Status, Wire};

use super::frame::Opcode;
use crate::protocol::Output;

/// No code was sent (RFC 6455 §7.4.1).
const NO_STATUS: u16 = 1005;

/// The word of the specification.
pub(super) const fn name(opcode: Opcode) -> &'static str {
    match opcode {
        Opcode::Text | Opcode::Continuation => "TEXT",
        Opcode::Binary => "BINARY",
        Opcode::Close => "CLOSE",
        Opcode::Ping => "PING",
        Opcode::Pong => "PONG",
    }
}

/// What is done, and on which resource: the one that the upgrade asked for.
pub(super) fn endpoint(
    opcode: Opcode,
    upgraded_by: Option<EndpointId>,
    output: &mut Output<'_>,
) -> EndpointId {
    let target = upgraded_by.map_or("", |id| output.names.target(id)).to_owned();
    output.names.intern(name(opcode), &target)
}

/// The version of the protocol, with the one extension that changes the payload.
pub(super) const fn version(is_compressed: bool) -> ShortText {
    ShortText::new(if is_compressed { "13+permessage-deflate" } else { "13" })
}

/// The outcome of a closing handshake, by the code of who began it (RFC 6455 §7.4.1 and the IANA
/// registry of close codes).
pub(super) fn closed(code: Option<u16>, by_server: bool) -> Status {
    let code = code.unwrap_or(NO_STATUS);
    let (error, client_error) = match code {
        // What the other end sent was wrong.
        1002 | 1003 | 1007..=1010 => (!by_server, by_server),
        // The end that says so could not go on: internal error, restart, overload, bad gateway.
        1011..=1014 => (by_server, !by_server),
        _ => (false, false),
    };
    Status { code: ShortText::new(&code.to_string()), error, client_error }
}

/// The outcome of a ping.
pub(super) fn answered() -> Status {
    Status { code: ShortText::new("PONG"), ..Status::default() }
}

/// As on the wire.
pub(super) fn wire(opcode: Opcode, status: &Status) -> Box<Wire> {
    let code = status.code.as_str();
    Box::new(Wire {
        operation: name(opcode).to_owned(),
        target: None,
        status: Some(code.to_owned()).filter(|code| !code.is_empty()),
    })
}
