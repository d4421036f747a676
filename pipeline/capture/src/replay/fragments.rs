//! Puts IP fragments together: a small table, bounded in entries, bytes, holes and time.

use std::net::IpAddr;

use model::Timestamp;

use super::ip::{Fragment, IpPacket};
use super::span::Span;

/// Most packets incomplete at once. Fragments of one packet follow each other closely; with the
/// longest packet of 64 KiB, this also bounds the memory to 4 MiB.
const INCOMPLETE_MAX: usize = 64;

/// Most separate runs of one packet: fragments may come in any order, in practice in one of two.
const RUNS_MAX: usize = 64;

/// An IP packet carries at most this much.
const PAYLOAD_BYTES_MAX: u32 = 65_535;

/// How long a packet may stay incomplete: the default of Linux (`ipfrag_time`).
const INCOMPLETE_NS_MAX: u64 = 30_000_000_000;

/// The incomplete packets, oldest first.
#[derive(Debug, Default)]
pub(super) struct Fragments {
    incomplete: Vec<Incomplete>,
    /// Packets given up.
    given_up: u64,
}

/// What became of a fragment.
#[derive(Debug)]
pub(super) enum Added {
    /// More are needed.
    Held,
    /// It was the last one: the payload of the packet.
    Complete(Whole),
    /// It contradicts itself or the fragments before it.
    Refused,
}

/// The payload of a packet put together.
#[derive(Debug)]
pub(super) struct Whole {
    bytes: Vec<u8>,
    wire_bytes: u32,
}

impl Whole {
    pub(super) fn span(&self) -> Span<'_> {
        Span { bytes: &self.bytes, wire_bytes: self.wire_bytes }
    }
}

/// What fragments of one packet have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
    protocol: u8,
}

#[derive(Debug)]
struct Incomplete {
    key: Key,
    since: Timestamp,
    bytes: Vec<u8>,
    /// Bytes from here on were not captured, although their fragments were seen.
    captured: u32,
    /// What was seen, as (start, end), apart from each other and in order.
    runs: Vec<(u32, u32)>,
    /// Length of the payload, once the last fragment was seen.
    total: Option<u32>,
}

impl Fragments {
    /// Adds a fragment.
    pub(super) fn add(
        &mut self,
        at: Timestamp,
        packet: &IpPacket<'_>,
        fragment: Fragment,
    ) -> Added {
        self.expire(at);
        let start = fragment.offset;
        let end = start.saturating_add(packet.payload.wire_bytes);
        let odd_middle = fragment.more && !packet.payload.wire_bytes.is_multiple_of(8);
        if end > PAYLOAD_BYTES_MAX || end == start || odd_middle {
            return Added::Refused;
        }
        let key = Key {
            source: packet.source,
            destination: packet.destination,
            identification: fragment.identification,
            protocol: packet.protocol,
        };
        let index = self.entry(key, at);
        let Some(entry) = self.incomplete.get_mut(index) else {
            return Added::Refused;
        };
        if !entry.place(start, end, !fragment.more, packet.payload.bytes) {
            self.incomplete.remove(index);
            self.given_up += 1;
            return Added::Refused;
        }
        match (entry.total, entry.runs.as_slice()) {
            (Some(total), [(0, end)]) if *end == total => {
                let entry = self.incomplete.remove(index);
                Added::Complete(entry.finish(total))
            }
            _ => Added::Held,
        }
    }

    /// Packets that never became complete, those still waiting included.
    pub(super) fn incomplete(&self) -> u64 {
        self.given_up + self.incomplete.len() as u64
    }

    fn expire(&mut self, now: Timestamp) {
        let before = self.incomplete.len();
        self.incomplete.retain(|entry| now.since_ns(entry.since) <= INCOMPLETE_NS_MAX);
        self.given_up += (before - self.incomplete.len()) as u64;
    }

    /// The index of the packet's entry, made if there is none; the oldest one makes room.
    fn entry(&mut self, key: Key, at: Timestamp) -> usize {
        if let Some(index) = self.incomplete.iter().position(|entry| entry.key == key) {
            return index;
        }
        if self.incomplete.len() >= INCOMPLETE_MAX {
            self.incomplete.remove(0);
            self.given_up += 1;
        }
        self.incomplete.push(Incomplete {
            key,
            since: at,
            bytes: Vec::new(),
            captured: PAYLOAD_BYTES_MAX,
            runs: Vec::new(),
            total: None,
        });
        self.incomplete.len() - 1
    }
}

impl Incomplete {
    /// Puts a fragment in its place. Like Linux since 2018, an exact repetition is ignored, and an
    /// overlap gives the whole packet up (false): an answer to it would be a guess.
    fn place(&mut self, start: u32, end: u32, is_last: bool, captured: &[u8]) -> bool {
        let known_end = self.runs.last().map_or(0, |run| run.1);
        let total = if is_last { Some(end) } else { self.total };
        let contradicts = matches!((self.total, total), (Some(old), Some(new)) if old != new);
        if contradicts || total.is_some_and(|total| end.max(known_end) > total) {
            return false;
        }
        self.total = total;
        if self.runs.iter().any(|run| run.0 <= start && end <= run.1) {
            return true;
        }
        let index = self.runs.partition_point(|run| run.0 < start);
        let before = index.checked_sub(1).and_then(|index| self.runs.get(index));
        let overlaps_before = before.is_some_and(|run| run.1 > start);
        let overlaps_after = self.runs.get(index).is_some_and(|run| run.0 < end);
        if overlaps_before || overlaps_after || self.runs.len() >= RUNS_MAX {
            return false;
        }
        self.runs.insert(index, (start, end));
        self.runs.dedup_by(|next, run| {
            let touches = run.1 == next.0;
            if touches {
                run.1 = next.1;
            }
            touches
        });
        self.copy(start, end, captured);
        true
    }

    fn copy(&mut self, start: u32, end: u32, captured: &[u8]) {
        if captured.len() < (end - start) as usize {
            self.captured = self.captured.min(start + captured.len() as u32);
        }
        let start = start as usize;
        let end = start + captured.len();
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        if let Some(place) = self.bytes.get_mut(start..end) {
            place.copy_from_slice(captured);
        }
    }

    fn finish(mut self, total: u32) -> Whole {
        self.bytes.truncate(self.captured.min(total) as usize);
        Whole { bytes: self.bytes, wire_bytes: total }
    }
}
