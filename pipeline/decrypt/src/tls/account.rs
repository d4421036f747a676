//! Where the bytes go that are not content: sealed, lost, or about a record that is not whole.

use model::{Chunk, Content as Bytes, Direction, MissingReason, Outcome, Timestamp};

use super::opener::{Clear, Opener};
use super::record::{HEAD_BYTES, Record};
use super::stream::{Gap, Protection, Stage, Tail};

impl Opener {
    /// Books a record that nobody opens.
    pub(super) fn stay_sealed(
        &mut self,
        direction: Direction,
        record: &Record<'_>,
        clear: &mut Clear<'_>,
    ) {
        let stream = &mut self.streams[direction.index()];
        stream.unopened += 1;
        let there = (HEAD_BYTES + record.body.len()) as u64;
        stream.tail = Tail { is_sealed: true, ..Tail::default() };
        if let Some(gap) = &mut stream.gap {
            gap.present += there;
            return;
        }
        let (stage, overhead) = match &stream.protection {
            Protection::Open { keys, stage, .. } => (*stage, keys.overhead()),
            Protection::Sealed(stage) => (*stage, 0),
            Protection::Clear => (Stage::Handshake, 0),
        };
        let is_content = stage >= Stage::Application;
        if !is_content || !self.has_opened || overhead == 0 {
            // What follows is the middle of something. A byte says so where something came before.
            let told = u64::from(is_content && self.has_opened);
            self.ledger.sealed += there - told;
            if is_content {
                self.tell_missing(direction, told, MissingReason::Lost, record.at, clear);
            }
            return;
        }
        let content = u64::from(record.head.length).saturating_sub(overhead);
        let here = content.min(record.body.len() as u64);
        stream.tail.content = content - here;
        self.ledger.sealed += there - here;
        self.tell_missing(direction, here, MissingReason::Lost, record.at, clear);
    }

    /// Books what follows the start of a record that was handed on already.
    pub(super) fn tail(
        &mut self,
        direction: Direction,
        bytes: u64,
        missing: Option<MissingReason>,
        at: Timestamp,
        clear: &mut Clear<'_>,
    ) {
        let stream = &mut self.streams[direction.index()];
        if stream.tail.is_sealed
            && let Some(gap) = &mut stream.gap
        {
            add(gap, bytes, missing, at);
            return;
        }
        stream.tail.reason = missing.or(stream.tail.reason);
        let reason = stream.tail.reason.unwrap_or(MissingReason::Lost);
        let content = bytes.min(stream.tail.content);
        stream.tail.content -= content;
        let as_present = if stream.tail.is_sealed { Outcome::Sealed } else { Outcome::Parsed };
        if content > 0 {
            self.tell_missing(direction, content, reason, at, clear);
        }
        let outcome = match missing {
            None => as_present,
            Some(MissingReason::Lost) => Outcome::Lost,
            Some(MissingReason::Skipped) if as_present == Outcome::Sealed => Outcome::Sealed,
            Some(MissingReason::Skipped) => Outcome::Skipped,
        };
        self.ledger.book(outcome, bytes - content);
    }

    /// The place in the stream is lost.
    pub(super) fn gap(
        &mut self,
        direction: Direction,
        bytes: u64,
        missing: Option<MissingReason>,
        at: Timestamp,
    ) {
        if let Some(progress) = &mut self.progress {
            progress.missed();
        }
        let stream = &mut self.streams[direction.index()];
        stream.messages.missing(usize::MAX);
        if let Protection::Open { keys, .. } = &mut stream.protection {
            keys.lose_chain();
        }
        add(stream.gap.get_or_insert(Gap::default()), bytes, missing, at);
    }

    /// The place is found again, so many records later.
    pub(super) fn close_gap(
        &mut self,
        direction: Direction,
        records: u64,
        at: Timestamp,
        clear: &mut Clear<'_>,
    ) {
        let stream = &mut self.streams[direction.index()];
        let Some(gap) = stream.gap.take() else { return };
        let overhead = match &stream.protection {
            Protection::Open { keys, .. } => records * (HEAD_BYTES as u64 + keys.overhead()),
            Protection::Sealed(_) | Protection::Clear => 0,
        };
        let content = if self.has_opened { gap.bytes().saturating_sub(overhead) } else { 0 };
        let mut left = gap.bytes() - content;
        for (outcome, bytes) in [
            (Outcome::Skipped, gap.skipped),
            (Outcome::Lost, gap.lost),
            (Outcome::Sealed, gap.present),
        ] {
            let book = left.min(bytes);
            self.ledger.book(outcome, book);
            left -= book;
        }
        // What is there of a record that was cut on purpose is passed over, too.
        let is_skipped = gap.lost == 0 && gap.skipped > 0;
        let reason = if is_skipped { MissingReason::Skipped } else { MissingReason::Lost };
        // They passed before what follows them.
        let at = if gap.at.is_unknown() { at } else { gap.at };
        self.tell_missing(direction, content, reason, at, clear);
    }

    fn tell_missing(
        &mut self,
        direction: Direction,
        bytes: u64,
        reason: MissingReason,
        at: Timestamp,
        clear: &mut Clear<'_>,
    ) {
        self.given += bytes;
        clear(&self.facts, &Chunk { direction, at, content: Bytes::Missing { bytes, reason } });
    }
}

fn add(gap: &mut Gap, bytes: u64, missing: Option<MissingReason>, at: Timestamp) {
    gap.at = at;
    match missing {
        None => gap.present += bytes,
        Some(MissingReason::Lost) => gap.lost += bytes,
        Some(MissingReason::Skipped) => gap.skipped += bytes,
    }
}
