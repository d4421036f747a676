//! A consumer that keeps each stream with its offsets, and checks the promises of the trait.

use connections::{Connection, Consumer};
use model::{Chunk, CloseReason, Content, Timestamp};

/// One direction as it was handed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Runs of bytes with the offset of the first.
    pub(crate) runs: Vec<(u64, Vec<u8>)>,
    /// Bytes and missing bytes.
    pub(crate) length: u64,
    pub(crate) missing: u64,
    pub(crate) ended: bool,
}

/// Everything that was handed on, connection by connection as they closed.
#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) closed: Vec<([Heard; 2], CloseReason)>,
}

impl Consumer for Recorder {
    type State = [Heard; 2];

    fn opened(&mut self, _connection: &Connection) -> Self::State {
        Self::State::default()
    }

    fn chunk(&mut self, connection: &Connection, state: &mut Self::State, chunk: Chunk<'_>) {
        let heard = &mut state[chunk.direction.index()];
        assert!(!heard.ended, "nothing follows the end");
        match chunk.content {
            Content::Bytes(bytes) => {
                assert!(!bytes.is_empty());
                heard.runs.push((heard.length, bytes.to_vec()));
                heard.length += bytes.len() as u64;
            }
            Content::Missing { bytes, .. } => {
                assert!(bytes > 0);
                heard.missing += bytes;
                heard.length += bytes;
            }
            Content::End => heard.ended = true,
        }
        assert_eq!(heard.length, connection.health.bytes[chunk.direction.index()]);
    }

    fn updated(&mut self, _connection: &Connection, _state: &mut Self::State) {}

    fn tick(&mut self, _connection: &Connection, _state: &mut Self::State, _now: Timestamp) {}

    fn closed(
        &mut self,
        connection: &Connection,
        state: Self::State,
        reason: CloseReason,
        _at: Timestamp,
    ) {
        assert_eq!(state.each_ref().map(|heard| heard.length), connection.health.bytes);
        self.closed.push((state, reason));
    }
}
