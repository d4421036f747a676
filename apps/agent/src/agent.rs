//! The sums and what is said of them: the one place surfaces ask.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use entities::Directory;
use metrics::{Store, StoreLimits};
use model::view::{
    AgentCost, Exchanges, ExchangesAsked, HealthReport, KeyWay, MetricsForm, Query, ServiceRow,
    Snapshot, TlsEngine, TlsProcess, TlsReport, TlsTerms,
};
use model::{Entity, Rollup, TapHealth, TapState};

use crate::pipeline::{Count, Taken};
use crate::recent::Recent;
use crate::{cost, health};

/// Processes whose TLS connections are counted, those that went among them.
const TLS_PROCESSES_MAX: usize = 8_192;
/// Different terms of TLS handshakes that are told of one process.
const TLS_TERMS_MAX: usize = 32;

/// The store with everything around it that a surface shows.
pub(crate) struct Agent {
    store: Mutex<Store>,
    recent: Recent,
    directory: Arc<Directory>,
    health: Mutex<Vec<TapHealth>>,
    tls: Mutex<Tls>,
    ready: AtomicBool,
    /// Levels and counters that the worker publishes once a second.
    pub gauges: Gauges,
}

/// What is known of TLS engines in the scope.
#[derive(Debug, Default)]
struct Tls {
    engines: BTreeMap<u32, Vec<TlsEngine>>,
    counts: BTreeMap<u32, Count>,
    /// Uncounted, with how many handshakes agreed on them.
    terms: BTreeMap<u32, Vec<(TlsTerms, u64)>>,
    health: Option<TapHealth>,
    key_scan: Option<TapHealth>,
    hooks: Option<TapHealth>,
    hooked: BTreeSet<u32>,
}

impl Tls {
    /// Counts handshakes of a process by what they agreed on.
    fn agreed(&mut self, pid: u32, terms: TlsTerms, handshakes: u64) {
        // Who has terms has a count: so there are not more of them.
        let count = self.counts.entry(pid).or_default();
        let known = self.terms.entry(pid).or_default();
        if let Some((_, count)) = known.iter_mut().find(|(other, _)| *other == terms) {
            *count += handshakes;
        } else if known.len() < TLS_TERMS_MAX {
            known.push((terms, handshakes));
        } else {
            count.terms_refused += handshakes;
        }
    }
}

/// What the worker last said of itself and its tap.
#[derive(Debug, Default)]
pub(crate) struct Gauges {
    /// The tap is detached for the time being.
    pub is_paused: AtomicBool,
    /// Live connections.
    pub connections: AtomicU64,
    /// Tap events handled.
    pub tap_events: AtomicU64,
    /// Payload bytes the tap saw.
    pub tap_bytes: AtomicU64,
    /// Payload bytes the tap lost.
    pub tap_lost: AtomicU64,
    /// Lines refused by a slow writer.
    pub lines_refused: Arc<AtomicU64>,
    /// HTTP clients that were answered 503, once there is a server.
    pub http_refused: OnceLock<Arc<AtomicU64>>,
    /// Connections refused because the table was full.
    pub connections_refused: AtomicU64,
    /// Segments out of order that found no room to wait in.
    pub segments_refused: AtomicU64,
    /// Connections given up as of no known protocol.
    pub given_up: AtomicU64,
    /// Times a session lost the frame boundary.
    pub desyncs: AtomicU64,
    /// QUIC: connections seen from their start, those known by keys found in memory alone, and
    /// those that went on between other addresses.
    pub quic_begun: AtomicU64,
    /// See [`Gauges::quic_begun`].
    pub quic_resumed: AtomicU64,
    /// See [`Gauges::quic_begun`].
    pub quic_moved: AtomicU64,
    /// QUIC: connections, and pieces of streams, that found no room.
    pub quic_refused: AtomicU64,
    /// See [`Gauges::quic_refused`].
    pub quic_streams_refused: AtomicU64,
    /// Secrets that key-log probes have found.
    pub secrets_found: AtomicU64,
    /// Secrets that found no room, or could not be read.
    pub secrets_lost: AtomicU64,
    /// Thousandths of a core the agent may use; 0 is no limit.
    pub cpu_limit_millicores: AtomicU64,
    /// Bytes copied of each turn: as set, and as the governor has it now.
    pub turn_budget_set: AtomicU64,
    /// See [`Gauges::turn_budget_set`].
    pub turn_budget: AtomicU64,
}

impl Gauges {
    /// What was refused or given up, one line each; nothing is nothing to say.
    fn refusals(&self) -> Vec<TapHealth> {
        let read = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        let mut lines = Vec::new();
        let mut say = |name: &str, state, counts: &[u64], detail: String, remedy: &str| {
            if counts.iter().any(|count| *count > 0) {
                lines.push(health::line(name, state, detail, remedy));
            }
        };
        let refused = read(&self.lines_refused);
        let detail = format!("{refused} lines found the writer too slow");
        let remedy = "write to a faster disk, or leave --json out";
        say("json lines", TapState::Degraded, &[refused], detail, remedy);
        let refused = self.http_refused();
        let detail = format!("{refused} clients were answered 503: too many at once, or too slow");
        let remedy = "ask less often, or close streams that nobody reads";
        say("http", TapState::Degraded, &[refused], detail, remedy);
        let quic = [&self.quic_begun, &self.quic_resumed, &self.quic_moved].map(read);
        let refused = [read(&self.quic_refused), read(&self.quic_streams_refused)];
        let ([begun, resumed, moved], [connections, pieces]) = (quic, refused);
        let mut detail = format!(
            "{begun} connections seen from their start, {resumed} older ones opened, {moved} moved"
        );
        let mut state = TapState::On;
        if refused != [0; 2] {
            state = TapState::Degraded;
            let more =
                format!("; {connections} of them and {pieces} pieces of streams had no room");
            detail.push_str(&more);
        }
        say("quic", state, &[&quic[..], &refused].concat(), detail, "");
        let refused = [read(&self.connections_refused), read(&self.segments_refused)];
        let [connections, segments] = refused;
        let detail = format!(
            "{connections} connections and {segments} segments out of order found their table full"
        );
        say("connections", TapState::Degraded, &refused, detail, "observe fewer cgroups");
        let unread = [read(&self.given_up), read(&self.desyncs)];
        let [given_up, desyncs] = unread;
        let detail = format!(
            "{given_up} connections speak nothing known; a frame boundary was lost {desyncs} times"
        );
        say("protocols", TapState::On, &unread, detail, "");
        lines.extend(self.governed());
        lines
    }

    fn http_refused(&self) -> u64 {
        self.http_refused.get().map_or(0, |refused| refused.load(Ordering::Relaxed))
    }

    /// What the governor does, where there is a limit.
    fn governed(&self) -> Option<TapHealth> {
        let read = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        let cores = match read(&self.cpu_limit_millicores) {
            0 => return None,
            thousandths => thousandths as f64 / 1e3,
        };
        let (now, set) = (read(&self.turn_budget), read(&self.turn_budget_set));
        let limit = format!("limit {cores} of a core over a minute");
        if now >= set {
            return Some(health::line("cpu", TapState::On, limit, ""));
        }
        let copied = match now {
            0 => "nothing is copied until there is room again".to_owned(),
            _ => format!("{now} bytes of each turn are copied instead of {set}"),
        };
        let detail = format!("{limit}: nearly used up, so {copied}");
        let remedy = "raise limits.cpu (--limits-cpu), or observe fewer cgroups";
        Some(health::line("cpu", TapState::Degraded, detail, remedy))
    }
}

impl Agent {
    /// An empty store over `directory`.
    pub(crate) fn new(directory: Arc<Directory>, limits: StoreLimits) -> Self {
        Self {
            store: Mutex::new(Store::new(limits)),
            recent: Recent::default(),
            directory,
            health: Mutex::default(),
            tls: Mutex::default(),
            ready: AtomicBool::new(false),
            gauges: Gauges::default(),
        }
    }

    /// Adds a worker's window.
    pub(crate) fn add(&self, worker: usize, rollup: &Rollup) {
        self.store().add(worker, rollup, &*self.directory);
    }

    /// Replaces the health lines.
    pub(crate) fn set_health(&self, health: Vec<TapHealth>) {
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = health;
    }

    /// Replaces what is known of TLS engines.
    pub(crate) fn set_tls(&self, engines: BTreeMap<u32, Vec<TlsEngine>>, health: TapHealth) {
        let mut tls = self.tls();
        tls.engines = engines;
        tls.health = Some(health);
    }

    /// Adds what became of TLS connections, by process. Of processes that went nothing is kept if
    /// there are many.
    pub(crate) fn count_tls(&self, fresh: Taken) {
        if fresh.counts.is_empty() && fresh.terms.is_empty() {
            return;
        }
        let mut tls = self.tls();
        for (pid, count) in fresh.counts {
            *tls.counts.entry(pid).or_default() += count;
        }
        for ((pid, terms), handshakes) in fresh.terms {
            tls.agreed(pid, terms, handshakes);
        }
        if tls.counts.len() > TLS_PROCESSES_MAX {
            let Tls { engines, counts, terms, .. } = &mut *tls;
            counts.retain(|pid, _| engines.contains_key(pid));
            terms.retain(|pid, _| engines.contains_key(pid));
        }
    }

    /// Replaces what the key scan says of itself.
    pub(crate) fn set_key_scan(&self, health: Option<TapHealth>) {
        self.tls().key_scan = health;
    }

    /// Replaces what the plaintext probes say of themselves, and which processes have some.
    pub(crate) fn set_hooks(&self, health: TapHealth, pids: BTreeSet<u32>) {
        let mut tls = self.tls();
        (tls.hooks, tls.hooked) = (Some(health), pids);
    }

    /// Every tap that can attach is attached, and who owns the connections it found is known.
    pub(crate) fn set_ready(&self) {
        self.ready.store(true, Ordering::Release);
    }

    /// Who is known.
    pub(crate) const fn directory(&self) -> &Arc<Directory> {
        &self.directory
    }

    /// The exchanges that ended lately.
    pub(crate) const fn recent(&self) -> &Recent {
        &self.recent
    }

    /// What key-log probes do, if there are any.
    fn probes(&self) -> Option<TapHealth> {
        let mut line = self.tls().health.clone()?;
        let read = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        let (found, lost) = (read(&self.gauges.secrets_found), read(&self.gauges.secrets_lost));
        line.detail.push_str(&format!("; {found} secrets taken"));
        if lost > 0 {
            line.state = TapState::Degraded;
            line.detail.push_str(&format!(", {lost} could not be"));
        }
        Some(line)
    }

    fn tls(&self) -> MutexGuard<'_, Tls> {
        self.tls.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // Sums are whole after every add, so a panic elsewhere leaves them usable.
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds services that run and listen, and have not spoken yet.
    fn add_silent(&self, snapshot: &mut Snapshot) {
        let seen: HashSet<_> = snapshot.services.iter().map(|row| identity(&row.entity)).collect();
        let mut silent = self.directory.services();
        silent.retain(|entity| !seen.contains(&identity(entity)));
        // They come in the order of their identities.
        silent.dedup_by(|a, b| identity(a) == identity(b));
        let row = |entity| ServiceRow { entity, coverage: 1.0, ..ServiceRow::default() };
        snapshot.services.extend(silent.into_iter().map(row));
    }

    fn cost(&self, cardinality_overflow: u64) -> AgentCost {
        let (cpu_seconds, memory_bytes) = cost::own();
        let read = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        AgentCost {
            cpu_seconds,
            memory_bytes,
            connections: read(&self.gauges.connections),
            tap_events: read(&self.gauges.tap_events),
            tap_bytes: read(&self.gauges.tap_bytes),
            tap_lost: read(&self.gauges.tap_lost),
            cardinality_overflow,
            cpu_limit_cores: read(&self.gauges.cpu_limit_millicores) as f64 / 1e3,
            turn_budget_bytes: read(&self.gauges.turn_budget),
            http_refused: self.gauges.http_refused(),
        }
    }
}

fn counted(terms: Vec<(TlsTerms, u64)>) -> Vec<TlsTerms> {
    terms.into_iter().map(|(terms, handshakes)| TlsTerms { handshakes, ..terms }).collect()
}

impl Query for Agent {
    fn snapshot(&self, window_s: f64) -> Snapshot {
        let mut snapshot = self.store().snapshot(window_s, &*self.directory);
        self.add_silent(&mut snapshot);
        let HealthReport { health, agent, .. } = self.health();
        (snapshot.health, snapshot.agent) = (health, agent);
        snapshot
    }

    fn health(&self) -> HealthReport {
        let store = self.store();
        let (at_us, overflow) = (store.latest().as_micros(), store.overflow());
        drop(store);
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if self.gauges.is_paused.load(Ordering::Relaxed)
            && let Some(tap) = health.iter_mut().find(|line| line.name == "wire tap")
        {
            let remedy = format!("kill -USR1 {} attaches it again", std::process::id());
            let detail = "detached by SIGUSR1: nothing is observed";
            *tap = health::line("wire tap", TapState::Off, detail, &remedy);
        }
        health.extend(self.probes());
        let tls = self.tls();
        health.extend(tls.key_scan.iter().chain(&tls.hooks).cloned());
        drop(tls);
        health.extend(self.gauges.refusals());
        HealthReport { at_us, health, agent: self.cost(overflow) }
    }

    fn tls(&self) -> TlsReport {
        let tls = self.tls();
        let (mut engines, counts) = (tls.engines.clone(), tls.counts.clone());
        let mut terms = tls.terms.clone();
        let (is_scanned, hooked) = (tls.key_scan.is_some(), tls.hooked.clone());
        let enabled = tls.health.is_some() || is_scanned;
        drop(tls);
        if is_scanned {
            // Who speaks TLS by an engine that nobody knows is searched all the same.
            for pid in counts.keys() {
                let known = engines.entry(*pid).or_default();
                if known.is_empty() {
                    known.push(TlsEngine::default());
                }
            }
            let others = engines.values_mut().flatten().filter(|row| row.way == KeyWay::None);
            others.for_each(|row| row.way = KeyWay::KeyScan);
        }
        for pid in hooked {
            let rows = engines.entry(pid).or_default();
            if rows.is_empty() {
                rows.push(TlsEngine::default());
            }
            rows.iter_mut().for_each(|row| row.way = KeyWay::Hooks);
        }
        let alive = self.directory.processes();
        let service = |pid| alive.iter().find(|entity| entity.pids.contains(&pid));
        let mut pids: Vec<u32> = engines.keys().chain(counts.keys()).copied().collect();
        pids.sort_unstable();
        pids.dedup();
        let rows = pids.into_iter().filter_map(|pid| {
            let entity = service(pid)?;
            let count = counts.get(&pid).copied().unwrap_or_default();
            let mut engines = engines.remove(&pid).unwrap_or_default();
            engines.iter_mut().for_each(|engine| part_of_runtime(engine, entity));
            Some(TlsProcess {
                pid,
                service: entity.name.clone(),
                engines,
                opened: count.opened,
                sealed: count.sealed(),
                sealed_because: count.sealed_because(),
                terms: counted(terms.remove(&pid).unwrap_or_default()),
                terms_refused: count.terms_refused,
            })
        });
        TlsReport { enabled, processes: rows.collect() }
    }

    fn exchanges(&self, asked: &ExchangesAsked) -> Exchanges {
        self.recent.ask(asked)
    }

    fn metrics(&self, form: MetricsForm) -> Vec<u8> {
        let store = self.store();
        let cost = self.cost(store.overflow());
        outputs::prometheus::metrics(&*store, &cost, env!("CARGO_PKG_VERSION"), form)
    }

    fn ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }
}

/// An engine that comes with the runtime has its version.
fn part_of_runtime(engine: &mut TlsEngine, entity: &Entity) {
    let of_language = match engine.engine.as_str() {
        "Erlang ssl" => "erlang",
        "Go crypto/tls" => "go",
        "JSSE" => "java",
        _ => return,
    };
    if engine.version.is_empty() && entity.language == of_language {
        engine.version.clone_from(&entity.runtime_version);
    }
}

/// What tells services apart.
fn identity(entity: &Entity) -> (&str, &str, &str) {
    (&entity.name, &entity.namespace, &entity.instance)
}
