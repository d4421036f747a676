//! Who speaks TLS, and how its secrets are had.

use serde::{Deserialize, Serialize};

/// Every TLS engine that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TlsReport {
    /// False if the agent was told not to read TLS.
    pub enabled: bool,
    /// One row an engine of a process, by process.
    pub engines: Vec<TlsEngineRow>,
}

/// One TLS engine in one process of the scope.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TlsEngineRow {
    /// The process.
    pub pid: u32,
    /// Name of the service it belongs to; empty if it has none.
    pub service: String,
    /// The implementation: OpenSSL, BoringSSL, Go crypto/tls, …
    pub engine: String,
    /// Its version; empty if nothing says it.
    pub version: String,
    /// The file it is in, as the process names it.
    pub file: String,
    /// How its secrets are had.
    pub way: KeyWay,
    /// What that way leaves out, or why there is none.
    pub reason: Option<String>,
}

/// How secrets of TLS connections are had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum KeyWay {
    /// A probe where the engine hands them to its key log.
    #[serde(rename = "anchor")]
    Anchor,
    /// Keys are looked for in the memory of the process.
    #[serde(rename = "key scan")]
    KeyScan,
    /// Not at all.
    #[default]
    #[serde(rename = "none")]
    None,
}

impl KeyWay {
    /// The word for it, the same as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Anchor => "anchor",
            Self::KeyScan => "key scan",
            Self::None => "none",
        }
    }
}
