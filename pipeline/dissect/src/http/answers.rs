//! Heads of both sides → requests and their answers.

use model::{Kind, ShortText, Side, Timestamp};

use super::requests::{Asked, Requests, Stream};
use super::{Head, Name};
use crate::naming::http;
use crate::pairing::Pending;
use crate::protocol::Output;
use crate::rider;

/// The part of a stream that a head came in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    /// The number of the request.
    pub(crate) stream: u64,
    /// True if its side says no more.
    pub(crate) ends_stream: bool,
    /// First byte of its frames.
    pub(crate) first_at: Timestamp,
    /// Last byte of them.
    pub(crate) at: Timestamp,
    /// Bytes of its frames.
    pub(crate) bytes: u64,
}

impl Requests {
    /// A head of the client: a request, or the trailers of one.
    pub(crate) fn asked(&mut self, part: &Part, head: &Head, output: &mut Output<'_>) {
        if self.get(part.stream).is_some() {
            self.count(part.stream, Side::Client, part.bytes);
        } else if head.is_request() {
            self.open(request(part, Kind::Request, head, output), output);
        }
        if part.ends_stream {
            self.end(part.stream, Side::Client, part.at, output);
        }
    }

    /// The server promises an answer that was not asked for.
    pub(crate) fn promised(&mut self, part: &Part, head: &Head, output: &mut Output<'_>) {
        self.open(request(part, Kind::Push, head, output), output);
    }

    /// A head of the server: an interim answer, the head of the final one, or its trailers.
    pub(crate) fn answers(&mut self, part: &Part, head: &Head, output: &mut Output<'_>) {
        let Some(stream) = self.get(part.stream) else { return };
        stream.response_bytes += part.bytes;
        let code = head.status();
        let is_interim = matches!(code, Some([b'1', ..])) && !part.ends_stream;
        if is_interim {
            return;
        }
        stream.first_answer.get_or_insert(part.first_at);
        let asked = &mut stream.tag;
        if !asked.is_answering {
            asked.is_answering = true;
            asked.code = code;
            asked.is_partial |= code.is_none();
            decide(stream, head, output);
        }
        let asked = &mut stream.tag;
        if asked.rider.is_some() {
            asked.outcome = head.get(Name::Outcome).map(ShortText::from_wire);
            // The outcome is in the last head.
            asked.is_partial |= part.ends_stream && head.may_have(Name::Outcome);
        }
        let is_tunnel = asked.is_tunnel && matches!(code, Some([b'2', ..]));
        if part.ends_stream {
            self.end(part.stream, Side::Server, part.at, output);
        } else if is_tunnel && let Some(stream) = self.take(part.stream) {
            // What passes through a tunnel has no end of its own.
            self.answered(stream, part.at, output);
        }
    }
}

fn request(part: &Part, kind: Kind, head: &Head, output: &mut Output<'_>) -> Stream {
    let (method, path) = (head.get(Name::Method), head.get(Name::Path));
    let is_tunnel = method == Some(b"CONNECT");
    let target = if is_tunnel { path.or(head.get(Name::Authority)) } else { path };
    let rider = head.get(Name::ContentType).and_then(rider::of_content_type);
    // A call is a POST; nothing else is asked for its content type again.
    let may_ride =
        head.may_have(Name::ContentType) && method.is_none_or(|method| method == b"POST");
    let patience = rider.zip(head.get(Name::Patience));
    let endpoint = match (rider, method, target) {
        (Some(rider), _, target) => (rider.endpoint)(target.unwrap_or_default(), output),
        (None, Some(method), Some(target)) => http::endpoint(method, target, output),
        (None, method, target) => http::endpoint_in_part(method, target, output),
    };
    let tag = Asked {
        stream: part.stream,
        rider,
        path: may_ride.then(|| target.unwrap_or_default().into()),
        patience_ns: patience.and_then(|(rider, value)| (rider.patience_ns)(value)).unwrap_or(0),
        is_sent: kind == Kind::Push,
        is_tunnel,
        is_partial: method.is_none() || target.is_none(),
        ..Asked::default()
    };
    let wire = output.raw.then(|| {
        let operation = if rider.is_some() { target } else { method };
        http::wire(operation.unwrap_or_default(), target)
    });
    Pending { wire, ..Pending::new(kind, endpoint, part.first_at, part.bytes, tag) }
}

/// Where the request's content type was not known, the answer's may tell whose call it is.
fn decide(stream: &mut Stream, head: &Head, output: &mut Output<'_>) {
    if head.may_have(Name::ContentType) {
        return;
    }
    let Some(path) = stream.tag.path.take() else { return };
    if let Some(rider) = head.get(Name::ContentType).and_then(rider::of_content_type) {
        stream.tag.rider = Some(rider);
        stream.endpoint = (rider.endpoint)(&path, output);
        if let Some(wire) = stream.wire.as_deref_mut() {
            wire.operation = wire.target.clone().unwrap_or_default();
        }
    }
}
