//! Where a zone transfer ends: it comes in any number of messages, and says so by a SOA record.

use super::frame::{Message, Question};

const SOA: u16 = 6;
const IXFR: u16 = 251;
const AXFR: u16 = 252;

/// A transfer under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Transfer {
    is_incremental: bool,
    /// The zone's version that the asker has.
    has_serial: Option<u32>,
    /// The zone's version that is sent: of the first record.
    serial: Option<u32>,
    /// How often that version's SOA record has come.
    seen: u8,
    records: u64,
    /// The second record is a SOA too: changes follow, not the zone.
    is_of_changes: bool,
}

impl Transfer {
    /// The transfer that a request asks for, if it asks for one.
    pub(super) fn asked(message: &Message<'_>, question: &Question<'_>) -> Option<Self> {
        let is_incremental = question.kind == IXFR;
        if !is_incremental && question.kind != AXFR {
            return None;
        }
        let first = message.records().next().filter(|record| record.kind == SOA);
        let has_serial = first.and_then(|record| record.serial()).filter(|_| is_incremental);
        let (serial, seen, records) = (None, 0, 0);
        Some(Self { is_incremental, has_serial, serial, seen, records, is_of_changes: false })
    }

    /// Takes the next message; true if it is the last one.
    pub(super) fn takes(&mut self, message: &Message<'_>) -> bool {
        for record in message.answers() {
            let serial = if record.kind == SOA { record.serial() } else { None };
            match self.records {
                0 if serial.is_none() => return true,
                0 => self.serial = serial,
                1 => self.is_of_changes = self.is_incremental && serial.is_some(),
                _ => {}
            }
            self.records += 1;
            if serial.is_some() && serial == self.serial {
                self.seen = self.seen.saturating_add(1);
            }
        }
        // A zone stands between two SOA records. Changes are between two as well, and the last of
        // them is introduced by one more (RFC 1995 §4). One alone: there is nothing newer.
        let is_current = self.is_incremental && self.records == 1 && self.has_serial == self.serial;
        let closes = if self.is_of_changes { 3 } else { 2 };
        self.records == 0 || self.seen >= closes || is_current
    }
}
