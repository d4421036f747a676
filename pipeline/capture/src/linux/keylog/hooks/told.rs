//! Reads what the probes have written.

use std::os::fd::BorrowedFd;
use std::sync::atomic::Ordering;

use abi::hooks::{HookRecord, RING_BYTES};
use model::{ConnectionId, Direction, Plaintext, TapEvent, Timestamp};

use crate::linux::TapError;
use crate::linux::clock::epoch_offset_ns;
use crate::linux::mapping::Mapping;
use crate::linux::wire::ring::Ring;

const PAGE: usize = 4096;

/// The reader's end of the probes. One reader, the worker.
pub struct Told {
    ring: Ring,
    counters: Mapping,
}

/// What the probes have counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HookCounters {
    /// Calls that gave or took bytes.
    pub calls: u64,
    /// Probes that fired.
    pub traps: u64,
    /// Plaintext bytes of the calls.
    pub bytes: u64,
    /// Bytes that found no room.
    pub lost: u64,
    /// Bytes that could not be read.
    pub unreadable: u64,
    /// Bytes whose connection is not known.
    pub unbound: u64,
}

impl Told {
    pub(super) fn new(ring: BorrowedFd<'_>, counters: BorrowedFd<'_>) -> Result<Self, TapError> {
        let ring = Ring::new(ring, RING_BYTES)?;
        Ok(Self { ring, counters: Mapping::new(counters, 0, PAGE, true)? })
    }

    /// Up to where calls have returned by now. What they sent or received is in the wire tap's ring
    /// by then, so that ring is read between this and [`Told::drain`].
    pub fn mark(&self) -> u64 {
        self.ring.end()
    }

    /// Hands on what calls had until the mark was taken.
    pub fn drain(&mut self, mark: u64, mut sink: impl FnMut(TapEvent<'_>)) {
        if self.ring.fill() == 0 {
            return;
        }
        let offset = epoch_offset_ns();
        self.ring.drain_until(mark, |record| {
            if let Some(plaintext) = plaintext(record, offset) {
                sink(TapEvent::Plaintext(plaintext));
            }
        });
    }

    /// Bytes in the ring, and its size.
    pub fn fill(&self) -> (u64, u64) {
        (self.ring.fill(), RING_BYTES as u64)
    }

    /// What was counted.
    pub fn counters(&self) -> HookCounters {
        let words = self.counters.words();
        let read = |at: usize| words.get(at).map_or(0, |word| word.load(Ordering::Relaxed));
        let [calls, traps, bytes, lost, unreadable, unbound] = [0, 1, 2, 3, 4, 5].map(read);
        HookCounters { calls, traps, bytes, lost, unreadable, unbound }
    }
}

fn plaintext(record: &[u8], epoch_offset_ns: u64) -> Option<Plaintext<'_>> {
    let head: HookRecord = abi::read(record)?;
    let bytes = record.get(size_of::<HookRecord>()..)?;
    let is_backward = head.backward != 0;
    Some(Plaintext {
        connection: ConnectionId(head.connection),
        direction: if is_backward { Direction::Backward } else { Direction::Forward },
        at: Timestamp(head.at.wrapping_add(epoch_offset_ns)),
        pid: head.pid,
        before: head.before,
        length: head.length,
        payload: bytes.get(..head.captured as usize)?,
    })
}
