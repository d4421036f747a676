//! Exchanges for whoever looks on: the worker's end. [`crate::recent`] is the other.
//!
//! While somebody has asked lately, every exchange goes into the block that is handed on at the
//! next tick, up to a budget; else a few samples do, failed and slow ones first. What is left out
//! keeps its number, so that readers see how much they miss. Nobody is waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use model::view::ExchangeRow;
use model::{Exchange, Names};
use outputs::jsonl;

use crate::lines::Ends;
use crate::resolve::Resolver;

/// Exchanges in one block. At ten ticks a second, more than anyone can read and little to build:
/// about a microsecond each.
pub(crate) const BLOCK_MAX: usize = 1_000;

/// For so many ticks after the last question everything is kept: five seconds, so that a reader
/// that asks every second or two misses nothing.
const ASKED_TICKS: u32 = 50;

/// Without a question, two samples are kept of so many ticks.
const SAMPLE_TICKS: u32 = 5;

/// What the worker hands on.
pub(crate) struct Block {
    /// In the order of their numbers.
    pub rows: Vec<ExchangeRow>,
    /// Number of the last exchange that ended, kept or not.
    pub last: u64,
    /// Everything that ends after `last` is kept, as far as there is room.
    pub is_whole: bool,
}

/// The worker's end.
pub(crate) struct Feed {
    /// How often readers have asked; [`crate::recent::Recent`] counts up.
    questions: Arc<AtomicU64>,
    answered: u64,
    /// Ticks for which everything is still kept.
    asked_ticks: u32,
    /// Ticks since the last sample was handed on.
    sampled_ticks: u32,
    /// Number of the last exchange.
    last: u64,
    fresh: Vec<Kept>,
    /// One failed exchange, and the slowest, while only samples are kept.
    samples: [Option<Kept>; 2],
    /// What was kept before the last tick. A process that speaks before it was read has its name a
    /// tick later.
    ripe: Ripe,
    /// `last` and `is_whole` of the block before.
    told: (u64, bool),
}

/// As [`Block`], before its rows are made.
#[derive(Default)]
struct Ripe {
    kept: Vec<Kept>,
    last: u64,
    is_whole: bool,
}

struct Kept {
    id: u64,
    exchange: Exchange,
    ends: Ends,
}

impl Feed {
    /// A feed that listens for `questions`.
    pub(crate) fn new(questions: Arc<AtomicU64>) -> Self {
        Self {
            questions,
            answered: 0,
            asked_ticks: 0,
            sampled_ticks: 0,
            last: 0,
            fresh: Vec::new(),
            samples: [None, None],
            ripe: Ripe::default(),
            told: (0, false),
        }
    }

    /// Takes note of one exchange. `ends` is called only if it is kept.
    #[inline]
    pub(crate) fn see(&mut self, exchange: &Exchange, ends: impl FnOnce() -> Ends) {
        self.last += 1;
        let keep = |ends: Ends| Kept { id: self.last, exchange: exchange.clone(), ends };
        if self.asked_ticks > 0 {
            if self.fresh.len() < BLOCK_MAX {
                self.fresh.push(keep(ends()));
            }
            return;
        }
        let [failed, slowest] = &mut self.samples;
        if exchange.failed() {
            if failed.is_none() {
                *failed = Some(keep(ends()));
            }
        } else if slowest.as_ref().is_none_or(|s| s.exchange.duration_ns < exchange.duration_ns) {
            *slowest = Some(keep(ends()));
        }
    }

    /// Lets a tick pass; gives what was kept a tick ago.
    pub(crate) fn tick(&mut self, names: &Names, who: &Resolver) -> Option<Block> {
        let questions = self.questions.load(Ordering::Relaxed);
        self.asked_ticks = self.asked_ticks.saturating_sub(1);
        if questions != self.answered {
            (self.answered, self.asked_ticks) = (questions, ASKED_TICKS);
        }
        self.sampled_ticks += 1;
        if self.asked_ticks > 0 || self.sampled_ticks >= SAMPLE_TICKS {
            self.sampled_ticks = 0;
            let samples = &mut self.samples;
            self.fresh.extend(samples.iter_mut().filter_map(Option::take));
            self.fresh.sort_by_key(|kept| kept.id);
        }
        let kept = std::mem::take(&mut self.fresh);
        let ripe = Ripe { kept, last: self.last, is_whole: self.asked_ticks > 0 };
        let due = std::mem::replace(&mut self.ripe, ripe);
        // Unasked, only samples are worth a block; the first and the last whole one always are.
        let (last, was_whole) = self.told;
        let is_news = due.is_whole != was_whole || (due.is_whole && due.last != last);
        if due.kept.is_empty() && !is_news {
            return None;
        }
        self.told = (due.last, due.is_whole);
        let rows = due.kept.iter().map(|kept| row(kept, names, who)).collect();
        Some(Block { rows, last: due.last, is_whole: due.is_whole })
    }
}

fn row(kept: &Kept, names: &Names, who: &Resolver) -> ExchangeRow {
    let (service, peer) = kept.ends.entities(who);
    let line = kept.ends.line(&kept.exchange, names, (&service, &peer));
    jsonl::exchange_row(kept.id, &line)
}

#[cfg(test)]
mod tests {
    use entities::Directory;
    use model::{
        EndpointId, EntityId, Family, Incomplete, Kind, ProtocolInfo, ShortText, Status, Timestamp,
    };

    use super::*;

    static HTTP: ProtocolInfo = ProtocolInfo {
        name: "http1",
        family: Family::Http,
        system: "",
        specification: "RFC 9112",
        ports: &[80],
    };

    fn exchange(duration_ns: u64, incomplete: Option<Incomplete>) -> Exchange {
        Exchange {
            protocol: &HTTP,
            version: ShortText::new("1.1"),
            kind: Kind::Request,
            endpoint: EndpointId::OTHER,
            status: Status::default(),
            start: Timestamp(1),
            duration_ns: Some(duration_ns),
            ttfb_ns: None,
            request_bytes: 1,
            response_bytes: 1,
            incomplete,
            wire: None,
        }
    }

    struct Bench {
        feed: Feed,
        questions: Arc<AtomicU64>,
        names: Names,
        who: Resolver,
    }

    impl Bench {
        fn new() -> Self {
            let questions = Arc::default();
            let directory = Arc::new(Directory::new("here"));
            Self {
                feed: Feed::new(Arc::clone(&questions)),
                questions,
                names: Names::new(16),
                who: Resolver::new(directory, false),
            }
        }

        fn see(&mut self, exchange: &Exchange) {
            self.feed.see(exchange, || Ends::unknown(EntityId::OTHER));
        }

        /// The numbers of the rows handed on within so many ticks.
        fn ticks(&mut self, count: u32) -> Vec<u64> {
            let mut ids = Vec::new();
            for _ in 0..count {
                let block = self.feed.tick(&self.names, &self.who);
                ids.extend(block.into_iter().flat_map(|block| block.rows).map(|row| row.id));
            }
            ids
        }
    }

    #[test]
    fn unasked_the_first_failed_and_the_slowest_are_kept() {
        let mut bench = Bench::new();
        bench.see(&exchange(10, None));
        bench.see(&exchange(90, None));
        bench.see(&exchange(5, Some(Incomplete::Reset)));
        bench.see(&exchange(50, None));
        bench.see(&exchange(999, Some(Incomplete::Reset)));
        assert_eq!(bench.ticks(2 * SAMPLE_TICKS), [2, 3]);
        assert!(bench.ticks(2 * SAMPLE_TICKS).is_empty());
    }

    #[test]
    fn asked_everything_is_kept_for_a_while() {
        let mut bench = Bench::new();
        bench.questions.fetch_add(1, Ordering::Relaxed);
        bench.ticks(1);
        (0..3).for_each(|_| bench.see(&exchange(1, None)));
        assert_eq!(bench.ticks(2), [1, 2, 3]);
        bench.ticks(ASKED_TICKS);
        (0..3).for_each(|_| bench.see(&exchange(1, None)));
        assert_eq!(bench.ticks(2 * SAMPLE_TICKS), [4]);
    }

    #[test]
    fn what_exceeds_a_block_keeps_its_number() {
        let mut bench = Bench::new();
        bench.questions.fetch_add(1, Ordering::Relaxed);
        bench.ticks(1);
        (0..BLOCK_MAX + 7).for_each(|_| bench.see(&exchange(1, None)));
        bench.ticks(1);
        let block = bench.feed.tick(&bench.names, &bench.who).expect("a block");
        assert_eq!((block.rows.len(), block.last), (BLOCK_MAX, BLOCK_MAX as u64 + 7));
    }

    #[test]
    fn the_first_and_the_last_whole_block_come_without_exchanges_too() {
        let mut bench = Bench::new();
        (0..3).for_each(|_| bench.see(&exchange(1, None)));
        assert!(bench.feed.tick(&bench.names, &bench.who).is_none());
        bench.questions.fetch_add(1, Ordering::Relaxed);
        assert!(bench.feed.tick(&bench.names, &bench.who).is_none());
        let block = bench.feed.tick(&bench.names, &bench.who).expect("a block");
        assert_eq!((block.last, block.is_whole), (3, true));
        // And one that says that it is over.
        let mut blocks =
            (0..2 * ASKED_TICKS).filter_map(|_| bench.feed.tick(&bench.names, &bench.who));
        let block = blocks.next().expect("a block");
        assert!(!block.is_whole && block.rows.is_empty());
        assert!(blocks.next().is_none());
    }
}
