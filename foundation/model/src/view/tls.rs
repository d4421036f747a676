//! Who speaks TLS, and how its secrets are had.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Every process of the scope that speaks TLS, or could.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TlsReport {
    /// False if the agent was told not to read TLS.
    pub enabled: bool,
    /// By process id.
    pub processes: Vec<TlsProcess>,
}

/// One process with its engines and what became of its connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TlsProcess {
    /// The process.
    pub pid: u32,
    /// Name of the service it belongs to; empty if it has none.
    pub service: String,
    /// The engines in its files. None: it speaks TLS, and nobody knows by which.
    pub engines: Vec<TlsEngine>,
    /// Connections of which something was opened.
    pub opened: u64,
    /// Connections of which something stays sealed.
    pub sealed: u64,
    /// The same by reason.
    pub sealed_because: BTreeMap<String, u64>,
    /// What its handshakes agreed on, opened or not.
    pub terms: Vec<TlsTerms>,
    /// Handshakes on terms that found no room in that list.
    pub terms_refused: u64,
}

/// What handshakes agreed on, as far as it is not sealed, and how many did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TlsTerms {
    /// `server` or `client`: what the process was.
    pub role: String,
    /// `1.2`, `1.3`, …; empty if there was no answer.
    pub version: String,
    /// The cipher suite by its name in the registry, or its number; empty if there was no answer.
    pub cipher: String,
    /// The name asked for; may be empty.
    pub sni: String,
    /// The protocol agreed on; empty if none was, or it is sealed.
    pub alpn: String,
    /// Subject of the server's certificate; empty if it has none, sent none, or it is sealed.
    pub subject: String,
    /// Its alternative names.
    pub names: Vec<String>,
    /// Handshakes, failed ones among them.
    pub handshakes: u64,
}

/// One TLS engine in one process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TlsEngine {
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
    /// None are needed: plaintext is taken where the engine's functions are called.
    #[serde(rename = "hooks")]
    Hooks,
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
            Self::Hooks => "hooks",
            Self::None => "none",
        }
    }
}
