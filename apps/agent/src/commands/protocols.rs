//! `redsight protocols`: what is recognised.

use std::process::ExitCode;

use anyhow::Result;
use dissect::Transport;
use outputs::table::{Align, Columns};

use crate::cli::{Format, OutputArgs};

/// Ports named in the table; JSON has all.
const PORTS_MAX: usize = 4;

/// Prints the list.
pub(super) fn run(arguments: &OutputArgs) -> Result<ExitCode> {
    match arguments.format {
        Format::Json => {
            let rows: Vec<_> = dissect::PROTOCOLS.iter().map(|p| json(*p)).collect();
            println!("{}", serde_json::to_string_pretty(&rows)?);
        }
        Format::Table => {
            let titles = ["PROTOCOL", "FAMILY", "OVER", "USUAL PORTS", "SPECIFICATION"];
            let mut columns = Columns::new(titles.map(|title| (title, Align::Left)));
            for protocol in dissect::PROTOCOLS {
                let p = protocol.protocol();
                let ports = p.ports.iter().take(PORTS_MAX).map(u16::to_string);
                columns.push([
                    p.name.to_owned(),
                    format!("{:?}", p.family).to_lowercase(),
                    transports(*protocol).join(" "),
                    ports.collect::<Vec<_>>().join(" "),
                    p.specification.to_owned(),
                ]);
            }
            // Addresses are there to be followed: they are not cut.
            print!("{}", columns.render(usize::MAX));
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
