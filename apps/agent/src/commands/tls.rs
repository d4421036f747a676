//! `redsight tls`: who speaks TLS here, by which engine, how its secrets are had, what was opened.

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::Result;

use super::replay::terminal_width;
use crate::cli::{Format, TlsArgs};
use crate::remote::Remote;

/// Asks the agent and prints every process that speaks TLS.
pub(super) fn run(arguments: &TlsArgs) -> Result<ExitCode> {
    let report = Remote::new(arguments.agent.connect).tls()?;
    match arguments.output.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&report.processes)?),
        Format::Table => {
            let is_terminal = std::io::stdout().is_terminal();
            let width = if is_terminal { terminal_width() } else { usize::MAX };
            print!("{}", outputs::table::tls_table(&report.processes, width));
            let terms = outputs::table::tls_terms_table(&report.processes, width);
            if !terms.is_empty() {
                print!("\n{terms}");
            }
            if !report.enabled {
                println!("TLS is not read: the agent runs with --no-tls");
            } else if report.processes.is_empty() {
                println!("no process in scope speaks TLS, as far as is known");
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
