//! What the opener tells whoever reads on.

use model::{Direction, StreamChunk, Timestamp};

use crate::tls::{Facts, Handshake};

/// What is told of a connection.
#[derive(Clone, Copy, Debug)]
pub enum News<'a> {
    /// The client has said by which name it means the server, and sends in this direction.
    Named(&'a str, Direction),
    /// Streams of a protocol follow.
    Agreed {
        /// What the ends have agreed on.
        facts: &'a Facts,
        /// Its name.
        protocol: &'a str,
        /// The client sends in this direction.
        client: Direction,
        /// Nobody has seen how the connection began.
        is_older: bool,
    },
    /// The client now sends in this direction, between other addresses.
    Moved(Direction),
    /// The next piece of a stream.
    Chunk(&'a StreamChunk<'a>),
    /// The handshake is over, well or not.
    Shaken(&'a Facts, &'a Handshake),
    /// The connection is over; `is_sealed` if some of it was never opened.
    Closed {
        /// When.
        at: Timestamp,
        /// No key was found for some of its packets.
        is_sealed: bool,
    },
}
