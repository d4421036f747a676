//! HTTP/3, on the streams of QUIC.
//!
//! **An operation** is one request stream: a request with its final answer, named as in HTTP/1.1 by
//! method and route. `CONNECT` is named by the port alone, an extended one (RFC 9220: WebSocket) by
//! its route, and ends when it is granted. A stream whose content type is that of a protocol that
//! rides on HTTP/2 is that protocol's, not counted here.
//!
//! **A push** is an answer that was promised (`PUSH_PROMISE`), from the promise to the end of its
//! push stream.
//!
//! **Timing.** Starts with the packet that carries the first byte of the stream. First byte: of the
//! final answer's `HEADERS`, not of an interim one (1xx). Ends with the packet of the last byte of
//! the answer, in the order of the stream: what is sent again counts when it arrives. Bytes are
//! those of the frames of the stream.
//!
//! **An error** is a status of 500 or more, and a stream that the server breaks off (`RESET_STREAM`
//! with an error code). 4xx is the client's error. A stream that the server breaks off, or that the
//! client does not want to hear of any more (`STOP_SENDING`), is incomplete (`reset`); its status
//! is the answer's, or the name of the error code if there was none. A client that cancels is no
//! error of the service. A request that `GOAWAY` says was not looked at is `closed`.
//!
//! **A session**: none. SETTINGS, MAX_PUSH_ID and frames of extensions are read and not reported.
//!
//! **Not seen**: names that stand in table entries after bytes of the encoder's stream were lost:
//! the operation then lacks its target, or both, and says so (`gap`). A head that waits for entries
//! is reported once they have come, with its own times. A header section of more than 60 KiB is not
//! read. WebTransport and datagrams (RFC 9297) are passed over.
//!
//! Specification: RFC 9114 (frames, streams), RFC 9204 (QPACK), RFC 9220 (extended CONNECT).

use model::{Family, Incomplete, ProtocolInfo, Side, Timestamp};

use crate::http::Version;
use crate::multiplexed::{Multiplexed, StreamSession};
use crate::protocol::{
    Input, Opening, Output, Protocol, Session, Start, Step, Transport, Verdict,
};
use session::Http3Session;

mod frame;
mod qpack;
mod session;

/// HTTP/3.
pub struct Http3;

/// The one value of [`Http3`].
pub static PROTOCOL: Http3 = Http3;

static INFO: ProtocolInfo = ProtocolInfo {
    name: "http3",
    family: Family::Http,
    system: "",
    specification: "https://www.rfc-editor.org/rfc/rfc9114",
    ports: &[443],
};

static SPOKEN: Version = Version {
    protocol: &INFO,
    version: "3",
    error_name: frame::error_name,
    as_http2: frame::as_http2,
};

static MULTIPLEXED: Multiplexed = Multiplexed {
    names: &["h3", "h3-"],
    open: |from_start| -> Box<dyn StreamSession> {
        Box::new(Http3Session::new(&SPOKEN, from_start))
    },
};

impl Protocol for Http3 {
    fn protocol(&self) -> &'static ProtocolInfo {
        &INFO
    }

    /// It is never a connection of one stream.
    fn speaks(&self, _transport: Transport) -> bool {
        false
    }

    fn probe(&self, _opening: Opening<'_>) -> Verdict {
        Verdict::No
    }

    fn open(&self, _start: Start) -> Box<dyn Session> {
        Box::new(Unread)
    }

    fn multiplexed(&self) -> Option<&'static Multiplexed> {
        Some(&MULTIPLEXED)
    }
}

/// A connection of one stream that says it is HTTP/3: there is none.
struct Unread;

impl Session for Unread {
    fn step(&mut self, _input: Input<'_>, _output: &mut Output<'_>) -> Step {
        Step::Desync
    }

    fn passed(&mut self, _side: Side, _bytes: u64, _at: Timestamp, _output: &mut Output<'_>) {}

    fn gap(&mut self, _side: Side, _bytes: u64, _at: Timestamp, _output: &mut Output<'_>) {}

    fn resync(&mut self, _side: Side, _bytes: &[u8]) -> Option<usize> {
        None
    }

    fn end(&mut self, _side: Side, _at: Timestamp, _output: &mut Output<'_>) {}

    fn close(&mut self, _reason: Incomplete, _at: Timestamp, _output: &mut Output<'_>) {}

    fn expire(&mut self, _before: Timestamp, _output: &mut Output<'_>) {}

    fn wants_everything(&mut self) -> bool {
        false
    }
}
