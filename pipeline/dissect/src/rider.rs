//! Protocols that ride on the streams of HTTP/2.
//!
//! A rider has no bytes of its own: its calls are streams with a content type, and its outcome is a
//! field of the trailers. It says so as data in [`Protocol::rides`], and the session of HTTP/2,
//! which knows no rider by name, reports such streams as the rider's.
//!
//! [`Protocol::rides`]: crate::Protocol::rides

use model::{EndpointId, ProtocolInfo, Side, Status};

use crate::protocol::{Output, Protocol, Session, Start};
use crate::protocols::http2;

/// What a protocol says about the streams that are its calls.
#[derive(Debug)]
pub struct Rider {
    /// Whose exchanges they are.
    pub protocol: &'static ProtocolInfo,
    /// The content type of its requests and answers; a suffix (`+proto`) or parameters may follow.
    pub content_type: &'static [u8],
    /// The field, of the trailers or of an answer without a body, that holds the outcome.
    pub outcome_field: &'static [u8],
    /// The field of the request that holds the time the caller is going to wait.
    pub patience_field: &'static [u8],
    /// That time in nanoseconds.
    pub patience_ns: fn(&[u8]) -> Option<u64>,
    /// Operation and target of a call to this path.
    pub endpoint: fn(&[u8], &mut Output<'_>) -> EndpointId,
    /// What the end of a call means.
    pub status: fn(&Ended<'_>) -> Status,
}

/// How a stream ended.
#[derive(Clone, Copy, Debug)]
pub struct Ended<'a> {
    /// The HTTP status of the final answer, if there was one and it could be read.
    pub http_status: Option<[u8; 3]>,
    /// The value of the rider's outcome field, if it was there and could be read.
    pub outcome: Option<&'a [u8]>,
    /// Who broke the stream off, and the error code (RFC 9113 §7).
    pub reset: Option<(Side, u32)>,
    /// The caller waited for as long as it had said it would.
    pub is_patience_over: bool,
}

/// The session that reads a rider's streams: that of HTTP/2.
pub fn carried(start: Start) -> Box<dyn Session> {
    http2::PROTOCOL.open(start)
}

/// The rider whose calls have this content type.
pub fn of_content_type(content_type: &[u8]) -> Option<&'static Rider> {
    all().find(|rider| {
        let rest = content_type.strip_prefix(rider.content_type);
        rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
    })
}

/// Every rider.
pub fn all() -> impl Iterator<Item = &'static Rider> {
    crate::PROTOCOLS.iter().filter_map(|protocol| protocol.rides())
}
