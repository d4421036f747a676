//! Where every byte went.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

/// Account of payload bytes. Invariant: `seen = parsed + skipped + lost + sealed + unknown`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Ledger {
    /// Stream bytes both ends exchanged, retransmissions counted once.
    pub seen: u64,
    /// Read by a protocol parser, bodies it passed over included.
    pub parsed: u64,
    /// Not copied on purpose, and not needed by the parser.
    pub skipped: u64,
    /// Wanted and not had: ring full, packets missing, or cut off where the parser needed them.
    pub lost: u64,
    /// Encrypted, and no key at hand.
    pub sealed: u64,
    /// Of no protocol we know, or not yet recognised.
    pub unknown: u64,
}

/// One way a byte can end up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// See [`Ledger::parsed`].
    Parsed,
    /// See [`Ledger::skipped`].
    Skipped,
    /// See [`Ledger::lost`].
    Lost,
    /// See [`Ledger::sealed`].
    Sealed,
    /// See [`Ledger::unknown`].
    Unknown,
}

impl Outcome {
    /// All, in the order they are shown.
    pub const ALL: [Self; 5] =
        [Self::Parsed, Self::Skipped, Self::Lost, Self::Sealed, Self::Unknown];

    /// The label value of `redsight_bytes_total`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Parsed => "parsed",
            Self::Skipped => "skipped",
            Self::Lost => "lost",
            Self::Sealed => "sealed",
            Self::Unknown => "unknown",
        }
    }
}

impl Ledger {
    /// Books `bytes` to `outcome` without counting them as seen.
    pub fn book(&mut self, outcome: Outcome, bytes: u64) {
        *self.slot(outcome) += bytes;
    }

    /// Bytes booked to `outcome`.
    pub const fn get(&self, outcome: Outcome) -> u64 {
        match outcome {
            Outcome::Parsed => self.parsed,
            Outcome::Skipped => self.skipped,
            Outcome::Lost => self.lost,
            Outcome::Sealed => self.sealed,
            Outcome::Unknown => self.unknown,
        }
    }

    /// True if every byte seen is booked exactly once.
    pub const fn adds_up(&self) -> bool {
        self.seen == self.parsed + self.skipped + self.lost + self.sealed + self.unknown
    }

    /// Share of the bytes that were understood or deliberately passed over, 0 to 1; 1 if there were
    /// none.
    pub fn coverage(&self) -> f64 {
        if self.seen == 0 { 1.0 } else { (self.parsed + self.skipped) as f64 / self.seen as f64 }
    }

    /// What was booked since `earlier`, an older copy of the same ledger.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            seen: self.seen.saturating_sub(earlier.seen),
            parsed: self.parsed.saturating_sub(earlier.parsed),
            skipped: self.skipped.saturating_sub(earlier.skipped),
            lost: self.lost.saturating_sub(earlier.lost),
            sealed: self.sealed.saturating_sub(earlier.sealed),
            unknown: self.unknown.saturating_sub(earlier.unknown),
        }
    }

    fn slot(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Parsed => &mut self.parsed,
            Outcome::Skipped => &mut self.skipped,
            Outcome::Lost => &mut self.lost,
            Outcome::Sealed => &mut self.sealed,
            Outcome::Unknown => &mut self.unknown,
        }
    }
}

impl AddAssign for Ledger {
    fn add_assign(&mut self, other: Self) {
        self.seen += other.seen;
        self.parsed += other.parsed;
        self.skipped += other.skipped;
        self.lost += other.lost;
        self.sealed += other.sealed;
        self.unknown += other.unknown;
    }
}
