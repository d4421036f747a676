//! WebSocket: messages both ways after an upgrade from HTTP.
//!
//! **An operation** is one message, whatever the number of its fragments: `TEXT` or `BINARY`, on
//! the resource that the upgrade asked for (a route, as HTTP names it). A message of the client is
//! `oneway`, one of the server is a `push`: nothing in the protocol says which answers which. The
//! payload is never read. The upgrade itself is HTTP's: a request with status 101.
//!
//! **Timing.** From the first to the last byte of the message; of a session, from the first byte of
//! the question to the last byte of the answer.
//!
//! **An error** is a closing handshake whose code says so: 1011 to 1014 are the fault of who sends
//! them, 1002, 1003 and 1007 to 1010 of the other end. Codes of applications (3000 to 4999) are
//! not judged.
//!
//! **A session**: `PING` with its `PONG` (the payloads agree; one pong answers all pings before
//! it), a `PONG` that nobody asked for, and `CLOSE` with the code of who began.
//!
//! **Compression** (`permessage-deflate`) is named in the version; compressed messages are counted
//! like any others.
//!
//! **Not seen**: the resource of a connection older than the observation. Fragments whose start was
//! lost.
//!
//! Specification: RFC 6455, RFC 7692.

use model::{Family, ProtocolInfo};

use crate::protocol::{Opening, Protocol, Session, Start, Verdict};
use session::WebSocketSession;

mod frame;
mod operation;
mod probe;
mod session;

/// WebSocket.
pub struct WebSocket;

/// The one value of [`WebSocket`].
pub static PROTOCOL: WebSocket = WebSocket;

static INFO: ProtocolInfo = ProtocolInfo {
    name: "websocket",
    family: Family::Other,
    system: "",
    specification: "https://www.rfc-editor.org/rfc/rfc6455",
    ports: &[],
};

impl Protocol for WebSocket {
    fn protocol(&self) -> &'static ProtocolInfo {
        &INFO
    }

    fn probe(&self, opening: Opening<'_>) -> Verdict {
        probe::probe(opening)
    }

    fn open(&self, start: Start) -> Box<dyn Session> {
        Box::new(WebSocketSession::new(&INFO, start))
    }
}
