//! `redsight protocols`: what is recognised.

use std::process::ExitCode;

use anyhow::Result;

use crate::cli::{Format, OutputArgs};

/// Prints the list.
pub(super) fn run(arguments: &OutputArgs) -> Result<ExitCode> {
    let all = dissect::PROTOCOLS.iter().map(|p| p.protocol());
    match arguments.format {
        Format::Json => {
            let rows: Vec<_> = all
                .map(|p| {
                    serde_json::json!({
                        "name": p.name,
                        "family": format!("{:?}", p.family).to_lowercase(),
                        "system": p.system,
                        "specification": p.specification,
                        "usual_ports": p.ports,
                    })
                })
                .collect();
            println!("{}", serde_json::to_string_pretty(&rows)?);
        }
        Format::Table => {
            println!("{:<12} {:<10} {:<18} SPECIFICATION", "PROTOCOL", "FAMILY", "USUAL PORTS");
            for p in all {
                let family = format!("{:?}", p.family).to_lowercase();
                let ports: Vec<String> = p.ports.iter().map(u16::to_string).collect();
                let ports = ports.join(" ");
                println!("{:<12} {family:<10} {ports:<18} {}", p.name, p.specification);
            }
            println!("\nPorts only order the questions: every protocol is found on any port.");
        }
    }
    Ok(ExitCode::SUCCESS)
}
