//! `redsight services`: who is there, and why they are called so.

use std::process::ExitCode;

use anyhow::Result;
use model::view::ServiceRow;

use crate::cli::{AskArgs, Format};
use crate::remote::Remote;

/// Asks the agent and prints its services.
pub(super) fn run(arguments: &AskArgs) -> Result<ExitCode> {
    let snapshot = Remote::new(arguments.connect).snapshot(60.0)?;
    match arguments.output.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&snapshot.services)?),
        Format::Table => {
            println!(
                "{:<24} {:<24} {:<18} {:<26} EXECUTABLE",
                "SERVICE", "NAMED BY", "PROCESSES", "LISTENS ON"
            );
            for row in &snapshot.services {
                println!("{}", table_row(row));
            }
            if snapshot.services.is_empty() {
                println!("nothing seen yet; `redsight doctor` says what is observed");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn table_row(row: &ServiceRow) -> String {
    let entity = &row.entity;
    let pids = match entity.pids.as_slice() {
        [] => "-".to_owned(),
        [pid] => pid.to_string(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    };
    let listens = if entity.listens.is_empty() { "-".into() } else { entity.listens.join(" ") };
    let executable = if entity.executable.is_empty() { "-" } else { entity.executable.as_str() };
    format!("{:<24} {:<24} {pids:<18} {listens:<26} {executable}", entity.name, entity.reason)
}
