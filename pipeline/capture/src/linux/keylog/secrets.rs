//! Reads what the probe has written, and wipes it.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::keylog::{KeylogSecret, SECRET_MAX, SLOTS, state};
use model::{Secret, SecretLabel, TapEvent, Timestamp};
use zeroize::Zeroize;

use super::anchor::Label;
use crate::linux::TapError;
use crate::linux::clock::epoch_offset_ns;
use crate::linux::mapping::Mapping;

const PAGE: usize = 4096;
const WORDS: usize = KeylogSecret::WORDS;
/// The words of a slot that hold something secret, or what belongs to it.
const SECRET_WORDS: std::ops::Range<usize> = 3..WORDS;
/// Words of the counters, by their names in `KeylogCounters`.
const PUBLISHED: usize = 1;
const LOST: usize = 2;
const UNREADABLE: usize = 3;

/// The reader's end of the probe. One reader, the worker.
pub struct Secrets {
    slots: Mapping,
    counters: Mapping,
    taken: u64,
    epoch_offset_ns: u64,
}

/// What the probe has counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SecretCounters {
    /// Secrets found.
    pub found: u64,
    /// Secrets that found no room.
    pub lost: u64,
    /// Times a secret could not be read.
    pub unreadable: u64,
}

impl Secrets {
    pub(super) fn new(slots: BorrowedFd<'_>, counters: BorrowedFd<'_>) -> Result<Self, TapError> {
        let length = (SLOTS * size_of::<KeylogSecret>()).next_multiple_of(PAGE);
        Ok(Self {
            slots: Mapping::new(slots, 0, length, true)?,
            counters: Mapping::new(counters, 0, PAGE, true)?,
            taken: 0,
            epoch_offset_ns: epoch_offset_ns(),
        })
    }

    /// Hands on every secret that came since, and wipes it. Costs one load if none did.
    pub fn drain(&mut self, mut sink: impl FnMut(TapEvent<'_>)) {
        let published = self.counter(PUBLISHED, Ordering::Acquire);
        if published == self.taken {
            return;
        }
        self.taken = published;
        self.epoch_offset_ns = epoch_offset_ns();
        for slot in self.slots.words().chunks_exact(WORDS).take(SLOTS) {
            if is_ready(slot) {
                hand_on(slot, self.epoch_offset_ns, &mut sink);
            }
        }
    }

    /// What was counted.
    pub fn counters(&self) -> SecretCounters {
        let read = |at| self.counter(at, Ordering::Relaxed);
        SecretCounters { found: read(PUBLISHED), lost: read(LOST), unreadable: read(UNREADABLE) }
    }

    fn counter(&self, at: usize, ordering: Ordering) -> u64 {
        self.counters.words().get(at).map_or(0, |word| word.load(ordering))
    }
}

impl Drop for Secrets {
    fn drop(&mut self) {
        for slot in self.slots.words().chunks_exact(WORDS).take(SLOTS) {
            wipe(slot);
        }
    }
}

fn is_ready(slot: &[AtomicU64]) -> bool {
    let state = slot.get(KeylogSecret::STATE_WORD);
    state.is_some_and(|state| state.load(Ordering::Acquire) as u32 == state::READY)
}

fn hand_on(slot: &[AtomicU64], epoch_offset_ns: u64, sink: &mut impl FnMut(TapEvent<'_>)) {
    let mut words = [0_u64; WORDS];
    for (to, from) in words.iter_mut().zip(slot) {
        *to = from.load(Ordering::Relaxed);
    }
    wipe(slot);
    let [at, second, third, rest @ ..] = &mut words;
    let mut bytes = [0_u8; (WORDS - 3) * 8];
    for (to, from) in bytes.chunks_exact_mut(8).zip(rest.iter()) {
        to.copy_from_slice(&from.to_ne_bytes());
    }
    let length = (*third as u32 as usize).min(SECRET_MAX);
    let (label, has_random) = ((*third >> 32) as u8, (*third >> 40) as u8 != 0);
    if let Some(label) = label_of(label)
        && let Some((random, secret)) = bytes.split_first_chunk::<32>()
        && let Some(secret) = secret.get(..length)
    {
        sink(TapEvent::Secret(Secret {
            at: Timestamp(at.wrapping_add(epoch_offset_ns)),
            label,
            client_random: has_random.then_some(random),
            pid: (*second >> 32) as u32,
            bytes: secret,
        }));
    }
    bytes.zeroize();
    words.zeroize();
}

fn label_of(number: u8) -> Option<SecretLabel> {
    Label::numbered(number).secret()
}

/// Clears the secret, then says that the slot is free.
fn wipe(slot: &[AtomicU64]) {
    for word in slot.get(SECRET_WORDS).unwrap_or_default() {
        word.store(0, Ordering::Relaxed);
    }
    if let Some(state) = slot.get(KeylogSecret::STATE_WORD) {
        state.store(u64::from(state::FREE), Ordering::Release);
    }
}
