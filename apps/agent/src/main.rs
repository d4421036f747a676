//! `redsight`: one binary, one folder of commands, one pipeline.

mod agent;
mod cli;
mod commands;
mod config;
mod cost;
#[cfg(target_os = "linux")]
mod due;
mod examples;
mod feed;
mod governor;
mod health;
#[cfg(target_os = "linux")]
mod hooks;
#[cfg(target_os = "linux")]
mod keys;
mod keyscan;
mod lines;
#[cfg(target_os = "linux")]
mod live;
mod pipeline;
mod recent;
mod remote;
mod resolve;
mod steer;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::dispatch(cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("redsight: {error:#}");
            commands::exit_code(&error)
        }
    }
}
