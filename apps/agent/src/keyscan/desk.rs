//! The way between the worker and the key scan: reports, verdicts, and counts for health.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};

use decrypt::search::{Found, Sample};
use model::{ConnectionId, Direction, Sealed, TapHealth, TapState};

use crate::health;

/// Reports and verdicts that may wait.
const WAITING_MAX: usize = 4096;

/// Sealed connections of one process.
pub(crate) struct Report {
    /// The process that owns the socket.
    pub pid: u32,
    /// Sealed records of one of its connections.
    pub samples: Vec<Sample>,
}

/// What has become of a direction that was reported.
pub(crate) enum Verdict {
    /// A key.
    Found(Found),
    /// It stays sealed.
    Sealed {
        /// The connection.
        connection: ConnectionId,
        /// The direction.
        direction: Direction,
        /// Why.
        why: Sealed,
    },
}

/// The worker's end.
pub(crate) struct KeyScan {
    reports: SyncSender<Report>,
    verdicts: Receiver<Verdict>,
    counts: Arc<Counts>,
}

/// The thread's end.
pub(crate) struct Desk {
    pub(super) reports: Receiver<Report>,
    verdicts: SyncSender<Verdict>,
    pub(super) counts: Arc<Counts>,
}

/// What scans did, for health.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(super) scans: AtomicU64,
    pub(super) bytes: AtomicU64,
    pub(super) micros: AtomicU64,
    pub(super) proven: AtomicU64,
    pub(super) sealed: AtomicU64,
    /// Reports, samples and verdicts without room, tests over a limit.
    pub(super) refused: AtomicU64,
    /// Processes that may not be read.
    pub(super) denied: AtomicU64,
    /// What can be done about the last of them.
    pub(super) remedy: OnceLock<&'static str>,
}

/// Both ends of a new scan.
pub(crate) fn key_scan() -> (KeyScan, Desk) {
    let (reports, reported) = sync_channel(WAITING_MAX);
    let (told, verdicts) = sync_channel(WAITING_MAX);
    let counts = Arc::new(Counts::default());
    let desk = Desk { reports: reported, verdicts: told, counts: Arc::clone(&counts) };
    (KeyScan { reports, verdicts, counts }, desk)
}

impl KeyScan {
    /// Sealed connections wait for keys. Who reports too much is not heard, and may report again.
    pub(crate) fn report(&self, report: Report) {
        if let Err(TrySendError::Full(_)) = self.reports.try_send(report) {
            add(&self.counts.refused, 1);
        }
    }

    /// The next verdict, if there is one.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.verdicts.try_recv().ok()
    }

    /// The line of health.
    pub(crate) fn health(&self) -> TapHealth {
        self.counts.health()
    }
}

impl Desk {
    /// A worker that does not listen costs verdicts, never the scan's time.
    pub(super) fn say(&self, verdict: Verdict) {
        if matches!(verdict, Verdict::Sealed { .. }) {
            add(&self.counts.sealed, 1);
        }
        if self.verdicts.try_send(verdict).is_err() {
            add(&self.counts.refused, 1);
        }
    }

    pub(super) fn say_found(&self, found: Vec<Found>) {
        found.into_iter().for_each(|found| self.say(Verdict::Found(found)));
    }
}

impl Counts {
    fn health(&self) -> TapHealth {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let [scans, proven, sealed, refused, denied] =
            [&self.scans, &self.proven, &self.sealed, &self.refused, &self.denied].map(read);
        let mut detail = format!(
            "{scans} scans of {:.1} MB in {:.3} s, {proven} keys proven",
            read(&self.bytes) as f64 / 1e6,
            read(&self.micros) as f64 / 1e6,
        );
        let more = [
            (sealed, "directions given up"),
            (refused, "tests refused by a limit"),
            (denied, "processes not readable"),
        ];
        for (count, what) in more.into_iter().filter(|(count, _)| *count > 0) {
            detail.push_str(&format!(", {count} {what}"));
        }
        let state = if denied > 0 { TapState::Degraded } else { TapState::On };
        let remedy = self.remedy.get().copied().unwrap_or_default();
        health::line("key scan", state, detail, remedy)
    }
}

pub(super) fn add(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}
