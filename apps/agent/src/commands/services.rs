//! `redsight services`: who is there, why they are called so, and how they are doing.

use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::Result;
use model::Filter;
use model::filter::{Order, Rows};

use super::exit::Misread;
use super::replay::terminal_width;
use crate::cli::{Format, ServicesArgs};
use crate::remote::Remote;

/// Asks the agent and prints its services.
pub(super) fn run(arguments: &ServicesArgs) -> Result<ExitCode> {
    let text = arguments.filter.join(" ");
    let filter = Filter::parse_for(Rows::Services, &text).map_err(Misread::of(&text))?;
    let keys = arguments.sort.as_deref().unwrap_or_default();
    let order = Order::parse_for(Rows::Services, keys).map_err(Misread::of(keys))?;
    let mut services = Remote::new(arguments.agent.connect).snapshot(arguments.window)?.services;
    let all = services.len();
    services.retain(|row| filter.keeps(row));
    services.sort_by(|a, b| order.compare(a, b));
    match arguments.output.format {
        Format::Json => println!("{}", serde_json::to_string_pretty(&services)?),
        Format::Table => {
            // What goes into a pipe is not cut: it may be searched for names.
            let is_terminal = std::io::stdout().is_terminal();
            let width = if is_terminal { terminal_width() } else { usize::MAX };
            print!("{}", outputs::table::services_table(&services, width));
            match (services.len(), all) {
                (0, 0) => println!("nothing seen yet; `redsight doctor` says what is observed"),
                (0, all) => println!("none of {all} services fits the filter"),
                _ => {}
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}
