//! `redsight replay`: captures through the pipeline, on any system, without privileges.

use std::io::{BufWriter, IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use capture::replay::{Replay, ReplaySummary, read_key_log};
use connections::Limits;
use decrypt::{Keyring, Sources};
use entities::Directory;
use metrics::StoreLimits;
use model::{Segment, TapEvent, Timestamp};
use zeroize::Zeroizing;

use crate::agent::Agent;
use crate::cli::ReplayArgs;
use crate::lines::Lines;
use crate::pipeline::Worker;
use crate::steer::Steerer;
use model::view::Query;

/// Capture time between two upkeeps of the worker, in nanoseconds.
const TICK_NS: u64 = 100_000_000;
/// Capture time of one window, in nanoseconds.
const WINDOW_NS: u64 = 1_000_000_000;

/// Replays every file; prints lines, or one table over all of them.
pub(super) fn run(arguments: &ReplayArgs) -> Result<ExitCode> {
    let agent = Agent::new(Arc::new(Directory::new("capture")), StoreLimits::default());
    for (number, file) in arguments.files.iter().enumerate() {
        let lines = (arguments.json || arguments.raw)
            .then(|| Lines::direct(Box::new(BufWriter::new(std::io::stdout()))));
        let mut worker = worker(&agent, lines, arguments.raw);
        if let Some(keylog) = &arguments.keylog {
            read_keys(keylog, &mut worker)?;
        }
        let summary = one(&agent, number, file, worker)?;
        report(file, &summary);
    }
    if !arguments.json && !arguments.raw {
        let snapshot = agent.snapshot(0.0);
        print!("{}", outputs::table::report(&snapshot, terminal_width()));
        std::io::stdout().flush()?;
    }
    Ok(ExitCode::SUCCESS)
}

fn worker(agent: &Agent, lines: Option<Lines>, raw: bool) -> Worker {
    let directory = Arc::clone(agent.directory());
    let keyring = Some(Keyring::new(Sources::Files));
    Worker::new(replay_limits(), directory, false, Steerer::new(None), lines, raw, keyring)
}

/// Gives the worker every secret of a key log.
fn read_keys(file: &Path, worker: &mut Worker) -> Result<()> {
    let text = std::fs::read(file).map(Zeroizing::new);
    let text = text.with_context(|| format!("cannot read the key log {}", file.display()))?;
    let summary = read_key_log(&text, |secret| worker.secret(secret));
    let name = file.display();
    if summary.secrets == 0 {
        bail!("{name} is no key log: it holds no TLS secret in the NSS format");
    }
    if summary.malformed > 0 {
        eprintln!("redsight: {name}: warning: {} lines are no secrets", summary.malformed);
    }
    Ok(())
}

fn one(agent: &Agent, number: usize, file: &Path, mut worker: Worker) -> Result<ReplaySummary> {
    let mut replay = Replay::open(file)?;
    let mut clock = Clock::default();
    let summary = replay.read(|event| {
        clock.see(&event, &mut worker, |rollup| agent.add(number, rollup));
        worker.event(event);
    })?;
    agent.add(number, &worker.finish(clock.now));
    Ok(summary)
}

/// A capture is as long as it is: its connections are bounded by the file, and an idle one may go
/// on.
fn replay_limits() -> Limits {
    Limits { connections: 1_000_000, ..Limits::default() }
}

/// Time as the packets tell it. A packet older than one before it does not turn it back.
#[derive(Default)]
struct Clock {
    now: Timestamp,
    ticked: Timestamp,
    window: Timestamp,
}

impl Clock {
    #[inline]
    fn see(&mut self, event: &TapEvent<'_>, worker: &mut Worker, add: impl FnOnce(&model::Rollup)) {
        let (TapEvent::Segment(Segment { at, .. })
        | TapEvent::Datagram(model::Datagram { at, .. })) = event
        else {
            return;
        };
        if self.now.is_unknown() {
            (self.ticked, self.window) = (*at, *at);
            worker.begin(*at);
        }
        self.now = self.now.max(*at);
        if self.now.since_ns(self.ticked) < TICK_NS {
            return;
        }
        self.ticked = self.now;
        worker.tick(self.now);
        if self.now.since_ns(self.window) >= WINDOW_NS {
            self.window = self.now;
            add(&worker.close_window(self.now));
        }
    }
}

/// Warnings go to standard error: the exit code stays 0, for a damaged file gave what it holds.
fn report(file: &Path, summary: &ReplaySummary) {
    for warning in &summary.warnings {
        eprintln!("redsight: {}: warning: {warning}", file.display());
    }
}

/// Columns of the terminal, or 120 where there is none.
pub(super) fn terminal_width() -> usize {
    // Asked first: the size is that of the terminal behind a pipe, too.
    if !std::io::stdout().is_terminal() {
        return 120;
    }
    crossterm::terminal::size().map_or(120, |(columns, _)| usize::from(columns))
}
