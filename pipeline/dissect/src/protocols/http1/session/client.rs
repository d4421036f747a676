//! The client's side: request lines, fields, bodies.

use model::{Incomplete, Kind, Side, Timestamp};

use super::{
    Answering, Asked, GARBAGE_BYTES_MAX, H2C_BYTES_MAX, Http1Session, Method, Sending, took_or_wait,
};
use crate::naming::http;
use crate::pairing::Pending;
use crate::protocol::{Input, Output, Step};
use crate::protocols::http1::frame::{self, Coding, Fields, Read, RequestLine, Version};
use crate::protocols::http1::sync::Standing;

impl Http1Session {
    pub(super) fn step_client(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        if matches!(self.server, Answering::Switching(_)) {
            return self.client_while_switching(input, output);
        }
        match self.client {
            Sending::Start => self.start_request(input, output),
            Sending::Fields(mut fields) => {
                let (taken, is_whole) = fields.read(input.bytes);
                self.count_request(taken as u64);
                if !is_whole {
                    self.client = Sending::Fields(fields);
                    return took_or_wait(taken);
                }
                self.client = Sending::Start;
                self.request_body(taken, &fields, output)
            }
            Sending::Expecting(length) => {
                // The final answer came instead of a 100: the client may go on without the body.
                if !self.is_sending {
                    match frame::request_line(input.bytes) {
                        Read::Whole(line, _) if http::is_known_method(line.method) => {
                            return self.start_request(input, output);
                        }
                        Read::Partial if input.bytes.len() < GARBAGE_BYTES_MAX => {
                            return Step::Wait;
                        }
                        Read::Whole(..) | Read::Partial | Read::Malformed => {}
                    }
                }
                self.client = Sending::Body;
                Step::Skip { head: 0, body: length }
            }
            Sending::Chunks => match frame::chunk_line(input.bytes) {
                Read::Whole(0, taken) => {
                    self.count_request(taken as u64);
                    self.client = Sending::Trailers;
                    Step::Took(taken)
                }
                Read::Whole(size, head) => {
                    self.count_request(head as u64);
                    Step::Skip { head, body: size }
                }
                Read::Partial if input.bytes.len() < GARBAGE_BYTES_MAX => Step::Wait,
                Read::Partial | Read::Malformed => self.lose_client(output),
            },
            Sending::Trailers => {
                let (taken, is_whole) = frame::trailers(input.bytes);
                self.count_request(taken as u64);
                if is_whole {
                    self.request_sent(output);
                }
                took_or_wait(taken)
            }
            Sending::Connecting if self.open.is_empty() => self.start_request(input, output),
            Sending::Connecting => Step::Wait,
            Sending::Silent => Step::Took(input.bytes.len()),
            // The core passes bodies; a body it lost count of ends in `gap`.
            Sending::Body => self.lose_client(output),
        }
    }

    #[inline]
    fn start_request(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        let blank = frame::blank(input.bytes);
        if blank > 0 {
            return Step::Took(blank);
        }
        let (line, length) = match frame::request_line(input.bytes) {
            Read::Whole(line, length) if self.accepts(&line) => (line, length),
            Read::Partial => return Step::Wait,
            Read::Malformed if input.bytes == b"\r" => return Step::Wait,
            Read::Whole(..) | Read::Malformed => return self.garbage(input.bytes, output),
        };
        let is_simple = line.version == Version::Simple;
        let mut fields = Fields::default();
        let (more, is_whole) = if is_simple {
            (0, true)
        } else {
            fields.read(input.bytes.get(length..).unwrap_or_default())
        };
        self.is_strict = false;
        self.is_fresh = false;
        let method = match line.method {
            b"HEAD" => Method::Head,
            b"CONNECT" => Method::Connect,
            _ => Method::Other,
        };
        let endpoint = http::endpoint(line.method, line.target, output);
        let tag = Asked { method, version: line.version, is_reported: false };
        let head = (length + more) as u64;
        let pending = Pending {
            wire: output.raw.then(|| http::wire(line.method, Some(line.target))),
            ..Pending::new(Kind::Request, endpoint, input.first_at, head, tag)
        };
        self.ask(pending, input.at, output);
        if !is_whole {
            self.has_long_heads = true;
            self.client = Sending::Fields(fields);
            return Step::Took(length + more);
        }
        if is_simple {
            self.request_sent(output);
            self.client = Sending::Silent;
            return Step::Took(length);
        }
        if method == Method::Connect && self.is_sending {
            self.request_sent(output);
            self.client = Sending::Connecting;
            return Step::Took(length + more);
        }
        self.request_body(length + more, &fields, output)
    }

    fn accepts(&self, line: &RequestLine<'_>) -> bool {
        match line.version {
            Version::Simple => self.is_fresh,
            Version::One(_) => !self.is_strict || http::is_known_method(line.method),
        }
    }

    /// Puts the request into the queue, or reports it at once if its answer cannot be told.
    #[inline]
    fn ask(&mut self, pending: Pending<Asked>, at: Timestamp, output: &mut Output<'_>) {
        if self.is_server_lost && self.turns.is_new_turn() {
            self.give_up(Incomplete::Gap, output);
        }
        let standing = Standing {
            has_open: !self.open.is_empty(),
            is_answering: !self.is_server_lost && self.is_answering(),
        };
        let was_proven = self.turns.reason();
        let is_sure = self.turns.admits(standing, pending.start);
        self.turns.spoke(Side::Client, at);
        if !is_sure && was_proven == Incomplete::MidStream {
            self.give_up(Incomplete::MidStream, output);
        }
        self.unpaired = if is_sure {
            self.open.push(pending).err().map(Box::new)
        } else {
            Some(Box::new(pending))
        };
        self.is_sending = self.unpaired.is_none();
        if !self.is_sending {
            self.turns.pass_over();
        }
    }

    /// The head is whole: what follows it?
    #[inline]
    fn request_body(&mut self, head: usize, fields: &Fields, output: &mut Output<'_>) -> Step {
        let body = match fields.coding {
            Coding::Chunked => {
                self.client = Sending::Chunks;
                return Step::Took(head);
            }
            // No server can read this; what follows is no request for sure.
            Coding::Other => u64::MAX,
            Coding::Absent => fields.length.unwrap_or(0),
        };
        if body == 0 {
            self.request_sent(output);
            return Step::Took(head);
        }
        if fields.expects && self.is_sending {
            self.client = Sending::Expecting(body);
            return Step::Took(head);
        }
        self.client = Sending::Body;
        Step::Skip { head, body }
    }

    #[inline]
    pub(super) fn request_sent(&mut self, output: &mut Output<'_>) {
        self.client = Sending::Start;
        self.is_sending = false;
        self.give_up_unpaired(output);
    }

    pub(super) fn count_request(&mut self, bytes: u64) {
        if let Some(unpaired) = &mut self.unpaired {
            unpaired.request_bytes += bytes;
        } else if self.is_sending
            && let Some(newest) = self.open.back_mut()
        {
            newest.request_bytes += bytes;
        }
    }

    /// A line that is no request. The server answers it with a 400, or not at all.
    fn garbage(&mut self, bytes: &[u8], output: &mut Output<'_>) -> Step {
        let line = bytes.get(..GARBAGE_BYTES_MAX).unwrap_or(bytes);
        let end = memchr::memchr(b'\n', line);
        let line = end.and_then(|end| line.get(..end)).unwrap_or(line);
        let is_text = line.iter().all(|b| !b.is_ascii_control() || b"\r\t".contains(b));
        match end {
            Some(end) if is_text && self.is_fresh && line.starts_with(frame::PROXY_LINE) => {
                Step::Took(end + 1)
            }
            Some(end) if is_text && !self.is_strict => {
                self.lose_client(output);
                Step::Took(end + 1)
            }
            None if is_text && !self.is_strict && bytes.len() < GARBAGE_BYTES_MAX => Step::Wait,
            Some(_) | None => self.lose_client(output),
        }
    }

    pub(super) fn lose_client(&mut self, output: &mut Output<'_>) -> Step {
        self.give_up_unpaired(output);
        self.turns.lose();
        self.turns.turn(Side::Client);
        self.client = Sending::Start;
        self.is_sending = false;
        self.is_strict = true;
        self.is_fresh = false;
        Step::Desync
    }

    fn client_while_switching(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        if input.bytes.len() < H2C_BYTES_MAX {
            return Step::Wait;
        }
        self.end_switching(Incomplete::Gap, output);
        Step::Becomes(0)
    }
}
