//! The server's side: answers end open requests, pushes are reported as they come.

use model::{Incomplete, Side, Timestamp};

use super::values::Advance;
use super::{Asked, Fate, INFO, Owner, Redis};
use crate::naming::key;
use crate::pairing::Pending;
use crate::protocol::{Input, Output, Step};
use crate::protocols::redis::frame::{self, Message, Read, Type};
use crate::protocols::redis::operation::{self, Special};

/// In so many bytes `REPLCONF` stands, if at all.
const ACKNOWLEDGEMENT_BYTES: usize = 24;

/// What the start of a value came to.
enum Begun {
    /// A value begins.
    Here,
    /// These bytes are none, and are passed over.
    Blank,
    /// More bytes would tell.
    Partial,
    /// The rest of the connection is a stream of changes.
    Replication,
}

impl Redis {
    /// Reads as many answers as there are.
    pub(super) fn answers(&mut self, input: &Input<'_>, output: &mut Output<'_>) -> Step {
        let mut taken = 0;
        let mut first_at = input.first_at;
        if self.is_unheard && !self.open.is_empty() {
            match self.hear(input.bytes, output) {
                Begun::Partial => return Step::Wait,
                Begun::Replication => return Step::Skip { head: 0, body: u64::MAX },
                Begun::Here | Begun::Blank => {}
            }
        }
        self.turns.spoke(Side::Server, input.at);
        while let Some(bytes) = input.bytes.get(taken..).filter(|bytes| !bytes.is_empty()) {
            if self.is_replica {
                return Step::Skip { head: taken, body: u64::MAX };
            }
            if self.answer.left == 0 {
                if let Some(n) = self.repeat_answer(bytes, (first_at, input.at), output) {
                    taken += n;
                    first_at = input.at;
                    continue;
                }
                match self.begin(bytes, first_at, output) {
                    Begun::Here => {}
                    Begun::Blank => {
                        taken += 1;
                        continue;
                    }
                    Begun::Partial => break,
                    Begun::Replication => {
                        return self.replication(taken, input.at, output);
                    }
                }
            }
            let n = match self.advance(bytes, output) {
                Advance::Took(n) => n,
                Advance::Skip { head, body } => {
                    return Step::Skip { head: taken + head, body };
                }
                Advance::Partial => break,
                Advance::Malformed if taken > 0 => break,
                Advance::Malformed => {
                    self.lose_server(output);
                    return Step::Desync;
                }
            };
            taken += n;
            first_at = input.at;
            if self.answer.left == 0 {
                self.remember_answer(bytes.get(..n).unwrap_or_default());
                self.finish_answer(input.at, output);
            }
        }
        if taken == 0 { Step::Wait } else { Step::Took(taken) }
    }

    /// The same answer as the last one, byte for byte, to a command that changes nothing: it needs
    /// no second reading. So do those behind it, to commands that were alike. Gives their bytes.
    /// `first_at`, `at`: when they came.
    #[inline]
    fn repeat_answer(
        &mut self,
        bytes: &[u8],
        (first_at, at): (Timestamp, Timestamp),
        output: &mut Output<'_>,
    ) -> Option<usize> {
        let last = self.last_answer.bytes.get(..usize::from(self.last_answer.length))?;
        if last.is_empty() || !bytes.starts_with(last) || output.raw || self.is_monitor {
            return None;
        }
        let is_plain = |pending: &mut Pending<Asked>| {
            pending.tag.fate == Fate::Paired && pending.tag.special == Special::Plain
        };
        let (n, status) = (last.len(), self.last_answer.status);
        let mut pending = self.open.pop_front_if(is_plain)?;
        let mut count = 1;
        while first_at == at
            && bytes.get(n * count..).is_some_and(|rest| rest.starts_with(last))
            && self.open.pop_front_if(|next| is_plain(next) && next.is_like(&pending)).is_some()
        {
            count += 1;
        }
        pending.answer_bytes(n as u64, first_at);
        output.emit_alike(&pending.answered(&INFO, self.version(), status, at), count as u64);
        self.report_settled(output);
        Some(n * count)
    }

    /// Remembers an answer for [`Self::repeat_answer`], if `bytes`, which ended it, are all of it.
    #[inline]
    fn remember_answer(&mut self, bytes: &[u8]) {
        let is_whole = self.answer.bytes == bytes.len() as u64;
        let is_value = matches!(bytes.first(), Some(b'+' | b'-' | b':' | b'$'));
        let last = &mut self.last_answer;
        if let Some(room) = last.bytes.get_mut(..bytes.len())
            && is_whole
            && is_value
            && self.answer.owner == Owner::Request
        {
            room.copy_from_slice(bytes);
            last.length = bytes.len() as u8;
            last.status = self.answer.status;
        }
    }

    /// From mid-stream, the first the server says: is it a server? A replica acknowledges what its
    /// master sends, and that looks like a client's commands.
    fn hear(&mut self, bytes: &[u8], output: &mut Output<'_>) -> Begun {
        match frame::front(bytes, |_| 1) {
            Read::Partial
                if bytes.first() == Some(&b'*') && bytes.len() < ACKNOWLEDGEMENT_BYTES =>
            {
                return Begun::Partial;
            }
            Read::Whole(Some(front), _) if front.word == b"REPLCONF" => {
                self.open.clear();
                self.is_replica = true;
                return Begun::Replication;
            }
            _ => {}
        }
        self.is_unheard = false;
        self.report_settled(output);
        Begun::Here
    }

    /// A value begins: whose is it? May be asked again about the same bytes with more behind them.
    #[inline]
    fn begin(&mut self, bytes: &[u8], at: Timestamp, output: &mut Output<'_>) -> Begun {
        let front = self.open.front().map(|pending| pending.tag);
        let front = front.filter(|asked| matches!(asked.fate, Fate::Paired | Fate::Reported));
        let owner = match bytes.first() {
            Some(b'>') => self.pushed(bytes, front, output),
            Some(b'*') if self.may_be_push(front) => self.pushed(bytes, front, output),
            Some(b'+') if self.is_monitor => self.monitored(bytes, front, output),
            Some(b'\n') if is_replica(front) => return Begun::Blank,
            Some(b'$') if front.is_some_and(|asked| asked.special == Special::Sync) => {
                return Begun::Replication;
            }
            _ => Some(answer_owner(front)),
        };
        let Some(owner) = owner else {
            return Begun::Partial;
        };
        let answer = &mut self.answer;
        answer.owner = owner;
        answer.is_open = true;
        answer.left = 1;
        answer.is_known = false;
        answer.first_at = at;
        answer.bytes = 0;
        match owner {
            Owner::Stray => self.stray(),
            Owner::Request => {
                if let Some(pending) = self.open.front_mut() {
                    pending.first_answer.get_or_insert(at);
                }
            }
            Owner::Push(_) | Owner::Confirmation => {}
        }
        Begun::Here
    }

    /// An answer came that belongs to no request we know.
    fn stray(&mut self) {
        if self.refused > 0 {
            self.refused -= 1;
        } else {
            self.turns.answered_nobody();
        }
    }

    /// True if an array may be something pushed: RESP2 has no other way.
    #[inline]
    fn may_be_push(&self, front: Option<Asked>) -> bool {
        let is_unsure = self.open.is_empty() && !self.turns.is_sure();
        self.version != 3
            && (self.is_subscribed()
                || self.confirmations > 0
                || is_unsure
                || front.is_some_and(|asked| is_subscribing(asked.special)))
    }

    /// Whose is this array or push? `None`: more bytes would tell.
    fn pushed(
        &mut self,
        bytes: &[u8],
        front: Option<Asked>,
        output: &mut Output<'_>,
    ) -> Option<Owner> {
        let is_push = bytes.first() == Some(&b'>');
        let message = match frame::message(bytes) {
            Read::Whole(message, _) => message,
            Read::Partial => return None,
            // The same bytes are read again, and refused there.
            Read::Malformed => None,
        };
        let owner = match message {
            Some(message) if message.is_confirmation() => self.confirmed(&message, front),
            Some(message) if is_push || (message.is_message() && self.is_told(front)) => {
                self.named_push(&message, output)
            }
            // An array that only looks like one.
            Some(_) | None if !is_push => answer_owner(front),
            Some(_) | None => Owner::Confirmation,
        };
        Some(owner)
    }

    /// True if a message is expected. From mid-stream it is once two came with nothing asked
    /// between.
    fn is_told(&mut self, front: Option<Asked>) -> bool {
        if self.is_subscribed() {
            return true;
        }
        let is_certain = self.may_be_subscribed && front.is_none();
        self.may_be_subscribed = front.is_none();
        if is_certain {
            self.is_subscribed = [true, false];
            self.may_have_left = true;
        }
        is_certain
    }

    /// The answer to (un)subscribing, one a channel: the first is the request's answer.
    fn confirmed(&mut self, message: &Message<'_>, front: Option<Asked>) -> Owner {
        let is_shard = message.word.first() == Some(&b's') && message.word != b"subscribe";
        if let Some(is_subscribed) = self.is_subscribed.get_mut(usize::from(is_shard)) {
            *is_subscribed = message.count != Some(0);
        }
        self.may_have_left = false;
        if self.confirmations > 0 {
            self.confirmations -= 1;
            return Owner::Confirmation;
        }
        match front {
            Some(asked) if is_subscribing(asked.special) => Owner::Request,
            Some(_) | None => Owner::Confirmation,
        }
    }

    fn named_push(&mut self, message: &Message<'_>, output: &mut Output<'_>) -> Owner {
        let channel = message.channel.unwrap_or_default();
        let wire = (message.word, channel);
        let endpoint = output.names.cached("redis push", wire, |operation, target| {
            let is_name = operation::is_name(message.word);
            let word = std::str::from_utf8(message.word).ok().filter(|_| is_name);
            operation.push_str(word.unwrap_or("_OTHER"));
            if message.is_message() {
                key::pattern(channel, target);
            }
        });
        self.answer.wire = output.raw.then(|| operation::wire(message.word, message.channel));
        Owner::Push(endpoint)
    }

    /// A line of `MONITOR` starts with the time. `None`: more bytes would tell.
    fn monitored(
        &mut self,
        bytes: &[u8],
        front: Option<Asked>,
        output: &mut Output<'_>,
    ) -> Option<Owner> {
        if !bytes.get(1)?.is_ascii_digit() {
            return Some(answer_owner(front));
        }
        self.answer.wire = output.raw.then(|| operation::wire(b"monitor", None));
        Some(Owner::Push(output.names.intern("monitor", "")))
    }

    /// `SYNC` is answered with a snapshot, and then the changes.
    fn replication(&mut self, taken: usize, at: Timestamp, output: &mut Output<'_>) -> Step {
        self.is_replica = true;
        self.answer.owner = Owner::Request;
        self.answer.is_open = true;
        self.answer.is_known = false;
        self.answer.left = 1;
        self.answer.first_at = at;
        self.answer.bytes = 0;
        self.note(Type::Bulk, b"", output);
        self.answer.left = 0;
        self.finish_answer(at, output);
        self.report_all(Incomplete::Gap, output);
        Step::Skip { head: taken, body: u64::MAX }
    }
}

/// Whose an answer is, given the oldest open request.
#[inline]
fn answer_owner(front: Option<Asked>) -> Owner {
    if front.is_some() { Owner::Request } else { Owner::Stray }
}

fn is_subscribing(special: Special) -> bool {
    matches!(special, Special::Subscribe | Special::Unsubscribe)
}

/// True for those who are sent empty lines while the snapshot is made.
fn is_replica(front: Option<Asked>) -> bool {
    front.is_some_and(|asked| matches!(asked.special, Special::Psync | Special::Sync))
}
