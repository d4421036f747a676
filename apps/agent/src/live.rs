//! The live agent: tap, worker, scanner and store, each on its thread.
//!
//! ```text
//! worker   drains the ring, runs every stage, closes a window a second ──Rollup──▶ store
//! scanner  reads /proc: new processes at once, the whole scope a few times a second
//! ```

use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use capture::linux::keylog::Secrets;
use capture::linux::wire::{Steering, WireOptions, WireTap};
use capture::linux::{cgroup_directories, forbid_dumps};
use decrypt::{Keyring, Sources};
use entities::{Directory, Scanner, Scope};
use model::{ConnectionId, EntityId, Framing, Ledger, Rollup, TapHealth, TapState, Timestamp};

use crate::agent::Agent;
use crate::config::Settings;
use crate::cost;
use crate::feed::{Block, Feed};
use crate::governor::Governor;
use crate::health;
use crate::hooks::{self, Callers};
use crate::keys::{self, Asker, Desk, Loaded};
use crate::keyscan::{KeyScan, Scanner as KeyScanner, key_scan};
use crate::lines::Lines;
use crate::pipeline::Worker;
use crate::steer::{self, Steerer};

/// The shortest and the longest time between two looks at the ring.
const DRAIN_INTERVAL: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(40)];
/// The ring is drained when about so much is in it: whom the worker takes a core from is back
/// before the others have nothing left to do, who wait for it.
const BURST_BYTES: u64 = 32 * 1024;
/// And of a small ring at this share: time enough for a late wake-up.
const RING_SHARE: u64 = 16;
const TICK_INTERVAL: Duration = Duration::from_millis(100);
const WINDOW_INTERVAL: Duration = Duration::from_secs(1);
/// Processes that opened their first socket are read at once, before most are gone, but no more
/// often than this.
const QUEUE_INTERVAL: Duration = Duration::from_millis(20);
const SCAN_INTERVAL: Duration = Duration::from_millis(300);
/// Windows and blocks of exchanges that may wait for the store.
const NEWS_WAITING: usize = 16;

/// What to observe and how.
pub(crate) struct Options {
    /// Every setting.
    pub settings: Settings,
    /// Where exchanges go as lines.
    pub json: Option<Box<dyn Write + Send>>,
}

/// A running agent.
pub(crate) struct Live {
    agent: Arc<Agent>,
    scope: String,
    wishes: Arc<Wishes>,
    threads: Vec<JoinHandle<()>>,
    /// Writes the lines; may end before the others do.
    writer: Option<JoinHandle<()>>,
}

/// What other threads want of the worker.
#[derive(Default)]
struct Wishes {
    stop: AtomicBool,
    paused: AtomicBool,
}

impl Live {
    /// Loads and attaches the tap, and starts everything behind it.
    ///
    /// # Errors
    /// A [`capture::linux::TapError`] if the machine refuses the tap.
    pub(crate) fn start(options: Options) -> Result<Self> {
        let Options { settings, json } = options;
        let cgroups = cgroup_directories(&settings.cgroups)?;
        let scope = match settings.cgroups.as_slice() {
            [] => "the whole host".to_owned(),
            _ => cgroups.iter().map(|c| c.display().to_string()).collect::<Vec<_>>().join(", "),
        };
        let mut tap = WireTap::load(WireOptions {
            cgroups: cgroups.clone(),
            ring_bytes: settings.ring_bytes,
            turn_budget_bytes: settings.turn_budget_bytes,
        })?;
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let directory = Arc::new(Directory::new(host.trim()));
        let loaded = keys::load(&settings, &cgroups);
        let key_scope = if settings.cgroups.is_empty() { Vec::new() } else { cgroups.clone() };
        let watched =
            if settings.cgroups.is_empty() { Scope::Host } else { Scope::Cgroups(cgroups) };
        let mut scanner = Scanner::new(Arc::clone(&directory), watched);
        // Who listens is known before the first packet is seen.
        scanner.scan(now());
        tap.attach()?;

        let agent = Arc::new(Agent::new(Arc::clone(&directory), settings.store));
        let mut health = health_lines(&scope, &tap, settings.tls);
        let keys = loaded.unwrap_or_else(|line| {
            health.push(line);
            None
        });
        let hooked = hooks::load(&settings, &key_scope, &mut health);
        agent.set_health(health);
        let wishes = Arc::new(Wishes::default());
        let mut threads = Vec::new();
        let (mut desk, mut probes) = (None, None);
        if let Some(loaded) = keys {
            let Loaded { keys, desk: own, secrets, asker } = loaded;
            let (hooking, callers) = hooked.unzip();
            (probes, desk) = (Some(Probes { secrets, callers, asker }), Some(own));
            let keys_agent = Arc::clone(&agent);
            threads.push(spawn("redsight-keys", move || keys.run(hooking, &keys_agent))?);
        }
        let refused = Arc::clone(&agent.gauges.lines_refused);
        let written = json.map(|to| Lines::threaded(to, refused)).transpose()?;
        let (lines, writer) = written.unzip();
        let steerer = Steerer::new(Some(Box::new(Kernel(tap.steering()?))));
        let scans = settings.tls && settings.key_scan;
        let is_live = probes.is_some() || scans;
        let sources = if is_live { Sources::Live } else { Sources::None };
        let keyring = settings.tls.then(|| Keyring::new(sources));
        let mut worker =
            Worker::new(settings.connections, directory, true, steerer, lines, false, keyring);
        worker.show_to(Feed::new(agent.recent().questions()));
        if scans {
            threads.push(search_keys(&mut worker, key_scope, &wishes)?);
        }
        worker.begin(now());
        let (news, received) = sync_channel(NEWS_WAITING);
        let (scan_wishes, scan_agent) = (Arc::clone(&wishes), Arc::clone(&agent));
        let scan_all = move || scan(&mut scanner, desk, &scan_wishes, &scan_agent);
        threads.push(spawn("redsight-scan", scan_all)?);
        let store_agent = Arc::clone(&agent);
        threads.push(spawn("redsight-store", move || add_all(&received, &store_agent))?);
        let governed = Governed::new(&settings, &agent);
        let agent_of_loop = Arc::clone(&agent);
        let unclaimed = [0; 2];
        let loops = Loop { tap, probes, worker, news, agent: agent_of_loop, unclaimed, governed };
        let worker_wishes = Arc::clone(&wishes);
        threads.push(spawn("redsight-worker", move || loops.run(&worker_wishes))?);
        Ok(Self { agent, scope, wishes, threads, writer })
    }

    /// The sums, for surfaces.
    pub(crate) const fn agent(&self) -> &Arc<Agent> {
        &self.agent
    }

    /// What is observed, in words.
    pub(crate) fn scope(&self) -> &str {
        &self.scope
    }

    /// Detaches the tap, or attaches it again: what the agent costs shows in the difference.
    pub(crate) fn toggle(&self) {
        self.wishes.paused.fetch_xor(true, Ordering::Relaxed);
    }

    /// True if a thread has ended by itself, which only a bug can do.
    pub(crate) fn has_ended(&self) -> bool {
        self.threads.iter().any(JoinHandle::is_finished)
    }

    /// Detaches, drains, flushes.
    pub(crate) fn stop(self) {
        self.wishes.stop.store(true, Ordering::Relaxed);
        self.threads.iter().for_each(|thread| thread.thread().unpark());
        for thread in self.threads.into_iter().chain(self.writer) {
            // A panic there was reported by the panic hook.
            let _ = thread.join();
        }
    }
}

struct Kernel(Steering);

impl steer::Tap for Kernel {
    fn nothing(&self, connection: ConnectionId) {
        self.0.nothing(connection);
    }

    fn heads(
        &self,
        connection: ConnectionId,
        until: [Option<u32>; 2],
        everything: bool,
        framing: Framing,
    ) {
        self.0.heads(connection, until, everything, framing);
    }
}

/// What the worker hands on.
enum News {
    /// The sums of a window.
    Window(Rollup),
    /// Exchanges for readers.
    Exchanges(Block),
}

/// The worker's ends of the probes in processes.
struct Probes {
    secrets: Secrets,
    /// Those of plaintext probes.
    callers: Option<Callers>,
    asker: Asker,
}

/// The worker's thread.
struct Loop {
    tap: WireTap,
    probes: Option<Probes>,
    worker: Worker,
    news: SyncSender<News>,
    agent: Arc<Agent>,
    /// Bytes without a connection that were booked so far: lost, skipped.
    unclaimed: [u64; 2],
    governed: Option<Governed>,
}

/// The governor with what it was told last.
struct Governed {
    governor: Governor,
    cpu_s: f64,
    at: Instant,
}

impl Governed {
    /// `None` if there is no limit. What the start cost counts as the first second's.
    fn new(settings: &Settings, agent: &Agent) -> Option<Self> {
        let budget = settings.turn_budget_bytes;
        agent.gauges.turn_budget_set.store(budget.into(), Ordering::Relaxed);
        agent.gauges.turn_budget.store(budget.into(), Ordering::Relaxed);
        let cores = settings.cpu_share? * cost::cores() as f64;
        let limit = &agent.gauges.cpu_limit_millicores;
        limit.store((cores * 1e3).round() as u64, Ordering::Relaxed);
        let governor = Governor::new(cores, budget);
        Some(Self { governor, cpu_s: 0.0, at: Instant::now() })
    }

    /// Lets the governor look at the second that has passed; the budget if it is a new one.
    fn second(&mut self) -> Option<u32> {
        let (cpu_s, before) = (cost::own().0, self.governor.budget());
        let elapsed_s = self.at.elapsed().as_secs_f64();
        let budget = self.governor.second(cpu_s - self.cpu_s, elapsed_s);
        (self.cpu_s, self.at) = (cpu_s, Instant::now());
        (budget != before).then_some(budget)
    }
}

impl Loop {
    fn run(mut self, wishes: &Wishes) {
        let (mut ticked, mut closed) = (Instant::now(), Instant::now());
        let mut pause = DRAIN_INTERVAL[0];
        while !wishes.stop.load(Ordering::Relaxed) {
            self.heed(wishes);
            let (fill, size) = self.fill();
            let worker = &mut self.worker;
            let callers = self.probes.as_mut().and_then(|probes| probes.callers.as_mut());
            let mark = callers.map_or(0, |callers| callers.mark());
            // Before the bytes they open.
            if let Some(probes) = &mut self.probes {
                probes.secrets.drain(|event| worker.event(event));
            }
            worker.take_keys();
            self.tap.drain(|event| worker.event(event));
            // What they told of has passed on the wire, and the worker knows its connections.
            if let Some(callers) = self.probes.as_mut().and_then(|probes| probes.callers.as_mut()) {
                let is_on = self.tap.is_attached();
                callers.drain(mark, |event| {
                    if is_on {
                        worker.event(event);
                    }
                });
            }
            if ticked.elapsed() >= TICK_INTERVAL {
                ticked = Instant::now();
                self.worker.tick(now());
                self.ask();
                self.show();
            }
            if closed.elapsed() >= WINDOW_INTERVAL {
                closed = Instant::now();
                self.close_window();
                self.govern();
            }
            pause = next_pause(pause, fill, size);
            std::thread::sleep(pause);
        }
        self.tap.detach();
        let worker = &mut self.worker;
        self.tap.drain(|event| worker.event(event));
        self.worker.tick(now());
        self.publish();
        let last = self.worker.finish(now());
        // The store's thread lives until the sender is gone.
        let _ = self.news.send(News::Window(last));
    }

    /// Of the ring that is fuller for its size.
    fn fill(&self) -> (u64, u64) {
        let (fill, size) = self.tap.fill();
        let callers = self.probes.as_ref().and_then(|probes| probes.callers.as_ref());
        match callers.map(Callers::fill) {
            Some((other, other_size)) if other * size > fill * other_size => (other, other_size),
            _ => (fill, size),
        }
    }

    fn heed(&mut self, wishes: &Wishes) {
        let paused = wishes.paused.load(Ordering::Relaxed);
        if paused && self.tap.is_attached() {
            self.tap.detach();
        } else if !paused
            && !self.tap.is_attached()
            && let Err(error) = self.tap.attach()
        {
            wishes.paused.store(true, Ordering::Relaxed);
            eprintln!("redsight: {error}");
        }
        let is_paused = !self.tap.is_attached();
        self.agent.gauges.is_paused.store(is_paused, Ordering::Relaxed);
        if let Some(probes) = &mut self.probes {
            probes.asker.pause(is_paused);
        }
    }

    fn govern(&mut self) {
        let Some(budget) = self.governed.as_mut().and_then(Governed::second) else { return };
        match self.tap.set_turn_budget(budget) {
            Ok(()) => self.agent.gauges.turn_budget.store(budget.into(), Ordering::Relaxed),
            Err(error) => eprintln!("redsight: {error}"),
        }
    }

    fn close_window(&mut self) {
        self.publish();
        let rollup = self.worker.close_window(now());
        match self.news.try_send(News::Window(rollup)) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            // Sums must not be thrown away: wait for the store, the ring holds meanwhile.
            Err(TrySendError::Full(window)) => {
                let _ = self.news.send(window);
            }
        }
    }

    /// Has the processes looked at again whose connections wait for a key.
    fn ask(&mut self) {
        let asked = self.worker.take_asked();
        let hopeless = self.worker.take_hopeless();
        if let Some(probes) = &self.probes {
            probes.asker.ask(&asked);
            probes.asker.hindrances().for_each(|hindrance| self.worker.hindered(hindrance));
            if probes.callers.is_some() {
                probes.asker.give_up(&hopeless);
            }
        }
    }

    /// Hands on exchanges. Where the queue is full they are left out: the numbers of those that
    /// follow tell readers how many.
    fn show(&mut self) {
        if let Some(block) = self.worker.block() {
            let _ = self.news.try_send(News::Exchanges(block));
        }
    }

    fn publish(&mut self) {
        let worker = &mut self.worker;
        self.tap.drain_passed(now(), |event| worker.event(event));
        let (tap, table) = (self.tap.counters(), self.worker.connection_counters());
        // Bytes that no connection of the table can stand for: refused for want of room, of a
        // socket that could not report, sent to an end that had reset the connection, or of another
        // connection under the same name.
        let lost = table.refused_bytes + tap.bytes_orphaned + table.late_lost_bytes;
        let unclaimed = [lost, table.late_bytes + table.out_of_window_bytes];
        if unclaimed != self.unclaimed {
            let [lost, skipped] = [0, 1].map(|i| unclaimed[i].saturating_sub(self.unclaimed[i]));
            self.unclaimed = unclaimed;
            let ledger = Ledger { seen: lost + skipped, lost, skipped, ..Ledger::default() };
            self.worker.book(EntityId::OTHER, EntityId::OTHER, ledger);
        }
        self.agent.set_key_scan(self.worker.key_scan().map(KeyScan::health));
        let gauges = &self.agent.gauges;
        gauges.connections.store(self.worker.connections() as u64, Ordering::Relaxed);
        gauges.tap_events.store(tap.events, Ordering::Relaxed);
        gauges.tap_bytes.store(tap.bytes_seen, Ordering::Relaxed);
        gauges.tap_lost.store(tap.bytes_lost, Ordering::Relaxed);
        gauges.connections_refused.store(table.refused_connections, Ordering::Relaxed);
        gauges.segments_refused.store(table.held_refused, Ordering::Relaxed);
        let dissect = self.worker.dissect_counters();
        gauges.given_up.store(dissect.given_up, Ordering::Relaxed);
        gauges.desyncs.store(dissect.desyncs, Ordering::Relaxed);
        let quic = self.worker.quic_counters();
        gauges.quic_begun.store(quic.begun, Ordering::Relaxed);
        gauges.quic_resumed.store(quic.resumed, Ordering::Relaxed);
        gauges.quic_moved.store(quic.moved, Ordering::Relaxed);
        gauges.quic_refused.store(quic.refused, Ordering::Relaxed);
        gauges.quic_streams_refused.store(quic.streams_refused, Ordering::Relaxed);
        self.agent.count_tls(self.worker.take_census());
        if let Some(probes) = &self.probes {
            let counters = probes.secrets.counters();
            gauges.secrets_found.store(counters.found, Ordering::Relaxed);
            gauges.secrets_lost.store(counters.lost + counters.unreadable, Ordering::Relaxed);
            probes.callers.iter().for_each(Callers::publish);
        }
    }
}

/// Starts the thread that looks for keys in memory.
fn search_keys(
    worker: &mut Worker,
    scope: Vec<PathBuf>,
    wishes: &Arc<Wishes>,
) -> Result<JoinHandle<()>> {
    let (ours, theirs) = key_scan();
    worker.search_keys(ours);
    let (scanner, over) = (KeyScanner::new(theirs, scope), Arc::clone(wishes));
    spawn("redsight-memory", move || scanner.run(|| over.stop.load(Ordering::Relaxed)))
}

/// Sleeps about as long as the ring takes to fill so far, at the rate just seen.
fn next_pause(pause: Duration, fill: u64, size: u64) -> Duration {
    let burst = (size / RING_SHARE).clamp(1, BURST_BYTES);
    let next = pause.mul_f64((burst as f64 / fill.max(1) as f64).clamp(0.25, 2.0));
    next.clamp(DRAIN_INTERVAL[0], DRAIN_INTERVAL[1])
}

fn scan(scanner: &mut Scanner, mut desk: Option<Desk>, wishes: &Wishes, agent: &Agent) {
    let mut tell = |scanner: &Scanner| {
        if let Some(desk) = &mut desk {
            desk.tell(scanner);
        }
    };
    tell(scanner);
    // Connections that were there already get their owners by their addresses; the worker runs
    // meanwhile.
    scanner.adopt_sockets();
    agent.set_ready();
    let mut scanned = Instant::now();
    while !wishes.stop.load(Ordering::Relaxed) {
        scanner.wait(SCAN_INTERVAL.saturating_sub(scanned.elapsed()));
        if scanned.elapsed() < SCAN_INTERVAL {
            scanner.read_queued();
            std::thread::sleep(QUEUE_INTERVAL);
        }
        if scanned.elapsed() >= SCAN_INTERVAL {
            scanned = Instant::now();
            scanner.scan(now());
        }
        tell(scanner);
    }
}

fn add_all(received: &Receiver<News>, agent: &Agent) {
    for news in received {
        match news {
            News::Window(rollup) => agent.add(0, &rollup),
            News::Exchanges(block) => agent.recent().add(block),
        }
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    thread.with_context(|| format!("cannot start the thread {name}"))
}

fn health_lines(scope: &str, tap: &WireTap, tls: bool) -> Vec<TapHealth> {
    let mut lines = vec![health::line("wire tap", TapState::On, format!("observes {scope}"), "")];
    lines.extend(tap.findings());
    lines.extend(health::blind_spots());
    if !tls {
        let detail = "not read: encrypted bytes are counted as sealed";
        lines.push(health::line("tls", TapState::Off, detail, "--tls on"));
    } else if !forbid_dumps() {
        let detail = "a core file of the agent would hold secrets: the kernel refused to forbid it";
        lines.push(health::line("secrets", TapState::Refused, detail, "ulimit -c 0"));
    }
    lines
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(since.as_nanos() as u64)
}
