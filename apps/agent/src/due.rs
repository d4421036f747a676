//! Waits for a message, or until something is due: threads that have nothing to do are not woken.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

/// The next message; `Timeout` once `due` has come. With nothing due it waits for messages alone.
pub(crate) fn wait<T>(told: &Receiver<T>, due: Option<Instant>) -> Result<T, RecvTimeoutError> {
    match due {
        Some(due) => told.recv_timeout(due.saturating_duration_since(Instant::now())),
        None => told.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
}
