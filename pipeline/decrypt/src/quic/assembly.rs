//! One direction of one stream: pieces in any order → bytes in order, each once, or the news that
//! some are missing.

use std::collections::BTreeMap;

use model::{MissingReason, StreamContent, Timestamp};

/// How long a hole may stay open. What was lost on the way is sent again within a few round trips;
/// what the receiver had and we did not never comes.
const HOLE_MAX_NS: u64 = 2_000_000_000;
/// Bytes held behind a hole: some 700 full packets, what one loss on a fast path delays.
const HELD_MAX: usize = 1 << 20;
/// What a held piece costs beside its bytes.
const PIECE_COST: usize = 64;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    /// Offset of the next byte to be handed on.
    next: u64,
    /// Pieces behind a hole, by their offset.
    held: BTreeMap<u64, Box<[u8]>>,
    held_bytes: usize,
    /// Bytes that were held behind the end.
    dropped: u64,
    /// Length of the stream, once known.
    end: Option<u64>,
    is_over: bool,
    /// Since when there is a hole.
    hole_at: Timestamp,
}

impl Assembly {
    /// True if the end was handed on.
    pub(super) const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Bytes taken that are not handed on: behind the end there is nothing.
    pub(super) const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Bytes held behind a hole.
    pub(super) const fn held(&self) -> u64 {
        self.held_bytes as u64
    }

    /// True if there is a hole.
    pub(super) fn has_hole(&self) -> bool {
        !self.held.is_empty() || self.end.is_some_and(|end| end > self.next)
    }

    /// Takes a piece; hands on what is in order. Gives how many of its bytes were new.
    pub(super) fn push(
        &mut self,
        offset: u64,
        bytes: &[u8],
        ends: bool,
        at: Timestamp,
        each: &mut dyn FnMut(StreamContent<'_>),
    ) -> u64 {
        if self.is_over {
            return 0;
        }
        let end = offset + bytes.len() as u64;
        if ends {
            self.end.get_or_insert(end);
        }
        let had_hole = self.has_hole();
        let fresh = self.take(offset, bytes, each);
        if self.held_bytes + PIECE_COST * self.held.len() > HELD_MAX {
            self.give_up_hole(each);
        }
        if self.has_hole() && !had_hole {
            self.hole_at = at;
        }
        fresh
    }

    /// Gives up a hole that has been open for too long.
    pub(super) fn expire(&mut self, now: Timestamp, each: &mut dyn FnMut(StreamContent<'_>)) {
        while self.has_hole() && now.since_ns(self.hole_at) > HOLE_MAX_NS {
            self.give_up_hole(each);
        }
    }

    /// Nothing more comes: all that is held is handed on.
    pub(super) fn finish(&mut self, each: &mut dyn FnMut(StreamContent<'_>)) {
        while self.has_hole() {
            self.give_up_hole(each);
        }
    }

    /// Hands on what is in order of a piece, and holds the rest. Each byte counts once, whichever
    /// of the pieces that have it comes first.
    fn take(&mut self, offset: u64, bytes: &[u8], each: &mut dyn FnMut(StreamContent<'_>)) -> u64 {
        let end = offset + bytes.len() as u64;
        let mut fresh = 0;
        loop {
            let old = self.next.saturating_sub(offset);
            let rest = usize::try_from(old).ok().and_then(|old| bytes.get(old..));
            let rest = rest.unwrap_or_default();
            if offset > self.next {
                return fresh + self.hold(offset, rest);
            }
            let held = self.held.keys().next().map_or(end, |held| (*held).min(end));
            let room = usize::try_from(held.saturating_sub(self.next)).unwrap_or(usize::MAX);
            let piece = rest.get(..room).unwrap_or(rest);
            fresh += piece.len() as u64;
            self.hand_on(piece, each);
            self.hand_on_held(each);
            if self.next >= end || self.is_over {
                return fresh;
            }
        }
    }

    /// Holds what is new of a piece behind a hole.
    fn hold(&mut self, mut offset: u64, mut bytes: &[u8]) -> u64 {
        let mut fresh = 0;
        while !bytes.is_empty() {
            // What is held from before this offset may reach into it.
            let before = self.held.range(..=offset).next_back();
            let covered = before
                .map_or(0, |(start, piece)| (start + piece.len() as u64).saturating_sub(offset));
            let skip = usize::try_from(covered).unwrap_or(usize::MAX).min(bytes.len());
            bytes = bytes.get(skip..).unwrap_or_default();
            offset += skip as u64;
            let next = self.held.range(offset..).next().map_or(u64::MAX, |(start, _)| *start);
            let room = usize::try_from(next.saturating_sub(offset)).unwrap_or(usize::MAX);
            let (piece, rest) = bytes.split_at(room.min(bytes.len()));
            if !piece.is_empty() {
                self.held_bytes += piece.len();
                self.held.insert(offset, piece.into());
                fresh += piece.len() as u64;
                offset += piece.len() as u64;
            }
            bytes = rest;
        }
        fresh
    }

    fn hand_on(&mut self, bytes: &[u8], each: &mut dyn FnMut(StreamContent<'_>)) {
        self.next += bytes.len() as u64;
        if !bytes.is_empty() {
            each(StreamContent::Bytes(bytes));
        }
        if self.end.is_some_and(|end| end <= self.next) && !self.is_over {
            self.is_over = true;
            self.dropped = self.held();
            self.held.clear();
            self.held_bytes = 0;
            each(StreamContent::End);
        }
    }

    fn hand_on_held(&mut self, each: &mut dyn FnMut(StreamContent<'_>)) {
        while let Some(first) = self.held.first_entry()
            && *first.key() <= self.next
        {
            let (offset, piece) = first.remove_entry();
            self.held_bytes -= piece.len();
            let old = usize::try_from(self.next - offset).unwrap_or(usize::MAX);
            self.hand_on(piece.get(old..).unwrap_or_default(), each);
        }
    }

    /// The bytes up to the next that are held, or up to the end, are missing for good.
    fn give_up_hole(&mut self, each: &mut dyn FnMut(StreamContent<'_>)) {
        let until = self.held.keys().next().copied().or(self.end).unwrap_or(self.next);
        if let Some(bytes) = until.checked_sub(self.next).filter(|bytes| *bytes > 0) {
            self.next = until;
            each(StreamContent::Missing { bytes, reason: MissingReason::Lost });
        }
        self.hand_on(&[], each);
        self.hand_on_held(each);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is handed on, as text: `-` for each byte that is missing, `.` for the end.
    fn text(found: &mut String, content: StreamContent<'_>) {
        match content {
            StreamContent::Bytes(bytes) => found.push_str(&String::from_utf8_lossy(bytes)),
            StreamContent::Missing { bytes, .. } => {
                found.extend(std::iter::repeat_n('-', bytes as usize));
            }
            StreamContent::End => found.push('.'),
            StreamContent::Reset(_) | StreamContent::Stopped(_) => {}
        }
    }

    #[test]
    fn pieces_in_any_order_are_handed_on_in_order_and_once() {
        const WHOLE: &str = "abcdefghij";
        bolero::check!().with_type::<Vec<(u8, u8)>>().for_each(|pieces| {
            let (mut assembly, mut found, mut fresh) = (Assembly::default(), String::new(), 0);
            let all = [(0, 10)];
            for (start, length) in pieces.iter().copied().chain(all) {
                let start = usize::from(start) % 10;
                let end = (start + usize::from(length)).min(10);
                let (piece, at) = (&WHOLE.as_bytes()[start..end], Timestamp(1));
                let ends = end == 10;
                fresh += assembly.push(start as u64, piece, ends, at, &mut |content| {
                    text(&mut found, content);
                });
            }
            assert_eq!((found.as_str(), fresh), ("abcdefghij.", 10));
            assert!(assembly.is_over() && !assembly.has_hole() && assembly.held() == 0);
        });
    }

    #[test]
    fn a_hole_is_given_up_in_time() {
        let (mut assembly, mut found) = (Assembly::default(), String::new());
        let mut each = |content: StreamContent<'_>| text(&mut found, content);
        assembly.push(0, b"ab", false, Timestamp(0), &mut each);
        assembly.push(4, b"ef", false, Timestamp(1), &mut each);
        assembly.push(8, b"ij", true, Timestamp(2), &mut each);
        assembly.expire(Timestamp(HOLE_MAX_NS), &mut each);
        assert!(assembly.has_hole());
        assembly.expire(Timestamp(HOLE_MAX_NS + 2), &mut each);
        assert_eq!(found, "ab--ef--ij.");
    }

    #[test]
    fn what_is_held_is_bounded() {
        let (mut assembly, mut found) = (Assembly::default(), 0);
        for piece in 1..4_000 {
            assembly.push(piece * 1_000, &[b'x'; 900], false, Timestamp(1), &mut |content| {
                if let StreamContent::Bytes(bytes) = content {
                    found += bytes.len();
                }
            });
            assert!(assembly.held() <= HELD_MAX as u64);
        }
        assert!(found > 2_000_000);
    }
}
