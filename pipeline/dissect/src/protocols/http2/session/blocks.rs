//! Header blocks: put together from their frames, read in order, made into requests and answers.

use model::{Kind, ShortText, Side, Timestamp};

use super::head::Head;
use super::streams::{Asked, Stream};
use super::{BLOCK_BYTES_MAX, Block, Http2Session, Opened};
use crate::naming::http;
use crate::pairing::Pending;
use crate::protocol::{Input, Output};
use crate::protocols::http2::frame::{self, Header, Type};
use crate::protocols::http2::hpack::Name;
use crate::rider;

impl Http2Session {
    /// A frame with a part of a block, whole. `None`: it makes no sense here.
    pub(super) fn block(
        &mut self,
        header: &Header,
        payload: &[u8],
        input: Input<'_>,
        output: &mut Output<'_>,
    ) -> Option<()> {
        let mut part = header.block(payload)?;
        let sending = self.sides.of(input.side);
        let held = sending.block.take();
        let mut opened = match &held {
            Some(block) => block.opened,
            None => {
                let mut promised = None;
                if header.kind == Type::Promise {
                    let (number, rest) = frame::number(part)?;
                    (promised, part) = (Some(number & i32::MAX as u32), rest);
                }
                let (stream, ends_stream) = (header.stream, header.ends_stream());
                let ends_stream = ends_stream && header.kind == Type::Headers;
                Opened { stream, promised, ends_stream, first_at: input.first_at, bytes: 0 }
            }
        };
        opened.bytes += header.whole() as u64;
        match (held, header.ends_block()) {
            (None, true) => self.head.read(&mut sending.decoder, part).ok()?,
            (held, is_whole) => {
                let mut block = held.unwrap_or_else(|| {
                    Box::new(Block { opened, text: Vec::new(), is_cut: false })
                });
                block.opened = opened;
                block.is_cut |= block.text.len() + part.len() > BLOCK_BYTES_MAX;
                if !block.is_cut {
                    block.text.extend_from_slice(part);
                }
                if !is_whole {
                    sending.block = Some(block);
                    return Some(());
                }
                if block.is_cut {
                    sending.decoder.lose();
                }
                let text = if block.is_cut { &[] } else { block.text.as_slice() };
                self.head.read(&mut sending.decoder, text).ok()?;
            }
        }
        match (input.side, opened.promised) {
            (Side::Client, None) => self.asked(&opened, input.at, output),
            (Side::Server, Some(promised)) => {
                let opened = Opened { stream: promised, ..opened };
                let stream = self.request(&opened, Kind::Push, output);
                self.streams.open(stream, output);
            }
            (Side::Server, None) => self.answers(&opened, input.at, output),
            (Side::Client, Some(_)) => return None,
        }
        Some(())
    }

    /// HEADERS of the client: a request, or the trailers of one.
    fn asked(&mut self, opened: &Opened, at: Timestamp, output: &mut Output<'_>) {
        if self.streams.get(opened.stream).is_some() {
            self.streams.count(opened.stream, Side::Client, opened.bytes);
        } else if self.head.is_request() && opened.stream % 2 == 1 {
            let stream = self.request(opened, Kind::Request, output);
            self.streams.open(stream, output);
        }
        if opened.ends_stream {
            self.streams.end(opened.stream, Side::Client, at, output);
        }
    }

    fn request(&self, opened: &Opened, kind: Kind, output: &mut Output<'_>) -> Stream {
        let head = &self.head;
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
            stream: opened.stream,
            rider,
            path: may_ride.then(|| target.unwrap_or_default().into()),
            patience_ns: patience
                .and_then(|(rider, value)| (rider.patience_ns)(value))
                .unwrap_or(0),
            is_sent: kind == Kind::Push,
            is_tunnel,
            is_partial: method.is_none() || target.is_none(),
            ..Asked::default()
        };
        let wire = output.raw.then(|| {
            let operation = if rider.is_some() { target } else { method };
            http::wire(operation.unwrap_or_default(), target)
        });
        Pending { wire, ..Pending::new(kind, endpoint, opened.first_at, opened.bytes, tag) }
    }

    /// HEADERS of the server: an interim answer, the head of the final one, or its trailers.
    fn answers(&mut self, opened: &Opened, at: Timestamp, output: &mut Output<'_>) {
        let head = &self.head;
        let Some(stream) = self.streams.get(opened.stream) else { return };
        stream.response_bytes += opened.bytes;
        let code = head.status();
        let is_interim = matches!(code, Some([b'1', ..])) && !opened.ends_stream;
        if is_interim {
            return;
        }
        stream.first_answer.get_or_insert(opened.first_at);
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
            // The outcome is in the last block.
            asked.is_partial |= opened.ends_stream && head.may_have(Name::Outcome);
        }
        let is_tunnel = asked.is_tunnel && matches!(code, Some([b'2', ..]));
        if opened.ends_stream {
            self.streams.end(opened.stream, Side::Server, at, output);
        } else if is_tunnel && let Some(stream) = self.streams.take(opened.stream) {
            // What passes through a tunnel has no end of its own.
            self.streams.answered(stream, at, output);
        }
    }
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
