//! The first bytes of a connection, kept in order of arrival until its protocol is known.

use model::{Direction, Timestamp};

use crate::classify::{is_hello, is_tls};

/// Bytes kept per connection while it is classified.
const OPENING_BYTES_MAX: usize = 4 * 1024;
/// Chunks kept, so that single-byte chunks are bounded too.
const OPENING_CHUNKS_MAX: usize = 512;

/// What has been seen so far, per direction for the probes and as pieces for the replay.
#[derive(Default)]
pub(super) struct OpeningBytes {
    bytes: [Vec<u8>; 2],
    pieces: Vec<(Direction, Timestamp, usize)>,
}

impl OpeningBytes {
    pub(super) fn push(&mut self, direction: Direction, bytes: &[u8], at: Timestamp) {
        self.bytes[direction.index()].extend_from_slice(bytes);
        self.pieces.push((direction, at, bytes.len()));
    }

    /// True if no more will be waited for.
    pub(super) fn is_full(&self) -> bool {
        self.held() >= OPENING_BYTES_MAX as u64 || self.pieces.len() >= OPENING_CHUNKS_MAX
    }

    /// True if they wait for the rest of a TLS client's first message.
    pub(super) fn is_tls(&self) -> bool {
        self.bytes.iter().any(|bytes| is_tls(bytes))
    }

    /// The direction whose bytes start with a TLS client's first message.
    pub(super) fn hello(&self) -> Option<Direction> {
        Direction::BOTH.into_iter().find(|way| is_hello(&self.bytes[way.index()]))
    }

    /// Forgets what the server said before the client began TLS: words of a protocol that nobody
    /// here knows. Gives how many bytes those were.
    pub(super) fn drop_before_hello(&mut self) -> u64 {
        let Some(way) = self.hello() else { return 0 };
        let before = self.pieces.iter().take_while(|(from, ..)| *from != way);
        let (chunks, bytes) = before.fold((0, 0), |(n, sum), (.., length)| (n + 1, sum + length));
        self.pieces.drain(..chunks);
        self.bytes[way.opposite().index()].drain(..bytes);
        bytes as u64
    }

    pub(super) fn held(&self) -> u64 {
        self.bytes.iter().map(|b| b.len() as u64).sum()
    }

    pub(super) fn both(&self) -> [&[u8]; 2] {
        [&self.bytes[0], &self.bytes[1]]
    }

    /// What may begin something by itself: all that `direction` has said since its first byte, if
    /// that came alone, as a keep-alive probe does, and nobody else has spoken; or its newest chunk
    /// of `length` bytes.
    pub(super) fn newest(&self, direction: Direction, length: usize) -> &[u8] {
        let bytes = &self.bytes[direction.index()];
        let is_alone = self.pieces.iter().all(|(way, ..)| *way == direction);
        let is_probe = matches!(self.pieces.first(), Some((.., 1))) && is_alone;
        let start = if is_probe { 1 } else { bytes.len() - length };
        bytes.get(start..).unwrap_or_default()
    }

    /// The chunks as they came.
    pub(super) fn pieces(&self) -> impl Iterator<Item = (Direction, &[u8], Timestamp)> {
        let mut at = [0; 2];
        self.pieces.iter().filter_map(move |(direction, time, length)| {
            let start = at[direction.index()];
            at[direction.index()] += length;
            let bytes = self.bytes[direction.index()].get(start..start + length)?;
            Some((*direction, bytes, *time))
        })
    }
}
