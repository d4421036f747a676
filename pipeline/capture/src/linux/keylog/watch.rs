//! Which process has which probes: follows the processes of the scope and their files.
//!
//! A process is looked at when it appears, a few times while it is young (programs load libraries
//! as they start), now and then later, and when somebody asks because its records stay sealed.

use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use libbpf_rs::Link;

use super::anchor::{Anchor, Engine};
use super::catalog::{Catalog, Known};
use super::closer::Closer;
use super::engines;
use super::files::{self, Key, Mapped};
use super::probe::{Probe, Row};
use super::secrets::Secrets;
use crate::linux::TapError;

/// When a process is looked at again, since the look before.
const AGAIN: [Duration; 5] = [
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
];
/// After so many looks, one that nobody asked for stops at a process that has the size it had.
const SIZE_TELLS: usize = 4;
/// And then every so often.
const AGAIN_LATER: Duration = Duration::from_secs(60);
/// A look that comes late may come so much sooner, together with another: one waking for many.
const TOGETHER: Duration = Duration::from_secs(1);
/// Who asks more often is not heard.
const ASKED_AGAIN: Duration = Duration::from_secs(1);
/// Probes at once. Each holds two open files.
const PROBES_MAX: usize = 4_096;
/// Open files left to everybody else.
const FILES_LEFT: u64 = 256;
/// Probes put in at once, so that a storm of short processes does not keep everything else waiting.
const ATTACHED_AT_ONCE: usize = 64;

/// See the module's documentation. Runs on one thread of its own.
pub struct Watcher {
    probe: Probe,
    catalog: Catalog,
    processes: HashMap<u32, Watched>,
    /// Processes to look at before any other.
    asked: VecDeque<u32>,
    rows: HashMap<Row, usize>,
    /// Has the probes whose process is gone.
    closer: Closer,
    probes_max: usize,
    counters: WatchCounters,
    refusal: Option<TapError>,
    changes: u64,
}

/// What was done and refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WatchCounters {
    /// Processes followed.
    pub processes: usize,
    /// Processes with a probe.
    pub probed: usize,
    /// Probes in place.
    pub probes: usize,
    /// Probes that found no room.
    pub refused: u64,
    /// Probes that the kernel refused.
    pub failed: u64,
}

#[derive(Default)]
struct Watched {
    start: u64,
    looks: usize,
    /// Its size at the last look: a file that is mapped adds to it.
    pages: Option<u64>,
    next: Option<Instant>,
    asked: Option<Instant>,
    files: Vec<Held>,
}

/// A file of a process.
struct Held {
    mapped: Mapped,
    key: Key,
    known: Arc<Known>,
    /// An engine that only the file's name tells.
    named: Option<Engine>,
    links: Vec<(Row, Link)>,
    /// Why an anchor has no probe.
    refusal: Option<String>,
}

/// One TLS engine of one process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Process.
    pub pid: u32,
    /// The engine, as the table of engines calls it.
    pub engine: String,
    /// Its version; empty if the files do not say it.
    pub version: String,
    /// The file it is in.
    pub file: String,
    /// Probes are in place.
    pub is_anchored: bool,
    /// What the probes do not reach, or why there are none.
    pub gap: Option<String>,
}

impl Watcher {
    /// Loads the probe for a scope; no process is touched yet. No control group is the whole host;
    /// `cache` is a folder for what is found in files.
    ///
    /// # Errors
    /// See [`TapError`]: then there are no key-log probes, and everything else runs.
    pub fn load(cgroups: &[PathBuf], cache: Option<&Path>) -> Result<(Self, Secrets), TapError> {
        let (probe, secrets) = Probe::load(cgroups)?;
        let room = raise_open_files().saturating_sub(FILES_LEFT) / 2;
        let watcher = Self {
            probe,
            catalog: Catalog::new(cache),
            processes: HashMap::new(),
            asked: VecDeque::new(),
            rows: HashMap::new(),
            closer: Closer::default(),
            probes_max: PROBES_MAX.min(usize::try_from(room).unwrap_or(PROBES_MAX)),
            counters: WatchCounters::default(),
            refusal: None,
            changes: 0,
        };
        Ok((watcher, secrets))
    }

    /// Says which processes are in scope now, by pid and start time.
    pub fn members(&mut self, all: &[(u32, u64)]) {
        // The agent's own secrets, if it has any, are its own.
        let others = all.iter().copied().filter(|(pid, _)| *pid != std::process::id());
        let now: HashMap<u32, u64> = others.collect();
        let gone: Vec<u32> = self
            .processes
            .iter()
            .filter(|(pid, watched)| now.get(pid) != Some(&watched.start))
            .map(|(pid, _)| *pid)
            .collect();
        self.changes += 1;
        for pid in gone {
            if let Some(watched) = self.processes.remove(&pid) {
                watched.files.into_iter().for_each(|held| self.release(held));
            }
        }
        for (pid, start) in now {
            self.processes.entry(pid).or_insert_with(|| {
                self.asked.push_back(pid);
                Watched { start, ..Watched::default() }
            });
        }
    }

    /// Looks at a process again soon: its records stay sealed. False if it is nobody's, or was
    /// asked about just now.
    pub fn ask(&mut self, pid: u32, now: Instant) -> bool {
        let Some(watched) = self.processes.get_mut(&pid) else { return false };
        let is_early = watched.asked.is_some_and(|at| now.duration_since(at) < ASKED_AGAIN);
        if !is_early {
            watched.asked = Some(now);
            self.asked.push_back(pid);
        }
        !is_early
    }

    /// True if a TLS engine of the process is known; `None` while nobody has looked.
    pub fn knows_engine(&self, pid: u32) -> Option<bool> {
        let watched = self.processes.get(&pid).filter(|watched| watched.looks > 0)?;
        Some(watched.files.iter().any(|held| held.engines().next().is_some()))
    }

    /// Looks at those whose turn it is, as many as may be looked at at once.
    pub fn work(&mut self, now: Instant) {
        let mut room = ATTACHED_AT_ONCE;
        while room > 0
            && let Some(pid) = self.asked.pop_front()
        {
            if let Some(watched) = self.processes.get_mut(&pid) {
                watched.pages = None;
            }
            room = room.saturating_sub(1 + self.look(pid, now));
        }
        let due: Vec<u32> = self
            .processes
            .iter()
            .filter(|(_, watched)| watched.is_due(now))
            .map(|(pid, _)| *pid)
            .take(room)
            .collect();
        for pid in due {
            self.look(pid, now);
        }
        self.closer.work();
    }

    /// When [`Watcher::work`] has something to do, if nobody asks before; a time in the past if it
    /// has left something.
    pub fn next_due(&self, now: Instant) -> Option<Instant> {
        if !self.asked.is_empty() || self.closer.is_busy() {
            return Some(now);
        }
        self.processes.values().filter_map(|watched| watched.next).min()
    }

    /// A number that changes whenever [`Watcher::found`] or [`Watcher::counters`] may.
    pub const fn changes(&self) -> u64 {
        self.changes
    }

    /// Takes every probe out. What is known of files stays.
    pub fn leave(&mut self) {
        self.changes += 1;
        for (_, watched) in std::mem::take(&mut self.processes) {
            watched.files.into_iter().for_each(|held| self.release(held));
        }
        self.asked.clear();
        self.closer.finish();
    }

    /// Every TLS engine of every process.
    pub fn found(&self) -> Vec<Found> {
        let mut all: Vec<Found> = self
            .processes
            .iter()
            .flat_map(|(pid, watched)| watched.files.iter().map(move |held| (*pid, watched, held)))
            .flat_map(|(pid, watched, held)| {
                held.engines().map(move |engine| found(pid, watched, held, engine))
            })
            .collect();
        all.sort_by(|a, b| (a.pid, &a.file).cmp(&(b.pid, &b.file)));
        all
    }

    /// What was done so far.
    pub fn counters(&self) -> WatchCounters {
        let probed = self.processes.values().filter(|watched| watched.has_probe()).count();
        WatchCounters {
            processes: self.processes.len(),
            probed,
            probes: self.rows.values().sum(),
            refused: self.counters.refused + self.probe.refused,
            ..self.counters
        }
    }

    /// What the kernel said last when it refused a probe.
    pub const fn refusal(&self) -> Option<&TapError> {
        self.refusal.as_ref()
    }

    /// Reads which files the process runs, and puts probes where they belong. Gives their number.
    fn look(&mut self, pid: u32, now: Instant) -> usize {
        let Some(mut watched) = self.processes.remove(&pid) else { return 0 };
        let wait = AGAIN.get(watched.looks).copied().unwrap_or(AGAIN_LATER);
        watched.looks += 1;
        watched.next = Some(now + wait);
        let before = std::mem::replace(&mut watched.pages, files::pages(pid));
        if watched.looks > SIZE_TELLS && before.is_some() && before == watched.pages {
            self.processes.insert(pid, watched);
            return 0;
        }
        let all = files::mapped(pid);
        let is_there = |held: &Held| all.iter().any(|mapped| mapped.is_same(&held.mapped));
        let (kept, left): (Vec<Held>, Vec<Held>) = watched.files.into_iter().partition(is_there);
        // An empty list is a process that is going: whoever follows the scope will say so.
        watched.files = kept;
        self.changes += u64::from(!left.is_empty());
        left.into_iter().for_each(|held| self.release(held));
        let mut attached = 0;
        for mapped in all {
            if watched.files.iter().any(|held| held.mapped.is_same(&mapped)) {
                continue;
            }
            let Some(held) = self.hold(pid, mapped) else { continue };
            attached += held.links.len();
            self.changes += 1;
            watched.files.push(held);
        }
        self.processes.insert(pid, watched);
        attached
    }

    fn hold(&mut self, pid: u32, mapped: Mapped) -> Option<Held> {
        let opened = mapped.open(pid)?;
        let known = self.catalog.look(&opened);
        let key = opened.key;
        let named = engines::by_file(&mapped.path);
        let (also, links) = (Arc::clone(&known), Vec::new());
        let mut held = Held { mapped, key, known: also, named, links, refusal: None };
        for anchor in known.located.engines.iter().flat_map(|engine| &engine.anchors) {
            if !known.still_holds(&opened.file, anchor) {
                held.refusal = Some("the file has changed".to_owned());
                continue;
            }
            if self.rows.values().sum::<usize>() >= self.probes_max {
                self.counters.refused += 1;
                held.refusal = Some(format!("{} probes are in place already", self.probes_max));
                continue;
            }
            let row = (held.key, anchor.offset);
            match self.probe.attach(pid, &opened.file, row, anchor) {
                Ok(link) => {
                    *self.rows.entry(row).or_default() += 1;
                    held.links.push((row, link));
                }
                Err(error) => {
                    held.refusal = Some(error.to_string());
                    // A process that ended meanwhile is no fault of the kernel's.
                    if Path::new(&format!("/proc/{pid}/exe")).read_link().is_ok() {
                        self.counters.failed += 1;
                        self.refusal = Some(error);
                    }
                }
            }
        }
        Some(held)
    }

    fn release(&mut self, held: Held) {
        for (row, link) in held.links {
            self.closer.add(link);
            if let Some(count) = self.rows.get_mut(&row) {
                *count -= 1;
                if *count == 0 {
                    self.rows.remove(&row);
                    self.probe.forget(row);
                }
            }
        }
    }
}

impl Watched {
    fn is_due(&self, now: Instant) -> bool {
        let early = if self.looks > AGAIN.len() { TOGETHER } else { Duration::ZERO };
        self.next.is_some_and(|next| next <= now + early)
    }

    fn has_probe(&self) -> bool {
        self.files.iter().any(|held| !held.links.is_empty())
    }

    /// The version of OpenSSL that one of its files names: libcrypto tells it for libssl.
    fn openssl(&self, own: &Held) -> String {
        let own = std::iter::once(own).chain(self.files.iter().filter(|held| held.is_crypto()));
        let mut versions = own.map(|held| &held.known.located.openssl);
        versions.find(|version| !version.is_empty()).cloned().unwrap_or_default()
    }
}

impl Held {
    fn engines(&self) -> impl Iterator<Item = &Engine> {
        self.known.located.engines.iter().chain(&self.named)
    }

    fn is_crypto(&self) -> bool {
        self.mapped.path.rsplit('/').next().is_some_and(|name| name.starts_with("libcrypto"))
    }

    fn has_probe_of(&self, anchors: &[Anchor]) -> bool {
        anchors.iter().any(|a| self.links.iter().any(|((_, offset), _)| *offset == a.offset))
    }
}

fn found(pid: u32, watched: &Watched, held: &Held, engine: &Engine) -> Found {
    let is_anchored = held.has_probe_of(&engine.anchors);
    let is_openssl = engine.name == "OpenSSL";
    let version = match engine.version.as_str() {
        "" if is_openssl => watched.openssl(held),
        version => version.to_owned(),
    };
    let refused = held.refusal.clone().filter(|_| !is_anchored && !engine.anchors.is_empty());
    let gap = refused.or_else(|| engine.gap.map(|gap| gap.as_str().to_owned()));
    let (engine, file) = (engine.name.clone(), held.mapped.path.clone());
    Found { pid, engine, version, file, is_anchored, gap }
}

/// Raises the limit of open files as far as this user may, and gives it.
#[expect(unsafe_code, reason = "getrlimit and setrlimit")]
fn raise_open_files() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a limit of ours.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } != 0 {
        return 0;
    }
    let wanted = (PROBES_MAX as u64 * 2 + FILES_LEFT).min(limit.rlim_max);
    if limit.rlim_cur < wanted {
        let raised = libc::rlimit { rlim_cur: wanted, ..limit };
        // SAFETY: as above.
        if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const raised) } == 0 {
            return wanted;
        }
    }
    limit.rlim_cur
}
