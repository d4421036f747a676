//! What is on, off or refused, and why: one line each.

use model::{TapHealth, TapState};

/// A line of `doctor`.
pub(crate) fn line(
    name: &str,
    state: TapState,
    detail: impl Into<String>,
    remedy: &str,
) -> TapHealth {
    TapHealth { name: name.to_owned(), state, detail: detail.into(), remedy: remedy.to_owned() }
}

/// What no tap of this version sees, said up front.
pub(crate) fn blind_spots() -> Vec<TapHealth> {
    let remedy = "connect over loopback TCP where it matters";
    let detail = "AF_UNIX never reaches the network stack and is not seen";
    vec![line("unix sockets", TapState::Off, detail, remedy)]
}
