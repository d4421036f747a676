//! `redsight top`: services live, from a running agent or from a tap of its own.

use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use model::view::{Exchanges, ExchangesAsked, Query, Snapshot};

use crate::cli::{DEFAULT_ADDRESS, TopArgs};
use crate::config::{RunArgs, Settings};
use crate::remote::Remote;

use super::replay::terminal_width;

/// With a tap of its own, `--once` observes this long before it prints.
const FIRST_LOOK: Duration = Duration::from_secs(3);

/// Shows what the agent on `--connect` sees; without one there, observes by itself.
pub(super) fn run(arguments: &TopArgs) -> Result<ExitCode> {
    if let Some(address) = arguments.connect {
        return show(Box::new(Remote::new(address)), arguments);
    }
    let usual = Remote::new(DEFAULT_ADDRESS.parse().expect("the default address is one"));
    if arguments.cgroup.is_empty() && usual.snapshot(0.0).is_ok() {
        return show(Box::new(usual), arguments);
    }
    own_tap(arguments)
}

fn show(mut source: Box<dyn tui::Source>, arguments: &TopArgs) -> Result<ExitCode> {
    if arguments.once {
        let snapshot = source.snapshot(arguments.window).map_err(anyhow::Error::msg)?;
        print!("{}", outputs::table::report(&snapshot, terminal_width()));
        return Ok(ExitCode::SUCCESS);
    }
    let stop = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register(signal_hook::consts::SIGTERM, Arc::clone(&stop))?;
    let options = tui::Options { window_s: arguments.window, ..tui::Options::default() };
    tui::run(&mut *source, &options, &stop)?;
    Ok(ExitCode::SUCCESS)
}

/// The agent of this process, as a source of pictures.
struct Own(Arc<crate::agent::Agent>);

impl tui::Source for Own {
    fn snapshot(&mut self, window_s: f64) -> Result<Snapshot, String> {
        Ok(self.0.snapshot(window_s))
    }

    fn exchanges(&mut self, asked: &ExchangesAsked) -> Result<Exchanges, String> {
        Ok(self.0.exchanges(asked))
    }
}

#[cfg(target_os = "linux")]
fn own_tap(arguments: &TopArgs) -> Result<ExitCode> {
    let mut settings = Settings::from(&RunArgs::default().effective()?);
    if !arguments.cgroup.is_empty() {
        settings.cgroups.clone_from(&arguments.cgroup);
    }
    let live = crate::live::Live::start(crate::live::Options { settings, json: None })?;
    if arguments.once {
        thread::sleep(FIRST_LOOK);
    }
    let shown = show(Box::new(Own(Arc::clone(live.agent()))), arguments);
    live.stop();
    shown
}

#[cfg(not(target_os = "linux"))]
fn own_tap(_arguments: &TopArgs) -> Result<ExitCode> {
    Err(super::exit::NotHere("a tap of its own").into())
}
