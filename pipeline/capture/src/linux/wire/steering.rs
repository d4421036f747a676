//! Tells the kernel what is worth copying, by plain stores into a table it reads.

use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU64, Ordering};

use abi::{STEERING_SLOTS, steer};
use model::{ConnectionId, Direction, Framing};

use crate::linux::TapError;
use crate::linux::mapping::Mapping;

/// Words per slot: connection, the two sequence numbers, mode, bytes passed forward and backward.
const WORDS: usize = size_of::<abi::Steering>() / 8;

/// What has passed of a connection that nobody wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unwanted {
    /// So many bytes of datagrams.
    Bytes(u64),
    /// A stream, up to this sequence number.
    Until(u32),
}

impl Unwanted {
    /// Reads a word of the slot that `connection` owns. `None` if it is nothing, or was written for
    /// the owner before.
    const fn read(connection: u64, word: u64) -> Option<Self> {
        match (word >> 32, word as u32) {
            (0, 0) => None,
            (0, _) => Some(Self::Bytes(word)),
            (upper, sequence) if upper == connection >> 32 => Some(Self::Until(sequence)),
            _ => None,
        }
    }
}

/// The steering table. One writer, the worker that reads the ring.
///
/// Two connections that share a slot overwrite each other's wish; the one without a wish is copied
/// by the default budget, which costs a little and loses nothing.
#[derive(Debug)]
pub struct Steering {
    table: Mapping,
}

impl Steering {
    pub(super) fn new(map: BorrowedFd<'_>) -> Result<Self, TapError> {
        let length = STEERING_SLOTS * size_of::<abi::Steering>();
        Ok(Self { table: Mapping::new(map, 0, length.next_multiple_of(4096), true)? })
    }

    /// Nothing of this connection is worth copying, ever.
    pub fn nothing(&self, connection: ConnectionId) {
        self.write(connection, [None, None], steer::NOTHING);
    }

    /// Copy by budget, or everything; where a sequence number is given for a direction, only from
    /// there on. Where `framing` is known for certain, the heads of frames are copied in any case,
    /// and long payloads may be left out.
    pub fn heads(
        &self,
        connection: ConnectionId,
        until: [Option<u32>; 2],
        everything: bool,
        framing: Framing,
    ) {
        let mode = if everything { steer::EVERYTHING } else { 0 };
        let followed = match framing {
            Framing::Unknown => 0,
            Framing::Frames => steer::FRAMES,
            Framing::Packets => steer::PACKETS,
        };
        self.write(connection, until, mode | followed);
    }

    /// Takes what has passed unwanted since the last call, slot by slot.
    pub(super) fn take_passed(&self, mut sink: impl FnMut(ConnectionId, Direction, Unwanted)) {
        for slot in self.table.words().chunks_exact(WORDS).take(STEERING_SLOTS) {
            let [owner, _, _, passed @ ..] = slot else { return };
            for (direction, passed) in Direction::BOTH.into_iter().zip(passed) {
                // The swap locks the bus: not for the many slots where nothing passed.
                if passed.load(Ordering::Relaxed) != 0 {
                    let (owner, word) =
                        (owner.load(Ordering::Relaxed), passed.swap(0, Ordering::Relaxed));
                    if let Some(unwanted) = Unwanted::read(owner, word) {
                        sink(ConnectionId(owner), direction, unwanted);
                    }
                }
            }
        }
    }

    /// The same of one connection, which is about to end.
    pub(super) fn take_passed_of(
        &self,
        connection: ConnectionId,
        mut sink: impl FnMut(Direction, Unwanted),
    ) {
        let Some([owner, _, _, passed @ ..]) = self.slot(connection) else { return };
        if owner.load(Ordering::Relaxed) == connection.0 {
            for (direction, passed) in Direction::BOTH.into_iter().zip(passed) {
                if passed.load(Ordering::Relaxed) != 0
                    && let word = passed.swap(0, Ordering::Relaxed)
                    && let Some(unwanted) = Unwanted::read(connection.0, word)
                {
                    sink(direction, unwanted);
                }
            }
        }
    }

    fn slot(&self, connection: ConnectionId) -> Option<&[AtomicU64]> {
        let from = (connection.0 as usize & (STEERING_SLOTS - 1)) * WORDS;
        self.table.words().get(from..from + WORDS)
    }

    fn write(&self, connection: ConnectionId, until: [Option<u32>; 2], mut mode: u32) {
        let Some([owner, sequences, wish, ..]) = self.slot(connection) else { return };
        if until[Direction::Forward.index()].is_some() {
            mode |= steer::UNTIL_FORWARD;
        }
        if until[Direction::Backward.index()].is_some() {
            mode |= steer::UNTIL_BACKWARD;
        }
        let is_ours = owner.load(Ordering::Relaxed) == connection.0;
        // A slot that another connection has taken says nothing of this one already.
        if mode == 0 && !is_ours {
            return;
        }
        // What ends is cleared first, and its number stays, so that the kernel never joins an old
        // mode with new numbers. What goes on is not taken away for a moment: without it the kernel
        // falls back to a budget that a long turn has used up, and a worker may be put to sleep
        // between two stores.
        let before = if is_ours { wish.load(Ordering::Relaxed) } else { 0 };
        wish.store(before & u64::from(mode), Ordering::Relaxed);
        let numbers = sequences.load(Ordering::Relaxed);
        let [forward, backward] = until;
        let forward = forward.map_or(numbers & u64::from(u32::MAX), u64::from);
        let backward = backward.map_or(numbers >> 32, u64::from);
        sequences.store(forward | backward << 32, Ordering::Release);
        owner.store(connection.0, Ordering::Release);
        wish.store(u64::from(mode), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_owner_before_is_nothing() {
        let owner = 0x0123_4567_89ab_cdef;
        assert_eq!(Unwanted::read(owner, 0), None);
        assert_eq!(Unwanted::read(owner, 4_000), Some(Unwanted::Bytes(4_000)));
        assert_eq!(Unwanted::read(owner, 0x0123_4567_0000_0fa0), Some(Unwanted::Until(4_000)));
        assert_eq!(Unwanted::read(owner, 0x0123_4567_0000_0000), Some(Unwanted::Until(0)));
        assert_eq!(Unwanted::read(owner, 0x7654_3210_0000_0fa0), None);
    }
}
