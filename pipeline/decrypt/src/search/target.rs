//! A sample with what was found for it so far.

use std::ops::Range;

use super::contexts::Context;
use super::found::{Found, Opens};
use super::gcm::{Aes, Gcm, sequence_between};
use super::limits::Budget;
use super::sample::{Sample, SampleKind};
use super::secrets::{Labels, Secret};
use super::{cbc, ccm};
use super::{chacha, tls};
use crate::crypto::{Cipher, CipherSuite, KeyBytes};

/// TLS 1.3, as negotiated.
const TLS_13: u16 = 0x0304;
/// Guesses for a record that does not look like TLS 1.2.
const UNLIKELY_GUESSES_MAX: u64 = 16;
/// Guesses for a bare key, of which there are some hundred thousand.
const BARE_GUESSES_MAX: u64 = 64;
/// Guesses where nobody knows how much was sent.
const GUESSES_MAX: u64 = 1 << 16;

/// What a key comes from: of schedules there are few, of windows that look random many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeySource {
    Schedule,
    /// The same, for so many connections that only what is likely is tried.
    ScheduleOfMany,
    /// The same a second time, for what has a high number.
    ScheduleOnceMore,
    Window,
    /// A window that lies in memory as keys do.
    Kept,
}

/// One direction of one connection.
pub(super) struct Target {
    pub sample: Sample,
    /// The shortest record, the cheapest to test, and one beside it.
    test: usize,
    neighbour: Option<usize>,
    may_be: MayBe,
    pub hit: Option<Hit>,
    /// What was found was taken; a secret found later is news again.
    is_told: bool,
}

/// What opened it, and where that lay.
pub(super) struct Hit {
    pub address: u64,
    pub record: u64,
    pub opens: Opens,
}

/// What the handshake, if it was seen, and the records allow for.
#[derive(Clone, Copy, Debug)]
struct MayBe {
    tls_13: bool,
    gcm_12: bool,
    /// Explicit nonces that count.
    is_counted: bool,
    cbc: bool,
    ccm_12: bool,
    chacha_13: bool,
    chacha_12: bool,
    /// The length of the MAC, if the suite is known to have one.
    mac_bytes: Option<usize>,
}

impl Target {
    pub(super) fn new(sample: Sample) -> Self {
        let lengths = sample.records.iter().map(|record| record.bytes.len()).enumerate();
        let test = lengths.min_by_key(|(_, length)| *length).map_or(0, |(i, _)| i);
        let number = sample.records.get(test).map(|record| record.number);
        let is_beside = |i: &usize| {
            let other = sample.records.get(*i).map(|record| record.number);
            matches!((number, other), (Some(a), Some(b)) if a.abs_diff(b) == 1)
        };
        let beside = [test.checked_sub(1), test.checked_add(1)];
        let neighbour = beside.into_iter().flatten().find(is_beside);
        let mut target =
            Self { sample, test, neighbour, may_be: MayBe::NOTHING, hit: None, is_told: false };
        target.may_be = target.judge();
        target
    }

    /// What the search can try at all.
    fn judge(&self) -> MayBe {
        let SampleKind::Tls { version, suite } = self.sample.kind else { return MayBe::NOTHING };
        let Some((test, neighbour)) = self.pair() else { return MayBe::NOTHING };
        let suite = suite.map(Suite::of);
        let is = |wanted: Suite| suite.is_none_or(|suite| suite == wanted);
        // Eight bytes that count are no ciphertext: the records are of GCM in TLS 1.2.
        let is_counted = tls::is_counted(test, neighbour);
        let is_13 = version.is_none_or(|version| version == TLS_13) && !is_counted;
        let is_older = version != Some(TLS_13);
        let mac_bytes = match suite {
            Some(Suite::Cbc { mac_bytes }) => Some(mac_bytes),
            _ => None,
        };
        MayBe {
            tls_13: is_13 && is(Suite::Gcm),
            gcm_12: is_older && is(Suite::Gcm),
            is_counted,
            cbc: is_older
                && !is_counted
                && (suite.is_none() || mac_bytes.is_some())
                && self.sample.records.len() >= cbc::RECORDS_MIN,
            ccm_12: is_older && is_counted && is(Suite::Ccm),
            chacha_13: is_13 && is(Suite::ChaCha),
            chacha_12: is_older && !is_counted && is(Suite::ChaCha),
            mac_bytes,
        }
    }

    pub(super) const fn is_quic(&self) -> bool {
        matches!(self.sample.kind, SampleKind::Quic { .. })
    }

    pub(super) const fn is_sealed(&self) -> bool {
        self.hit.is_none()
    }

    /// It is sealed, and a key or secret in memory may open it.
    pub(super) fn wants_key(&self) -> bool {
        self.is_sealed() && (self.may_be.tls_13 || self.may_be.gcm_12)
    }

    /// The same, a secret of TLS 1.3 alone.
    pub(super) fn wants_secret(&self) -> bool {
        self.is_sealed() && self.may_be.tls_13
    }

    /// One of TLS 1.2 of which nobody knows how much was sent.
    pub(super) fn wants_numbers(&self) -> bool {
        self.is_sealed()
            && self.may_be.gcm_12
            && self.may_be.is_counted
            && self.sample.sequence_max.is_none()
    }

    pub(super) fn wants_chacha(&self) -> bool {
        self.is_sealed() && self.may_be.chacha_13
    }

    pub(super) const fn wants_context(&self) -> bool {
        self.is_sealed() && self.may_be.chacha_12
    }

    pub(super) const fn may_be_cbc(&self) -> bool {
        self.may_be.cbc
    }

    /// Its suite is one that no search opens.
    pub(super) fn is_hopeless(&self) -> bool {
        let can = self.may_be;
        let can_any =
            can.tls_13 || can.gcm_12 || can.cbc || can.ccm_12 || can.chacha_13 || can.chacha_12;
        !(self.is_quic() || can_any)
    }

    /// With more records a key of AES-CBC could be tried.
    pub(super) fn wants_records(&self) -> bool {
        let SampleKind::Tls { version, suite } = self.sample.kind else { return false };
        let records = &self.sample.records;
        records.len() < cbc::RECORDS_MIN
            && version != Some(TLS_13)
            && match suite.map(Suite::of) {
                Some(suite) => matches!(suite, Suite::Cbc { .. }),
                None => cbc::may_be(records.iter().map(|record| record.bytes.len())),
            }
    }

    /// The test record and its neighbour.
    pub(super) fn pair(&self) -> Option<(&[u8], &[u8])> {
        let record = |i: usize| self.sample.records.get(i).map(|record| record.bytes.as_slice());
        Some((record(self.test)?, record(self.neighbour?)?))
    }

    /// Opens the target if the key does.
    pub(super) fn try_key(
        &mut self,
        gcm: &Gcm,
        key: &KeyBytes,
        address: u64,
        source: KeySource,
        budget: &mut Budget,
    ) -> bool {
        if !self.wants_key() || !budget.test() {
            return false;
        }
        let opens = self.opened_13(gcm, key).or_else(|| self.opened_12(gcm, key, source, budget));
        self.open(address, opens)
    }

    fn opened_13(&self, gcm: &Gcm, key: &KeyBytes) -> Option<Opens> {
        let (test, neighbour) = self.pair().filter(|_| self.may_be.tls_13)?;
        let nonce = tls::neighbours_13(gcm, test, neighbour)?;
        Some(Opens::Gcm13 { key: key.clone(), nonce, sequence: None })
    }

    fn opened_12(
        &self,
        gcm: &Gcm,
        key: &KeyBytes,
        source: KeySource,
        budget: &mut Budget,
    ) -> Option<Opens> {
        let (test, _) = self.pair().filter(|_| self.may_be.gcm_12)?;
        let is_unlikely = !self.may_be.is_counted && self.may_be.tls_13;
        let asked = match source {
            KeySource::Schedule if is_unlikely => UNLIKELY_GUESSES_MAX,
            _ if is_unlikely => return None,
            KeySource::Schedule | KeySource::ScheduleOfMany | KeySource::Kept => {
                self.sample.sequence_max.unwrap_or(GUESSES_MAX)
            }
            KeySource::ScheduleOnceMore => budget.limits.sequence_max,
            KeySource::Window => BARE_GUESSES_MAX,
        };
        let sequences = budget.guesses(self.sample.sequence_max, asked);
        let (sequence, salt) = tls::sequence_12(gcm, test, tls::Tries { sequences })?;
        Some(Opens::Gcm12 { key: key.clone(), salt, sequence })
    }

    pub(super) const fn may_be_ccm(&self) -> bool {
        self.may_be.ccm_12 && self.hit.is_none()
    }

    /// Opens the target if the key is one of CCM that does; `near` lies around it.
    pub(super) fn try_ccm(
        &mut self,
        key: &KeyBytes,
        near: &[u8],
        address: u64,
        budget: &mut Budget,
    ) -> bool {
        if !self.may_be_ccm() {
            return false;
        }
        let opens = self.pair().and_then(|(test, _)| {
            let sealing = ccm::sealing(key.as_slice(), test, near, budget)?;
            let ccm::Sealing { salt, cipher, sequence } = sealing;
            Some(Opens::Ccm12 { key: key.clone(), salt, cipher, sequence })
        });
        self.open(address, opens)
    }

    /// Opens the target if the key is one of CBC that does.
    pub(super) fn try_cbc(
        &mut self,
        aes: &Aes,
        key: &KeyBytes,
        address: u64,
        budget: &mut Budget,
    ) -> bool {
        if !self.may_be.cbc || !self.is_sealed() || !budget.test() {
            return false;
        }
        let records = self.sample.records.iter().map(|record| record.bytes.as_slice());
        let sealing = cbc::sealing(aes, &records, self.may_be.mac_bytes);
        let opens = sealing.map(|sealing| Opens::Cbc {
            key: key.clone(),
            mac_bytes: sealing.mac_bytes,
            encrypt_then_mac: sealing.encrypt_then_mac,
        });
        self.open(address, opens)
    }

    /// Opens the target if the secret does: with AES-GCM by the key it gives.
    pub(super) fn try_secret(
        &mut self,
        gcm: &Gcm,
        secret: &Secret,
        bytes: &KeyBytes,
        address: u64,
        budget: &mut Budget,
    ) -> bool {
        if !self.is_sealed() || !self.may_be.tls_13 || !budget.test() {
            return false;
        }
        let opens = self.pair().and_then(|(test, neighbour)| {
            let nonce = tls::neighbours_13(gcm, test, neighbour)?;
            let sequence = sequence_between(&secret.iv(Labels::Tls)?, &nonce)?;
            Some(Opens::Traffic { secret: bytes.clone(), chacha20: false, sequence })
        });
        self.open(address, opens)
    }

    /// Opens the target if the secret does, with ChaCha20-Poly1305.
    pub(super) fn try_chacha(
        &mut self,
        secret: &Secret,
        bytes: &KeyBytes,
        address: u64,
        sequences: Range<u64>,
        budget: &mut Budget,
    ) -> bool {
        if !self.wants_chacha() {
            return false;
        }
        let sequences = budget.chacha_guesses(self.sample.sequence_max, sequences);
        let opens = self.pair().and_then(|(test, _)| {
            let key = secret.key(Labels::Tls, 32)?;
            let (key, iv) = (key.as_slice().first_chunk()?, secret.iv(Labels::Tls)?);
            let sequence = chacha::sequence(key, &iv, test, sequences)?;
            Some(Opens::Traffic { secret: bytes.clone(), chacha20: true, sequence })
        });
        self.open(address, opens)
    }

    /// Opens the target if an engine keeps its key of ChaCha20-Poly1305 there.
    pub(super) fn try_context(
        &mut self,
        context: &Context<'_>,
        address: u64,
        sequences: Range<u64>,
        budget: &mut Budget,
    ) -> bool {
        if !self.wants_context() {
            return false;
        }
        let sequences = match context.last {
            Some(_) => budget.known_guesses(sequences),
            None => budget.chacha_guesses(self.sample.sequence_max, sequences),
        };
        let opens = self.pair().and_then(|(test, _)| {
            let sequence = chacha::sequence_12(context.key, &context.iv, test, sequences)?;
            Some(Opens::ChaCha12 { key: KeyBytes::new(context.key)?, iv: context.iv, sequence })
        });
        self.open(address, opens)
    }

    /// Books what opened the test record.
    pub(super) fn open(&mut self, address: u64, opens: Option<Opens>) -> bool {
        let number = self.sample.records.get(self.test).map(|record| record.number);
        let hit = opens.zip(number).map(|(opens, record)| Hit { address, record, opens });
        let is_open = hit.is_some();
        if is_open {
            self.hit = hit;
        }
        is_open
    }

    /// The key of which the secret is still wanted, and where it lay.
    pub(super) fn secretless(&self) -> Option<(&[u8], u64)> {
        let hit = self.hit.as_ref()?;
        match &hit.opens {
            Opens::Gcm13 { key, .. } | Opens::Quic { key, secret: None, .. } => {
                Some((key.as_slice(), hit.address))
            }
            Opens::Traffic { .. }
            | Opens::Gcm12 { .. }
            | Opens::Ccm12 { .. }
            | Opens::ChaCha12 { .. }
            | Opens::Cbc { .. }
            | Opens::Quic { .. } => None,
        }
    }

    /// The secret whose key this direction is opened with.
    pub(super) fn set_secret(&mut self, secret: &Secret, labels: Labels, bytes: &KeyBytes) -> bool {
        let is_its_own =
            |key: &[u8]| secret.key(labels, key.len()).is_some_and(|of| of.as_slice() == key);
        if !self.secretless().is_some_and(|(key, _)| is_its_own(key)) {
            return false;
        }
        let Some(hit) = &mut self.hit else { return false };
        self.is_told = false;
        let iv = secret.iv(labels);
        match &mut hit.opens {
            Opens::Gcm13 { nonce, .. } if labels == Labels::Tls => {
                let Some(sequence) = iv.and_then(|iv| sequence_between(&iv, nonce)) else {
                    return false;
                };
                hit.opens = Opens::Traffic { secret: bytes.clone(), chacha20: false, sequence };
                true
            }
            Opens::Quic { secret, .. } if labels != Labels::Tls => {
                *secret = Some(bytes.clone());
                true
            }
            _ => false,
        }
    }

    /// What the search gives for it, if that is news.
    pub(super) fn take_found(&mut self) -> Option<Found> {
        let hit = self.hit.as_ref().filter(|_| !self.is_told)?;
        self.is_told = true;
        Some(Found {
            connection: self.sample.connection,
            direction: self.sample.direction,
            record: hit.record,
            opens: hit.opens.clone(),
        })
    }
}

impl MayBe {
    const NOTHING: Self = Self {
        tls_13: false,
        gcm_12: false,
        is_counted: false,
        cbc: false,
        ccm_12: false,
        chacha_13: false,
        chacha_12: false,
        mac_bytes: None,
    };
}

/// What a cipher suite asks of the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Suite {
    Gcm,
    ChaCha,
    Cbc { mac_bytes: usize },
    Ccm,
    Other,
}

impl Suite {
    fn of(id: u16) -> Self {
        let Some(suite) = CipherSuite::of(id) else { return Self::Other };
        match suite.cipher {
            Cipher::Aes128Gcm | Cipher::Aes256Gcm => Self::Gcm,
            Cipher::ChaCha20Poly1305 => Self::ChaCha,
            Cipher::Aes128Cbc | Cipher::Aes256Cbc => Self::Cbc { mac_bytes: suite.hash.bytes() },
            Cipher::Aes128Ccm | Cipher::Aes256Ccm | Cipher::Aes128Ccm8 | Cipher::Aes256Ccm8 => {
                Self::Ccm
            }
        }
    }
}
