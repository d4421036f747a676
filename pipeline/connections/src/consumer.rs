//! What stands behind the table, and the way chunks take to it.

use model::{Chunk, CloseReason, Content, Direction, MissingReason, Timestamp};

use crate::connection::Connection;
use crate::counters::Counters;
use crate::limits::Limits;

/// What the agent plugs in behind the table.
///
/// For one connection: `opened` once, then any number of `chunk`, `updated` and `tick`, then
/// `closed` once. In each direction the chunks are the stream in order; [`Content::End`] comes at
/// most once and nothing follows it.
pub trait Consumer {
    /// What later stages keep per connection.
    type State;

    /// A connection was seen for the first time.
    fn opened(&mut self, connection: &Connection) -> Self::State;

    /// The next piece of one direction. `connection.health.bytes` counts it already.
    fn chunk(&mut self, connection: &Connection, state: &mut Self::State, chunk: Chunk<'_>);

    /// Something about the connection became known later: addresses, an owner, who connected, that
    /// both directions are seen from their first byte.
    fn updated(&mut self, connection: &Connection, state: &mut Self::State);

    /// About once a second for every live connection, from [`crate::Table::tick`].
    fn tick(&mut self, connection: &Connection, state: &mut Self::State, now: Timestamp);

    /// True if nothing is awaited of these datagrams: they may be forgotten early.
    fn is_at_rest(&self, state: &Self::State) -> bool {
        let _ = state;
        false
    }

    /// True if the connection must not rest although it is silent: something of it is due soon.
    fn is_waiting(&self, state: &Self::State) -> bool {
        let _ = state;
        false
    }

    /// The connection is over.
    fn closed(
        &mut self,
        connection: &Connection,
        state: Self::State,
        reason: CloseReason,
        at: Timestamp,
    );
}

/// The way out for the stream of one direction, and what it may count and must respect.
pub(crate) struct Outlet<'a, C: Consumer> {
    pub(crate) consumer: &'a mut C,
    pub(crate) connection: &'a mut Connection,
    pub(crate) state: &'a mut C::State,
    pub(crate) counters: &'a mut Counters,
    pub(crate) limits: &'a Limits,
    pub(crate) direction: Direction,
}

impl<C: Consumer> Outlet<'_, C> {
    /// Hands on bytes of the stream.
    #[inline]
    pub(crate) fn bytes(&mut self, bytes: &[u8], at: Timestamp) {
        if !bytes.is_empty() {
            self.connection.health.bytes[self.direction.index()] += bytes.len() as u64;
            self.hand_on(Content::Bytes(bytes), at);
        }
    }

    /// Hands on the news that `bytes` of the stream are missing.
    pub(crate) fn missing(&mut self, bytes: u64, reason: MissingReason, at: Timestamp) {
        if bytes == 0 {
            return;
        }
        self.counters.gaps += 1;
        match reason {
            MissingReason::Skipped => self.counters.skipped_bytes += bytes,
            MissingReason::Lost => self.counters.lost_bytes += bytes,
        }
        self.connection.health.bytes[self.direction.index()] += bytes;
        self.hand_on(Content::Missing { bytes, reason }, at);
    }

    /// Hands on the end of the stream.
    pub(crate) fn end(&mut self, at: Timestamp) {
        self.hand_on(Content::End, at);
    }

    /// Counts a segment that carried bytes seen before.
    pub(crate) fn retransmitted(&mut self) {
        self.counters.retransmitted_segments += 1;
        self.connection.health.retransmitted(self.direction);
    }

    #[inline]
    fn hand_on(&mut self, content: Content<'_>, at: Timestamp) {
        let chunk = Chunk { direction: self.direction, at, content };
        self.consumer.chunk(self.connection, self.state, chunk);
    }
}
