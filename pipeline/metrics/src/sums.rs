//! A hash table whose entries are handed on whole when a window closes.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Values by key, held densely in the order they were first seen.
#[derive(Debug)]
pub(crate) struct Sums<K, V> {
    entries: Vec<(K, V)>,
    index: HashTable<u32>,
    hasher: RandomState,
    /// The entry found last: connections work in bursts, so the next key is often the same.
    recent: usize,
}

impl<K: Copy + Eq + Hash, V: Default> Sums<K, V> {
    pub(crate) fn new() -> Self {
        Self {
            entries: Vec::new(),
            index: HashTable::new(),
            hasher: RandomState::default(),
            recent: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn entry(&self, slot: usize) -> Option<&(K, V)> {
        self.entries.get(slot)
    }

    /// The entry of a slot that [`Sums::find`] or [`Sums::insert`] gave since the last take.
    pub(crate) fn entry_mut(&mut self, slot: usize) -> &mut (K, V) {
        &mut self.entries[slot]
    }

    /// The slot of `key`, if it has one.
    pub(crate) fn find(&mut self, key: &K) -> Option<usize> {
        if self.entries.get(self.recent).is_some_and(|e| e.0 == *key) {
            return Some(self.recent);
        }
        let entries = &self.entries;
        let same = |slot: &u32| entries.get(*slot as usize).is_some_and(|e| e.0 == *key);
        let slot = *self.index.find(self.hasher.hash_one(key), same)? as usize;
        self.recent = slot;
        Some(slot)
    }

    /// Makes an entry for a key that has none. The caller has checked its limit.
    pub(crate) fn insert(&mut self, key: K) -> usize {
        let slot = self.entries.len();
        self.entries.push((key, V::default()));
        let (entries, hasher) = (&self.entries, &self.hasher);
        let rehash = |slot: &u32| entries.get(*slot as usize).map_or(0, |e| hasher.hash_one(e.0));
        let hash = hasher.hash_one(key);
        self.index.insert_unique(hash, slot as u32, rehash);
        self.recent = slot;
        slot
    }

    /// Hands on every entry and starts empty, with room for as many again.
    pub(crate) fn take(&mut self) -> Vec<(K, V)> {
        self.index.clear();
        self.recent = 0;
        let room = Vec::with_capacity(self.entries.len());
        std::mem::replace(&mut self.entries, room)
    }
}
