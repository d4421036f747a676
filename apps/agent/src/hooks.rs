//! The plaintext probes in the thread of the keys: which processes get them, and what they cost.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use capture::linux::TapError;
use capture::linux::keylog::hooks::{HookCounters, Hooks, Told, trap_cost};
use model::{TapHealth, TapState};

use crate::config::Settings;
use crate::health;

/// The line of `doctor`.
const NAME: &str = "plaintext probes";
/// A process is looked at again no sooner than this: it may have loaded a library since.
const ASKED_AGAIN: Duration = Duration::from_secs(1);
/// Over which time calls are counted for the rate.
const RATE_INTERVAL: Duration = Duration::from_secs(2);
/// Processes named in the line.
const NAMED_MAX: usize = 8;

/// What the worker counts.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    calls: AtomicU64,
    traps: AtomicU64,
    lost: AtomicU64,
    unbound: AtomicU64,
}

/// See the module's documentation.
pub(crate) struct Hooking {
    hooks: Hooks,
    counts: Arc<Counts>,
    /// Start times of the processes in scope.
    members: HashMap<u32, u64>,
    asked: HashMap<u32, Instant>,
    /// Whose probes were taken out for a pause.
    paused: BTreeSet<u32>,
    /// What a probe costs that fires on this machine; measured before the first is placed.
    trap: Option<Duration>,
    /// Processes with probes, as surfaces were told last.
    shown: usize,
    rate: Rate,
}

/// Calls and traps a second.
#[derive(Clone, Copy, Debug)]
struct Rate {
    at: Instant,
    counted: [u64; 2],
    per_second: [f64; 2],
}

/// The worker's ends of the probes.
pub(crate) struct Callers {
    told: Told,
    counts: Arc<Counts>,
}

/// Loads the probes, if they are asked for; they are put into no process yet. What is refused is
/// said in `health`.
pub(crate) fn load(
    settings: &Settings,
    scope: &[PathBuf],
    health: &mut Vec<TapHealth>,
) -> Option<(Hooking, Callers)> {
    if !settings.tls || !settings.hooks {
        return None;
    }
    let refused = |error: TapError| {
        let remedy = "tls.hooks: off goes without them";
        health.push(health::line(NAME, TapState::Degraded, error.to_string(), remedy));
    };
    let (hooks, told) = Hooks::load(scope).map_err(refused).ok()?;
    let counts = Arc::new(Counts::default());
    let rate = Rate { at: Instant::now(), counted: [0; 2], per_second: [0.0; 2] };
    let hooking = Hooking {
        hooks,
        counts: Arc::clone(&counts),
        members: HashMap::new(),
        asked: HashMap::new(),
        paused: BTreeSet::new(),
        trap: None,
        shown: 0,
        rate,
    };
    Some((hooking, Callers { told, counts }))
}

impl Callers {
    /// See [`Told::mark`].
    pub(crate) fn mark(&self) -> u64 {
        self.told.mark()
    }

    /// Hands on what calls had until then.
    pub(crate) fn drain(&mut self, mark: u64, sink: impl FnMut(model::TapEvent<'_>)) {
        self.told.drain(mark, sink);
    }

    /// Bytes in the ring, and its size.
    pub(crate) fn fill(&self) -> (u64, u64) {
        self.told.fill()
    }

    /// Tells the thread of the keys what was counted.
    pub(crate) fn publish(&self) {
        let HookCounters { calls, traps, lost, unreadable, unbound, .. } = self.told.counters();
        let told = [(&self.counts.calls, calls), (&self.counts.traps, traps)];
        let missed = [(&self.counts.lost, lost + unreadable), (&self.counts.unbound, unbound)];
        for (count, now) in told.into_iter().chain(missed) {
            count.store(now, Ordering::Relaxed);
        }
    }
}

impl Hooking {
    /// Nothing opens a connection between these processes: the first that has functions to probe is
    /// probed. What is not in scope is left alone.
    pub(crate) fn ask(&mut self, both: [u32; 2], now: Instant) {
        for pid in both {
            let Some(start) = self.members.get(&pid).copied() else { continue };
            let is_early = self.asked.get(&pid).is_some_and(|at| now - *at < ASKED_AGAIN);
            if !is_early {
                self.trap = self.trap.or_else(|| trap_cost(&self.hooks));
                self.asked.insert(pid, now);
                self.hooks.hook(pid, start);
            }
            if self.pids().contains(&pid) {
                return;
            }
        }
    }

    /// Says who is in scope now.
    pub(crate) fn members(&mut self, all: &[(u32, u64)]) {
        self.members = all.iter().copied().collect();
        self.asked.retain(|pid, _| self.members.contains_key(pid));
        self.hooks.members(all);
    }

    /// Lets go of probes of processes that are gone, and goes on after a pause.
    pub(crate) fn work(&mut self) {
        for pid in std::mem::take(&mut self.paused) {
            if let Some(start) = self.members.get(&pid) {
                self.hooks.hook(pid, *start);
            }
        }
        self.hooks.work();
    }

    /// Takes every probe out, until there is work again.
    pub(crate) fn leave(&mut self) {
        self.paused.extend(self.pids());
        self.hooks.leave();
    }

    /// Processes with probes.
    pub(crate) fn pids(&self) -> BTreeSet<u32> {
        let probed = self.hooks.hooked().into_iter();
        probed.filter(|one| !one.functions.is_empty()).map(|one| one.pid).collect()
    }

    /// True while there is news to come of the probes.
    pub(crate) fn is_busy(&self) -> bool {
        self.shown > 0 || !self.pids().is_empty()
    }

    /// What is on, on whom, and what it costs.
    pub(crate) fn health(&mut self) -> TapHealth {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let counts = [read(&self.counts.calls), read(&self.counts.traps)];
        self.rate.count(counts, Instant::now());
        let pids = self.pids();
        self.shown = pids.len();
        let mut detail = match pids.len() {
            0 => "wanted, and in no process: keys are found, or nobody speaks TLS".to_owned(),
            _ => {
                let named = pids.iter().take(NAMED_MAX).map(u32::to_string);
                let named = named.collect::<Vec<_>>().join(", ");
                let more = if pids.len() > NAMED_MAX { ", …" } else { "" };
                format!("in {} processes (pid {named}{more}); {}", pids.len(), self.cost())
            }
        };
        let missed = [(read(&self.counts.lost), "lost"), (read(&self.counts.unbound), "unbound")];
        for (bytes, how) in missed.into_iter().filter(|(bytes, _)| *bytes > 0) {
            detail.push_str(&format!(", {bytes} bytes {how}"));
        }
        if self.hooks.refused() > 0 {
            detail.push_str(&format!(", {} processes found no room", self.hooks.refused()));
        }
        let mut state = TapState::On;
        if let Some(why) = self.hooks.refusal() {
            state = TapState::Degraded;
            detail.push_str(&format!("; refused, the last: {why}"));
        }
        health::line(NAME, state, detail, if pids.is_empty() { "" } else { "tls.hooks: off" })
    }

    fn cost(&self) -> String {
        let [calls, traps] = self.rate.per_second;
        let trap_ns = self.trap.map_or(0.0, |trap| trap.as_nanos() as f64);
        let call_ns = if calls > 0.0 { trap_ns * traps / calls } else { 0.0 };
        format!(
            "{calls:.0} calls/s with {traps:.0} traps/s of {trap_ns:.0} ns: {call_ns:.0} ns a \
             call, {:.1} % of a core",
            traps * trap_ns / 1e7
        )
    }
}

impl Rate {
    fn count(&mut self, counted: [u64; 2], now: Instant) {
        let elapsed = now - self.at;
        if elapsed < RATE_INTERVAL {
            return;
        }
        let fresh = |at: usize| counted[at].saturating_sub(self.counted[at]) as f64;
        let per_second = [fresh(0), fresh(1)].map(|count| count / elapsed.as_secs_f64());
        *self = Self { at: now, counted, per_second };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_that_of_the_last_interval() {
        let start = Instant::now();
        let mut rate = Rate { at: start, counted: [0; 2], per_second: [0.0; 2] };
        rate.count([10, 30], start + RATE_INTERVAL / 2);
        assert_eq!(rate.per_second, [0.0; 2], "too early");
        rate.count([20, 60], start + RATE_INTERVAL);
        assert_eq!(rate.per_second, [10.0, 30.0]);
        rate.count([20, 60], start + 2 * RATE_INTERVAL);
        assert_eq!(rate.per_second, [0.0; 2]);
    }
}
