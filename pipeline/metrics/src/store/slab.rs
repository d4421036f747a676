//! A hash table whose entries keep a small stable number until they are removed.

use std::hash::{BuildHasher, Hash};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// Values by key and by slot number. Numbers of removed entries are used again.
#[derive(Debug)]
pub(super) struct Slab<K, V> {
    slots: Vec<Option<(K, V)>>,
    free: Vec<u32>,
    index: HashTable<u32>,
    hasher: RandomState,
}

impl<K: Eq + Hash, V> Slab<K, V> {
    pub(super) fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            index: HashTable::new(),
            hasher: RandomState::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    /// One more than the highest slot ever used: the size of a table indexed by slot.
    pub(super) fn slots(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn find(&self, key: &K) -> Option<u32> {
        self.find_by(key, |k| k == key)
    }

    /// The slot of the key that hashes as `likeness` does and that `same` accepts.
    pub(super) fn find_by(
        &self,
        likeness: &(impl Hash + ?Sized),
        same: impl Fn(&K) -> bool,
    ) -> Option<u32> {
        let matches = |slot: &u32| self.get(*slot).is_some_and(|(k, _)| same(k));
        let hash = self.hasher.hash_one(likeness);
        self.index.find(hash, matches).copied()
    }

    /// Makes an entry for a key that has none. The caller has checked its limit.
    pub(super) fn insert(&mut self, key: K, value: V) -> u32 {
        let hash = self.hasher.hash_one(&key);
        let entry = Some((key, value));
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = entry;
            slot
        } else {
            self.slots.push(entry);
            self.slots.len() as u32 - 1
        };
        let (slots, hasher) = (&self.slots, &self.hasher);
        let rehash = |slot: &u32| {
            let entry = slots.get(*slot as usize).and_then(Option::as_ref);
            entry.map_or(0, |(k, _)| hasher.hash_one(k))
        };
        self.index.insert_unique(hash, slot, rehash);
        slot
    }

    pub(super) fn get(&self, slot: u32) -> Option<&(K, V)> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// The value of a slot in use. Slots are the store's own numbers, never outside input.
    pub(super) fn value(&self, slot: u32) -> &V {
        &self.get(slot).expect("slots held elsewhere are in use").1
    }

    /// As [`Slab::value`], to be changed.
    pub(super) fn value_mut(&mut self, slot: u32) -> &mut V {
        let entry = self.slots[slot as usize].as_mut();
        &mut entry.expect("slots held elsewhere are in use").1
    }

    /// Removes an entry that no other table refers to.
    pub(super) fn remove(&mut self, slot: u32) -> Option<(K, V)> {
        let entry = self.slots.get_mut(slot as usize)?.take()?;
        let hash = self.hasher.hash_one(&entry.0);
        if let Ok(found) = self.index.find_entry(hash, |s| *s == slot) {
            found.remove();
        }
        self.free.push(slot);
        Some(entry)
    }

    /// Entries in slot order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &K, &V)> {
        let numbered = self.slots.iter().enumerate();
        numbered.filter_map(|(slot, entry)| entry.as_ref().map(|(k, v)| (slot as u32, k, v)))
    }
}
