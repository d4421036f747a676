//! The thread that keeps key-log probes in the processes of the scope, and how others talk to it.
//!
//! The scanner says who is in scope, workers say whose records stay sealed. What the probes find
//! goes to the worker through memory it reads itself ([`capture::linux::keylog::Secrets`]), so this
//! thread may wait for the kernel.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use capture::linux::keylog::{Found, Secrets, Watcher};
use capture::linux::{TapError, kernel_tls};
use entities::Scanner;
use model::view::{KeyWay, TlsEngine};
use model::{TapHealth, TapState};

use crate::agent::Agent;
use crate::config::Settings;
use crate::due::wait;
use crate::health;
use crate::hooks::Hooking;
use crate::pipeline::Hindrance;

/// Messages that may wait; who finds no room tries again.
const TOLD_WAITING: usize = 64;
/// The shortest time between two looks at processes without news.
const WORK_INTERVAL: Duration = Duration::from_millis(100);
/// The shortest time in which surfaces are told again of what has changed.
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
    /// The tap is detached for the time being, or is attached again.
    Paused(bool),
    /// Nothing opens a connection between these processes; the first one is the better to ask.
    Hopeless([u32; 2]),
}

/// The way to the thread.
pub(crate) struct Desk {
    told: SyncSender<Told>,
    /// State of the scanner when it last said who is there.
    changes: Option<u64>,
}

/// The worker's way to the thread.
pub(crate) struct Asker {
    told: SyncSender<Told>,
    hindrances: Receiver<Hindrance>,
    is_paused: bool,
}

impl Asker {
    /// Records of these processes stay sealed: look at them again. Who finds no room asks again, as
    /// long as they do.
    pub(crate) fn ask(&self, pids: &[u32]) {
        for pid in pids {
            let _ = self.told.try_send(Told::Sealed(*pid));
        }
    }

    /// What was found at processes that were asked about.
    pub(crate) fn hindrances(&self) -> impl Iterator<Item = Hindrance> {
        self.hindrances.try_iter()
    }

    /// Says whether the tap is detached, if that has changed.
    pub(crate) fn pause(&mut self, is_paused: bool) {
        if self.is_paused != is_paused && self.told.try_send(Told::Paused(is_paused)).is_ok() {
            self.is_paused = is_paused;
        }
    }

    /// Nothing opens connections between these processes: their functions may be asked.
    pub(crate) fn give_up(&self, processes: &[[u32; 2]]) {
        for both in processes {
            let _ = self.told.try_send(Told::Hopeless(*both));
        }
    }
}

/// The thread's end, the ways to it, and where the worker reads what probes find.
pub(crate) struct Loaded {
    pub(crate) keys: Keys,
    pub(crate) desk: Desk,
    pub(crate) asker: Asker,
    pub(crate) secrets: Secrets,
}

/// The thread's own end.
pub(crate) struct Keys {
    watcher: Watcher,
    /// Plaintext probes, if they are wanted and the kernel takes them.
    hooks: Option<Hooking>,
    told: Receiver<Told>,
    hindrances: SyncSender<Hindrance>,
    /// Processes that were asked about, until they are looked at.
    asked: Vec<u32>,
    /// Since when the tap is detached.
    paused: Option<Instant>,
    has_left: bool,
    /// When processes were last looked at.
    worked: Instant,
    /// When surfaces were last told, and of which state.
    shown: Option<(Instant, u64)>,
}

/// Loads the probes, if they are wanted. A machine that refuses them loses them alone: `doctor`
/// says so, and the rest runs.
pub(crate) fn load(settings: &Settings, cgroups: &[PathBuf]) -> Result<Option<Loaded>, TapHealth> {
    if !settings.tls {
        return Ok(None);
    }
    let scope = if settings.cgroups.is_empty() { &[] } else { cgroups };
    let (watcher, secrets) =
        Watcher::load(scope, settings.tls_cache.as_deref()).map_err(|error| refused(&error))?;
    let (told, received) = sync_channel(TOLD_WAITING);
    let (answers, hindrances) = sync_channel(TOLD_WAITING);
    let keys = Keys::new(watcher, received, answers);
    let asker = Asker { told: told.clone(), hindrances, is_paused: false };
    Ok(Some(Loaded { keys, desk: Desk { told, changes: None }, asker, secrets }))
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
    fn new(watcher: Watcher, told: Receiver<Told>, hindrances: SyncSender<Hindrance>) -> Self {
        Self {
            watcher,
            hooks: None,
            told,
            hindrances,
            asked: Vec::new(),
            paused: None,
            has_left: false,
            worked: Instant::now(),
            shown: None,
        }
    }

    /// Runs until the scanner and the worker end, with plaintext probes if there are any.
    pub(crate) fn run(mut self, hooks: Option<Hooking>, agent: &Arc<Agent>) {
        self.hooks = hooks;
        let mut members = Vec::new();
        loop {
            match wait(&self.told, self.next_due()) {
                Ok(Told::Members(now)) => {
                    members = now;
                    if !self.has_left {
                        self.watcher.members(&members);
                    }
                    self.each_hooks(|hooks| hooks.members(&members));
                }
                Ok(Told::Sealed(pid)) => {
                    if self.watcher.ask(pid, Instant::now()) {
                        self.asked.push(pid);
                    }
                }
                Ok(Told::Hopeless(both)) if self.paused.is_none() => {
                    self.each_hooks(|hooks| hooks.ask(both, Instant::now()));
                }
                Ok(Told::Hopeless(_)) => {}
                Ok(Told::Paused(true)) => self.paused = Some(Instant::now()),
                Ok(Told::Paused(false)) => {
                    (self.paused, self.has_left) = (None, false);
                    self.watcher.members(&members);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.work();
            self.show(agent);
        }
        self.each_hooks(Hooking::leave);
        self.watcher.leave();
    }

    fn work(&mut self) {
        self.worked = Instant::now();
        if self.paused.is_some_and(|since| since.elapsed() >= PAUSED_MAX) {
            if !self.has_left {
                self.has_left = true;
                self.each_hooks(Hooking::leave);
                self.watcher.leave();
            }
        } else {
            self.watcher.work(self.worked);
            self.answer();
            self.each_hooks(Hooking::work);
        }
    }

    /// Tells the worker what stands in the way at processes it asked about. Who finds no room, or
    /// was not looked at, is asked about again as long as records stay sealed.
    fn answer(&mut self) {
        for pid in self.asked.drain(..) {
            let Some(has_engine) = self.watcher.knows_engine(pid) else { continue };
            // What may not be asked is not known.
            let kernel_tls = kernel_tls(pid).unwrap_or_default();
            let _ = self.hindrances.try_send(Hindrance { pid, has_engine, kernel_tls });
        }
    }

    /// When there is something to do without news; `None` if only news can bring it.
    fn next_due(&self) -> Option<Instant> {
        let look =
            self.watcher.next_due(self.worked).map(|due| due.max(self.worked + WORK_INTERVAL));
        let leave = self.paused.filter(|_| !self.has_left).map(|since| since + PAUSED_MAX);
        let show = self.shown.filter(|(_, of)| *of != self.watcher.changes());
        let show = show.map(|(at, _)| at + SHOW_INTERVAL);
        // What probes cost is told of as long as there are any.
        let beat = self.shown.filter(|_| self.is_hooking()).map(|(at, _)| at + SHOW_INTERVAL);
        [look, leave, show, beat].into_iter().flatten().min()
    }

    /// Tells surfaces, if there is news for them and they were not told just now.
    fn show(&mut self, agent: &Agent) {
        let changes = self.watcher.changes();
        let is_news = |of| of != changes || self.is_hooking();
        let is_due = |(at, of): (Instant, u64)| is_news(of) && at.elapsed() >= SHOW_INTERVAL;
        if self.shown.is_none_or(is_due) {
            self.shown = Some((Instant::now(), changes));
            agent.set_tls(self.engines(), self.health());
            self.each_hooks(|hooks| agent.set_hooks(hooks.health(), hooks.pids()));
        }
    }

    fn is_hooking(&self) -> bool {
        self.hooks.as_ref().is_some_and(Hooking::is_busy)
    }

    fn each_hooks(&mut self, run: impl FnOnce(&mut Hooking)) {
        self.hooks.as_mut().map(run);
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
