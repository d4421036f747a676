//! `redsight protocols`: what is recognised.

use std::process::ExitCode;

use anyhow::Result;
use dissect::Transport;

use crate::cli::{Format, OutputArgs};

/// Prints the list.
pub(super) fn run(arguments: &OutputArgs) -> Result<ExitCode> {
    match arguments.format {
        Format::Json => {
            let rows: Vec<_> = dissect::PROTOCOLS.iter().map(|p| json(*p)).collect();
            println!("{}", serde_json::to_string_pretty(&rows)?);
        }
        Format::Table => {
            println!(
                "{:<12} {:<10} {:<9} {:<18} SPECIFICATION",
                "PROTOCOL", "FAMILY", "OVER", "USUAL PORTS"
            );
            for protocol in dissect::PROTOCOLS {
                let p = protocol.protocol();
                let family = format!("{:?}", p.family).to_lowercase();
                let over = transports(*protocol).join(" ");
                let ports: Vec<String> = p.ports.iter().map(u16::to_string).collect();
                let ports = ports.join(" ");
                println!("{:<12} {family:<10} {over:<9} {ports:<18} {}", p.name, p.specification);
            }
            println!("\nPorts only order the questions: every protocol is found on any port.");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn json(protocol: &dyn dissect::Protocol) -> serde_json::Value {
    let p = protocol.protocol();
    serde_json::json!({
        "name": p.name,
        "family": format!("{:?}", p.family).to_lowercase(),
        "system": p.system,
        "specification": p.specification,
        "transports": transports(protocol),
        "usual_ports": p.ports,
    })
}

fn transports(protocol: &dyn dissect::Protocol) -> Vec<&'static str> {
    [(Transport::Stream, "tcp"), (Transport::Datagram, "udp")]
        .into_iter()
        .filter(|(transport, _)| protocol.speaks(*transport))
        .map(|(_, word)| word)
        .collect()
}
