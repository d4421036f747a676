//! The server's side: what it answers empties the queue.

use model::{Exchange, Kind, ShortText, Side, Timestamp};

use super::INFO;
use super::command::Form;
use super::compressed::Compressed;
use super::frame::{self, HEAD, Head, LENGTH_MAX};
use super::login;
use super::operation;
use super::progress::{Packet, Progress, Turn};
use super::session::{MySql, Phase, pending};
use crate::naming::statement;
use crate::protocol::{Input, Output, Step};

/// Bytes looked at of a packet that may end something: its flags stand behind two numbers, its
/// text is not read.
const END_WINDOW: usize = 1_024;
/// Bytes looked at of others: where a result begins, how many columns it has.
const WINDOW: usize = 16;

/// Longest packet passed over that answers nothing: a longer one is not one of rows.
const UNASKED_MAX: usize = 1024 * 1024;

/// Where in the input a packet stands.
#[derive(Clone, Copy)]
struct Place {
    /// First byte of the packet.
    began: Timestamp,
    /// Last byte of the packet.
    at: Timestamp,
}

/// What became of a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Goes,
    Nonsense,
    /// Frames begin behind it.
    Switches,
}

impl MySql {
    /// Reads whole packets until one is cut.
    pub(super) fn answers(&mut self, input: &Input<'_>, output: &mut Output<'_>) -> Step {
        let mut at = 0;
        let step = loop {
            let rest = input.bytes.get(at..).unwrap_or_default();
            let stop = if at == 0 { Step::Wait } else { Step::Took(at) };
            let Some(head) = frame::head(rest) else {
                break stop;
            };
            let whole = HEAD + head.length;
            let visible = rest.get(HEAD..).unwrap_or_default();
            if visible.first().is_some_and(|first| !self.may_come(head, *first)) {
                break if at == 0 { Step::Desync } else { stop };
            }
            let window = window(head, visible.first());
            let Some(body) = visible.get(..window) else {
                break stop;
            };
            let place =
                Place { began: if at == 0 { input.first_at } else { input.at }, at: input.at };
            match self.packet(head, body, place, output) {
                Read::Goes => {}
                Read::Nonsense => break if at == 0 { Step::Desync } else { stop },
                Read::Switches => break Step::Took(at + whole.min(rest.len())),
            }
            if rest.len() < whole {
                let body = (head.length - window) as u64;
                break Step::Skip { head: at + HEAD + window, body };
            }
            at += whole;
        };
        self.last_answer = input.at;
        step
    }

    /// False if nothing has been asked that this could answer.
    fn may_come(&self, head: Head, first: u8) -> bool {
        let is_old = self.is_uncertain && head.length <= UNASKED_MAX;
        let is_piece = self.continues.get(Side::Server.index()) == Some(&true);
        let is_settled = self.phase == Phase::Commands && self.queue.is_empty();
        !is_settled || is_old || is_piece || first == 0xff
    }

    fn packet(
        &mut self,
        head: Head,
        body: &[u8],
        place: Place,
        output: &mut Output<'_>,
    ) -> Read {
        let is_piece = self.continues(Side::Server, head.length == LENGTH_MAX);
        if is_piece {
            self.server_sequence = Some(head.sequence);
            return self.book(head, place);
        }
        if matches!(self.phase, Phase::Connect | Phase::Unknown)
            && self.queue.is_empty()
            && let Some(read) = self.greeting(head, body, place, output)
        {
            return read;
        }
        // The end of an answer is known only now if nothing more of it came.
        if let Some(front) = self.queue.front()
            && front.tag.done.is_some()
            && front.tag.progress != Progress::Lost
            && !frame::is_eof(body, head.length)
        {
            self.deprecate_eof = Some(true);
            self.settle(output);
        }
        self.answer(head, body, place, output)
    }

    /// The first packet of a connection; `None` if it is not.
    fn greeting(
        &mut self,
        head: Head,
        body: &[u8],
        place: Place,
        output: &mut Output<'_>,
    ) -> Option<Read> {
        let is_first = self.phase == Phase::Connect;
        if is_first && let Some(number) = login::refusal(head, body) {
            let endpoint = output.names.intern("Connect", "");
            let mut refused = pending(Form::Nothing, Kind::Session, endpoint, place.began, 0);
            refused.response_bytes = (HEAD + head.length) as u64;
            refused.wire = statement::wire("Connect", None, output);
            let status = operation::failure(number);
            if let Some(wire) = refused.wire.as_deref_mut() {
                wire.status = Some(status.code.as_str().to_owned());
            }
            // Nobody asked: there is no duration.
            let refused = refused.answered(&INFO, self.version, status, place.at);
            output.emit(&Exchange { duration_ns: None, ttfb_ns: None, ..refused });
            return Some(Read::Goes);
        }
        let is_greeting = body.first() == Some(&10) && head.sequence == 0;
        if is_greeting {
            self.version = ShortText::new("10");
            self.offered = login::offered(body);
            self.phase = Phase::Greeted;
            self.is_uncertain = false;
            self.aligned = [true; 2];
            return Some(Read::Goes);
        }
        is_first.then_some(Read::Nonsense)
    }

    /// A packet of the answer to the command in front.
    fn answer(
        &mut self,
        head: Head,
        body: &[u8],
        place: Place,
        output: &mut Output<'_>,
    ) -> Read {
        let is_framed = self.is_framed;
        let is_error = body.first() == Some(&0xff);
        let Some(front) = self.queue.front() else {
            // Of a command that was not seen, a stream, a last word before the connection ends.
            return Read::Goes;
        };
        let (form, progress) = (front.tag.form, front.tag.progress);
        let begins = front.first_answer.is_none();
        if begins && head.sequence != front.tag.sequence && !is_framed {
            match self.queue.front() {
                _ if form == Form::Login || is_error => {}
                // The rest of what went before.
                _ if self.is_uncertain || self.is_gapped => return Read::Goes,
                _ => return Read::Nonsense,
            }
        }
        if self.is_gapped && !begins && self.begins_next(head) {
            self.lose_front(output);
            return self.answer(head, body, place, output);
        }
        let follows = self.server_sequence.is_none_or(|n| n.wrapping_add(1) == head.sequence);
        let is_free = matches!(progress, Progress::First | Progress::Loading | Progress::Lost);
        if !begins && !follows && !is_free && !is_framed {
            return Read::Nonsense;
        }
        let packet = Packet { length: head.length, body };
        let mut deprecate_eof = self.deprecate_eof;
        let turn = progress.next(form, packet, &mut deprecate_eof);
        if turn == Turn::Bad {
            return Read::Nonsense;
        }
        self.deprecate_eof = deprecate_eof;
        self.server_sequence = Some(head.sequence);
        self.book(head, place);
        if begins {
            self.register(body);
            if !self.belongs(body, output) {
                self.lose_count(output);
                return Read::Goes;
            }
        }
        self.turn(turn, place, output)
    }

    /// After a gap: true if this begins the answer to the second command in the queue.
    fn begins_next(&self, head: Head) -> bool {
        self.queue.get(1).is_some_and(|next| next.tag.sequence == head.sequence)
    }

    fn lose_front(&mut self, output: &mut Output<'_>) {
        if let Some(front) = self.queue.pop_front() {
            self.unanswered(front, model::Incomplete::Gap, output);
        }
        self.is_gapped = false;
        self.is_uncertain = true;
    }

    /// Counts a packet to the answer in front.
    fn book(&mut self, head: Head, place: Place) -> Read {
        if let Some(front) = self.queue.front_mut() {
            front.answer_bytes((HEAD + head.length) as u64, place.began);
        }
        Read::Goes
    }

    /// From mid-stream: false if what answers cannot be the answer to this command.
    fn belongs(&self, body: &[u8], output: &Output<'_>) -> bool {
        let Some(front) = self.queue.front().filter(|_| self.is_uncertain) else {
            return true;
        };
        let is_result = front.tag.form == Form::Result && body.first() != Some(&0xff);
        let operation = output.names.operation(front.endpoint);
        !is_result || operation::fits(operation, body.first() == Some(&0))
    }

    /// The answer to a `COM_STMT_PREPARE` has the number.
    fn register(&mut self, body: &[u8]) {
        let Some(statement) = self.queue.front_mut().and_then(|p| p.tag.statement.take()) else {
            return;
        };
        if let Some(ok) = frame::prepare_ok(body) {
            self.prepared().put(ok.id, statement);
        }
    }

    fn turn(&mut self, turn: Turn, place: Place, output: &mut Output<'_>) -> Read {
        match turn {
            Turn::Bad => Read::Nonsense,
            Turn::Goes(progress) => {
                if let Some(front) = self.queue.front_mut() {
                    front.tag.progress = progress;
                }
                self.is_loading |= progress == Progress::Loading;
                Read::Goes
            }
            Turn::MayEnd(progress) => {
                if let Some(front) = self.queue.front_mut() {
                    front.tag.progress = progress;
                    front.tag.done = Some(place.at);
                }
                Read::Goes
            }
            Turn::Ends => self.finish(None, place, output),
            Turn::Fails(number) => self.finish(Some(number), place, output),
        }
    }

    /// The answer in front is whole.
    fn finish(&mut self, failure: Option<u16>, place: Place, output: &mut Output<'_>) -> Read {
        let Some(front) = self.queue.pop_front() else {
            return Read::Goes;
        };
        let form = front.tag.form;
        let was_login = self.phase == Phase::Login;
        self.answered(front, failure, place.at, output);
        self.is_gapped = false;
        self.server_sequence = None;
        if std::mem::take(&mut self.is_blind) {
            // A file has ended somewhere: a command comes next.
            self.align_side(Side::Client, false);
        }
        if self.queue.is_empty() {
            self.is_uncertain = false;
        }
        match (form, failure) {
            (Form::Login, None) => {
                if let Some(prepared) = self.prepared.as_deref_mut() {
                    prepared.clear();
                }
                self.phase = Phase::Commands;
                if was_login && let Some(frames) = Compressed::agreed(self.capabilities) {
                    self.compressed = Some(Box::new(frames));
                    self.is_framed = true;
                    return Read::Switches;
                }
            }
            (Form::Stream, None) => self.phase = Phase::Stream,
            _ => {}
        }
        Read::Goes
    }
}

/// Bytes of the payload that are looked at.
fn window(head: Head, first: Option<&u8>) -> usize {
    let most = match first {
        _ if head.length == LENGTH_MAX => 1,
        // OK, an end, an error, a greeting.
        Some(0x00 | 0x0a | 0xfe | 0xff) => END_WINDOW,
        Some(_) => WINDOW,
        None => 1,
    };
    most.min(head.length)
}
