//! Segments that came before their turn, by stream offset, without overlap.

use std::collections::VecDeque;

use model::Timestamp;

use crate::limits::Limits;

/// A run of stream bytes that waits for the bytes before it.
#[derive(Debug)]
pub(crate) struct Piece {
    /// Stream offset of its first byte.
    pub(crate) start: u64,
    /// Stream bytes it covers.
    pub(crate) length: u64,
    /// The captured prefix.
    pub(crate) payload: Box<[u8]>,
    /// When its packet was sent.
    pub(crate) at: Timestamp,
}

impl Piece {
    /// Stream offset after its last byte.
    pub(crate) const fn end(&self) -> u64 {
        self.start + self.length
    }

    /// What it counts against the limits.
    pub(crate) fn cost(&self) -> u64 {
        self.payload.len() as u64 + Limits::HELD_SEGMENT_COST
    }
}

/// The out-of-order store of one direction.
#[derive(Debug, Default)]
pub(crate) struct Held {
    pieces: VecDeque<Piece>,
    cost: u64,
}

impl Held {
    pub(crate) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.pieces.len()
    }

    /// What all pieces count against the limits.
    pub(crate) const fn cost(&self) -> u64 {
        self.cost
    }

    /// The first piece in stream order.
    pub(crate) fn front(&self) -> Option<&Piece> {
        self.pieces.front()
    }

    /// Takes the first piece out.
    pub(crate) fn pop_front(&mut self) -> Option<Piece> {
        let piece = self.pieces.pop_front()?;
        self.cost -= piece.cost();
        Some(piece)
    }

    /// How many bytes before `offset` are held.
    pub(crate) fn covered_before(&self, offset: u64) -> u64 {
        self.pieces
            .iter()
            .take_while(|piece| piece.start < offset)
            .map(|piece| piece.end().min(offset) - piece.start)
            .sum()
    }

    /// Keeps what of a run is not held yet: the first copy of a byte stays. Returns how many bytes
    /// of the run were new.
    pub(crate) fn insert(&mut self, start: u64, length: u64, payload: &[u8], at: Timestamp) -> u64 {
        let end = start + length;
        let mut index = self.pieces.partition_point(|piece| piece.end() <= start);
        let mut from = start;
        let mut added = 0;
        while from < end {
            let (next_start, next_end) =
                self.pieces.get(index).map_or((end, end), |piece| (piece.start, piece.end()));
            let until = next_start.min(end);
            if from < until {
                let piece = Piece {
                    start: from,
                    length: until - from,
                    payload: slice(payload, from - start, until - start).into(),
                    at,
                };
                added += piece.length;
                self.cost += piece.cost();
                self.pieces.insert(index, piece);
                index += 1;
            }
            from = next_end.max(until);
            index += 1;
        }
        added
    }
}

/// What is there of the bytes `from..until` of a run whose captured prefix is `payload`.
pub(crate) fn slice(payload: &[u8], from: u64, until: u64) -> &[u8] {
    let bound =
        |offset: u64| usize::try_from(offset).map_or(payload.len(), |o| o.min(payload.len()));
    payload.get(bound(from)..bound(until)).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(held: &Held) -> Vec<(u64, u64)> {
        held.pieces.iter().map(|p| (p.start, p.length)).collect()
    }

    #[test]
    fn the_first_copy_of_a_byte_stays() {
        let mut held = Held::default();
        assert_eq!(held.insert(10, 4, b"abcd", Timestamp(1)), 4);
        assert_eq!(held.insert(20, 2, b"yz", Timestamp(2)), 2);
        assert_eq!(held.insert(8, 16, b"................", Timestamp(3)), 10);
        assert_eq!(starts(&held), [(8, 2), (10, 4), (14, 6), (20, 2), (22, 2)]);
        assert_eq!(held.covered_before(15), 7);
        let total: u64 = held.pieces.iter().map(Piece::cost).sum();
        assert_eq!(held.cost(), total);
    }

    #[test]
    fn a_cut_payload_is_kept_with_its_full_length() {
        let mut held = Held::default();
        held.insert(0, 10, b"abc", Timestamp(1));
        let piece = held.pop_front();
        assert!(piece.is_some_and(|p| p.length == 10 && &*p.payload == b"abc"));
        assert_eq!(held.cost(), 0);
    }
}
