//! Which process is searched when: all its sealed connections at once, soon after the first of them
//! is reported, and less and less often while that opens nothing.
//!
//! Knows no memory and no keys; time is passed in.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use decrypt::search::Sample;
use model::{ConnectionId, Direction};

/// From the first report of a process to its search: connections come in groups, and those that the
/// handshake gives a key for are opened meanwhile.
const DEBOUNCE: Duration = Duration::from_millis(300);
/// Between two searches of a process that opened all they were for.
const PAUSE: Duration = Duration::from_secs(1);
/// After one that did not, once: a collector may have moved the key, or an update changed it.
const RETRY: Duration = Duration::from_secs(1);
/// After the retry, doubled each time: two searches a minute at first.
const BACK_OFF: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(960)];
/// Searches with fresh records after which a direction is given up.
const ATTEMPTS_MAX: u8 = 2;
/// Processes that are remembered.
const PROCESSES_MAX: usize = 1024;
/// Directions searched for at once: 2,000 connections.
const SAMPLES_MAX: usize = 4096;
/// Processes of which nothing was heard for so long are forgotten.
const FORGET: Duration = Duration::from_secs(1200);

type Way = (ConnectionId, Direction);

/// Who waits for a search.
#[derive(Default)]
pub(super) struct Plan {
    processes: HashMap<u32, Process>,
    /// Samples that found no room.
    pub refused: u64,
}

struct Process {
    /// The newest sample of each direction that has news.
    samples: HashMap<Way, Sample>,
    /// When the first of them came.
    waits_since: Instant,
    not_before: Instant,
    /// Searches in a row that left something sealed.
    failures: u32,
    /// How often a direction was searched for in vain.
    attempts: HashMap<Way, u8>,
}

impl Plan {
    /// A connection of the process has sealed records.
    pub(super) fn report(&mut self, pid: u32, samples: Vec<Sample>, now: Instant) {
        if !self.processes.contains_key(&pid) && self.processes.len() >= PROCESSES_MAX {
            self.processes.retain(|_, process| now < process.not_before + FORGET);
            if self.processes.len() >= PROCESSES_MAX {
                self.refused += samples.len() as u64;
                return;
            }
        }
        let process = self.processes.entry(pid).or_insert_with(|| Process {
            samples: HashMap::new(),
            waits_since: now,
            not_before: now,
            failures: 0,
            attempts: HashMap::new(),
        });
        if process.samples.is_empty() {
            process.waits_since = now;
        }
        for sample in samples {
            let way = (sample.connection, sample.direction);
            if process.samples.len() < SAMPLES_MAX || process.samples.contains_key(&way) {
                process.samples.insert(way, sample);
            } else {
                self.refused += 1;
            }
        }
    }

    /// The next process to be searched, if one is due, with what for.
    pub(super) fn due(&mut self, now: Instant) -> Option<(u32, Vec<Sample>)> {
        let due = |process: &Process| process.due().filter(|due| *due <= now);
        let all = self.processes.iter_mut().filter(|(_, process)| due(process).is_some());
        let (pid, process) = all.min_by_key(|(_, process)| process.waits_since)?;
        Some((*pid, process.samples.drain().map(|(_, sample)| sample).collect()))
    }

    /// When the next search is due; `None` as long as nobody waits for one.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.processes.values().filter_map(Process::due).min()
    }

    /// A search is over and left these directions sealed; those to be given up are returned.
    pub(super) fn searched(&mut self, pid: u32, sealed: &[Way], now: Instant) -> Vec<Way> {
        let Some(process) = self.processes.get_mut(&pid) else { return sealed.to_vec() };
        if sealed.is_empty() {
            process.failures = 0;
            process.not_before = now + PAUSE;
            process.attempts.clear();
            return Vec::new();
        }
        process.failures += 1;
        process.not_before = now
            + match process.failures {
                1 => RETRY,
                more => {
                    let [first, longest] = BACK_OFF;
                    first.saturating_mul(1 << (more - 2).min(16)).min(longest)
                }
            };
        // Only what was just searched for is counted on.
        let before = std::mem::take(&mut process.attempts);
        let mut given_up = Vec::new();
        for way in sealed {
            let attempts = before.get(way).copied().unwrap_or(0) + 1;
            if attempts >= ATTEMPTS_MAX {
                given_up.push(*way);
            } else {
                process.attempts.insert(*way, attempts);
            }
        }
        given_up
    }

    /// The process has ended, or may not be searched.
    pub(super) fn forget(&mut self, pid: u32) {
        self.processes.remove(&pid);
    }
}

impl Process {
    /// When it may be searched, if it waits for that.
    fn due(&self) -> Option<Instant> {
        let earliest = self.not_before.max(self.waits_since + DEBOUNCE);
        (!self.samples.is_empty()).then_some(earliest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use decrypt::search::SampleKind;

    fn sample(connection: u64) -> Sample {
        Sample {
            connection: ConnectionId(connection),
            direction: Direction::Forward,
            kind: SampleKind::Tls { version: None, suite: None },
            records: Vec::new(),
            sequence_max: None,
        }
    }

    fn way(connection: u64) -> Way {
        (ConnectionId(connection), Direction::Forward)
    }

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn connections_of_a_process_are_searched_for_together() {
        let (mut plan, start) = (Plan::default(), Instant::now());
        plan.report(7, vec![sample(1)], start);
        plan.report(7, vec![sample(2)], start + 100 * MS);
        plan.report(7, vec![sample(1)], start + 200 * MS);
        assert!(plan.due(start + 299 * MS).is_none());
        assert_eq!(plan.next_due(), Some(start + 300 * MS));
        let (pid, samples) = plan.due(start + 300 * MS).expect("due");
        assert_eq!((pid, samples.len()), (7, 2));
        assert!(plan.due(start + 300 * MS).is_none());
        assert_eq!(plan.next_due(), None, "nobody waits");
        assert!(plan.searched(7, &[], start + 310 * MS).is_empty());
        plan.report(7, vec![sample(3)], start + 320 * MS);
        assert!(plan.due(start + 1300 * MS).is_none(), "a second after the last");
        assert_eq!(plan.next_due(), Some(start + 1310 * MS));
        assert!(plan.due(start + 1310 * MS).is_some());
    }

    #[test]
    fn what_stays_sealed_is_tried_twice_and_less_and_less_often() {
        let (mut plan, mut now) = (Plan::default(), Instant::now());
        let pauses = [1, 30, 60, 120, 240, 480, 960, 960];
        for (n, pause) in (1..).zip(pauses) {
            plan.report(7, vec![sample(1)], now);
            now += DEBOUNCE;
            assert!(plan.due(now).is_some());
            let given_up = plan.searched(7, &[way(1)], now);
            assert_eq!(given_up.len(), usize::from(n % 2 == 0), "given up at each second time");
            plan.report(7, vec![sample(1)], now);
            let pause = Duration::from_secs(pause);
            assert!(plan.due(now + pause - MS).is_none());
            now += pause;
            assert!(plan.due(now).is_some());
        }
    }

    #[test]
    fn tables_are_bounded() {
        let (mut plan, now) = (Plan::default(), Instant::now());
        let samples = (0..SAMPLES_MAX as u64 + 10).map(sample).collect();
        plan.report(7, samples, now);
        assert_eq!(plan.refused, 10);
        for pid in 8..2 * PROCESSES_MAX as u32 {
            plan.report(pid, vec![sample(1)], now);
        }
        assert_eq!(plan.processes.len(), PROCESSES_MAX);
        plan.report(5000, vec![sample(1)], now + FORGET);
        assert!(plan.processes.contains_key(&5000));
    }
}
