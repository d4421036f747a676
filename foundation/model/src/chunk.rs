//! Bytes of one direction in order, or the news that some are missing.

use crate::connection::Direction;
use crate::time::Timestamp;

/// What the connections stage gives to the next one: the next piece of one direction's stream.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// Which way the bytes travel.
    pub direction: Direction,
    /// When the packet that carried them was sent; for a gap, when it became known.
    pub at: Timestamp,
    /// The bytes, or what is there instead.
    pub content: Content<'a>,
}

/// The content of a [`Chunk`].
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// The next bytes of the stream.
    Bytes(&'a [u8]),
    /// The next `bytes` of the stream are not to be had.
    Missing {
        /// How many.
        bytes: u64,
        /// Why.
        reason: MissingReason,
    },
    /// The sender has said it will send no more (FIN).
    End,
}

/// Why bytes are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MissingReason {
    /// The tap did not copy them on purpose: budget, or the snap length of a capture.
    Skipped,
    /// They were wanted and did not arrive: ring full, packet missing from the capture.
    Lost,
}
