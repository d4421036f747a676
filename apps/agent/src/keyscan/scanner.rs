//! The thread of the key scan.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use capture::linux::memory::{MemoryBuffer, MemoryError, ProcessMemory, yield_to_others};
use capture::linux::process_is_within;
use decrypt::search::{Outcome, Sample, Search, SearchLimits, StillSealed, Wanted};
use model::Sealed;

use super::desk::{Desk, Report, Verdict, add};
use super::plan::Plan;
use crate::due::wait;

/// Memory of one process that a pass reads.
const PROCESS_BYTES_MAX: u64 = 4 << 30;
/// How fast memory is read,
const BYTES_PER_SECOND: f64 = 1e9;
/// beyond what is read at once: most processes have less, and are searched within 0.3 s.
const BURST_BYTES: u64 = 1_000_000_000;

/// Programs whose engine expands a key anew for each record.
const WITHOUT_SCHEDULES: [&str; 1] = ["beam.smp"];

/// What the thread has.
pub(crate) struct Scanner {
    desk: Desk,
    /// cgroup directories in scope; none is the whole host.
    scope: Vec<PathBuf>,
    plan: Plan,
    /// Made for a scan, wiped and given back after it.
    buffer: Option<MemoryBuffer>,
}

impl Scanner {
    /// A scan of processes in these cgroup directories; none is the whole host.
    pub(crate) fn new(desk: Desk, scope: Vec<PathBuf>) -> Self {
        Self { desk, scope, plan: Plan::default(), buffer: None }
    }

    /// Searches until nobody reports any more, which is noticed at once, or `is_over`, which a
    /// search that runs looks at.
    pub(crate) fn run(mut self, is_over: impl Fn() -> bool) {
        yield_to_others();
        while !is_over() {
            match wait(&self.desk.reports, self.plan.next_due()) {
                Ok(report) => self.take(report),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            while let Ok(report) = self.desk.reports.try_recv() {
                self.take(report);
            }
            while !is_over()
                && let Some((pid, samples)) = self.plan.due(Instant::now())
            {
                self.scan(pid, samples, &is_over);
            }
            self.buffer = None;
        }
    }

    fn take(&mut self, report: Report) {
        let before = self.plan.refused;
        self.plan.report(report.pid, report.samples, Instant::now());
        add(&self.desk.counts.refused, self.plan.refused - before);
    }

    /// Searches one process, and tells what was found.
    fn scan(&mut self, pid: u32, samples: Vec<Sample>, is_over: &impl Fn() -> bool) {
        if pid == std::process::id() || !process_is_within(pid, &self.scope) {
            self.plan.forget(pid);
            return;
        }
        let ways: Vec<_> = samples.iter().map(|s| (s.connection, s.direction)).collect();
        let started = Instant::now();
        let outcome = self.search(pid, samples, is_over);
        add(&self.desk.counts.scans, 1);
        let micros = started.elapsed().as_micros() as u64;
        add(&self.desk.counts.micros, micros);
        match outcome {
            Ok(outcome) => self.tell(pid, outcome),
            Err(MemoryError::Vanished { .. }) => self.plan.forget(pid),
            Err(error) => {
                self.plan.forget(pid);
                add(&self.desk.counts.denied, 1);
                // Whoever cannot read one process can read none.
                let _ = self.desk.counts.remedy.set(error.remedy());
                for (connection, direction) in ways {
                    self.desk.say(Verdict::Sealed {
                        connection,
                        direction,
                        why: Sealed::MemoryNotReadable,
                    });
                }
            }
        }
    }

    fn search(
        &mut self,
        pid: u32,
        samples: Vec<Sample>,
        is_over: &impl Fn() -> bool,
    ) -> Result<Outcome, MemoryError> {
        let mut memory = ProcessMemory::open(pid)?;
        let mut search = Search::new(samples, SearchLimits::default());
        if keeps_no_schedules(pid) {
            search.expect_bare_keys();
        }
        let buffer = self.buffer.get_or_insert_default();
        let mut pace = Pace::new();
        while let Some(wanted) = search.wanted() {
            let within = match &wanted {
                Wanted::All => None,
                Wanted::Ranges(ranges) => Some(ranges.as_slice()),
            };
            let desk = &self.desk;
            let read = memory.read(buffer, within, PROCESS_BYTES_MAX, |address, bytes| {
                pace.keep(bytes.len());
                if is_over() {
                    return ControlFlow::Break(());
                }
                let goes_on = search.memory(address, bytes);
                desk.say_found(search.take_found());
                goes_on
            })?;
            add(&self.desk.counts.bytes, read.bytes);
            if is_over() {
                break;
            }
            search.end_pass();
            self.desk.say_found(search.take_found());
        }
        Ok(search.finish())
    }

    fn tell(&mut self, pid: u32, outcome: Outcome) {
        let Outcome { found, opened, sealed, counters } = outcome;
        add(&self.desk.counts.refused, counters.refused);
        add(&self.desk.counts.proven, opened);
        self.desk.say_found(found);
        let (hopeless, failed): (Vec<_>, Vec<_>) = sealed
            .into_iter()
            .filter_map(|(sample, why)| Some(((sample.connection, sample.direction), reason(why)?)))
            .partition(|(_, why)| *why == Sealed::CipherUnsupported);
        let ways: Vec<_> = failed.iter().map(|(way, _)| *way).collect();
        let given_up = self.plan.searched(pid, &ways, Instant::now());
        let failed = failed.into_iter().filter(|(way, _)| given_up.contains(way));
        for ((connection, direction), why) in hopeless.into_iter().chain(failed) {
            self.desk.say(Verdict::Sealed { connection, direction, why });
        }
    }
}

/// What is said of a direction that stays sealed; `None` while it is reported again with records
/// that come.
const fn reason(why: StillSealed) -> Option<Sealed> {
    match why {
        StillSealed::NoKey => Some(Sealed::NoKey),
        StillSealed::Budget => Some(Sealed::Budget),
        StillSealed::NotInvertible => Some(Sealed::CipherUnsupported),
        StillSealed::TooFew => None,
    }
}

fn keeps_no_schedules(pid: u32) -> bool {
    let program = std::fs::read_link(format!("/proc/{pid}/exe"));
    program.is_ok_and(|path| WITHOUT_SCHEDULES.iter().any(|name| path.ends_with(name)))
}

/// Holds the rate of reading down.
struct Pace {
    started: Instant,
    bytes: u64,
}

impl Pace {
    fn new() -> Self {
        Self { started: Instant::now(), bytes: 0 }
    }

    fn keep(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        let paced = self.bytes.saturating_sub(BURST_BYTES);
        let due = Duration::from_secs_f64(paced as f64 / BYTES_PER_SECOND);
        let ahead = due.saturating_sub(self.started.elapsed());
        // Shorter sleeps are not kept by the timer.
        if ahead > Duration::from_millis(2) {
            std::thread::sleep(ahead);
        }
    }
}
