//! The exchanges that ended lately: the readers' end. [`crate::feed`] is the worker's.
//!
//! ```text
//! worker ─ block a tick ─▶ store's thread ─▶ ring ◀─ ask(after) ─ readers, each with its place
//! ```
//! A reader keeps no place here: it says after which number it goes on. Who is too slow finds the
//! oldest gone and is told how many. Who has no place yet waits two ticks, until all are kept.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use model::view::{ExchangeRow, Exchanges, ExchangesAsked};

use crate::feed::Block;

/// How long a reader without a place waits until everything is kept: the worker hears of it at its
/// next tick, and says so at the one after.
const FIRST_LOOK: Duration = Duration::from_millis(500);

/// Exchanges kept for readers: about 2 MiB, and at the fullest rate two fifths of a second.
const ROWS_MAX: usize = 4_096;

/// The ring, and how often somebody asked.
#[derive(Default)]
pub(crate) struct Recent {
    ring: Mutex<Ring>,
    /// Told when a block has come.
    news: Condvar,
    questions: Arc<AtomicU64>,
}

#[derive(Default)]
struct Ring {
    rows: VecDeque<Arc<ExchangeRow>>,
    /// Number of the last exchange that ended, kept or not.
    last: u64,
    /// Everything that ends after `last` is kept.
    is_whole: bool,
}

impl Recent {
    /// Counts up with each question; a worker sees by it that somebody looks on.
    pub(crate) fn questions(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.questions)
    }

    /// Adds a block; the oldest rows make room.
    pub(crate) fn add(&self, block: Block) {
        let mut ring = self.ring();
        ring.last = ring.last.max(block.last);
        ring.is_whole = block.is_whole;
        ring.rows.extend(block.rows.into_iter().map(Arc::new));
        let surplus = ring.rows.len().saturating_sub(ROWS_MAX);
        let gone: Vec<_> = ring.rows.drain(..surplus).collect();
        // Freed outside of the lock.
        drop(ring);
        drop(gone);
        self.news.notify_all();
    }

    /// Answers a reader.
    pub(crate) fn ask(&self, asked: &ExchangesAsked) -> Exchanges {
        self.questions.fetch_add(1, Ordering::Relaxed);
        let mut ring = self.ring();
        if asked.after.is_none() {
            // Else what ends between this answer and the next question would be missed.
            let waited = self.news.wait_timeout_while(ring, FIRST_LOOK, |ring| !ring.is_whole);
            ring = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let last = ring.last;
        // A place beyond the last one is of an agent that ran before this one.
        let after = asked.after.filter(|after| *after <= last);
        let start = ring.rows.partition_point(|row| after.is_some_and(|after| row.id <= after));
        let rows: Vec<Arc<ExchangeRow>> = ring.rows.range(start..).cloned().collect();
        drop(ring);
        match after {
            Some(after) => following(&rows, after, last, asked),
            None => newest(&rows, last, asked),
        }
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // Rows are whole whenever the lock is free.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What comes after the reader's place, up to the last row for which there is room.
fn following(
    rows: &[Arc<ExchangeRow>],
    after: u64,
    last: u64,
    asked: &ExchangesAsked,
) -> Exchanges {
    let mut answer = Exchanges { next: last, ..Exchanges::default() };
    if asked.limit == 0 {
        answer.next = after;
        return answer;
    }
    let mut seen = 0;
    for row in rows {
        seen += 1;
        if asked.filter.keeps(&**row) {
            answer.rows.push((**row).clone());
        }
        if answer.rows.len() == asked.limit {
            answer.next = row.id;
            break;
        }
    }
    answer.missed = (answer.next - after).saturating_sub(seen);
    answer
}

/// The newest that the filter keeps.
fn newest(rows: &[Arc<ExchangeRow>], last: u64, asked: &ExchangesAsked) -> Exchanges {
    let kept = rows.iter().rev().filter(|row| asked.filter.keeps(&***row)).take(asked.limit);
    let mut rows: Vec<ExchangeRow> = kept.map(|row| (**row).clone()).collect();
    rows.reverse();
    Exchanges { rows, next: last, missed: 0 }
}

#[cfg(test)]
mod tests {
    use model::Filter;

    use super::*;

    fn block(ids: &[u64], last: u64) -> Block {
        let row = |id: &u64| ExchangeRow {
            id: *id,
            service: if id.is_multiple_of(2) { "even" } else { "odd" }.to_owned(),
            ..ExchangeRow::default()
        };
        Block { rows: ids.iter().map(row).collect(), last, is_whole: true }
    }

    fn ask(
        recent: &Recent,
        after: Option<u64>,
        filter: &str,
        limit: usize,
    ) -> (Vec<u64>, u64, u64) {
        let filter = Filter::parse(filter).expect("a filter");
        let answer = recent.ask(&ExchangesAsked { after, filter, limit });
        (answer.rows.iter().map(|row| row.id).collect(), answer.next, answer.missed)
    }

    #[test]
    fn a_reader_goes_on_where_it_was() {
        let recent = Recent::default();
        recent.add(block(&[], 0));
        assert_eq!(ask(&recent, None, "", 10), (vec![], 0, 0));
        recent.add(block(&[1, 2, 3], 3));
        assert_eq!(ask(&recent, Some(0), "", 2), (vec![1, 2], 2, 0));
        assert_eq!(ask(&recent, Some(2), "", 2), (vec![3], 3, 0));
        assert_eq!(ask(&recent, Some(3), "", 2), (vec![], 3, 0));
        assert_eq!(ask(&recent, Some(3), "", 0), (vec![], 3, 0));
        assert_eq!(ask(&recent, Some(1), "", 0), (vec![], 1, 0));
        assert_eq!(ask(&recent, None, "", 2), (vec![2, 3], 3, 0));
    }

    #[test]
    fn a_filter_looks_at_everything_up_to_the_last_that_fits() {
        let recent = Recent::default();
        recent.add(block(&[1, 2, 3, 4, 5], 5));
        assert_eq!(ask(&recent, Some(0), "service=even", 1), (vec![2], 2, 0));
        assert_eq!(ask(&recent, Some(2), "service=even", 9), (vec![4], 5, 0));
        assert_eq!(ask(&recent, None, "service=even", 1), (vec![4], 5, 0));
    }

    #[test]
    fn what_was_left_out_is_missed_once() {
        let recent = Recent::default();
        recent.add(block(&[2, 5], 9));
        assert_eq!(ask(&recent, Some(0), "", 1), (vec![2], 2, 1));
        assert_eq!(ask(&recent, Some(2), "", 9), (vec![5], 9, 6));
        assert_eq!(ask(&recent, Some(9), "", 9), (vec![], 9, 0));
    }

    #[test]
    fn the_oldest_make_room_and_a_slow_reader_is_told() {
        let recent = Recent::default();
        let ids: Vec<u64> = (1..=ROWS_MAX as u64 + 100).collect();
        recent.add(block(&ids, ids.len() as u64));
        let (rows, next, missed) = ask(&recent, Some(10), "", usize::MAX);
        assert_eq!((rows.len(), next, missed), (ROWS_MAX, ids.len() as u64, 90));
        assert_eq!(rows[0], 101);
    }

    #[test]
    fn a_place_of_another_run_starts_anew() {
        let recent = Recent::default();
        recent.add(block(&[1, 2], 2));
        assert_eq!(ask(&recent, Some(77), "", 9), (vec![1, 2], 2, 0));
    }

    #[test]
    fn every_question_is_counted() {
        let recent = Recent::default();
        let questions = recent.questions();
        ask(&recent, Some(0), "", 0);
        ask(&recent, Some(0), "", 0);
        assert_eq!(questions.load(Ordering::Relaxed), 2);
    }
}
