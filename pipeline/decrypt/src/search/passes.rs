//! One search through the memory of one process, for all its sealed connections, in passes:
//!
//! ```text
//! Schedules   AES keys; QUIC's in pairs
//! Near        secrets, around the keys found
//! Contexts    keys of ChaCha20 with their nonces
//! Numbers     the keys once more, for records of TLS 1.2 with high numbers
//! BareKeys    what of memory may be a key of ChaCha20
//! ChaCha      secrets whose keys are among these
//! Words       secrets and bare keys, at multiples of eight
//! Halves      secrets, between them
//! ```
//! A pass that nothing is left for is not made.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::ops::{ControlFlow, Range};

use super::ccm;
use super::contexts::contexts;
use super::found::Found;
use super::gcm::{Aes, Gcm};
use super::limits::{Budget, NEAR_BYTES, SearchCounters, SearchLimits};
use super::prefilter::suspects;
use super::quic::{QuicKey, quic_hit};
use super::resident::Resident;
use super::sample::Sample;
use super::schedule::key_at;
use super::secrets::{Labels, Secret};
use super::target::{KeySource, Target};
use super::window::{Starts, is_kept, windows};
use crate::crypto::KeyBytes;

/// Ranges of memory are asked for in whole pages.
const PAGE_BYTES: u64 = 4096;
/// Of the key, and of the secret it comes from.
const CHACHA_KEY_BYTES: usize = 32;
const CHACHA_SEQUENCES: [Range<u64>; 2] = [0..1024, 1024..u64::MAX];
/// Directions for which everything is tried, however unlikely.
const FEW: usize = 16;

/// What a key search still needs to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All memory that may hold keys.
    All,
    /// These addresses of it, in order.
    Ranges(Vec<Range<u64>>),
}

/// Why a direction was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StillSealed {
    /// No key in memory opened it.
    NoKey,
    /// A limit ended the search before everything was tried.
    Budget,
    /// Its cipher does not let a key be proven without its nonce.
    NotInvertible,
    /// It is of AES-CBC, or may be, and a key of that is proven on more records.
    TooFew,
}

/// What a search has come to.
#[derive(Debug)]
pub struct Outcome {
    /// The proven keys that were not taken before.
    pub found: Vec<Found>,
    /// Directions that were opened.
    pub opened: u64,
    /// What stays sealed.
    pub sealed: Vec<(Sample, StillSealed)>,
    /// What it took.
    pub counters: SearchCounters,
}

/// The search.
pub struct Search {
    targets: Vec<Target>,
    budget: Budget,
    order: [Pass; 8],
    pass: Pass,
    /// Hashes of keys that were tried: a key lies in memory more than once.
    tried: HashSet<u64>,
    hasher: RandomState,
    quic_keys: Vec<(KeyBytes, u64)>,
    resident: Option<Resident>,
    /// The target that was opened last.
    last_hit: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pass {
    Schedules,
    Near,
    Contexts,
    Numbers,
    BareKeys,
    ChaCha,
    Words,
    Halves,
    Done,
}

/// In order.
const PASSES: [Pass; 8] = [
    Pass::Schedules,
    Pass::Near,
    Pass::Contexts,
    Pass::Numbers,
    Pass::BareKeys,
    Pass::ChaCha,
    Pass::Words,
    Pass::Halves,
];
const BARE_FIRST: [Pass; 8] = [
    Pass::Schedules,
    Pass::Near,
    Pass::Words,
    Pass::Contexts,
    Pass::Numbers,
    Pass::BareKeys,
    Pass::ChaCha,
    Pass::Halves,
];

impl Search {
    /// A search for what opens the samples, which are all of one process.
    pub fn new(samples: Vec<Sample>, limits: SearchLimits) -> Self {
        let mut targets: Vec<_> = samples.into_iter().map(Target::new).collect();
        targets.sort_by_key(|target| target.sample.connection.0);
        let is_vain = targets.iter().all(Target::is_hopeless);
        let has_quic = targets.iter().any(Target::is_quic);
        Self {
            targets,
            budget: Budget::new(limits),
            order: PASSES,
            pass: if is_vain { Pass::Done } else { Pass::Schedules },
            tried: HashSet::new(),
            hasher: RandomState::new(),
            // Room for all of them at once: growing would leave copies behind.
            quic_keys: Vec::with_capacity(if has_quic { limits.quic_keys_max } else { 0 }),
            resident: None,
            last_hit: 0,
        }
    }

    /// The engine keeps no schedules: bare keys are likelier than what ChaCha20 leaves.
    pub const fn expect_bare_keys(&mut self) {
        self.order = BARE_FIRST;
    }

    /// The memory to be shown next; `None` when the search is over.
    pub fn wanted(&self) -> Option<Wanted> {
        match self.pass {
            Pass::Near => Some(Wanted::Ranges(self.near())),
            Pass::Done => None,
            _ => Some(Wanted::All),
        }
    }

    /// Looks at a piece of the memory wanted. `address` is that of its first byte, a multiple of
    /// eight. Pieces overlap by more than a schedule. Breaks when the pass needs no more.
    pub fn memory(&mut self, address: u64, bytes: &[u8]) -> ControlFlow<()> {
        match self.pass {
            Pass::Schedules | Pass::Numbers => self.schedules(address, bytes),
            Pass::Near => self.secrets(address, bytes, Starts::Both),
            Pass::Words => {
                self.secrets(address, bytes, Starts::Words);
                self.bare_keys(address, bytes);
            }
            Pass::Halves => self.secrets(address, bytes, Starts::Halves),
            Pass::Contexts => self.contexts(address, bytes),
            Pass::BareKeys => self.remember_keys(bytes),
            Pass::ChaCha => self.chacha(address, bytes),
            Pass::Done => {}
        }
        if self.is_over(self.pass) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    /// All memory that was wanted has been shown, or as much as there is.
    pub fn end_pass(&mut self) {
        match self.pass {
            Pass::Schedules => self.quic_pairs(),
            Pass::ChaCha => self.resident = None,
            _ => {}
        }
        self.tried.clear();
        let later = self.order.into_iter().skip_while(|pass| *pass != self.pass).skip(1);
        self.pass = later.into_iter().find(|pass| !self.is_over(*pass)).unwrap_or(Pass::Done);
    }

    /// What was found since the last call: once the surroundings of the keys have been seen, with
    /// or without their secrets; of many at once. A key comes again if its secret is found later.
    pub fn take_found(&mut self) -> Vec<Found> {
        match self.pass {
            Pass::Schedules => Vec::new(),
            Pass::Near if self.targets.len() <= FEW => Vec::new(),
            _ => self.targets.iter_mut().filter_map(Target::take_found).collect(),
        }
    }

    /// What it has come to.
    pub fn finish(mut self) -> Outcome {
        let counters = self.budget.counters;
        let found = self.targets.iter_mut().filter_map(Target::take_found).collect();
        let (sealed, opened): (Vec<_>, Vec<_>) =
            self.targets.into_iter().partition(Target::is_sealed);
        let reason = |target: &Target| match () {
            () if target.wants_records() => StillSealed::TooFew,
            () if target.is_hopeless() => StillSealed::NotInvertible,
            () if counters.refused > 0 => StillSealed::Budget,
            () => StillSealed::NoKey,
        };
        let sealed = sealed.into_iter().map(|target| (reason(&target), target.sample));
        let sealed = sealed.map(|(reason, sample)| (sample, reason)).collect();
        Outcome { found, opened: opened.len() as u64, sealed, counters }
    }

    /// True if the pass has nothing left to look for.
    fn is_over(&self, pass: Pass) -> bool {
        let any = |is: fn(&Target) -> bool| self.targets.iter().any(is);
        match pass {
            // Of QUIC's two keys one may lie behind.
            Pass::Schedules => !any(|target| target.is_sealed() && !target.is_hopeless()),
            Pass::Near | Pass::Halves => {
                !any(|target| target.secretless().is_some()) || self.budget.is_out_of_secrets()
            }
            Pass::Words => {
                let wants_secret = any(|target| target.secretless().is_some());
                let is_out = self.budget.is_out_of_secrets();
                let is_out_of_keys = is_out && self.budget.is_out_of_bare_keys();
                (!wants_secret || is_out) && (!any(Target::wants_key) || is_out_of_keys)
            }
            Pass::Contexts => !any(Target::wants_context),
            Pass::Numbers => !any(Target::wants_numbers) || self.budget.is_out_of_guesses(),
            Pass::BareKeys => !any(Target::wants_chacha) || self.budget.is_out_of_memory(),
            Pass::ChaCha => !any(Target::wants_chacha) || self.budget.is_out_of_secrets(),
            Pass::Done => true,
        }
    }

    /// The surroundings of the keys whose secrets are wanted.
    fn near(&self) -> Vec<Range<u64>> {
        let hits = self.targets.iter().filter_map(Target::secretless);
        let mut starts: Vec<u64> = hits.map(|(_, address)| address).collect();
        starts.sort_unstable();
        let mut ranges: Vec<Range<u64>> = Vec::new();
        for address in starts {
            let start = address.saturating_sub(NEAR_BYTES) & !(PAGE_BYTES - 1);
            let end = address.saturating_add(NEAR_BYTES) & !(PAGE_BYTES - 1);
            match ranges.last_mut() {
                Some(last) if last.end >= start => last.end = end,
                _ => ranges.push(start..end),
            }
        }
        ranges
    }

    fn schedules(&mut self, address: u64, bytes: &[u8]) {
        suspects(bytes, |suspect| {
            let memory = bytes.get(suspect.offset..).unwrap_or_default();
            if let Some(key) = key_at(memory, suspect.size, suspect.order) {
                let start = suspect.offset.saturating_sub(ccm::NEAR_BYTES);
                let end = suspect.offset.saturating_add(ccm::NEAR_BYTES).min(bytes.len());
                let near = bytes.get(start..end).unwrap_or_default();
                self.key(&key, address + suspect.offset as u64, near);
            }
        });
    }

    /// Tries a key whose schedule was found, with what lies around it.
    fn key(&mut self, key: &KeyBytes, address: u64, near: &[u8]) {
        let counters = &mut self.budget.counters;
        if counters.keys >= self.budget.limits.keys_max as u64 {
            counters.refused += 1;
            return;
        }
        if !self.tried.insert(self.hasher.hash_one(key.as_slice())) {
            return;
        }
        counters.keys += 1;
        let Some(gcm) = Gcm::new(key.as_slice()) else { return };
        let (targets, budget) = (&mut self.targets, &mut self.budget);
        let is_few = targets.len() <= FEW;
        let source = match self.pass {
            Pass::Numbers => KeySource::ScheduleOnceMore,
            _ if is_few => KeySource::Schedule,
            _ => KeySource::ScheduleOfMany,
        };
        // The keys of both directions of a connection lie close to each other.
        let beside = self.last_hit.saturating_sub(1)..self.last_hit + 2;
        let order = beside.chain(0..targets.len());
        let opened = order.into_iter().find(|i| {
            let target = targets.get_mut(*i);
            target.is_some_and(|target| target.try_key(&gcm, key, address, source, budget))
        });
        if let Some(i) = opened {
            self.last_hit = i;
            return;
        }
        if self.pass == Pass::Numbers {
            return;
        }
        if is_few && targets.iter_mut().any(|target| target.try_ccm(key, near, address, budget)) {
            return;
        }
        if targets.iter().any(Target::may_be_cbc)
            && let Some(aes) = Aes::new(key.as_slice())
            && targets.iter_mut().any(|target| target.try_cbc(&aes, key, address, budget))
        {
            return;
        }
        if targets.iter().any(Target::is_quic) {
            if self.quic_keys.len() < budget.limits.quic_keys_max {
                self.quic_keys.push((key.clone(), address));
            } else {
                budget.counters.refused += 1;
            }
        }
    }

    /// Tries every two keys, as that of the headers and that of the packets.
    fn quic_pairs(&mut self) {
        let prepare = |(key, address): &(KeyBytes, u64)| {
            let (aes, gcm) = Aes::new(key.as_slice()).zip(Gcm::new(key.as_slice()))?;
            Some(QuicKey { bytes: key.clone(), aes, gcm, address: *address })
        };
        let keys: Vec<_> = self.quic_keys.iter().filter_map(prepare).collect();
        self.quic_keys.clear();
        for target in self.targets.iter_mut().filter(|target| target.is_quic()) {
            let hit = quic_hit(target, &keys, &mut self.budget);
            if let Some((address, opens)) = hit {
                target.open(address, Some(opens));
            }
        }
    }

    /// Tries windows as secrets: of keys that are known, and of what is sealed.
    fn secrets(&mut self, address: u64, bytes: &[u8], starts: Starts) {
        let tries_sealed = self.pass == Pass::Words;
        let (targets, budget, hasher) = (&mut self.targets, &mut self.budget, &self.hasher);
        // Of SHA-384 comes a key of 32 bytes, of SHA-256 one of 16.
        for (length, key_bytes) in [(48, 32), (32, 16)] {
            let mut known = known_keys(targets, key_bytes, hasher);
            let labels = labels_of(targets);
            let is_any_sealed = tries_sealed && targets.iter().any(Target::wants_secret);
            if known.is_empty() && !is_any_sealed {
                continue;
            }
            windows(bytes, length, starts, |offset, window| {
                if (known.is_empty() && !is_any_sealed) || !budget.secret() {
                    return;
                }
                let Some((secret, bytes)) = Secret::new(window).zip(KeyBytes::new(window)) else {
                    return;
                };
                for labels in labels {
                    let Some(key) = secret.key(*labels, key_bytes) else { continue };
                    let hash = hasher.hash_one(key.as_slice());
                    if let Some(target) = known.get(&hash).and_then(|i| targets.get_mut(*i))
                        && target.set_secret(&secret, *labels, &bytes)
                    {
                        known.remove(&hash);
                        return;
                    }
                }
                if is_any_sealed
                    && let Some(key) = secret.key(Labels::Tls, key_bytes)
                    && let Some(gcm) = Gcm::new(key.as_slice())
                {
                    let at = address + offset as u64;
                    let mut targets = targets.iter_mut();
                    targets.any(|target| target.try_secret(&gcm, &secret, &bytes, at, budget));
                }
            });
        }
    }

    /// Tries windows as keys: for engines that expand a key anew for each record.
    fn bare_keys(&mut self, address: u64, bytes: &[u8]) {
        let (targets, budget) = (&mut self.targets, &mut self.budget);
        for length in [16, 32] {
            if !targets.iter().any(Target::wants_key) {
                return;
            }
            windows(bytes, length, Starts::Words, |offset, window| {
                if !budget.bare_key() {
                    return;
                }
                let Some((gcm, key)) = Gcm::new(window).zip(KeyBytes::new(window)) else { return };
                let is_kept = is_kept(bytes.get(..offset).unwrap_or_default(), length);
                let source = if is_kept { KeySource::Kept } else { KeySource::Window };
                let at = address + offset as u64;
                let mut targets = targets.iter_mut();
                targets.any(|target| target.try_key(&gcm, &key, at, source, budget));
            });
        }
    }

    /// Tries keys of ChaCha20-Poly1305 that lie with their nonces.
    fn contexts(&mut self, address: u64, bytes: &[u8]) {
        contexts(bytes, |context| {
            if !self.tried.insert(self.hasher.hash_one(context.key)) {
                return;
            }
            let (targets, budget) = (&mut self.targets, &mut self.budget);
            let at = address + context.offset as u64;
            context.sequences().into_iter().any(|sequences| {
                let mut targets = targets.iter_mut();
                targets.any(|target| target.try_context(&context, at, sequences.clone(), budget))
            });
        });
    }

    /// Remembers what may be a key of ChaCha20, which has no schedule.
    fn remember_keys(&mut self, bytes: &[u8]) {
        let resident = self.resident.get_or_insert_with(Resident::new);
        let budget = &mut self.budget;
        windows(bytes, CHACHA_KEY_BYTES, Starts::Words, |_, window| {
            if !budget.remember() {
                return;
            }
            resident.insert(self.hasher.hash_one(window));
        });
    }

    /// Tries windows as secrets of ChaCha20-Poly1305.
    fn chacha(&mut self, address: u64, bytes: &[u8]) {
        let (targets, budget, hasher) = (&mut self.targets, &mut self.budget, &self.hasher);
        let Some(resident) = &self.resident else { return };
        windows(bytes, CHACHA_KEY_BYTES, Starts::Both, |offset, window| {
            if !budget.secret() {
                return;
            }
            let Some(secret) = Secret::new(window) else { return };
            let Some(key) = secret.key(Labels::Tls, CHACHA_KEY_BYTES) else { return };
            if !resident.contains(hasher.hash_one(key.as_slice())) {
                return;
            }
            let Some(bytes) = KeyBytes::new(window) else { return };
            let at = address + offset as u64;
            // Low numbers of all of them first: each secret opens one.
            CHACHA_SEQUENCES.into_iter().any(|sequences| {
                targets
                    .iter_mut()
                    .any(|target| target.try_chacha(&secret, &bytes, at, sequences.clone(), budget))
            });
        });
    }
}

/// The targets whose secrets are wanted, by the hashes of their keys of so many bytes.
fn known_keys(targets: &[Target], key_bytes: usize, hasher: &RandomState) -> HashMap<u64, usize> {
    let wanted = targets.iter().enumerate().filter_map(|(i, target)| {
        let (key, _) = target.secretless().filter(|(key, _)| key.len() == key_bytes)?;
        Some((hasher.hash_one(key), i))
    });
    wanted.collect()
}

/// The labels by which the targets' secrets give their keys.
fn labels_of(targets: &[Target]) -> &'static [Labels] {
    match (targets.iter().any(Target::is_quic), targets.iter().all(Target::is_quic)) {
        (false, _) => &[Labels::Tls],
        (true, true) => &[Labels::Quic1, Labels::Quic2],
        (true, false) => &[Labels::Tls, Labels::Quic1, Labels::Quic2],
    }
}
