//! `redsight doctor`: what works here, what does not, why, and what to do.

use std::process::ExitCode;

use anyhow::Result;
use model::{TapHealth, TapState};

use crate::cli::{DoctorArgs, Format};
use crate::health;
use crate::remote::Remote;

/// Looks at the machine and at a running agent; exit code 1 if something is broken.
pub(super) fn run(arguments: &DoctorArgs) -> Result<ExitCode> {
    let mut findings = machine(arguments);
    match Remote::new(arguments.connect).snapshot(0.0) {
        Ok(snapshot) => {
            let cost = snapshot.agent;
            findings.push(health::line(
                "running agent",
                TapState::On,
                format!(
                    "on {}: {} connections, {:.1} s of CPU, {} MiB, {} bytes lost",
                    arguments.connect,
                    cost.connections,
                    cost.cpu_seconds,
                    cost.memory_bytes >> 20,
                    cost.tap_lost
                ),
                "",
            ));
            findings.extend(snapshot.health.into_iter().filter(|line| line.name != "wire tap"));
        }
        Err(_) => {
            let none = format!("none answers on {}", arguments.connect);
            findings.push(health::line("running agent", TapState::Off, none, "redsight run"));
            findings.extend(health::blind_spots());
        }
    }
    match arguments.output.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&findings)?),
        Format::Table => findings.iter().for_each(print),
    }
    let broken = findings.iter().any(|line| line.state == TapState::Refused);
    Ok(if broken { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn print(line: &TapHealth) {
    let state = match line.state {
        TapState::On => "on",
        TapState::Off => "off",
        TapState::Degraded => "degraded",
        TapState::Refused => "REFUSED",
    };
    println!("{:<14} {state:<9} {}", line.name, line.detail);
    if !line.remedy.is_empty() {
        println!("{:<24} → {}", "", line.remedy);
    }
}

#[cfg(target_os = "linux")]
fn machine(arguments: &DoctorArgs) -> Vec<TapHealth> {
    use capture::linux::wire::{WireOptions, WireTap};
    use capture::linux::{cgroup_directories, cgroup_root};

    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut findings = vec![health::line("kernel", TapState::On, kernel.trim(), "")];
    findings.push(match cgroup_root() {
        Ok(root) => {
            health::line("cgroup v2", TapState::On, format!("mounted at {}", root.display()), "")
        }
        Err(error) => health::line("cgroup v2", TapState::Refused, error.to_string(), ""),
    });
    // Loading runs the verifier and attaches nothing.
    let tap = cgroup_directories(&arguments.cgroup).and_then(|cgroups| {
        WireTap::load(WireOptions {
            cgroups,
            ring_bytes: 4096,
            turn_budget_bytes: WireOptions::TURN_BUDGET_BYTES,
        })
    });
    findings.push(match tap {
        Ok(_) => health::line("wire tap", TapState::On, "the kernel takes its programs", ""),
        Err(error) => health::line("wire tap", TapState::Refused, error.to_string(), ""),
    });
    findings
}

#[cfg(not(target_os = "linux"))]
fn machine(_arguments: &DoctorArgs) -> Vec<TapHealth> {
    let why = "live taps need Linux in this version";
    vec![health::line("wire tap", TapState::Refused, why, "redsight replay works everywhere")]
}
