//! Packets that wait for their keys, in the order they came.

use std::collections::VecDeque;

use model::{Direction, Timestamp};

use super::packet::{Packet, is_short, take};

/// Packets that wait on one connection, and their bytes: a few hundred milliseconds of a fast one,
/// which is what a key takes to come.
const PACKETS_MAX: usize = 512;
const BYTES_MAX: usize = 512 * 1024;

/// One packet.
pub(super) struct Sealed {
    pub(super) direction: Direction,
    pub(super) at: Timestamp,
    pub(super) bytes: Box<[u8]>,
}

impl Sealed {
    /// The packet, as it was read from its datagram.
    pub(super) fn packet(&self) -> Option<Packet<'_>> {
        take(&mut &*self.bytes)
    }
}

/// See the module.
#[derive(Default)]
pub(super) struct Waiting {
    packets: VecDeque<Sealed>,
    bytes: usize,
    /// Since when something waits.
    pub(super) since: Timestamp,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// Bytes that wait.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes as u64
    }

    /// True if something waits in this direction.
    pub(super) fn has(&self, direction: Direction) -> bool {
        self.packets.iter().any(|sealed| sealed.direction == direction)
    }

    /// Keeps a packet; false if there is no room.
    pub(super) fn push(&mut self, sealed: Sealed) -> bool {
        let has_room =
            self.packets.len() < PACKETS_MAX && self.bytes + sealed.bytes.len() <= BYTES_MAX;
        if has_room {
            if self.packets.is_empty() {
                self.since = sealed.at;
            }
            self.bytes += sealed.bytes.len();
            self.packets.push_back(sealed);
        }
        has_room
    }

    /// The newest packets with short headers in one direction, the oldest of them first.
    pub(super) fn newest(&self, direction: Direction, count: usize) -> Vec<&[u8]> {
        let of = self.packets.iter().rev().filter(|sealed| sealed.direction == direction);
        let bytes = of.map(|sealed| &*sealed.bytes).filter(|bytes| is_short(bytes));
        let mut newest: Vec<_> = bytes.take(count).collect();
        newest.reverse();
        newest
    }

    /// Takes all out.
    pub(super) fn take(&mut self) -> VecDeque<Sealed> {
        self.bytes = 0;
        std::mem::take(&mut self.packets)
    }
}
