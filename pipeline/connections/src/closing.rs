//! What is remembered of a closed TCP connection, to tell late packets from a new connection.

use model::{ConnectionId, Segment, Timestamp};

use crate::stream::Stream;

/// What is left of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Remains {
    pub(crate) id: ConnectionId,
    pub(crate) closed_at: Timestamp,
    /// By direction: first and next sequence number, if the stream was ever seen.
    streams: [Option<(u32, u32)>; 2],
}

impl Remains {
    pub(crate) fn new(id: ConnectionId, closed_at: Timestamp, streams: &[Stream; 2]) -> Self {
        let span = |stream: &Stream| stream.is_started().then(|| (stream.base(), stream.next()));
        Self { id, closed_at, streams: [span(&streams[0]), span(&streams[1])] }
    }

    /// True if `segment` is a late one of this connection and not the first of a new one.
    pub(crate) fn claims(&self, segment: &Segment<'_>, window: u32) -> bool {
        let Some((base, next)) = self.streams[segment.direction.index()] else {
            // That direction was never seen: nothing speaks for a new connection but a SYN.
            return !segment.flags.syn();
        };
        if segment.flags.syn() {
            return segment.sequence.wrapping_add(1) == base;
        }
        if segment.begins {
            let first = segment.first_sequence();
            return base == first && next == first;
        }
        let distance = segment.sequence.wrapping_sub(next).cast_signed();
        segment.length == 0 || distance.unsigned_abs() <= window
    }
}
