//! From the command line to the command.

use std::process::ExitCode;

use anyhow::Result;

use super::{completions, config, doctor, protocols, replay, run, services, tail, tls, top};
use crate::cli::{Cli, Command};

/// Runs what was asked for.
pub(crate) fn dispatch(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        None => run::run(&cli.run),
        Some(Command::Run(arguments)) => run::run(&arguments),
        Some(Command::Replay(arguments)) => replay::run(&arguments),
        Some(Command::Top(arguments)) => top::run(&arguments),
        Some(Command::Tail(arguments)) => tail::run(&arguments),
        Some(Command::Services(arguments)) => services::run(&arguments),
        Some(Command::Tls(arguments)) => tls::run(&arguments),
        Some(Command::Protocols(arguments)) => protocols::run(&arguments),
        Some(Command::Doctor(arguments)) => doctor::run(&arguments),
        Some(Command::Config(command)) => config::run(&command),
        Some(Command::Completions(arguments)) => completions::completions(&arguments),
        Some(Command::Man(arguments)) => completions::man(&arguments),
    }
}
