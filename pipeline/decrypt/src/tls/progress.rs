//! How far the handshake is, seen from outside: also where it cannot be opened.

use model::{Direction, Timestamp};

use super::facts::{Handshake, Outcome};
use super::record::{APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, Record};

/// Bytes of a record of TLS 1.3 that holds an alert and a tag, and nothing else does.
const SEALED_ALERT_BYTES: u16 = 19;

/// A handshake under way.
pub(super) struct Progress {
    handshake: Handshake,
    is_over: bool,
    is_told: bool,
    changed: [bool; 2],
    finished: [bool; 2],
}

impl Progress {
    /// The client has said hello.
    pub(super) fn begin(client: Direction, start: Timestamp) -> Self {
        let outcome = Outcome::BrokenOff;
        Self {
            handshake: Handshake {
                client,
                start,
                answered: None,
                end: None,
                bytes: [0; 2],
                outcome,
            },
            is_over: false,
            is_told: false,
            changed: [false; 2],
            finished: [false; 2],
        }
    }

    /// The server has said hello.
    pub(super) fn answered(&mut self, at: Timestamp) {
        self.handshake.answered.get_or_insert(at);
    }

    /// An alert was read.
    pub(super) fn alert(&mut self, description: u8, at: Timestamp) {
        let is_unread = self.handshake.outcome == Outcome::Alert(None);
        if !self.is_over || (is_unread && !self.is_told) {
            self.end(Outcome::Alert(Some(description)), at);
        }
    }

    /// Bytes are missing.
    pub(super) fn missed(&mut self) {
        if !self.is_over {
            self.handshake.outcome = Outcome::Missed;
        }
    }

    /// A record passed. `is_tls13` is what was agreed on, if anything was.
    pub(super) fn passed(
        &mut self,
        direction: Direction,
        record: &Record<'_>,
        is_tls13: Option<bool>,
    ) {
        if self.is_over {
            return;
        }
        let is_client = direction == self.handshake.client;
        let side = usize::from(!is_client);
        let bytes = &mut self.handshake.bytes;
        if let Some(bytes) = bytes.get_mut(side) {
            *bytes += record.head.whole() as u64;
        }
        match is_tls13 {
            Some(true) if is_client && record.head.kind == APPLICATION_DATA => {
                let is_alert = record.head.length == SEALED_ALERT_BYTES;
                self.end(if is_alert { Outcome::Alert(None) } else { Outcome::Done }, record.at);
            }
            Some(false) => {
                let (Some(changed), Some(finished)) =
                    (self.changed.get_mut(side), self.finished.get_mut(side))
                else {
                    return;
                };
                *finished |= *changed && record.head.kind == HANDSHAKE;
                *changed |= record.head.kind == CHANGE_CIPHER_SPEC;
                if self.finished == [true; 2] {
                    self.end(Outcome::Done, record.at);
                }
            }
            Some(true) | None => {}
        }
    }

    /// The handshake, once it is over and nobody was told. With `at_last`, as far as it came.
    pub(super) fn take(&mut self, at_last: bool) -> Option<Handshake> {
        if self.is_told || !(self.is_over || at_last) {
            return None;
        }
        self.is_told = true;
        Some(self.handshake)
    }

    /// True if both sides are through with it, or one has ended it.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// True if nothing more will be learned of it, but from records that wait for a key.
    pub(super) fn is_certain(&self) -> bool {
        self.handshake.outcome != Outcome::Alert(None)
    }

    fn end(&mut self, outcome: Outcome, at: Timestamp) {
        self.is_over = true;
        self.handshake.outcome = outcome;
        self.handshake.end = Some(at);
    }
}
