//! The server's side: what it answers empties the queue.

use model::{Incomplete, Kind, ShortText, Status, Timestamp};

use super::frame::{self, HEAD, Head};
use super::operation;
use super::requests::{failing, pending};
use super::session::{Awaited, Phase, Postgres, What};
use crate::naming::statement;
use crate::pairing::Pending;
use crate::protocol::{Input, Output, Step};

/// Bytes of an error that are looked at: its code stands behind two short fields.
const ERROR_BYTES_MAX: usize = 4 * 1024;
/// Longest command tag (`COMPLETION_TAG_BUFSIZE` is 64).
const TAG_BYTES_MAX: usize = 128;

/// Where in the input an answer stands.
#[derive(Clone, Copy)]
struct Place {
    /// First byte of the message.
    began: Timestamp,
    /// Last byte of the message.
    at: Timestamp,
}

impl Postgres {
    /// Reads whole messages until one is cut. Rows are passed over in a tight loop: only the first
    /// message of an answer and those that end something touch the queue.
    pub(super) fn answers(&mut self, input: &Input<'_>, output: &mut Output<'_>) -> Step {
        let is_opening = self.queue.front().is_some_and(|p| p.tag.what == What::Encryption);
        if is_opening && let Some(step) = self.encryption(input, output) {
            return step;
        }
        // `from`: where the answer in progress begins here. `noted`: it is booked as begun.
        let (mut at, mut from, mut noted) = (0, 0, false);
        let step = loop {
            let rest = input.bytes.get(at..).unwrap_or_default();
            let stop = if at == 0 { Step::Wait } else { Step::Took(at) };
            let (kind, length) = match frame::head(rest) {
                Head::Short => break stop,
                Head::Message { kind, length } => (kind, length),
                Head::Bad => break if at == 0 { Step::Desync } else { stop },
            };
            let Some(window) = window(kind, length) else {
                break if at == 0 { Step::Desync } else { stop };
            };
            let Some(body) = rest.get(HEAD..window) else {
                break stop;
            };
            let place =
                Place { began: if at == 0 { input.first_at } else { input.at }, at: input.at };
            if !noted && !matches!(kind, b'N' | b'S' | b'A' | b'Z' | b'E') {
                self.begin_answer(kind, place, output);
                noted = true;
            }
            let end = at + length;
            if is_end(kind) {
                if kind == b'E' {
                    self.settle_unless_committed(output);
                }
                self.book(end - from, place.began);
                self.answer(kind, body, place, output);
                (from, noted) = (end, false);
            }
            if rest.len() < length {
                self.book(end.saturating_sub(from), place.began);
                from = end;
                let body = (length - window) as u64;
                break Step::Skip { head: at + window, body };
            }
            at = end;
        };
        self.last_answer = input.at;
        self.book(at.saturating_sub(from), input.at);
        step
    }

    /// The one byte that answers `SSLRequest` and `GSSENCRequest`; `None` if a message does.
    fn encryption(&mut self, input: &Input<'_>, output: &mut Output<'_>) -> Option<Step> {
        let (code, agreed) = match input.bytes.first() {
            Some(b'N') => ("N", false),
            Some(b'S') => ("S", true),
            Some(b'G') => ("G", true),
            _ => return None,
        };
        self.last_answer = input.first_at;
        let mut front = self.queue.pop_front()?;
        front.answer_bytes(1, input.first_at);
        let status = Status { code: ShortText::new(code), ..Status::default() };
        self.answered(front, status, input.first_at, output);
        Some(if agreed { Step::Becomes(1) } else { Step::Took(1) })
    }

    /// The first message of an answer: what was held back for a commit error is fine.
    fn begin_answer(&mut self, kind: u8, place: Place, output: &mut Output<'_>) {
        self.settle(output);
        match self.queue.front_mut() {
            Some(front) => {
                front.first_answer.get_or_insert(place.began);
            }
            // A flushed Parse is acknowledged.
            None if matches!(kind, b'1' | b'2' | b't' | b'T' | b'n') => self.forming.parse = None,
            None => {}
        }
    }

    /// Counts bytes of the answer to the request in front.
    fn book(&mut self, bytes: usize, began: Timestamp) {
        if let Some(front) = self.queue.front_mut().filter(|_| bytes > 0) {
            front.first_answer.get_or_insert(began);
            front.response_bytes += bytes as u64;
        }
    }

    /// Emits an Execute whose result is in, if it is in front. True if it was.
    pub(super) fn settle(&mut self, output: &mut Output<'_>) -> bool {
        let Some(front) = self.queue.pop_front_if(|p| is_done(p)) else {
            return false;
        };
        let at = front.tag.done.unwrap_or(front.start);
        self.answered(front, statement::success(), at, output);
        true
    }

    /// An error behind a result belongs to it if nothing else was to run: then the commit failed.
    fn settle_unless_committed(&mut self, output: &mut Output<'_>) {
        let next = self.queue.get(1).map(|p| p.tag.what);
        if !matches!(next, Some(What::Sync { .. })) {
            self.settle(output);
        }
    }

    /// A message that ends something, or comes unasked.
    fn answer(&mut self, kind: u8, body: &[u8], place: Place, output: &mut Output<'_>) {
        match kind {
            b'C' => self.result(frame::text(body), place, output),
            b'I' => self.result(b"EMPTY", place, output),
            b's' => self.result(b"SUSPENDED", place, output),
            b'E' => self.error(frame::sqlstate(body), place, output),
            b'Z' => self.ready(place, output),
            b'G' => self.copy_in(),
            b'W' => self.copy_both(place, output),
            b'A' => self.notification(body, place, output),
            // NegotiateProtocolVersion: the newest minor version the server knows.
            _ => {
                if let Some([_, _, high, low]) = body.first_chunk() {
                    let minor = u16::from_be_bytes([*high, *low]);
                    self.version = ShortText::new(&format!("3.{minor}"));
                }
            }
        }
    }

    /// A push; its payload is not looked at.
    fn notification(&self, body: &[u8], place: Place, output: &mut Output<'_>) {
        let channel = String::from_utf8_lossy(frame::channel(body).unwrap_or_default());
        let name = "NotificationResponse";
        let endpoint = output.names.intern(name, &channel);
        let mut push = pending(What::Call, Kind::Push, endpoint, place.began, 0);
        push.response_bytes = (body.len() + HEAD) as u64;
        push.wire = statement::wire(name, Some(&channel), output);
        self.discarded(push, output);
    }

    /// CommandComplete and its like.
    fn result(&mut self, tag: &[u8], place: Place, output: &mut Output<'_>) {
        if self.phase == Phase::Streaming {
            return;
        }
        let is_uncertain = self.is_uncertain;
        let Some(front) = self.queue.front_mut() else {
            return;
        };
        if is_uncertain && !operation::fits(output.names.operation(front.endpoint), tag) {
            return self.lose_count(output);
        }
        if matches!(front.tag.what, What::Query | What::Execute) {
            front.tag.done = Some(place.at);
            if let Some(wire) = front.wire.as_deref_mut() {
                wire.status = Some(statement::raw(tag));
            }
        }
    }

    fn error(&mut self, sqlstate: [u8; 5], place: Place, output: &mut Output<'_>) {
        self.is_copying = false;
        let status = operation::failure(sqlstate);
        let Some(front) = self.queue.front_mut() else {
            // A flushed Parse without a Sync behind it yet.
            if let Some(parsed) = self.forming.parse.take() {
                let mut pending = failing(&parsed, true, output);
                pending.answer_bytes(0, place.began);
                self.answered(pending, status, place.at, output);
                self.phase = Phase::Skipping;
            }
            return;
        };
        match front.tag.what {
            What::Query | What::Call => {
                self.failure.get_or_insert(sqlstate);
            }
            What::Startup | What::Encryption => {
                if let Some(front) = self.queue.pop_front() {
                    self.answered(front, status, place.at, output);
                }
            }
            What::Execute => {
                if let Some(front) = self.queue.pop_front() {
                    self.answered(front, status, place.at, output);
                }
                self.skip_batch(output);
            }
            What::Sync { prepares: true } => {
                let bytes = front.request_bytes;
                let wire = front.wire.take();
                front.tag.what = What::Sync { prepares: false };
                let failed = Pending { wire, request_bytes: bytes, ..*front };
                self.answered(failed, status, place.at, output);
            }
            What::Sync { prepares: false } => {}
        }
    }

    /// After an error the server discards everything up to the next Sync.
    fn skip_batch(&mut self, output: &mut Output<'_>) {
        let is_sync = |what: What| matches!(what, What::Sync { .. });
        while let Some(front) = self.queue.pop_front_if(|p| !is_sync(p.tag.what)) {
            self.discarded(front, output);
        }
        match self.queue.front_mut() {
            Some(sync) => sync.tag.what = What::Sync { prepares: false },
            None if self.phase == Phase::Messages => self.phase = Phase::Skipping,
            None => {}
        }
    }

    /// ReadyForQuery.
    fn ready(&mut self, place: Place, output: &mut Output<'_>) {
        if self.phase == Phase::Streaming {
            self.phase = Phase::Messages;
            return;
        }
        let settled = self.settle(output);
        let failure = self.failure.take();
        let Some(front) = self.queue.pop_front() else {
            self.refused = self.refused.saturating_sub(1);
            return;
        };
        let status = failure.map_or_else(statement::success, operation::failure);
        let proves = settled || !matches!(front.tag.what, What::Sync { .. });
        match front.tag.what {
            What::Sync { .. } => {}
            What::Startup | What::Call => self.answered(front, status, place.at, output),
            What::Query if failure.is_some() || front.tag.done.is_some() => {
                self.answered(front, status, place.at, output);
            }
            // Its result is missing: it lies in a gap, or these are two different queries.
            What::Query => self.unanswered(front, Incomplete::Gap, output),
            What::Execute | What::Encryption => {
                self.queue.push_front(front);
                return self.lose_count(output);
            }
        }
        self.is_gapped = false;
        if proves && self.queue.is_empty() {
            self.is_uncertain = false;
        }
    }

    /// The server waits for COPY data. Syncs sent before the end of the data are passed over.
    fn copy_in(&mut self) {
        self.is_copying = self.queue.front().is_some();
        if self.queue.front().is_some_and(|p| p.tag.what == What::Execute) {
            while let Some(next) = self.queue.get(1) {
                if !matches!(next.tag.what, What::Sync { .. }) {
                    break;
                }
                self.queue.remove(1);
            }
        }
    }

    /// A replication stream begins: the request is answered, what follows is not counted.
    fn copy_both(&mut self, place: Place, output: &mut Output<'_>) {
        if let Some(front) = self.queue.pop_front() {
            self.answered(front, statement::success(), place.at, output);
        }
        self.phase = Phase::Streaming;
    }
}

/// True for an Execute whose result is in.
fn is_done(pending: &Pending<Awaited>) -> bool {
    pending.tag.what == What::Execute && pending.tag.done.is_some()
}

/// True for messages that end something, or come unasked.
const fn is_end(kind: u8) -> bool {
    matches!(kind, b'C' | b'I' | b's' | b'E' | b'Z' | b'G' | b'W' | b'A' | b'v')
}

/// Bytes of a message that are looked at; `None` if the server sends no such message.
fn window(kind: u8, length: usize) -> Option<usize> {
    match kind {
        b'D' | b'd' | b'T' | b't' | b'N' | b'S' | b'R' | b'K' | b'V' | b'H' | b'G' | b'W' => {
            Some(HEAD)
        }
        b'1' | b'2' | b'3' | b'n' | b'c' => (length == HEAD).then_some(HEAD),
        b'C' => (length <= HEAD + TAG_BYTES_MAX).then_some(length),
        b'Z' => (length == HEAD + 1).then_some(length),
        b'I' | b's' => (length == HEAD).then_some(length),
        b'E' => Some(length.min(HEAD + ERROR_BYTES_MAX)),
        b'A' => Some(length.min(HEAD + 256)),
        b'v' => Some(length.min(HEAD + 4)),
        _ => None,
    }
}
