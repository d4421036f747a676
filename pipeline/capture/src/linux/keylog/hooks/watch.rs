//! Which processes have plaintext probes, and in which of their files.

use std::collections::HashMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use abi::hooks::kind;
use libbpf_rs::Link;

use super::super::closer::Closer;
use super::super::files::{self, Key, Mapped, Opened};
use super::place::{Spot, spots};
use super::probe::Probe;
use super::told::Told;
use crate::linux::TapError;

/// Processes with probes at once.
const PROCESSES_MAX: usize = 256;
/// Files remembered. Beyond this all are forgotten and looked into again.
const FILES_MAX: usize = 1_024;

/// See the module's documentation. Runs on the thread of the key-log probes.
pub struct Hooks {
    probe: Probe,
    files: HashMap<Key, Arc<Vec<Spot>>>,
    processes: HashMap<u32, Probed>,
    closer: Closer,
    /// Processes that found no room.
    refused: u64,
    refusal: Option<String>,
}

struct Probed {
    start: u64,
    files: Vec<Held>,
}

struct Held {
    mapped: Mapped,
    links: Vec<Link>,
    functions: Vec<&'static str>,
    /// It has more than what sends and receives.
    is_engine: bool,
}

/// A process with probes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hooked {
    /// The process.
    pub pid: u32,
    /// The functions that have probes; none if the process has none that is known.
    pub functions: Vec<&'static str>,
}

impl Hooks {
    /// Loads the programs for a scope; no process is touched before [`Hooks::hook`].
    ///
    /// # Errors
    /// See [`TapError`]: then there are no plaintext probes, and everything else runs.
    pub fn load(cgroups: &[PathBuf]) -> Result<(Self, Told), TapError> {
        let (probe, told) = Probe::load(cgroups)?;
        let hooks = Self {
            probe,
            files: HashMap::new(),
            processes: HashMap::new(),
            closer: Closer::default(),
            refused: 0,
            refusal: None,
        };
        Ok((hooks, told))
    }

    /// Puts probes into a process, and into files that it has loaded since the last time. `start`
    /// is when it began, which tells it from another one of the same number.
    pub fn hook(&mut self, pid: u32, start: u64) {
        if pid == std::process::id() {
            return;
        }
        if !self.processes.contains_key(&pid) && self.processes.len() >= PROCESSES_MAX {
            self.refused += 1;
            return;
        }
        let mut probed = match self.processes.remove(&pid) {
            Some(probed) if probed.start == start => probed,
            other => {
                self.release(other);
                Probed { start, files: Vec::new() }
            }
        };
        let mut fresh = files::mapped(pid);
        fresh.retain(|mapped| !probed.files.iter().any(|held| held.mapped.is_same(mapped)));
        // Without an engine there is nothing that what is sent could belong to.
        if probed.has_engine() || fresh.iter().any(|mapped| self.is_engine(pid, mapped)) {
            for mapped in fresh {
                probed.files.extend(self.hold(pid, mapped));
            }
        }
        self.processes.insert(pid, probed);
    }

    /// Says which processes are in scope now, by pid and start time: others lose their probes.
    pub fn members(&mut self, all: &[(u32, u64)]) {
        let is_there = |pid: &u32, start: u64| all.contains(&(*pid, start));
        let gone: Vec<u32> = self
            .processes
            .iter()
            .filter(|(pid, probed)| !is_there(pid, probed.start))
            .map(|(pid, _)| *pid)
            .collect();
        for pid in gone {
            let probed = self.processes.remove(&pid);
            self.release(probed);
        }
    }

    /// Lets go of what was taken out. Meant to be called every few ten milliseconds.
    pub fn work(&mut self) {
        self.closer.work();
    }

    /// Takes every probe out.
    pub fn leave(&mut self) {
        for (_, probed) in std::mem::take(&mut self.processes) {
            self.release(Some(probed));
        }
        self.closer.finish();
    }

    /// Every process that was asked for.
    pub fn hooked(&self) -> Vec<Hooked> {
        let functions = |probed: &Probed| {
            probed.files.iter().flat_map(|held| held.functions.iter().copied()).collect()
        };
        let all = self.processes.iter();
        let mut all: Vec<_> =
            all.map(|(pid, probed)| Hooked { pid: *pid, functions: functions(probed) }).collect();
        all.sort_by_key(|hooked| hooked.pid);
        all
    }

    /// Processes that found no room.
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// What was said last when probes were refused.
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    fn is_engine(&mut self, pid: u32, mapped: &Mapped) -> bool {
        let Some(opened) = mapped.open(pid) else { return false };
        is_engine(&self.look(&opened, &mapped.path))
    }

    fn hold(&mut self, pid: u32, mapped: Mapped) -> Option<Held> {
        let opened = mapped.open(pid)?;
        let all = self.look(&opened, &mapped.path);
        if all.is_empty() {
            return Some(Held {
                mapped,
                links: Vec::new(),
                functions: Vec::new(),
                is_engine: false,
            });
        }
        if !all.iter().all(|spot| spot.still_holds(&opened.file)) {
            self.refusal = Some(format!("{} has changed", mapped.path));
            return None;
        }
        let functions = all.iter().map(|spot| spot.function).collect();
        let is_engine = is_engine(&all);
        match self.probe.attach(pid, &opened.file, &all) {
            Ok(links) => Some(Held { mapped, links, functions, is_engine }),
            Err(error) => {
                self.refusal = Some(error.to_string());
                None
            }
        }
    }

    fn look(&mut self, opened: &Opened, path: &str) -> Arc<Vec<Spot>> {
        if let Some(known) = self.files.get(&opened.key) {
            return Arc::clone(known);
        }
        if self.files.len() >= FILES_MAX {
            self.files.clear();
        }
        let found = Arc::new(spots(&opened.file, path));
        self.files.insert(opened.key, Arc::clone(&found));
        found
    }

    fn release(&mut self, probed: Option<Probed>) {
        let files = probed.into_iter().flat_map(|probed| probed.files);
        files.for_each(|held| self.drop_links(held));
    }

    fn drop_links(&mut self, held: Held) {
        held.links.into_iter().for_each(|link| self.closer.add(link));
    }
}

impl Probed {
    fn has_engine(&self) -> bool {
        self.files.iter().any(|held| held.is_engine)
    }
}

/// True if a file of these places has more than what sends and receives.
fn is_engine(spots: &[Spot]) -> bool {
    spots.iter().any(|spot| spot.kind != kind::SOCKET)
}

/// Calls that are timed at once, and how often: the shortest time is that of an idle machine.
const TIMED: u32 = 50;
const TIMES: u32 = 20;

/// What a probe costs that fires, entry and return taken together: measured on a function of this
/// program. `None` if it cannot be probed.
pub fn trap_cost(hooks: &Hooks) -> Option<Duration> {
    let plain = timed();
    let offset = offset_of(timed_call as *const () as u64)?;
    let file = File::open("/proc/self/exe").ok()?;
    let spot = Spot { function: "", offset, kind: kind::READ, code: Vec::new() };
    let links = hooks.probe.attach(std::process::id(), &file, &[spot]).ok()?;
    let probed = timed();
    drop(links);
    Some(probed.saturating_sub(plain) / (2 * TIMED))
}

/// Where an address of this program is in its file.
fn offset_of(address: u64) -> Option<u64> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    maps.lines().find_map(|line| {
        let mut fields = line.split(' ');
        let (start, end) = fields.next()?.split_once('-')?;
        let offset = fields.nth(1)?;
        let (start, end) = (number(start)?, number(end)?);
        (start..end).contains(&address).then_some(address - start + number(offset)?)
    })
}

fn timed() -> Duration {
    let once = |_| {
        let began = Instant::now();
        for number in 0..TIMED {
            std::hint::black_box(timed_call(std::hint::black_box(number)));
        }
        began.elapsed()
    };
    (0..TIMES).map(once).min().unwrap_or_default()
}

/// Says that no bytes were read.
#[inline(never)]
extern "C" fn timed_call(number: u32) -> u32 {
    std::hint::black_box(number);
    0
}
