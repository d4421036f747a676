//! HTTP/2, without TLS: by prior knowledge, after an upgrade from HTTP/1.1, or joined late.
//!
//! **An operation** is one stream: a request with its final answer, named as in HTTP/1.1 by method
//! and route. `CONNECT` is named by the port alone, an extended one (RFC 8441: WebSocket) by its
//! route, and ends when it is granted. A stream whose content type is that of a protocol that rides
//! on HTTP/2 is that protocol's, not counted here. What is on stream 1 after an upgrade is the
//! HTTP/1.1 request that asked for it.
//!
//! **A push** is an answer that was promised (`PUSH_PROMISE`), from the promise to its end.
//!
//! **Timing.** Starts at the first byte of `HEADERS`. First byte: of the final answer's `HEADERS`,
//! not of an interim one (1xx). Ends with the frame of the answer that has `END_STREAM`, whether or
//! not the request has ended. Bytes are those of the frames of the stream.
//!
//! **An error** is a status of 500 or more, and a stream that the server breaks off (`RST_STREAM`
//! with an error code). 4xx is the client's error. A stream broken off is incomplete (`reset`); its
//! status is the answer's, or the name of the error code if there was none. A client that cancels
//! is no error of the service. A request that `GOAWAY` says was not looked at is `closed`.
//!
//! **A session**: none. SETTINGS, PING, PRIORITY and WINDOW_UPDATE are read and not reported.
//!
//! **Not seen**: names that stand in table entries from before the observation, or from before
//! lost bytes: the operation then lacks its target, or both, and says so (`mid-stream`, `gap`).
//! Entries put in since are known again. A call of a riding protocol whose content type is not
//! known is reported as HTTP/2, with the same mark. A header block of more than 64 KiB is not read.
//!
//! Specification: RFC 9113 (frames, streams), RFC 7541 (HPACK), RFC 8441 (extended CONNECT).

use model::{Family, ProtocolInfo};

use crate::http::Version;
use crate::protocol::{Opening, Protocol, Session, Start, Verdict};
use session::Http2Session;

mod frame;
mod hpack;
mod probe;
mod session;
mod sync;

/// HTTP/2.
pub struct Http2;

/// The one value of [`Http2`].
pub static PROTOCOL: Http2 = Http2;

static INFO: ProtocolInfo = ProtocolInfo {
    name: "http2",
    family: Family::Http,
    system: "",
    specification: "https://www.rfc-editor.org/rfc/rfc9113",
    ports: &[50051],
};

static SPOKEN: Version = Version {
    protocol: &INFO,
    version: "2",
    error_name: frame::error_name,
    as_http2: |code| u32::try_from(code).unwrap_or(u32::MAX),
};

impl Protocol for Http2 {
    fn protocol(&self) -> &'static ProtocolInfo {
        &INFO
    }

    fn probe(&self, opening: Opening<'_>) -> Verdict {
        probe::probe(opening)
    }

    fn open(&self, start: Start) -> Box<dyn Session> {
        Box::new(Http2Session::new(&SPOKEN, start))
    }
}
