//! Values inside values, and what an answer changes when it ends.

use model::{Exchange, Incomplete, Kind, Status, Timestamp};

use super::{Asked, DEPTH_MAX, Fate, Owner, Redis};
use crate::pairing::Pending;
use crate::protocol::Output;
use crate::protocols::redis::INFO;
use crate::protocols::redis::frame::{self, Head, Read, Type};
use crate::protocols::redis::operation::{self, Special};

/// Values of which nobody knows how many: far from both ends of the numbers.
const UNTIL_END: u64 = u64::MAX / 2;
/// Bytes of an error's text in which its word stands.
const ERROR_BYTES: u64 = 64;

/// What reading one head of the value under way came to.
pub(super) enum Advance {
    Took(usize),
    Skip { head: usize, body: u64 },
    Partial,
    Malformed,
}

impl Redis {
    /// Reads the next head of the value under way, and its body if that is there.
    #[inline]
    pub(super) fn advance(&mut self, bytes: &[u8], output: &Output<'_>) -> Advance {
        if self.answer.is_known
            && let n @ 1.. = self.short_strings(bytes)
        {
            return self.take(n);
        }
        let (head, n) = match frame::head(bytes) {
            Read::Whole(head, n) => (head, n),
            Read::Partial => return Advance::Partial,
            Read::Malformed => return Advance::Malformed,
        };
        match head {
            Head::Line(kind, text) => {
                self.note(kind, text, output);
                self.answer.left -= 1;
                self.take(n)
            }
            Head::Body(kind, length) => {
                let end = length.min(ERROR_BYTES) as usize;
                let text = bytes.get(n..n.saturating_add(end));
                if kind == Type::BulkError && text.is_none() {
                    return Advance::Partial;
                }
                if !frame::may_end_at(bytes, n.saturating_add(length as usize)) {
                    return Advance::Malformed;
                }
                self.note(kind, text.unwrap_or_default(), output);
                self.answer.left -= 1;
                self.pass(bytes, n, length)
            }
            Head::Values(kind, values) => {
                self.note(kind, b"", output);
                // An attribute stands before a value and is none.
                let itself = u64::from(kind != Type::Attribute);
                self.answer.left = (self.answer.left - itself).saturating_add(values);
                self.take(n)
            }
            Head::Streamed(kind) => self.descend(kind, n, output),
            Head::Chunks(kind) => {
                self.note(kind, b"", output);
                self.take(n)
            }
            Head::Chunk(0) => {
                self.answer.left -= 1;
                self.take(n)
            }
            Head::Chunk(length) => self.pass(bytes, n, length),
            Head::End => self.ascend(n),
        }
    }

    /// Passes the short strings over that most aggregates are made of. Gives their bytes.
    #[inline]
    fn short_strings(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while self.answer.left > 0
            && let Some(n) = bytes.get(at..).and_then(frame::short_string)
        {
            self.answer.left -= 1;
            at += n;
        }
        at
    }

    fn take(&mut self, n: usize) -> Advance {
        self.answer.bytes += n as u64;
        Advance::Took(n)
    }

    /// A string and its CRLF behind `n` bytes of head.
    #[inline]
    fn pass(&mut self, bytes: &[u8], n: usize, length: u64) -> Advance {
        let body = length + 2;
        let end = n.saturating_add(body as usize);
        self.answer.bytes += n as u64 + body;
        if end <= bytes.len() { Advance::Took(end) } else { Advance::Skip { head: n, body } }
    }

    /// Values of which nobody knows how many come next.
    fn descend(&mut self, kind: Type, n: usize, output: &Output<'_>) -> Advance {
        self.note(kind, b"", output);
        let answer = &mut self.answer;
        let Some(around) = answer.around.get_mut(usize::from(answer.depth)) else {
            return Advance::Malformed;
        };
        *around = answer.left - u64::from(kind != Type::Attribute);
        answer.depth += 1;
        answer.left = UNTIL_END;
        debug_assert!(usize::from(answer.depth) <= DEPTH_MAX);
        self.take(n)
    }

    fn ascend(&mut self, n: usize) -> Advance {
        let answer = &mut self.answer;
        let Some(depth) = answer.depth.checked_sub(1) else {
            return Advance::Malformed;
        };
        answer.depth = depth;
        answer.left = answer.around.get(usize::from(depth)).copied().unwrap_or_default();
        self.take(n)
    }

    /// The first value that is no attribute says how the request ended.
    #[inline]
    pub(super) fn note(&mut self, kind: Type, text: &[u8], output: &Output<'_>) {
        if kind.is_resp3() {
            self.version = 3;
        }
        let answer = &mut self.answer;
        let is_error = matches!(kind, Type::Error | Type::BulkError);
        if !answer.is_known {
            let is_top = answer.left == 1 && answer.depth == 0;
            if is_top && kind != Type::Attribute {
                answer.is_known = true;
                answer.status = operation::status(kind, text);
                if output.raw {
                    self.note_wire(kind, text);
                }
            }
        } else if is_error && !answer.status.error && answer.owner == Owner::Request {
            let front = self.open.front().map(|pending| pending.tag.special);
            // What a transaction's command answers stands in the answer to EXEC alone.
            if front == Some(Special::Exec) {
                answer.status = operation::status(kind, text);
            }
        }
    }

    fn note_wire(&mut self, kind: Type, text: &[u8]) {
        if self.answer.owner != Owner::Request {
            return;
        }
        let wire = self.open.front_mut().and_then(|pending| pending.wire.as_deref_mut());
        if let Some(wire) = wire {
            let is_text = matches!(kind, Type::Simple | Type::Error | Type::BulkError);
            let status = if is_text {
                String::from_utf8_lossy(operation::first_word(text)).into_owned()
            } else {
                self.answer.status.code.as_str().to_owned()
            };
            wire.status = Some(status);
        }
    }

    /// The value under way has ended.
    #[inline]
    pub(super) fn finish_answer(&mut self, at: Timestamp, output: &mut Output<'_>) {
        if !std::mem::take(&mut self.answer.is_open) {
            return;
        }
        match self.answer.owner {
            Owner::Request => {
                let Some(mut pending) = self.open.pop_front() else { return };
                pending.response_bytes = self.answer.bytes;
                let status = self.answer.status;
                if pending.tag.special != Special::Plain {
                    self.follow(pending.tag, status);
                }
                if pending.tag.fate == Fate::Paired {
                    output.emit(&pending.answered(&INFO, self.version(), status, at));
                }
                self.report_settled(output);
            }
            Owner::Push(endpoint) => {
                let push = Pending {
                    endpoint,
                    kind: Kind::Push,
                    start: self.answer.first_at,
                    first_answer: None,
                    request_bytes: 0,
                    response_bytes: self.answer.bytes,
                    wire: self.answer.wire.take(),
                    tag: (),
                };
                let (version, none) = (self.version(), Status::default());
                let exchange = push.unanswered(&INFO, version, none, Incomplete::Closed);
                output.emit(&Exchange { incomplete: None, ..exchange });
            }
            Owner::Confirmation | Owner::Stray => {}
        }
    }

    /// What a command does to the conversation, once it has been answered.
    fn follow(&mut self, asked: Asked, status: Status) {
        let code = status.code;
        match (asked.special, code.as_str()) {
            (Special::Subscribe | Special::Unsubscribe, "array" | "push") => {
                let others = asked.arguments.saturating_sub(1);
                self.confirmations = self.confirmations.saturating_add(others);
            }
            (Special::Hello, "map") => self.version = 3,
            (Special::Hello, "array") => self.version = 2,
            (Special::Monitor, "OK") => self.is_monitor = true,
            (Special::Reset, "RESET") => {
                self.is_monitor = false;
                self.is_subscribed = [false; 2];
                self.confirmations = 0;
                if self.version == 3 {
                    self.version = 2;
                }
            }
            (Special::Psync, "FULLRESYNC" | "CONTINUE") => self.is_replica = true,
            _ => {}
        }
    }
}
