//! How far the handshake is, seen from outside: also where it cannot be opened.

use model::{Direction, Side, Timestamp};

use super::packet::Level;
use crate::tls::{Handshake, Outcome};

/// Transport error codes that are alerts of TLS (RFC 9001 §4.8).
const ALERTS: std::ops::RangeInclusive<u64> = 0x100..=0x1FF;

/// The handshake of a connection.
pub(super) struct Progress {
    handshake: Handshake,
    is_over: bool,
    is_told: bool,
}

impl Progress {
    /// The client has sent its first packet.
    pub(super) const fn begin(client: Direction, start: Timestamp) -> Self {
        let (answered, end, outcome) = (None, None, Outcome::BrokenOff);
        let handshake = Handshake { client, start, answered, end, bytes: [0; 2], outcome };
        Self { handshake, is_over: false, is_told: false }
    }

    /// It was over before anybody looked.
    pub(super) const fn missed(client: Direction) -> Self {
        Self { is_over: true, is_told: true, ..Self::begin(client, Timestamp::UNKNOWN) }
    }

    /// True if the connection was there before anybody looked.
    pub(super) const fn was_missed(&self) -> bool {
        self.handshake.start.is_unknown()
    }

    /// A packet of so many bytes passed, opened or not. A client sends none with a short header
    /// before it has finished (§5.7).
    pub(super) fn passed(&mut self, level: Level, side: Side, bytes: u64, at: Timestamp) {
        if self.is_over {
            return;
        }
        if side == Side::Server {
            self.handshake.answered.get_or_insert(at);
        }
        if level == Level::Application && side == Side::Client {
            self.end(Outcome::Done, at);
            return;
        }
        if level != Level::Early
            && let Some(all) = self.handshake.bytes.get_mut(side.index())
        {
            *all += bytes;
        }
    }

    /// A side has closed the connection by a transport error.
    pub(super) fn failed(&mut self, code: u64, at: Timestamp) {
        if !self.is_over {
            let is_alert = ALERTS.contains(&code);
            let outcome =
                if is_alert { Outcome::Alert(Some(code as u8)) } else { Outcome::BrokenOff };
            self.end(outcome, at);
        }
    }

    fn end(&mut self, outcome: Outcome, at: Timestamp) {
        self.is_over = true;
        self.handshake.outcome = outcome;
        self.handshake.end = Some(at);
    }

    /// The handshake, once it is over; with `at_last`, as far as it came.
    pub(super) const fn take(&mut self, at_last: bool) -> Option<Handshake> {
        if self.is_told || !(self.is_over || at_last) {
            return None;
        }
        self.is_told = true;
        Some(self.handshake)
    }
}
