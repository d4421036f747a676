//! The requests that are open on one connection, one a stream, and what is known of their answers.

use std::collections::VecDeque;

use model::{Exchange, Incomplete, Kind, ProtocolInfo, ShortText, Side, Status, Timestamp};

use crate::naming::http;
use crate::pairing::Pending;
use crate::protocol::Output;
use crate::rider::{Ended, Rider};

/// Streams open at a time on one connection: servers allow 100 to 1,000.
const STREAMS_MAX: usize = 2_048;

/// What is remembered of a request until its stream ends.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) stream: u64,
    /// Whose call it is, if it is one.
    pub(crate) rider: Option<&'static Rider>,
    /// Its path, or nothing if that is not known: kept while it may turn out to be a call.
    pub(crate) path: Option<Box<[u8]>>,
    /// How long the caller is going to wait; 0 if that is not said.
    pub(crate) patience_ns: u64,
    /// Status of the final answer.
    pub(crate) code: Option<[u8; 3]>,
    /// The rider's outcome.
    pub(crate) outcome: Option<ShortText>,
    /// The request has ended.
    pub(crate) is_sent: bool,
    /// The head of the final answer was seen.
    pub(crate) is_answering: bool,
    /// A CONNECT: it ends when it is granted.
    pub(crate) is_tunnel: bool,
    /// A field that matters stands in an entry that was not seen.
    pub(crate) is_partial: bool,
    /// Bytes are missing since it was opened: its end may lie in the gap.
    pub(crate) is_doubtful: bool,
}

/// An open stream.
pub(crate) type Stream = Pending<Asked>;

/// What differs between the versions of HTTP that have streams.
#[derive(Debug)]
pub(crate) struct Version {
    /// Whose exchanges they are.
    pub(crate) protocol: &'static ProtocolInfo,
    /// As it is shown.
    pub(crate) version: &'static str,
    /// The name of an error code.
    pub(crate) error_name: fn(u64) -> &'static str,
    /// The same error among the codes of HTTP/2 (RFC 9113 §7): 0 if it is none.
    pub(crate) as_http2: fn(u64) -> u32,
}

/// The open requests of one connection, by rising number.
#[derive(Debug)]
pub(crate) struct Requests {
    open: VecDeque<Stream>,
    spoken: &'static Version,
    version: ShortText,
    /// Why fields may be unknown.
    doubt: Incomplete,
}

impl Requests {
    pub(crate) fn new(spoken: &'static Version) -> Self {
        let (open, version) = (VecDeque::new(), ShortText::new(spoken.version));
        Self { open, spoken, version, doubt: Incomplete::MidStream }
    }

    /// Opens a stream. Where there are too many, it is reported as one whose answer is not looked
    /// for.
    pub(crate) fn open(&mut self, stream: Stream, output: &mut Output<'_>) {
        let at = self.open.partition_point(|other| other.tag.stream < stream.tag.stream);
        if self.open.len() < STREAMS_MAX {
            self.open.insert(at, stream);
        } else {
            self.unanswered(stream, Incomplete::Gap, output);
        }
    }

    fn position(&self, number: u64) -> Option<usize> {
        self.open.binary_search_by_key(&number, |stream| stream.tag.stream).ok()
    }

    /// The open stream of this number.
    pub(crate) fn get(&mut self, number: u64) -> Option<&mut Stream> {
        let at = self.position(number)?;
        self.open.get_mut(at)
    }

    /// Adds to the bytes of the side's part of a stream.
    pub(crate) fn count(&mut self, number: u64, side: Side, bytes: u64) {
        if let Some(stream) = self.get(number) {
            match side {
                Side::Client => stream.request_bytes += bytes,
                Side::Server => stream.response_bytes += bytes,
            }
        }
    }

    /// Bytes are missing that fields may stand in.
    pub(crate) const fn doubt_names(&mut self) {
        self.doubt = Incomplete::Gap;
    }

    /// Bytes are missing: any stream may have ended unseen.
    pub(crate) fn doubt(&mut self) {
        self.doubt_names();
        for stream in &mut self.open {
            stream.tag.is_doubtful = true;
        }
    }

    /// Bytes of one side of a stream are missing: what it still says is not seen.
    pub(crate) fn doubt_one(&mut self, number: u64, side: Side) {
        self.doubt_names();
        if let Some(stream) = self.get(number) {
            stream.tag.is_doubtful = true;
            stream.tag.is_partial |= side == Side::Server;
        }
    }

    /// This side has ended its part.
    pub(crate) fn end(&mut self, number: u64, side: Side, at: Timestamp, output: &mut Output<'_>) {
        match side {
            Side::Client => {
                if let Some(stream) = self.get(number) {
                    stream.tag.is_sent = true;
                }
            }
            Side::Server => {
                if let Some(stream) = self.take(number) {
                    self.answered(stream, at, output);
                }
            }
        }
    }

    /// The answer is whole.
    pub(crate) fn answered(&self, stream: Stream, at: Timestamp, output: &mut Output<'_>) {
        let asked = &stream.tag;
        let is_whole = asked.is_answering && !asked.is_partial && asked.path.is_none();
        let doubt = (!is_whole).then_some(self.doubt);
        let (protocol, version, status) = self.outcome(&stream, None, at);
        let mut stream = stream;
        note_wire(&mut stream);
        let exchange = stream.answered(protocol, version, status, at);
        output.emit(&Exchange { incomplete: doubt, ..exchange });
    }

    /// Takes a stream out.
    pub(crate) fn take(&mut self, number: u64) -> Option<Stream> {
        let at = self.position(number)?;
        self.open.remove(at)
    }

    /// One side has broken the stream off.
    pub(crate) fn reset(
        &mut self,
        number: u64,
        by: (Side, u64),
        at: Timestamp,
        output: &mut Output<'_>,
    ) {
        if let Some(mut stream) = self.take(number) {
            let (protocol, version, status) = self.outcome(&stream, Some(by), at);
            note_wire(&mut stream);
            output.emit(&stream.unanswered(protocol, version, status, Incomplete::Reset));
        }
    }

    /// The server takes no request from `first` on: it did not look at those (RFC 9113 §6.8, RFC
    /// 9114 §5.2), and the client may ask again elsewhere. They are no errors of the service.
    pub(crate) fn refuse_from(&mut self, first: u64, output: &mut Output<'_>) {
        let is_refused =
            |stream: &Stream| stream.tag.stream >= first && stream.kind == Kind::Request;
        while let Some(at) = self.open.iter().rposition(is_refused)
            && let Some(stream) = self.open.remove(at)
        {
            self.unanswered(stream, Incomplete::Closed, output);
        }
    }

    /// Reports all that is open.
    pub(crate) fn close(&mut self, reason: Incomplete, output: &mut Output<'_>) {
        for stream in std::mem::take(&mut self.open) {
            let reason = if stream.tag.is_doubtful { Incomplete::Gap } else { reason };
            self.unanswered(stream, reason, output);
        }
    }

    /// Reports requests from before `before` that nobody answers. A call may wait for as long as
    /// it likes; a stream that may have ended in a gap may not.
    pub(crate) fn expire(&mut self, before: Timestamp, output: &mut Output<'_>) {
        let mut position = 0;
        while let Some(stream) = self.open.get(position) {
            let asked = &stream.tag;
            let is_waiting = asked.is_sent && !asked.is_answering && asked.rider.is_none();
            let reason = match (asked.is_doubtful, is_waiting) {
                _ if stream.start >= before => None,
                (true, _) => Some(Incomplete::Gap),
                (false, true) => Some(Incomplete::Timeout),
                (false, false) => None,
            };
            let Some(reason) = reason else {
                position += 1;
                continue;
            };
            if let Some(stream) = self.open.remove(position) {
                self.unanswered(stream, reason, output);
            }
        }
    }

    fn unanswered(&self, mut stream: Stream, reason: Incomplete, output: &mut Output<'_>) {
        let at = stream.start;
        let (protocol, version, status) = self.outcome(&stream, None, at);
        note_wire(&mut stream);
        output.emit(&stream.unanswered(protocol, version, status, reason));
    }

    /// Whose exchange it is, and how it ended.
    fn outcome(
        &self,
        stream: &Stream,
        reset: Option<(Side, u64)>,
        at: Timestamp,
    ) -> (&'static ProtocolInfo, ShortText, Status) {
        let asked = &stream.tag;
        if let Some(rider) = asked.rider {
            let waited_ns = at.since_ns(stream.start);
            let ended = Ended {
                http_status: asked.code,
                outcome: asked.outcome.as_ref().map(|outcome| outcome.as_str().as_bytes()),
                reset: reset.map(|(by, code)| (by, (self.spoken.as_http2)(code))),
                is_patience_over: asked.patience_ns > 0 && waited_ns >= asked.patience_ns,
            };
            return (rider.protocol, ShortText::default(), (rider.status)(&ended));
        }
        let mut status = asked.code.map(http::status).unwrap_or_default();
        if let Some((by, code)) = reset {
            // The server gave up; a client that did has lost interest, or its own caller.
            status.error |= by == Side::Server && (self.spoken.as_http2)(code) != 0;
            if status.code.is_empty() {
                status.code = ShortText::new((self.spoken.error_name)(code));
            }
        }
        (self.spoken.protocol, self.version, status)
    }
}

/// The status as on the wire, where that is wanted.
fn note_wire(stream: &mut Stream) {
    let asked = &stream.tag;
    if let Some(wire) = stream.wire.as_deref_mut() {
        wire.status = match (asked.rider, asked.outcome, asked.code) {
            (Some(_), outcome, _) => outcome.map(|outcome| outcome.as_str().to_owned()),
            (None, _, code) => code.map(|code| String::from_utf8_lossy(&code).into_owned()),
        };
    }
}
