//! Secrets that wait for the connection they open: looked up by the client's random, or tried.
//!
//! Bounded and aged; what is refused or forgotten is counted. Everything is wiped when dropped.

use std::collections::{HashMap, VecDeque};

use model::{Secret, SecretLabel, Timestamp};

use crate::crypto::KeyBytes;

/// Handshakes whose secrets are kept by random. A key log file of a long run has some ten thousand.
const RANDOMS_MAX: usize = 64 * 1024;
/// Secrets without a random: five each of some hundred handshakes that are not over.
const LOOSE_MAX: usize = 4 * 1024;
/// How long a secret of a live tap is kept. Handshakes take seconds at most.
const AGE_MAX_NS: u64 = 60_000_000_000;

/// Whether keys may still come for records that are sealed now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sources {
    /// Nobody looks for keys: what is sealed stays so.
    None,
    /// Taps find keys, before or after the records they open.
    Live,
    /// All there are stand in files, and have no age.
    Files,
}

/// What was not kept. Cumulative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyringCounters {
    /// Secrets taken.
    pub taken: u64,
    /// Secrets dropped because there were too many, the oldest first.
    pub refused: u64,
    /// Secrets that opened nothing in time.
    pub aged: u64,
}

/// The secrets of a worker.
pub struct Keyring {
    sources: Sources,
    exact: HashMap<[u8; 32], Vec<(SecretLabel, KeyBytes)>>,
    /// Their randoms, oldest first.
    order: VecDeque<([u8; 32], Timestamp)>,
    loose: VecDeque<Loose>,
    /// Number of the newest secret.
    newest: u64,
    counters: KeyringCounters,
    /// Sealed bytes that all connections hold.
    pub(crate) held: u64,
    /// Where records are opened: one buffer for all connections.
    pub(crate) scratch: Vec<u8>,
}

/// A secret that says not to which handshake it belongs.
pub(crate) struct Loose {
    pub(crate) number: u64,
    pub(crate) at: Timestamp,
    pub(crate) label: SecretLabel,
    pub(crate) pid: u32,
    pub(crate) bytes: KeyBytes,
}

impl Keyring {
    /// An empty one.
    pub fn new(sources: Sources) -> Self {
        Self {
            sources,
            exact: HashMap::new(),
            order: VecDeque::new(),
            loose: VecDeque::new(),
            newest: 0,
            counters: KeyringCounters::default(),
            held: 0,
            scratch: Vec::new(),
        }
    }

    /// Whether keys may still come.
    pub const fn sources(&self) -> Sources {
        self.sources
    }

    /// From now on keys come from here.
    pub const fn expect(&mut self, sources: Sources) {
        self.sources = sources;
    }

    /// What was not kept.
    pub const fn counters(&self) -> KeyringCounters {
        self.counters
    }

    /// Number of the newest secret: who has tried all up to here need not try again.
    pub const fn newest(&self) -> u64 {
        self.newest
    }

    /// Keeps a copy of a secret.
    pub fn add(&mut self, secret: &Secret<'_>) {
        let Some(bytes) = KeyBytes::new(secret.bytes) else {
            self.counters.refused += 1;
            return;
        };
        match secret.client_random {
            Some(random) => self.add_exact(*random, secret, bytes),
            None => self.add_loose(secret, bytes),
        }
    }

    fn add_exact(&mut self, random: [u8; 32], secret: &Secret<'_>, bytes: KeyBytes) {
        let known = self.exact.entry(random).or_default();
        if known.iter().any(|(label, old)| *label == secret.label && *old == bytes) {
            return;
        }
        if known.is_empty() {
            self.order.push_back((random, secret.at));
        }
        known.retain(|(label, _)| *label != secret.label);
        known.push((secret.label, bytes));
        self.newest += 1;
        self.counters.taken += 1;
        if self.order.len() > RANDOMS_MAX
            && let Some((oldest, _)) = self.order.pop_front()
        {
            self.exact.remove(&oldest);
            self.counters.refused += 1;
        }
    }

    fn add_loose(&mut self, secret: &Secret<'_>, bytes: KeyBytes) {
        // Both ends of a connection tell of the same one.
        if self.loose.iter().rev().take(64).any(|l| l.label == secret.label && l.bytes == bytes) {
            return;
        }
        self.newest += 1;
        self.counters.taken += 1;
        let (number, at, label, pid) = (self.newest, secret.at, secret.label, secret.pid);
        self.loose.push_back(Loose { number, at, label, pid, bytes });
        if self.loose.len() > LOOSE_MAX {
            self.loose.pop_front();
            self.counters.refused += 1;
        }
    }

    /// Forgets what is too old.
    pub fn tick(&mut self, now: Timestamp) {
        if self.sources == Sources::Files {
            return;
        }
        let is_old = |at: Timestamp| !at.is_unknown() && now.since_ns(at) > AGE_MAX_NS;
        while self.loose.front().is_some_and(|loose| is_old(loose.at)) {
            self.loose.pop_front();
            self.counters.aged += 1;
        }
        while let Some((random, _)) = self.order.front().filter(|(_, at)| is_old(*at)) {
            self.exact.remove(random);
            self.order.pop_front();
        }
    }

    /// The secret of the handshake with this random.
    pub fn exact(&self, random: &[u8; 32], label: SecretLabel) -> Option<&KeyBytes> {
        let known = self.exact.get(random)?;
        known.iter().find_map(|(of, bytes)| (*of == label).then_some(bytes))
    }

    /// Secrets that may belong to any handshake, the newest first, those after number `after` only:
    /// of these processes before others, for a server may hand its connection to a child.
    pub(crate) fn loose(
        &self,
        label: SecretLabel,
        after: u64,
        pids: [u32; 2],
    ) -> impl Iterator<Item = &Loose> {
        let is_owner = move |loose: &&Loose| loose.pid != 0 && pids.contains(&loose.pid);
        let fresh = move |loose: &&Loose| loose.label == label;
        let newest = || self.loose.iter().rev().take_while(move |l| l.number > after).filter(fresh);
        newest().filter(is_owner).chain(newest().filter(move |l| !is_owner(l)))
    }

    /// A secret has opened a record: nobody else needs it.
    pub(crate) fn claim(&mut self, number: u64) {
        self.loose.retain(|loose| loose.number != number);
    }
}
