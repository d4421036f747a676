//! Plaintext that was taken before it was sealed, or after it was opened.

use std::fmt;

use crate::{ConnectionId, Direction, Timestamp};

/// What one call of a TLS library had, as a tap found it.
#[derive(Clone, Copy)]
pub struct Plaintext<'a> {
    /// Which connection.
    pub connection: ConnectionId,
    /// Which way the bytes travel.
    pub direction: Direction,
    /// When they were sent, or received.
    pub at: Timestamp,
    /// The process that called.
    pub pid: u32,
    /// Bytes of this direction that calls of the same process had before.
    pub before: u64,
    /// Bytes of the call.
    pub length: u32,
    /// The first of them; none if they could not be read.
    pub payload: &'a [u8],
}

/// What was said is nobody's who reads a log.
impl fmt::Debug for Plaintext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plaintext")
            .field("connection", &self.connection)
            .field("direction", &self.direction)
            .field("length", &self.length)
            .finish_non_exhaustive()
    }
}
