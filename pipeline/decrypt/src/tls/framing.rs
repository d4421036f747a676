//! Records out of a stream: cut anywhere, with bytes missing, and found again after a gap.

use model::Timestamp;

use super::record::{HEAD_BYTES, Head, Record};

/// One direction's place in its records.
#[derive(Default)]
pub(super) struct Framing {
    /// The start of a record that is not whole yet.
    held: Vec<u8>,
    first: (usize, Timestamp),
    /// Bytes still to pass of a record that was handed on cut.
    passing: u64,
    /// The next byte does not begin a record, as far as is known.
    pub(super) is_searching: bool,
    /// Records so far.
    pub(super) number: u64,
}

/// What became of the front of some bytes.
pub(super) enum Step<'a> {
    /// So many were taken; the record is not whole.
    Held,
    /// A record; `taken` bytes of it are new.
    Record { record: Record<'a>, taken: usize },
    /// So many belong to a record that was handed on already.
    Passed(usize),
    /// `searched` bytes, `taken` of them new, were looked through in vain.
    Searched { searched: u64, taken: usize },
}

impl Framing {
    /// Bytes taken and not handed on yet.
    pub(super) fn held(&self) -> u64 {
        self.held.len() as u64
    }

    /// True if the next bytes belong to a record whose start was handed on.
    pub(super) const fn is_passing(&self) -> bool {
        self.passing > 0
    }

    /// Looks at the front of `bytes`, which are not empty.
    pub(super) fn step<'a>(&'a mut self, bytes: &'a [u8], at: Timestamp) -> Step<'a> {
        if self.passing > 0 {
            let pass = self.passing.min(bytes.len() as u64);
            self.passing -= pass;
            return Step::Passed(pass as usize);
        }
        if self.is_searching {
            let found = (0..bytes.len()).find(|at| is_likely(bytes.get(*at..).unwrap_or_default()));
            self.is_searching = found.is_none();
            if found != Some(0) {
                let taken = found.unwrap_or(bytes.len());
                return Step::Searched { searched: taken as u64, taken };
            }
        }
        if self.held.is_empty() {
            self.first = (bytes.len(), at);
            return match Head::read(bytes) {
                Some(head) if bytes.len() >= head.whole() => {
                    let body = bytes.get(HEAD_BYTES..head.whole()).unwrap_or_default();
                    let first = (head.whole(), at);
                    self.number += 1;
                    let record = Record { head, body, number: self.number, first, at };
                    Step::Record { record, taken: head.whole() }
                }
                None if bytes.len() >= HEAD_BYTES => {
                    self.is_searching = true;
                    Step::Searched { searched: 1, taken: 1 }
                }
                Some(_) | None => {
                    self.held.extend_from_slice(bytes);
                    Step::Held
                }
            };
        }
        let before = self.held.len();
        let missing = HEAD_BYTES.saturating_sub(before).min(bytes.len());
        let (rest_of_head, bytes) = bytes.split_at(missing);
        self.held.extend_from_slice(rest_of_head);
        let Some(head) = Head::read(&self.held) else {
            if self.held.len() < HEAD_BYTES {
                return Step::Held;
            }
            self.is_searching = true;
            return Step::Searched { searched: self.give_up(), taken: missing };
        };
        let wanted = head.whole().saturating_sub(self.held.len());
        self.held.extend_from_slice(bytes.get(..wanted.min(bytes.len())).unwrap_or_default());
        if bytes.len() < wanted {
            return Step::Held;
        }
        self.number += 1;
        let body = self.held.get(HEAD_BYTES..).unwrap_or_default();
        let record = Record { head, body, number: self.number, first: self.first, at };
        Step::Record { record, taken: missing + wanted }
    }

    /// The record that was held has been used.
    pub(super) fn used(&mut self) {
        self.held.clear();
        // Idle connections keep no buffer of the size of a long record.
        if self.held.capacity() > 4 * 1024 {
            self.held = Vec::new();
        }
    }

    /// `bytes` are missing. Gives the start of the record that they end, and how many of them are
    /// not of it: after those, the place is lost.
    pub(super) fn missing(&mut self, bytes: u64, at: Timestamp) -> (Option<Record<'_>>, u64) {
        if self.is_searching {
            return (None, bytes);
        }
        if self.passing > 0 {
            let pass = self.passing.min(bytes);
            self.passing -= pass;
            self.is_searching = bytes > pass;
            return (None, bytes - pass);
        }
        let Some(head) = Head::read(&self.held) else {
            self.is_searching = true;
            return (None, bytes);
        };
        let left = (head.whole() - self.held.len()) as u64;
        let of_record = left.min(bytes);
        self.passing = left - of_record;
        self.is_searching = bytes > of_record;
        self.number += 1;
        let body = self.held.get(HEAD_BYTES..).unwrap_or_default();
        let record = Record { head, body, number: self.number, first: self.first, at };
        (Some(record), bytes - of_record)
    }

    /// Takes what is held out of the account: it will not become a record.
    pub(super) fn give_up(&mut self) -> u64 {
        let held = self.held();
        self.held = Vec::new();
        held
    }
}

/// True if a record of something sealed may begin here. Its version is that of all but the first
/// records of a connection.
fn is_likely(bytes: &[u8]) -> bool {
    matches!(bytes, [20..=23, 3, 1..=3, ..]) && Head::read(bytes).is_some()
}
