//! The client's side: commands become open requests.

use model::{EndpointId, Incomplete, Kind, Side, Timestamp, Wire};

use super::{Asked, Fate, OPEN_MAX, Redis, Replies};
use crate::pairing::Pending;
use crate::protocol::{Input, Output, Step};
use crate::protocols::redis::frame::{self, Front, Head, Read};
use crate::protocols::redis::operation::{self, Special};
use crate::protocols::redis::turns::Standing;

/// What reading the arguments of a command came to.
enum Rest {
    /// All read.
    Done(usize),
    /// More bytes are needed after these.
    Wait(usize),
    /// The body of an argument need not be seen.
    Skip {
        head: usize,
        body: u64,
    },
    Malformed,
}

impl Redis {
    /// Reads as many commands as there are.
    pub(super) fn requests(&mut self, input: &Input<'_>, output: &mut Output<'_>) -> Step {
        let mut taken = 0;
        // Only the first frame can have begun in an earlier packet.
        let mut first_at = input.first_at;
        while let Some(bytes) = input.bytes.get(taken..).filter(|bytes| !bytes.is_empty()) {
            let mut bytes = bytes;
            let mut length = 0;
            if !self.is_sending
                && let Some((whole, front)) = self.repeat(bytes, (first_at, input.at), output)
            {
                taken += whole;
                bytes = bytes.get(whole..).unwrap_or_default();
                length = front;
            } else if !self.is_sending {
                match frame::front(bytes, operation::needs) {
                    Read::Whole(Some(front), n) => {
                        if !self.is_command(bytes, &front) {
                            return self.no_command(taken, output);
                        }
                        if front.first == Some(b"ACK")
                            && operation::special(front.word) == Special::Replconf
                        {
                            return self.replicate(taken + n, output);
                        }
                        self.open_request(&front, first_at, output);
                        self.remember(bytes.get(..n).unwrap_or_default(), &front);
                        length = n;
                    }
                    Read::Whole(None, n) => {
                        taken += n;
                        continue;
                    }
                    Read::Partial => break,
                    Read::Malformed => return self.no_command(taken, output),
                }
            }
            let rest = self.arguments(bytes.get(length..).unwrap_or_default());
            let (n, body) = match rest {
                Rest::Done(n) | Rest::Wait(n) => (n, 0),
                Rest::Skip { head, body } => (head, body),
                Rest::Malformed => return self.no_command(taken + length, output),
            };
            if let Some(pending) = self.open.back_mut().filter(|_| self.is_sending) {
                pending.request_bytes += (length + n) as u64 + body;
            }
            taken += length + n;
            first_at = input.at;
            self.turns.spoke(Side::Client, input.at);
            match rest {
                Rest::Done(_) => self.finish_sending(output),
                Rest::Skip { .. } => return Step::Skip { head: taken, body },
                Rest::Wait(_) | Rest::Malformed => break,
            }
        }
        if taken == 0 { Step::Wait } else { Step::Took(taken) }
    }

    /// Words on a line are a command if the connection is known to carry commands from its start
    /// on.
    fn is_command(&self, bytes: &[u8], front: &Front<'_>) -> bool {
        let is_inline = bytes.first() != Some(&b'*');
        !is_inline || self.turns.is_sure() || operation::is_typed(front)
    }

    /// These bytes make no sense. What stands before them has been read.
    fn no_command(&mut self, taken: usize, output: &mut Output<'_>) -> Step {
        if taken > 0 {
            return Step::Took(taken);
        }
        self.lose_client(output);
        Step::Desync
    }

    /// From here on the connection carries a stream of changes.
    fn replicate(&mut self, taken: usize, output: &mut Output<'_>) -> Step {
        self.report_all(Incomplete::Gap, output);
        self.is_replica = true;
        Step::Skip { head: taken, body: u64::MAX }
    }

    /// Reads arguments that nobody looks at.
    #[inline]
    fn arguments(&mut self, bytes: &[u8]) -> Rest {
        let mut at = 0;
        while self.arguments_left > 0 {
            let rest = bytes.get(at..).unwrap_or_default();
            if let Some(n) = frame::short_string(rest) {
                self.arguments_left -= 1;
                at += n;
                continue;
            }
            let (length, n) = match frame::head(rest) {
                Read::Whole(Head::Body(frame::Type::Bulk, length), n) => (length, n),
                Read::Whole(..) | Read::Malformed => return Rest::Malformed,
                Read::Partial => return Rest::Wait(at),
            };
            let end = n.saturating_add(length as usize);
            if !frame::may_end_at(rest, end) {
                return Rest::Malformed;
            }
            self.arguments_left -= 1;
            if rest.len() < end.saturating_add(2) {
                return Rest::Skip { head: at + n, body: length + 2 };
            }
            at += end + 2;
        }
        Rest::Done(at)
    }

    /// A command has begun.
    #[inline]
    fn open_request(&mut self, front: &Front<'_>, start: Timestamp, output: &mut Output<'_>) {
        let special = operation::special(front.word);
        let is_blocking = operation::is_blocking(special, front);
        let is_sure = self.admits(is_blocking, start, output);
        if self.may_have_left && !operation::is_for_subscribers(special, front.word) {
            self.is_subscribed = [false; 2];
            self.may_have_left = false;
        }
        let fate =
            if self.is_answered(front, special) { self.fate(is_sure) } else { Fate::Unanswered };
        let endpoint = operation::endpoint(front, special, output);
        let wire = output.raw.then(|| operation::wire(front.word, front.first));
        let arguments = u32::try_from(front.count).unwrap_or(u32::MAX);
        let asked = Asked { fate, special, is_blocking, arguments };
        self.open.push_back(request(endpoint, start, wire, asked));
        self.arguments_left = front.left;
        self.is_sending = true;
    }

    /// The same command and key as the last one, but for a number in the key: it needs no second
    /// reading, and nor do those behind it in a pipeline, if nothing follows the key. The newest is
    /// being sent then. Gives the bytes of those before it, and its own so far. `start`, `at`: when
    /// the first byte came, and the last ones.
    #[inline]
    fn repeat(
        &mut self,
        bytes: &[u8],
        (start, at): (Timestamp, Timestamp),
        output: &mut Output<'_>,
    ) -> Option<(usize, usize)> {
        let n = self.last.len();
        if n == 0 || !self.last.begins(bytes) {
            return None;
        }
        if output.raw || self.may_have_left || self.replies != Replies::On {
            return None;
        }
        // Behind one of the same packet, the next one finds all as this one does.
        let is_behind =
            start == at && self.open.back().is_some_and(|newest| newest.start == start);
        let is_sure = self.admits(false, start, output);
        let fate = self.fate(is_sure);
        let (endpoint, arguments) = (self.last.endpoint, self.last.arguments);
        let asked = Asked { fate, special: Special::Plain, is_blocking: false, arguments };
        let mut before = 0;
        if is_behind && fate == Fate::Paired && self.last.left == 0 {
            let room = OPEN_MAX.saturating_sub(self.open.len());
            let next = |before: usize| bytes.get(n * (before + 1)..).unwrap_or_default();
            while before + 1 < room && self.last.begins(next(before)) {
                before += 1;
            }
            let whole =
                || Pending { request_bytes: n as u64, ..request(endpoint, start, None, asked) };
            self.open.extend((0..before).map(|_| whole()));
        }
        self.open.push_back(request(endpoint, start, None, asked));
        self.arguments_left = self.last.left;
        self.is_sending = true;
        Some((n * before, n))
    }

    /// Remembers the front of a command for [`Self::repeat`], if it alone says what it is.
    fn remember(&mut self, bytes: &[u8], front: &Front<'_>) {
        let Some(newest) = self.open.back() else { return };
        let asked = newest.tag;
        let is_plain = asked.special == Special::Plain && !asked.is_blocking;
        if is_plain && newest.endpoint != EndpointId::OTHER && bytes.first() == Some(&b'*') {
            self.last.remember(bytes, front, newest.endpoint);
        }
    }

    /// True if the answer to a request that begins now can be told.
    #[inline]
    fn admits(&mut self, is_blocking: bool, start: Timestamp, output: &mut Output<'_>) -> bool {
        let standing = Standing {
            has_open: !self.open.is_empty() || self.refused > 0,
            is_answering: self.answer.is_open,
            is_blocking,
        };
        let is_sure = self.turns.admits(standing, start);
        if !is_sure && !self.turns.is_proven() {
            self.doubt_all(output);
        }
        self.may_be_subscribed = false;
        is_sure
    }

    /// Those open may have been asked behind others that we did not see.
    fn doubt_all(&mut self, output: &mut Output<'_>) {
        if !self.is_unheard || self.open.len() >= OPEN_MAX {
            return self.report_all(Incomplete::MidStream, output);
        }
        let paired = self.open.iter_mut().filter(|pending| pending.tag.fate == Fate::Paired);
        paired.for_each(|pending| pending.tag.fate = Fate::Unpaired(Incomplete::MidStream));
    }

    fn fate(&mut self, is_sure: bool) -> Fate {
        if !is_sure {
            self.turns.pass_over();
            return Fate::Unpaired(self.turns.reason());
        }
        // Once one was refused, so are those behind it, until the refused ones are answered.
        if self.refused > 0 || self.open.len() >= OPEN_MAX {
            self.refused = self.refused.saturating_add(1);
            return Fate::Unpaired(Incomplete::Gap);
        }
        Fate::Paired
    }

    /// Follows `CLIENT REPLY`. True if the command has an answer.
    #[inline]
    fn is_answered(&mut self, front: &Front<'_>, special: Special) -> bool {
        let replies = self.replies;
        if special == Special::Client {
            let mut arguments = front.arguments;
            let is_reply = arguments.next().is_some_and(|a| a.eq_ignore_ascii_case(b"REPLY"));
            let mode = arguments.next().filter(|_| is_reply).unwrap_or_default();
            if mode.eq_ignore_ascii_case(b"OFF") {
                self.replies = Replies::Off;
                return false;
            }
            if mode.eq_ignore_ascii_case(b"ON") {
                self.replies = Replies::On;
                return true;
            }
            if mode.eq_ignore_ascii_case(b"SKIP") {
                if replies != Replies::Off {
                    self.replies = Replies::SkipNext;
                }
                return false;
            }
        }
        if replies == Replies::SkipNext {
            self.replies = Replies::On;
        }
        replies == Replies::On
    }

    /// The newest request has been sent, as far as we see it.
    pub(super) fn finish_sending(&mut self, output: &mut Output<'_>) {
        self.arguments_left = 0;
        if !std::mem::take(&mut self.is_sending) {
            return;
        }
        self.report_settled(output);
        // Where nothing is answered any more, order is given up before memory is.
        let is_unpaired =
            |p: &mut Pending<Asked>| matches!(p.tag.fate, Fate::Unpaired(_) | Fate::Unanswered);
        if self.open.len() > OPEN_MAX
            && let Some(pending) = self.open.pop_back_if(is_unpaired)
        {
            self.report(pending, Incomplete::Gap, output);
        }
    }
}

fn request(
    endpoint: EndpointId,
    start: Timestamp,
    wire: Option<Box<Wire>>,
    tag: Asked,
) -> Pending<Asked> {
    Pending { wire, ..Pending::new(Kind::Request, endpoint, start, 0, tag) }
}
