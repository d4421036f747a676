//! The thread that keeps key-log probes in the processes of the scope, and how others talk to it.
//!
//! The scanner says who is in scope, workers say whose records stay sealed. What the probes find
//! goes to the worker through memory it reads itself ([`capture::linux::keylog::Secrets`]), so this
//! thread may wait for the kernel.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use capture::linux::TapError;
use capture::linux::keylog::{Found, Secrets, Watcher};
use entities::Scanner;
use model::view::{KeyWay, TlsEngine};
use model::{TapHealth, TapState};

use crate::agent::Agent;
use crate::config::Settings;
use crate::health;

/// Messages that may wait; who finds no room tries again.
const TOLD_WAITING: usize = 64;
/// How often processes are looked at without news.
const WORK_INTERVAL: Duration = Duration::from_millis(100);
/// How often surfaces are told.
const SHOW_INTERVAL: Duration = Duration::from_millis(500);
/// After so long a pause of the tap probes are taken out; a shorter one is a measurement.
const PAUSED_MAX: Duration = Duration::from_secs(3);
/// The line of `doctor`.
const NAME: &str = "key-log probes";

/// What others tell the thread.
enum Told {
    /// Who is in scope now, by pid and start time.
    Members(Vec<(u32, u64)>),
    /// Records of this process stay sealed.
    Sealed(u32),
}

/// The way to the thread.
pub(crate) struct Desk {
    told: SyncSender<Told>,
    /// State of the scanner when it last said who is there.
    changes: Option<u64>,
}

/// The worker's way to the thread.
pub(crate) struct Asker(SyncSender<Told>);

impl Asker {
    /// Records of these processes stay sealed: look at them again. Who finds no room asks again, as
    /// long as they do.
    pub(crate) fn ask(&self, pids: &[u32]) {
        for pid in pids {
            let _ = self.0.try_send(Told::Sealed(*pid));
        }
    }
}

/// The thread's own end.
pub(crate) struct Keys {
    watcher: Watcher,
    told: Receiver<Told>,
}

/// Loads the probes, if they are wanted. A machine that refuses them loses them alone: `doctor`
/// says so, and the rest runs.
pub(crate) fn load(
    settings: &Settings,
    cgroups: &[PathBuf],
) -> Result<Option<(Keys, Desk, Secrets)>, TapHealth> {
    if !settings.tls {
        return Ok(None);
    }
    let scope = if settings.cgroups.is_empty() { &[] } else { cgroups };
    let (watcher, secrets) =
        Watcher::load(scope, settings.tls_cache.as_deref()).map_err(|error| refused(&error))?;
    let (told, received) = sync_channel(TOLD_WAITING);
    Ok(Some((Keys { watcher, told: received }, Desk { told, changes: None }, secrets)))
}

/// What `doctor` says where the probes are refused.
pub(crate) fn refused(error: &TapError) -> TapHealth {
    // Without them the agent sees less, and runs: that is no reason for `doctor` to fail.
    let (state, remedy) = match error.exit_code() {
        77 => (TapState::Refused, "see capabilities"),
        _ => (TapState::Degraded, "keys are looked for in memory; --no-tls goes without both"),
    };
    health::line(NAME, state, error.to_string(), remedy)
}

impl Desk {
    /// The same way for the worker.
    pub(crate) fn asker(&self) -> Asker {
        Asker(self.told.clone())
    }

    /// Says who is in scope, if that has changed.
    pub(crate) fn tell(&mut self, scanner: &Scanner) {
        let changes = Some(scanner.changes());
        if self.changes != changes {
            let members = scanner.processes().collect();
            if self.told.try_send(Told::Members(members)).is_ok() {
                self.changes = changes;
            }
        }
    }
}

impl Keys {
    /// Runs until the scanner ends.
    pub(crate) fn run(mut self, agent: &Arc<Agent>) {
        let mut shown: Option<Instant> = None;
        let mut paused: Option<Instant> = None;
        let mut members = Vec::new();
        loop {
            match self.told.recv_timeout(WORK_INTERVAL) {
                Ok(Told::Members(now)) => {
                    members = now;
                    self.watcher.members(&members);
                }
                Ok(Told::Sealed(pid)) => self.watcher.ask(pid, Instant::now()),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            let was_paused = paused;
            paused = match agent.gauges.is_paused.load(Ordering::Relaxed) {
                true => paused.or_else(|| Some(Instant::now())),
                false => None,
            };
            if was_paused.is_some() && paused.is_none() {
                self.watcher.members(&members);
            }
            match paused {
                Some(since) if since.elapsed() >= PAUSED_MAX => self.watcher.leave(),
                _ => self.watcher.work(Instant::now()),
            }
            if shown.is_none_or(|at| at.elapsed() >= SHOW_INTERVAL) {
                shown = Some(Instant::now());
                agent.set_tls(self.engines(), self.health());
            }
        }
        self.watcher.leave();
    }

    fn engines(&self) -> BTreeMap<u32, Vec<TlsEngine>> {
        let mut all: BTreeMap<u32, Vec<TlsEngine>> = BTreeMap::new();
        for found in self.watcher.found() {
            all.entry(found.pid).or_default().push(engine(found));
        }
        all
    }

    fn health(&self) -> TapHealth {
        let counters = self.watcher.counters();
        let mut detail = format!(
            "{} in {} of {} processes",
            counters.probes, counters.probed, counters.processes
        );
        if counters.refused > 0 {
            detail.push_str(&format!("; {} found no room", counters.refused));
        }
        if let Some(error) = self.watcher.refusal() {
            detail.push_str(&format!("; {} refused, the last: {error}", counters.failed));
        }
        let is_whole = counters.refused == 0 && counters.failed == 0;
        let state = if is_whole { TapState::On } else { TapState::Degraded };
        health::line(NAME, state, detail, "")
    }
}

fn engine(found: Found) -> TlsEngine {
    TlsEngine {
        engine: found.engine,
        version: found.version,
        file: found.file,
        way: if found.is_anchored { KeyWay::Anchor } else { KeyWay::None },
        reason: found.gap,
    }
}
