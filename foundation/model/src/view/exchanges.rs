//! Live exchanges: the rows of `tail`, of `top` and of `/api/v1/exchanges`, and how they are asked.

use serde::{Deserialize, Serialize};

use crate::filter::Filter;

/// One exchange. JSON names, order and meaning are those of the lines of `--json`, with `id` before
/// them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ExchangeRow {
    /// Its number: exchanges are numbered from 1 in the order they ended, shown or not.
    pub id: u64,
    /// `request`, `session`, `oneway` or `push`.
    pub kind: String,
    /// Protocol id.
    pub protocol: String,
    /// Protocol version; may be empty.
    pub version: String,
    /// Address that asked, `ip:port`.
    pub client: String,
    /// Address that answered, `ip:port`.
    pub server: String,
    /// Which ends are in scope: `client`, `server` or `both`.
    pub side: String,
    /// The verb.
    pub operation: String,
    /// What it acts on; may be empty.
    pub target: String,
    /// Status code or name; empty if not known.
    pub status: String,
    /// The service failed.
    pub error: bool,
    /// The request was at fault.
    pub client_error: bool,
    /// First byte of the request, microseconds since the epoch.
    pub start_us: Option<u64>,
    /// From the first byte of the request to the last of the answer.
    pub duration_us: Option<u64>,
    /// From the first byte of the request to the first of the answer.
    pub ttfb_us: Option<u64>,
    /// Bytes of the request.
    pub request_bytes: u64,
    /// Bytes of the answer.
    pub response_bytes: u64,
    /// What is known of TLS; `None` on plain connections.
    pub tls: Option<TlsRow>,
    /// Why it is not whole: `reset`, `timeout`, `closed`, `gap` or `mid-stream`.
    pub incomplete: Option<String>,
    /// Service name of the server.
    pub service: String,
    /// Service name of the client.
    pub peer: String,
}

impl ExchangeRow {
    /// True if it has no whole answer by the service's or the network's fault.
    pub fn is_broken_off(&self) -> bool {
        matches!(self.incomplete.as_deref(), Some("reset" | "timeout" | "closed"))
    }
}

/// TLS of the connection of an exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TlsRow {
    /// `1.2` or `1.3`.
    pub version: String,
    /// Server name asked for; may be empty.
    pub sni: String,
    /// Protocol agreed on; may be empty.
    pub alpn: String,
}

/// Which exchanges are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ExchangesAsked {
    /// Those with a higher number, oldest first; `None`: the newest there are.
    pub after: Option<u64>,
    /// Only those it keeps.
    pub filter: Filter,
    /// At most so many.
    pub limit: usize,
}

/// Some exchanges, and where to go on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Exchanges {
    /// In the order of their numbers.
    pub rows: Vec<ExchangeRow>,
    /// What to ask for as `after` next: everything up to here was looked at.
    pub next: u64,
    /// Exchanges between `after` and `next` that nobody can show any more: the reader was too slow,
    /// there were too many at once, or nobody had asked lately, which is when only samples are
    /// kept. The filter has not seen them.
    pub missed: u64,
}
