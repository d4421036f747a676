//! `redsight doctor`: what works here, what does not, why, and what to do.

use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use model::view::{ServiceRow, Snapshot};
use model::{Sealed, TapHealth, TapState};

use super::replay::terminal_width;
use crate::cli::{DoctorArgs, Format};
use crate::config::{Effective, Environment, Settings, strangers};
use crate::health;
use crate::remote::Remote;

/// Time over which the cost of a running agent is taken.
const MEASURED: Duration = Duration::from_secs(1);
/// Services named in one finding.
const NAMED_MAX: usize = 5;
/// Columns before the text of a finding.
const INDENT: usize = 26;

/// Looks at the machine, the configuration and a running agent; exit code 1 if something is broken.
pub(super) fn run(arguments: &DoctorArgs) -> Result<ExitCode> {
    let findings = findings(arguments);
    match arguments.output.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&findings)?),
        Format::Table => {
            let width = terminal_width();
            for line in &findings {
                print!("{}", shown(line, width));
            }
        }
    }
    let broken = findings.iter().any(|line| line.state == TapState::Refused);
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn findings(arguments: &DoctorArgs) -> Vec<TapHealth> {
    let (configuration, cgroups) = configuration(arguments);
    let remote = Remote::new(arguments.agent.connect);
    let running = remote.snapshot(0.0).ok();
    let mut findings = machine();
    findings.extend(configuration);
    match running {
        Some(first) => {
            // What this user may not do does not matter while an agent runs that may.
            for line in findings.iter_mut().filter(|line| line.name == "capabilities") {
                if line.state == TapState::Refused {
                    line.state = TapState::Off;
                    line.detail.push_str(" (of this user; the running agent has what it needs)");
                }
            }
            thread::sleep(MEASURED);
            let second = remote.snapshot(0.0).unwrap_or_else(|_| first.clone());
            findings.extend(costs(arguments, &first, &second));
            findings.extend(second.health);
        }
        None => {
            findings.extend(trial(&cgroups));
            let none = format!("none answers on {}", arguments.agent.connect);
            findings.push(health::line("running agent", TapState::Off, none, "redsight run"));
            findings.extend(health::blind_spots());
        }
    }
    let local_sockets = unix_sockets();
    if let Some(line) = findings.iter_mut().find(|line| line.name == "unix sockets")
        && !local_sockets.is_empty()
    {
        let shown = local_sockets.iter().take(NAMED_MAX).cloned().collect::<Vec<_>>().join(", ");
        let count = local_sockets.len();
        line.detail.push_str(&format!("; {count} listen here, such as {shown}"));
    }
    findings
}

/// What a running agent costs now, and whether it loses anything.
fn costs(arguments: &DoctorArgs, first: &Snapshot, second: &Snapshot) -> Vec<TapHealth> {
    let (before, now) = (&first.agent, &second.agent);
    let seconds = MEASURED.as_secs_f64();
    let cpu = (now.cpu_seconds - before.cpu_seconds).max(0.0) / seconds * 100.0;
    let rate = |now: u64, before: u64| now.saturating_sub(before) as f64 / seconds;
    let detail = format!(
        "on {}: {cpu:.1} % of a core, {} MiB, {:.0} events/s, {:.0} bytes/s, {} connections, \
         {} services",
        arguments.agent.connect,
        now.memory_bytes >> 20,
        rate(now.tap_events, before.tap_events),
        rate(now.tap_bytes, before.tap_bytes),
        now.connections,
        second.services.len(),
    );
    let mut lines = vec![health::line("running agent", TapState::On, detail, "")];
    let ledger = &second.ledger;
    if ledger.lost > 0 {
        let detail = format!(
            "{} of {} bytes since the start were wanted and not had; {} found the ring full",
            ledger.lost, ledger.seen, now.tap_lost
        );
        let remedy = match now.tap_lost {
            0 => "see cpu; or a longer turn: --turn-budget-bytes 128KiB",
            _ => "a larger ring: --ring-bytes 32MiB",
        };
        lines.push(health::line("losses", TapState::Degraded, detail, remedy));
    }
    if ledger.sealed > 0 {
        let share = ledger.sealed as f64 / ledger.seen.max(1) as f64 * 100.0;
        let names = most(second, |row| row.ledger.sealed);
        let reasons = why_sealed(second);
        let detail =
            format!("{share:.1} % of the bytes are encrypted, most of them of {names}: {reasons}");
        lines.push(health::line("sealed bytes", TapState::On, detail, ""));
    }
    if ledger.unknown > 0 {
        let share = ledger.unknown as f64 / ledger.seen.max(1) as f64 * 100.0;
        let names = most(second, |row| row.ledger.unknown);
        let detail =
            format!("{share:.1} % of the bytes are of no known protocol, most of them of {names}");
        let remedy = "redsight protocols lists those that are; redsight services 'coverage<50%'";
        lines.push(health::line("unknown bytes", TapState::On, detail, remedy));
    }
    lines
}

/// The services with the most of something, by name.
fn most(snapshot: &Snapshot, of: impl Fn(&ServiceRow) -> u64) -> String {
    let mut rows: Vec<&ServiceRow> = snapshot.services.iter().filter(|r| of(r) > 0).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(of(row)));
    let names = rows.iter().take(NAMED_MAX).map(|row| row.entity.name.clone());
    names.collect::<Vec<_>>().join(", ")
}

/// Why bytes are sealed, with the share of each reason among the services that are shown.
fn why_sealed(snapshot: &Snapshot) -> String {
    let rows = || snapshot.services.iter().flat_map(|service| &service.sealed);
    let all: u64 = rows().map(|row| row.bytes).sum();
    let share = |reason: Sealed| {
        let of_it = rows().filter(|row| row.reason == reason.as_str()).map(|row| row.bytes);
        (of_it.sum::<u64>() as f64 / all.max(1) as f64 * 100.0, reason)
    };
    let mut shares: Vec<(f64, Sealed)> = Sealed::ALL.map(share).into();
    shares.retain(|(share, _)| *share > 0.0);
    shares.sort_by(|a, b| b.0.total_cmp(&a.0));
    let words = shares.iter().map(|(share, reason)| format!("{} {share:.0} %", reason.in_words()));
    words.collect::<Vec<_>>().join(", ")
}

/// Whether `run` would find its configuration in order, and which cgroups it names.
fn configuration(arguments: &DoctorArgs) -> (Vec<TapHealth>, Vec<PathBuf>) {
    let environment = Environment::of_this_process();
    let mut lines = Vec::new();
    for stranger in strangers(&environment) {
        lines.push(health::line("environment", TapState::Degraded, stranger, "unset it"));
    }
    let cgroups = match Effective::load(arguments.config.as_deref(), &environment, &[]) {
        Ok(effective) => {
            let detail = match &effective.file {
                Some(file) => format!("{}, nothing wrong", file.display()),
                None => "no file; defaults and environment".to_owned(),
            };
            lines.push(health::line("configuration", TapState::On, detail, ""));
            Settings::from(&effective).cgroups
        }
        Err(problems) => {
            let remedy = "mend it; redsight config check FILE";
            let detail = problems.to_string();
            lines.push(health::line("configuration", TapState::Refused, detail, remedy));
            Vec::new()
        }
    };
    let asked = &arguments.cgroup;
    (lines, if asked.is_empty() { cgroups } else { asked.clone() })
}

/// A finding in lines of at most `width` columns where words allow it.
fn shown(line: &TapHealth, width: usize) -> String {
    let state = match line.state {
        TapState::On => "on",
        TapState::Off => "off",
        TapState::Degraded => "degraded",
        TapState::Refused => "REFUSED",
    };
    let mut out = format!("{:<15} {state:<9} ", line.name);
    let room = width.saturating_sub(INDENT).max(20);
    let indent = " ".repeat(INDENT);
    let wrapped: Vec<String> = line.detail.lines().flat_map(|line| wrap(line, room)).collect();
    out.push_str(&wrapped.join(&format!("\n{indent}")));
    out.push('\n');
    // Remedies are there to be copied: they are not wrapped.
    for remedy in line.remedy.lines() {
        out.push_str(&format!("{indent}→ {remedy}\n"));
    }
    out
}

/// Words up to `room` columns a line; a place in a file keeps its blanks.
fn wrap(text: &str, room: usize) -> Vec<String> {
    if text.chars().count() <= room || text.starts_with(' ') {
        return vec![text.to_owned()];
    }
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("there is always one");
        if !last.is_empty() && last.chars().count() + 1 + word.chars().count() > room {
            lines.push(word.to_owned());
        } else {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines
}

/// Paths on which somebody listens, of this network namespace.
fn unix_sockets() -> Vec<String> {
    let table = std::fs::read_to_string("/proc/net/unix").unwrap_or_default();
    let mut paths: Vec<String> = table.lines().filter_map(listening).map(str::to_owned).collect();
    paths.sort();
    paths.dedup();
    paths
}

/// The path of a line of /proc/net/unix, if it is a stream that somebody accepts from:
/// `Num: RefCount Protocol Flags Type St Inode Path`.
fn listening(line: &str) -> Option<&str> {
    /// `__SO_ACCEPTCON` of include/uapi/linux/net.h.
    const ACCEPTS: &str = "00010000";
    const STREAM: &str = "0001";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let [_, _, _, flags, kind, _, _, path] = fields.as_slice() else { return None };
    (*flags == ACCEPTS && *kind == STREAM).then_some(*path)
}

/// What the machine offers.
#[cfg(target_os = "linux")]
fn machine() -> Vec<TapHealth> {
    capture::linux::machine()
}

/// Loads the tap: that runs the verifier and attaches nothing.
#[cfg(target_os = "linux")]
fn trial(cgroups: &[PathBuf]) -> Vec<TapHealth> {
    use capture::linux::cgroup_directories;
    use capture::linux::wire::{WireOptions, WireTap};

    let tap = cgroup_directories(cgroups).and_then(|cgroups| {
        let turn_budget_bytes = WireOptions::TURN_BUDGET_BYTES;
        let options = WireOptions { cgroups, ring_bytes: 4096, turn_budget_bytes };
        let directories = options.cgroups.clone();
        Ok((WireTap::load(options)?, directories))
    });
    match tap {
        Ok((tap, directories)) => {
            let taken = "the kernel takes its programs";
            let mut lines = vec![health::line("wire tap", TapState::On, taken, "")];
            lines.extend(tap.findings());
            lines.push(keys(&directories));
            lines
        }
        Err(error) => {
            let remedy = match error.exit_code() {
                77 => "see capabilities",
                69 => "see kernel and cgroup",
                _ => "",
            };
            vec![health::line("wire tap", TapState::Refused, error.to_string(), remedy)]
        }
    }
}

/// Loads the key-log probe, which is put into no process.
#[cfg(target_os = "linux")]
fn keys(cgroups: &[PathBuf]) -> TapHealth {
    match capture::linux::keylog::Watcher::load(cgroups, None) {
        Ok(_) => health::line("key-log probes", TapState::On, "the kernel takes the program", ""),
        Err(error) => crate::keys::refused(&error),
    }
}

#[cfg(not(target_os = "linux"))]
fn machine() -> Vec<TapHealth> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
fn trial(_cgroups: &[PathBuf]) -> Vec<TapHealth> {
    let why = "live taps need Linux in this version";
    vec![health::line("wire tap", TapState::Refused, why, "redsight replay works everywhere")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_streams_are_told_from_others() {
        for (line, path) in [
            ("Num       RefCount Protocol Flags    Type St Inode Path", None),
            ("0000: 00000002 00000000 00010000 0001 01 21 /run/a.sock", Some("/run/a.sock")),
            ("0000: 00000002 00000000 00000000 0001 03 22 /run/a.sock", None),
            ("0000: 00000002 00000000 00010000 0005 01 23 /run/b.sock", None),
            ("0000: 00000002 00000000 00010000 0001 01 24", None),
        ] {
            assert_eq!(listening(line), path, "{line}");
        }
    }

    #[test]
    fn findings_are_wrapped_and_remedies_stay_whole() {
        let detail = "one two three four five six seven eight nine ten";
        let remedy = "a remedy that is longer than the room there is\nanother";
        let line = health::line("cgroup", TapState::Refused, detail, remedy);
        let indent = " ".repeat(INDENT);
        assert_eq!(
            shown(&line, INDENT + 24),
            format!(
                "cgroup          REFUSED   one two three four five\n\
                 {indent}six seven eight nine ten\n\
                 {indent}→ a remedy that is longer than the room there is\n\
                 {indent}→ another\n"
            )
        );
    }
}
