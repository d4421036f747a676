//! The streams of one connection: pieces in any order → chunks in the order of each stream.

use std::collections::{BTreeSet, HashMap};

use model::{Direction, Side, StreamChunk, StreamContent, StreamId, Timestamp};

use super::assembly::Assembly;

/// Directions of streams that are open at a time: servers allow 100 to 1,000 requests.
const OPEN_MAX: usize = 8_192;
/// Bytes held behind holes on one connection.
const HELD_MAX: u64 = 2 << 20;
/// Numbers of streams that ended out of turn, of one kind.
const ENDED_MAX: usize = 1_024;

/// Where chunks of streams go.
pub(super) type Each<'a> = dyn FnMut(&StreamChunk<'_>) + 'a;

/// What is done to a direction of a stream that has a hole.
type Act = fn(&mut Assembly, Timestamp, &mut dyn FnMut(StreamContent<'_>));

/// See the module.
#[derive(Default)]
pub(super) struct Streams {
    open: HashMap<(StreamId, Side), Assembly>,
    /// By side and kind of stream (its two lowest bits).
    ended: [[Ended; 4]; 2],
    /// Bytes held behind holes.
    held: u64,
    /// Bytes taken and not handed on.
    dropped: u64,
    /// Pieces of streams for which there was no room.
    refused: u64,
}

/// Streams that are over: their pieces may come again.
#[derive(Default)]
struct Ended {
    /// All below this one.
    below: u64,
    /// Those above it.
    above: BTreeSet<u64>,
}

impl Ended {
    fn contains(&self, number: u64) -> bool {
        number < self.below || self.above.contains(&number)
    }

    fn insert(&mut self, number: u64) {
        self.above.insert(number);
        if self.above.len() > ENDED_MAX
            && let Some(lowest) = self.above.first()
        {
            // Those in between never ended, or not where we saw it.
            self.below = *lowest;
        }
        while self.above.remove(&self.below) {
            self.below += 1;
        }
    }
}

/// A piece of a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    pub(super) stream: StreamId,
    pub(super) side: Side,
    pub(super) direction: Direction,
    pub(super) offset: u64,
    pub(super) bytes: &'a [u8],
    pub(super) ends: bool,
    pub(super) at: Timestamp,
}

impl Streams {
    /// Bytes held behind holes.
    pub(super) const fn held(&self) -> u64 {
        self.held
    }

    /// Pieces of streams for which there was no room.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }

    fn is_ended(&self, stream: StreamId, side: Side) -> bool {
        self.ended[side.index()][(stream.0 & 3) as usize].contains(stream.0 >> 2)
    }

    fn end(&mut self, stream: StreamId, side: Side) {
        self.ended[side.index()][(stream.0 & 3) as usize].insert(stream.0 >> 2);
        if let Some(assembly) = self.open.remove(&(stream, side)) {
            self.held -= assembly.held();
            self.dropped += assembly.held() + assembly.dropped();
        }
    }

    /// Bytes taken that are not handed on: their streams ended before them, or were broken off.
    pub(super) const fn take_dropped(&mut self) -> u64 {
        std::mem::replace(&mut self.dropped, 0)
    }

    /// Takes a piece. Gives how many of its bytes are handed on, now or later.
    pub(super) fn piece(&mut self, piece: &Piece<'_>, each: &mut Each<'_>) -> u64 {
        let Piece { stream, side, direction, at, .. } = *piece;
        if !stream.carries(side) || self.is_ended(stream, side) {
            return 0;
        }
        let on = (stream, side);
        if self.open.len() >= OPEN_MAX && !self.open.contains_key(&on) {
            self.refused += 1;
            return 0;
        }
        let assembly = self.open.entry(on).or_default();
        self.held -= assembly.held();
        let mut tell =
            |content: StreamContent<'_>| each(&StreamChunk { stream, direction, at, content });
        let fresh = assembly.push(piece.offset, piece.bytes, piece.ends, at, &mut tell);
        self.held += assembly.held();
        if assembly.is_over() {
            self.end(stream, side);
        }
        if self.held > HELD_MAX {
            self.finish(direction, side, at, each);
        }
        fresh
    }

    /// The sender breaks its side off.
    pub(super) fn reset(&mut self, piece: &Piece<'_>, code: u64, each: &mut Each<'_>) {
        let Piece { stream, side, direction, at, .. } = *piece;
        if stream.carries(side) && !self.is_ended(stream, side) {
            self.end(stream, side);
            each(&StreamChunk { stream, direction, at, content: StreamContent::Reset(code) });
        }
    }

    /// Gives up holes that have been open for too long.
    pub(super) fn expire(&mut self, client: Direction, now: Timestamp, each: &mut Each<'_>) {
        if self.held > 0 || self.open.len() < 64 {
            self.visit(client, now, each, Assembly::expire);
        }
    }

    /// Nothing more comes.
    pub(super) fn close(&mut self, client: Direction, at: Timestamp, each: &mut Each<'_>) {
        self.visit(client, at, each, |assembly, _, each| assembly.finish(each));
    }

    /// There is too much behind holes of this side: all of them are given up.
    fn finish(&mut self, direction: Direction, side: Side, at: Timestamp, each: &mut Each<'_>) {
        let client = if side == Side::Client { direction } else { direction.opposite() };
        self.visit(client, at, each, |assembly, _, each| assembly.finish(each));
    }

    fn visit(&mut self, client: Direction, at: Timestamp, each: &mut Each<'_>, act: Act) {
        let with_holes = self.open.iter().filter(|(_, assembly)| assembly.has_hole());
        let mut with_holes: Vec<_> = with_holes.map(|(on, _)| *on).collect();
        // In the order of their numbers, for a map has none.
        with_holes.sort_by_key(|(stream, side)| (*stream, side.index()));
        for (stream, side) in with_holes {
            let Some(assembly) = self.open.get_mut(&(stream, side)) else { continue };
            self.held -= assembly.held();
            let direction = if side == Side::Client { client } else { client.opposite() };
            let mut tell =
                |content: StreamContent<'_>| each(&StreamChunk { stream, direction, at, content });
            act(assembly, at, &mut tell);
            self.held += assembly.held();
            if assembly.is_over() {
                self.end(stream, side);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_that_is_over_does_not_begin_again() {
        let mut streams = Streams::default();
        let mut chunks = 0;
        for stream in [0, 8, 4, 0, 4, 8] {
            let piece = Piece {
                stream: StreamId(stream),
                side: Side::Client,
                direction: Direction::Forward,
                offset: 0,
                bytes: b"all",
                ends: true,
                at: Timestamp(1),
            };
            streams.piece(&piece, &mut |_| chunks += 1);
        }
        // Bytes and end of each.
        assert_eq!((chunks, streams.open.len()), (6, 0));
    }
}
