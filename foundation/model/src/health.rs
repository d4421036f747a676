//! What is on, what is off, and what to do about it.

use serde::{Deserialize, Serialize};

/// State of one tap, protocol or output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum TapState {
    /// Works.
    On,
    /// Not asked for.
    Off,
    /// Works in part; `detail` says what is missing.
    Degraded,
    /// Asked for and refused; `detail` says why, `remedy` what to do.
    Refused,
}

/// One line of `doctor` and of `/api/v1/health`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct TapHealth {
    /// What it is about: `kernel`, `cgroup`, `wire tap`, `http`, …
    pub name: String,
    /// See [`TapState`].
    pub state: TapState,
    /// What was found.
    pub detail: String,
    /// What to do; empty if nothing.
    pub remedy: String,
}
