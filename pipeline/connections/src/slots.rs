//! Where connections are kept: a map from id to slot, and the slots.
//!
//! Slots have fixed numbers, so that a sweep can go on where it stopped whatever was opened or
//! closed in between. A live connection has its own allocation: a table that was large once gives
//! the memory back.

use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashMap;
use model::ConnectionId;

use crate::closing::Remains;
use crate::entry::Entry;

/// One place for a connection.
#[derive(Debug)]
pub(crate) enum Slot<S> {
    Free,
    Live(Box<Entry<S>>),
    Closing(Remains),
}

/// All slots, and the way to them.
#[derive(Debug)]
pub(crate) struct Slots<S> {
    by_id: HashMap<ConnectionId, u32, BuildHasherDefault<IdHasher>>,
    slots: Vec<Slot<S>>,
    free: Vec<u32>,
    live: usize,
    /// The slot found last: packets of one connection come in bursts.
    last: u32,
}

impl<S> Slots<S> {
    pub(crate) fn new() -> Self {
        Self { by_id: HashMap::default(), slots: Vec::new(), free: Vec::new(), live: 0, last: 0 }
    }

    /// How many connections are live.
    pub(crate) const fn live(&self) -> usize {
        self.live
    }

    /// How many slots there are, free ones included.
    pub(crate) const fn count(&self) -> usize {
        self.slots.len()
    }

    /// The slot of a connection, live or closing.
    #[inline]
    pub(crate) fn find(&mut self, id: ConnectionId) -> Option<u32> {
        if let Some(Slot::Live(entry)) = self.slots.get(self.last as usize)
            && entry.connection.id == id
        {
            return Some(self.last);
        }
        let slot = *self.by_id.get(&id)?;
        self.last = slot;
        Some(slot)
    }

    #[inline]
    pub(crate) fn get(&self, slot: u32) -> &Slot<S> {
        self.slots.get(slot as usize).unwrap_or(&Slot::Free)
    }

    #[inline]
    pub(crate) fn live_mut(&mut self, slot: u32) -> Option<&mut Entry<S>> {
        match self.slots.get_mut(slot as usize) {
            Some(Slot::Live(entry)) => Some(entry),
            Some(Slot::Free | Slot::Closing(_)) | None => None,
        }
    }

    /// Gives a new connection a slot.
    pub(crate) fn insert(&mut self, entry: Entry<S>) -> u32 {
        let slot = self.vacant();
        self.by_id.insert(entry.connection.id, slot);
        self.put(slot, Slot::Live(Box::new(entry)));
        self.live += 1;
        slot
    }

    /// Takes a live connection out; its slot is free afterwards.
    pub(crate) fn take(&mut self, slot: u32) -> Option<Box<Entry<S>>> {
        let place = self.slots.get_mut(slot as usize)?;
        if !matches!(place, Slot::Live(_)) {
            return None;
        }
        let Slot::Live(entry) = std::mem::replace(place, Slot::Free) else {
            return None;
        };
        self.by_id.remove(&entry.connection.id);
        self.free.push(slot);
        self.live -= 1;
        Some(entry)
    }

    /// Keeps what is left of a connection, in a slot of its own.
    pub(crate) fn bury(&mut self, remains: Remains) -> u32 {
        let slot = self.vacant();
        self.by_id.insert(remains.id, slot);
        self.put(slot, Slot::Closing(remains));
        slot
    }

    /// Forgets a closed connection.
    pub(crate) fn forget(&mut self, slot: u32) {
        if let Slot::Closing(remains) = self.get(slot) {
            let id = remains.id;
            self.by_id.remove(&id);
            self.put(slot, Slot::Free);
            self.free.push(slot);
        }
    }

    /// The number of a free slot.
    fn vacant(&mut self) -> u32 {
        self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::Free);
            (self.slots.len() - 1) as u32
        })
    }

    fn put(&mut self, slot: u32, content: Slot<S>) {
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = content;
        }
    }
}

/// A [`ConnectionId`] is a hash already.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}
