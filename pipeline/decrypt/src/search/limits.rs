//! How much one search may do. Each maximum is a time on one core; what it refuses is counted.

use std::ops::Range;

/// Zero bytes in a window that is still taken for random.
pub(super) const WINDOW_ZEROS_MAX: usize = 3;
/// Secrets lie this close to the key they belong to in most engines.
pub(super) const NEAR_BYTES: u64 = 256 << 10;

/// What one search may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SearchLimits {
    /// Different keys that are tried. 1,000 connections in one process have 2,000. What else it
    /// keeps are 20 at most, but for engines that do not wipe (400 were seen).
    pub keys_max: usize,
    /// Tests of a key on a record, at about 0.2 µs. 5 M are those of about 1,500 connections.
    pub tests_max: u64,
    /// Guesses of sequence numbers of TLS 1.2, at about 5 ns.
    pub guesses_max: u64,
    /// The highest sequence number guessed for one record of TLS 1.2.
    pub sequence_max: u64,
    /// Windows tried as a secret, at about 0.5 µs.
    pub secrets_max: u64,
    /// Windows tried as a bare key, at about 0.2 µs a record.
    pub bare_keys_max: u64,
    /// Windows remembered as what may be a key of ChaCha20: more would fill the filter.
    pub remembered_max: u64,
    /// Guesses of sequence numbers of ChaCha20-Poly1305, at 0.1 to 0.2 µs.
    pub chacha_guesses_max: u64,
    /// Those of them that are not among the first 1,024 of a record: most secrets are of
    /// connections that are gone, and open nothing.
    pub chacha_far_guesses_max: u64,
    /// The highest of them: each secret whose key lies in memory costs as many guesses.
    pub chacha_sequence_max: u64,
    /// Keys tried in pairs on QUIC packets, by its square.
    pub quic_keys_max: usize,
}

impl Default for SearchLimits {
    fn default() -> Self {
        Self {
            keys_max: 16_384,
            tests_max: 5_000_000,
            guesses_max: 400_000_000,
            sequence_max: 1 << 20,
            secrets_max: 2_000_000,
            bare_keys_max: 4_000_000,
            remembered_max: 3_000_000,
            chacha_guesses_max: 20_000_000,
            chacha_far_guesses_max: 1_000_000,
            chacha_sequence_max: 1 << 14,
            quic_keys_max: 256,
        }
    }
}

/// What a search did and found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchCounters {
    /// Different keys found in memory.
    pub keys: u64,
    /// Tests of a key on a record.
    pub tests: u64,
    /// Guessed sequence numbers.
    pub guesses: u64,
    /// Windows tried as a secret or a bare key.
    pub windows: u64,
    /// Keys, tests, guesses and windows refused by a limit.
    pub refused: u64,
}

/// The limits with what was used of them.
#[derive(Debug)]
pub(super) struct Budget {
    pub limits: SearchLimits,
    pub counters: SearchCounters,
    secrets: u64,
    bare_keys: u64,
    remembered: u64,
    chacha_guesses: u64,
    chacha_far_guesses: u64,
}

impl Budget {
    pub(super) fn new(limits: SearchLimits) -> Self {
        Self {
            limits,
            counters: SearchCounters::default(),
            secrets: 0,
            bare_keys: 0,
            remembered: 0,
            chacha_guesses: 0,
            chacha_far_guesses: 0,
        }
    }

    /// One more test of a key on a record.
    pub(super) fn test(&mut self) -> bool {
        let is_left = self.counters.tests < self.limits.tests_max;
        count(is_left, &mut self.counters.tests, &mut self.counters.refused)
    }

    /// One more window as a secret.
    pub(super) fn secret(&mut self) -> bool {
        let is_left = self.secrets < self.limits.secrets_max;
        self.counters.windows += u64::from(is_left);
        count(is_left, &mut self.secrets, &mut self.counters.refused)
    }

    /// No window may be tried as a secret any more.
    pub(super) const fn is_out_of_secrets(&self) -> bool {
        self.secrets >= self.limits.secrets_max
    }

    /// No window may be tried as a bare key any more.
    pub(super) const fn is_out_of_bare_keys(&self) -> bool {
        self.bare_keys >= self.limits.bare_keys_max
    }

    /// No sequence number of TLS 1.2 may be guessed any more.
    pub(super) const fn is_out_of_guesses(&self) -> bool {
        self.counters.guesses >= self.limits.guesses_max
    }

    /// One more window as a bare key.
    pub(super) fn bare_key(&mut self) -> bool {
        let is_left = self.bare_keys < self.limits.bare_keys_max;
        self.counters.windows += u64::from(is_left);
        count(is_left, &mut self.bare_keys, &mut self.counters.refused)
    }

    /// One more window to be remembered.
    pub(super) fn remember(&mut self) -> bool {
        let is_left = !self.is_out_of_memory();
        count(is_left, &mut self.remembered, &mut self.counters.refused)
    }

    /// No window may be remembered any more.
    pub(super) const fn is_out_of_memory(&self) -> bool {
        self.remembered >= self.limits.remembered_max
    }

    /// How many of the guesses wanted for a record of TLS 1.2 may be made.
    pub(super) fn guesses(&mut self, sequence_max: Option<u64>, asked_max: u64) -> u64 {
        let wanted = sequence_max.unwrap_or(asked_max).min(asked_max).min(self.limits.sequence_max);
        let left = self.limits.guesses_max.saturating_sub(self.counters.guesses);
        let granted = wanted.saturating_add(1).min(left);
        self.counters.guesses += granted;
        self.counters.refused += u64::from(granted <= wanted);
        granted
    }

    /// The same of numbers near one that is known.
    pub(super) fn known_guesses(&mut self, wanted: Range<u64>) -> Range<u64> {
        let left = self.limits.chacha_guesses_max.saturating_sub(self.chacha_guesses);
        self.grant(wanted, left)
    }

    fn grant(&mut self, wanted: Range<u64>, left: u64) -> Range<u64> {
        let most = wanted.start.saturating_add(left);
        let granted = wanted.start..wanted.end.min(most).max(wanted.start);
        let guesses = granted.end - granted.start;
        self.chacha_guesses += guesses;
        self.counters.guesses += guesses;
        self.counters.refused += u64::from(granted.end < wanted.end);
        granted
    }

    /// Which of the guesses wanted for a record of ChaCha20 may be made.
    pub(super) fn chacha_guesses(
        &mut self,
        sequence_max: Option<u64>,
        wanted: Range<u64>,
    ) -> Range<u64> {
        let most = self.limits.chacha_sequence_max;
        let end = wanted.end.min(sequence_max.unwrap_or(most).min(most).saturating_add(1));
        let is_far = wanted.start > 0;
        let mut left = self.limits.chacha_guesses_max.saturating_sub(self.chacha_guesses);
        if is_far {
            let most = self.limits.chacha_far_guesses_max;
            left = left.min(most.saturating_sub(self.chacha_far_guesses));
        }
        let granted = self.grant(wanted.start..end, left);
        self.chacha_far_guesses += if is_far { granted.end - granted.start } else { 0 };
        granted
    }
}

fn count(is_left: bool, used: &mut u64, refused: &mut u64) -> bool {
    if is_left {
        *used += 1;
    } else {
        *refused += 1;
    }
    is_left
}
