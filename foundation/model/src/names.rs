//! Interned pairs of operation and target.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// An interned (operation, target) pair, valid in the [`Names`] that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EndpointId(pub u32);

impl EndpointId {
    /// What a full table answers: operation and target `_other`.
    pub const OTHER: Self = Self(0);
}

/// A bounded, append-only table of (operation, target) pairs.
///
/// One per worker. When it is full, new pairs become [`EndpointId::OTHER`] and are counted. A small
/// direct-mapped cache from wire bytes to id spares the naming of a path or statement seen lately.
#[derive(Debug)]
pub struct Names {
    pairs: Vec<(Box<str>, Box<str>)>,
    index: HashTable<u32>,
    hasher: RandomState,
    limit: usize,
    overflow: u64,
    recent: Vec<(u64, EndpointId)>,
    scratch: (String, String),
}

impl Names {
    /// Default bound on distinct endpoints in one worker.
    pub const LIMIT: usize = 16_384;
    /// Slots of the wire cache: 4,096 × 16 bytes = 64 KiB.
    const RECENT_SLOTS: usize = 4_096;

    /// An empty table that holds at most `limit` pairs.
    pub fn new(limit: usize) -> Self {
        let mut names = Self {
            pairs: Vec::new(),
            index: HashTable::new(),
            hasher: RandomState::default(),
            limit: limit.max(1),
            overflow: 0,
            recent: vec![(0, EndpointId::OTHER); Self::RECENT_SLOTS],
            scratch: Default::default(),
        };
        names.intern("_other", "_other");
        names
    }

    /// The id of the pair, made if new. Equal pairs give equal ids.
    pub fn intern(&mut self, operation: &str, target: &str) -> EndpointId {
        let hash = self.hasher.hash_one((operation, target));
        let pairs = &self.pairs;
        let same = |&id: &u32| {
            let (o, t) = &pairs[id as usize];
            **o == *operation && **t == *target
        };
        if let Some(&id) = self.index.find(hash, same) {
            return EndpointId(id);
        }
        if self.pairs.len() >= self.limit {
            self.overflow += 1;
            return EndpointId::OTHER;
        }
        let id = self.pairs.len() as u32;
        self.pairs.push((operation.into(), target.into()));
        let (pairs, hasher) = (&self.pairs, &self.hasher);
        self.index.insert_unique(hash, id, |&id| {
            let (o, t) = &pairs[id as usize];
            hasher.hash_one((&**o, &**t))
        });
        EndpointId(id)
    }

    /// The id for these wire bytes: from the cache, or made by `name` and [`Names::intern`].
    ///
    /// `salt` keeps protocols apart. `name` is called only for bytes not seen lately, and writes
    /// (operation, target) into its two arguments.
    pub fn cached(
        &mut self,
        salt: &'static str,
        wire: (&[u8], &[u8]),
        name: impl FnOnce(&mut String, &mut String),
    ) -> EndpointId {
        let hash = self.hasher.hash_one((salt.as_ptr() as usize, wire)) | 1;
        let slot = (hash >> 32) as usize % Self::RECENT_SLOTS;
        let (tag, id) = self.recent[slot];
        if tag == hash {
            return id;
        }
        // The two strings are kept: where every key is a new one, none is allocated for it.
        let (mut operation, mut target) = std::mem::take(&mut self.scratch);
        operation.clear();
        target.clear();
        name(&mut operation, &mut target);
        let id = self.intern(&operation, &target);
        self.scratch = (operation, target);
        // A pair refused for lack of room is not cached: each refusal is counted.
        if id != EndpointId::OTHER {
            self.recent[slot] = (hash, id);
        }
        id
    }

    /// Operation of the pair.
    pub fn operation(&self, id: EndpointId) -> &str {
        self.pairs.get(id.0 as usize).map_or("_other", |p| &p.0)
    }

    /// Target of the pair; empty if the operation has none.
    pub fn target(&self, id: EndpointId) -> &str {
        self.pairs.get(id.0 as usize).map_or("_other", |p| &p.1)
    }

    /// How many pairs there are.
    pub const fn len(&self) -> usize {
        self.pairs.len()
    }

    /// True never: the pair that overflow is counted under is always there.
    pub const fn is_empty(&self) -> bool {
        self.pairs.is_empty()
    }

    /// The most pairs it holds.
    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// How often a new pair was refused because the table was full.
    pub const fn overflow(&self) -> u64 {
        self.overflow
    }
}
