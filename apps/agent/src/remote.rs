//! Asks a running agent over its HTTP interface.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use model::view::{Exchanges, ExchangesAsked, Snapshot, TlsReport};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// Longer than an agent under load takes, shorter than a person waits.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// A host of 500 services is about 2 MB.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// A running agent.
pub(crate) struct Remote {
    address: SocketAddr,
    http: ureq::Agent,
}

/// What the agent says when it refuses a question.
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Remote {
    /// The agent at `address`; nothing is sent yet.
    pub(crate) fn new(address: SocketAddr) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(ANSWER_MAX))
            .http_status_as_error(false)
            .build();
        Self { address, http: config.into() }
    }

    /// The picture over the last `window_s` seconds.
    pub(crate) fn snapshot(&self, window_s: f64) -> Result<Snapshot> {
        self.ask("snapshot", &[("window", window_s.to_string())])
    }

    /// Exchanges as they happen.
    pub(crate) fn exchanges(&self, asked: &ExchangesAsked) -> Result<Exchanges> {
        let mut parameters =
            vec![("limit", asked.limit.to_string()), ("filter", asked.filter.text().to_owned())];
        parameters.extend(asked.after.map(|after| ("after", after.to_string())));
        self.ask("exchanges", &parameters)
    }

    /// Every process in scope that speaks TLS.
    pub(crate) fn tls(&self) -> Result<TlsReport> {
        self.ask("tls", &[])
    }

    fn ask<T: DeserializeOwned>(&self, what: &str, parameters: &[(&str, String)]) -> Result<T> {
        let url = format!("http://{}/api/v1/{what}", self.address);
        let named = parameters.iter().map(|(name, value)| (*name, value.as_str()));
        let mut answer = self.http.get(&url).query_pairs(named).call().with_context(|| {
            format!("no agent answers on {}: start one with `redsight run`", self.address)
        })?;
        let status = answer.status();
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        if status != 200 {
            let why = body.read_json().map_or_else(|_| String::new(), |Refusal { error }| error);
            bail!("what answers on {} refuses {what} ({status}): {why}", self.address);
        }
        body.read_json().context("the agent's answer cannot be read")
    }
}

impl tui::Source for Remote {
    fn snapshot(&mut self, window_s: f64) -> Result<Snapshot, String> {
        Self::snapshot(self, window_s).map_err(|error| format!("{error:#}"))
    }

    fn exchanges(&mut self, asked: &ExchangesAsked) -> Result<Exchanges, String> {
        Self::exchanges(self, asked).map_err(|error| format!("{error:#}"))
    }
}
