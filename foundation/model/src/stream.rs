//! Bytes of one of the many streams of a connection (QUIC).

use crate::chunk::MissingReason;
use crate::connection::{Direction, Side};
use crate::time::Timestamp;

/// Number of a stream; its two lowest bits say who opened it and who may send (RFC 9000 §2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StreamId(pub u64);

impl StreamId {
    /// The end that opened it.
    pub const fn opened_by(self) -> Side {
        if self.0 & 1 == 0 { Side::Client } else { Side::Server }
    }

    /// True if both ends send on it.
    pub const fn is_bidirectional(self) -> bool {
        self.0 & 2 == 0
    }

    /// True if this end may send on it.
    pub fn carries(self, side: Side) -> bool {
        self.is_bidirectional() || self.opened_by() == side
    }
}

/// The next piece of one direction of one stream.
#[derive(Clone, Copy, Debug)]
pub struct StreamChunk<'a> {
    /// Which stream.
    pub stream: StreamId,
    /// Which way it travels.
    pub direction: Direction,
    /// When the packet that carried it was sent; for a gap, when it became known.
    pub at: Timestamp,
    /// The bytes, or the news.
    pub content: StreamContent<'a>,
}

/// The content of a [`StreamChunk`].
#[derive(Clone, Copy, Debug)]
pub enum StreamContent<'a> {
    /// The next bytes of the stream.
    Bytes(&'a [u8]),
    /// The next `bytes` of the stream are not to be had.
    Missing {
        /// How many.
        bytes: u64,
        /// Why.
        reason: MissingReason,
    },
    /// The sender has said all (FIN).
    End,
    /// The sender breaks off, with the application's error code (RESET_STREAM).
    Reset(u64),
    /// The sender does not want to hear the other direction of the stream any more, with the
    /// application's error code (STOP_SENDING).
    Stopped(u64),
}
