//! One file per command.

mod doctor;
mod protocols;
mod replay;
mod run;
mod services;
mod top;

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{Cli, Command};

/// Runs what was asked for.
pub(crate) fn dispatch(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        None => run::run(&cli.run),
        Some(Command::Run(arguments)) => run::run(&arguments),
        Some(Command::Replay(arguments)) => replay::run(&arguments),
        Some(Command::Top(arguments)) => top::run(&arguments),
        Some(Command::Services(arguments)) => services::run(&arguments),
        Some(Command::Protocols(arguments)) => protocols::run(&arguments),
        Some(Command::Doctor(arguments)) => doctor::run(&arguments),
    }
}

/// The exit code of the contract for an error: 69, 77, or 1.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Some(error) = error.downcast_ref::<capture::linux::TapError>() {
        return ExitCode::from(error.exit_code());
    }
    if error.downcast_ref::<NotHere>().is_some() {
        return ExitCode::from(69);
    }
    ExitCode::FAILURE
}

/// What this platform lacks.
#[derive(Debug)]
pub(crate) struct NotHere(
    #[cfg_attr(target_os = "linux", expect(dead_code, reason = "other systems"))] pub &'static str,
);

impl std::fmt::Display for NotHere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} needs Linux in this version; `redsight replay` works everywhere", self.0)
    }
}

impl std::error::Error for NotHere {}
