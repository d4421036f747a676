//! The server's side: status lines, fields, bodies, switches.

use model::{Incomplete, Side, Timestamp};

use super::{Answering, GARBAGE_BYTES_MAX, H2C_BYTES_MAX, Http1Session, Method, took_or_wait};
use crate::protocol::{Input, Output, Step, Successor};
use crate::protocols::http1::frame::{self, Coding, Fields, Read, Version};
use crate::protocols::http1::h2c;

impl Http1Session {
    pub(super) fn step_server(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        self.turns.spoke(Side::Server, input.at);
        match self.server {
            Answering::Start => self.start_answer(input, output),
            Answering::Fields(mut fields) => {
                let (taken, is_whole) = fields.read(input.bytes);
                self.count_answer(taken as u64);
                if !is_whole {
                    self.server = Answering::Fields(fields);
                    return took_or_wait(taken);
                }
                self.answer_body(taken, &fields, input.at, output)
            }
            Answering::Doubtful(length) => {
                match frame::status_line(input.bytes) {
                    Read::Whole(..) if self.may_start_anew(length) => {
                        return self.start_answer(input, output);
                    }
                    Read::Partial if self.may_start_anew(length) => return Step::Wait,
                    Read::Whole(..) | Read::Partial | Read::Malformed => {}
                }
                self.server = Answering::Body;
                Step::Skip { head: 0, body: length }
            }
            Answering::Chunks => match frame::chunk_line(input.bytes) {
                Read::Whole(0, taken) => {
                    self.count_answer(taken as u64);
                    self.server = Answering::Trailers;
                    Step::Took(taken)
                }
                Read::Whole(size, head) => {
                    self.count_answer(head as u64);
                    Step::Skip { head, body: size }
                }
                Read::Partial if input.bytes.len() < GARBAGE_BYTES_MAX => Step::Wait,
                Read::Partial | Read::Malformed => self.lose_server(output),
            },
            Answering::Trailers => {
                let (taken, is_whole) = frame::trailers(input.bytes);
                self.count_answer(taken as u64);
                if is_whole {
                    self.answered(input.at, output);
                }
                took_or_wait(taken)
            }
            Answering::Switching(answer) => self.switching(answer, input, output),
            Answering::Body => self.lose_server(output),
        }
    }

    /// True if a status line here may be one, and not the start of the body of an answer that is
    /// nobody's.
    fn may_start_anew(&self, length: u64) -> bool {
        length == u64::MAX || !self.open.is_empty()
    }

    #[inline]
    fn start_answer(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        let blank = frame::blank(input.bytes);
        if blank > 0 {
            return Step::Took(blank);
        }
        let (line, length) = match frame::status_line(input.bytes) {
            Read::Whole(line, length) => (line, length),
            Read::Partial => return Step::Wait,
            Read::Malformed if input.bytes == b"\r" => return Step::Wait,
            Read::Malformed => return self.no_status_line(input, output),
        };
        let mut fields = Fields::default();
        let (more, is_whole) = fields.read(input.bytes.get(length..).unwrap_or_default());
        let head = length + more;
        self.is_server_lost = false;
        self.answer.code = line.code;
        self.answer.is_stray = self.open.is_empty();
        if self.answer.is_stray && line.code.first() != Some(&b'1') {
            self.turns.answered_nobody();
        }
        if let Some(asked) = self.open.front_mut() {
            if line.code.first() == Some(&b'1') {
                asked.response_bytes += head as u64;
            } else {
                asked.answer_bytes(head as u64, input.first_at);
            }
        }
        if is_whole {
            return self.answer_body(head, &fields, input.at, output);
        }
        self.has_long_heads = true;
        self.server = Answering::Fields(fields);
        Step::Took(head)
    }

    /// HTTP/0.9 answers with the document itself; anybody else has lost us.
    fn no_status_line(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        let Some(asked) = self.open.front_mut() else {
            return self.lose_server(output);
        };
        if asked.tag.version != Version::Simple {
            return self.lose_server(output);
        }
        asked.answer_bytes(0, input.first_at);
        self.answer.code = [0; 3];
        self.answer.is_stray = false;
        self.server = Answering::Body;
        Step::Skip { head: 0, body: u64::MAX }
    }

    /// The head is whole: what follows it? (RFC 9112 §6.3)
    #[inline]
    fn answer_body(
        &mut self,
        head: usize,
        fields: &Fields,
        at: Timestamp,
        output: &mut Output<'_>,
    ) -> Step {
        let asked = match self.open.front() {
            Some(asked) if !self.answer.is_stray => asked.tag.method,
            _ => Method::Other,
        };
        let body = match (self.answer.code, asked) {
            ([b'1', b'0', b'1'], _) => return self.switch(head, fields, at, output),
            ([b'1', ..], _) => {
                self.server = Answering::Start;
                return Step::Took(head);
            }
            ([b'2', ..], Method::Connect) => {
                self.answered(at, output);
                self.give_up(Incomplete::Gap, output);
                return Step::Becomes(head);
            }
            ([b'2', b'0', b'4'] | [b'3', b'0', b'4'], _) | (_, Method::Head) => 0,
            _ => match (fields.coding, fields.length) {
                (Coding::Chunked, _) => {
                    self.server = Answering::Chunks;
                    return Step::Took(head);
                }
                (Coding::Absent, Some(length)) => length,
                (Coding::Absent, None) | (Coding::Other, _) => u64::MAX,
            },
        };
        if body == 0 {
            self.answered(at, output);
            return Step::Took(head);
        }
        if self.answer.is_stray {
            self.server = Answering::Doubtful(body);
            return Step::Took(head);
        }
        self.server = Answering::Body;
        Step::Skip { head, body }
    }

    pub(super) fn count_answer(&mut self, bytes: u64) {
        if !self.answer.is_stray
            && let Some(asked) = self.open.front_mut()
        {
            asked.response_bytes += bytes;
        }
    }

    /// The answer is whole.
    #[inline]
    pub(super) fn answered(&mut self, at: Timestamp, output: &mut Output<'_>) {
        self.server = Answering::Start;
        if self.answer.is_stray {
            return;
        }
        self.answer.is_stray = true;
        let Some(mut asked) = self.open.pop() else {
            return;
        };
        self.is_sending &= !self.open.is_empty();
        if asked.tag.is_reported {
            return;
        }
        let status = self.texts.status(self.answer.code);
        if let Some(wire) = asked.wire.as_deref_mut() {
            wire.status = Some(status.code.as_str().to_owned()).filter(|code| !code.is_empty());
        }
        let version = self.texts.version(asked.tag.version);
        output.emit(&asked.answered(self.protocol, version, status, at));
    }

    /// 101: the connection speaks something else from here on.
    fn switch(
        &mut self,
        head: usize,
        fields: &Fields,
        at: Timestamp,
        output: &mut Output<'_>,
    ) -> Step {
        if fields.upgrades_to_h2c && !self.answer.is_stray {
            self.answer.switched_at = at;
            self.server = Answering::Switching(h2c::Answer::default());
            return Step::Took(head);
        }
        let asked = self.open.front_mut().map(|asked| {
            asked.first_answer.get_or_insert(at);
            asked.endpoint
        });
        self.answered(at, output);
        self.give_up(Incomplete::Gap, output);
        match (asked, fields.upgrades_to) {
            (Some(upgraded_by), Some(protocol)) => {
                Step::Upgrades(head, Successor { protocol, upgraded_by })
            }
            _ => Step::Becomes(head),
        }
    }

    /// Looks for the answer on stream 1, and leaves the bytes to whoever reads HTTP/2.
    fn switching(
        &mut self,
        mut answer: h2c::Answer,
        input: Input<'_>,
        output: &mut Output<'_>,
    ) -> Step {
        let walk = answer.walk(input.bytes);
        if let Some(code) = answer.code
            && let Some(asked) = self.open.front_mut()
        {
            self.answer.code = code;
            asked.first_answer.get_or_insert(input.at);
        }
        match walk {
            h2c::Walk::Open if input.bytes.len() < H2C_BYTES_MAX => {
                self.server = Answering::Switching(answer);
                return Step::Wait;
            }
            h2c::Walk::Ended(bytes) if answer.code.is_some() => {
                self.count_answer(bytes as u64);
                self.answered(input.at, output);
            }
            h2c::Walk::Aborted => self.give_up(Incomplete::Reset, output),
            h2c::Walk::Open | h2c::Walk::Ended(_) | h2c::Walk::Unclear => {}
        }
        self.end_switching(Incomplete::Gap, output);
        Step::Becomes(0)
    }

    /// Reports what is known of an h2c answer whose end was not found: at least the 101.
    pub(super) fn end_switching(&mut self, reason: Incomplete, output: &mut Output<'_>) {
        let is_begun = self.open.front().is_some_and(|asked| asked.first_answer.is_some());
        if matches!(self.server, Answering::Switching(_)) && !is_begun {
            let at = self.answer.switched_at;
            if let Some(asked) = self.open.front_mut() {
                asked.first_answer = Some(at);
            }
            self.answered(at, output);
        }
        self.give_up(reason, output);
        self.server = Answering::Start;
    }
}
