//! A consumer that writes down what it is told, in the words of the cases.

use connections::{Connection, Consumer};
use model::{Chunk, CloseReason, Content, Direction, MissingReason, Timestamp};

/// What the table said, one line a call.
#[derive(Default)]
pub(crate) struct Transcript {
    pub(crate) lines: Vec<String>,
    /// True if `>` stands for [`Direction::Backward`].
    pub(crate) swapped: bool,
    /// True if visits are written down too.
    pub(crate) ticks: bool,
    /// True if nothing is awaited once both ends have spoken.
    pub(crate) rests: bool,
}

impl Transcript {
    fn arrow(&self, direction: Direction) -> char {
        if (direction == Direction::Forward) == self.swapped { '<' } else { '>' }
    }

    /// What is known of a connection, as far as it is not the usual.
    fn describe(&self, connection: &Connection) -> String {
        let mut text = String::new();
        if let Some(initiator) = connection.initiator {
            text += &format!(" by {}", self.arrow(initiator));
        }
        for direction in Direction::BOTH {
            if let Some(owner) = &connection.owners[direction.index()] {
                text += &format!(" {}{}", self.arrow(direction), owner.pid);
            }
        }
        text
    }
}

impl Consumer for Transcript {
    type State = [u64; 2];

    fn opened(&mut self, connection: &Connection) -> Self::State {
        self.lines.push(format!("opened{}", self.describe(connection)));
        [0; 2]
    }

    fn chunk(&mut self, connection: &Connection, state: &mut Self::State, chunk: Chunk<'_>) {
        let sum = &mut state[chunk.direction.index()];
        let arrow = self.arrow(chunk.direction);
        self.lines.push(match chunk.content {
            Content::Bytes(bytes) => {
                *sum += bytes.len() as u64;
                format!("{arrow} \"{}\"", String::from_utf8_lossy(bytes))
            }
            Content::Missing { bytes, reason } => {
                *sum += bytes;
                let reason = match reason {
                    MissingReason::Skipped => "skipped",
                    MissingReason::Lost => "lost",
                };
                format!("{arrow} {bytes} {reason}")
            }
            Content::End => format!("{arrow} end"),
        });
        assert_eq!(*sum, connection.health.bytes[chunk.direction.index()]);
    }

    fn updated(&mut self, connection: &Connection, _state: &mut Self::State) {
        self.lines.push(format!("updated{}", self.describe(connection)));
    }

    fn tick(&mut self, _connection: &Connection, _state: &mut Self::State, now: Timestamp) {
        if self.ticks {
            self.lines.push(format!("tick {}", now.0 / 1_000_000));
        }
    }

    fn is_at_rest(&self, state: &Self::State) -> bool {
        self.rests && !state.contains(&0)
    }

    fn closed(
        &mut self,
        connection: &Connection,
        _state: Self::State,
        reason: CloseReason,
        _at: Timestamp,
    ) {
        let reason = match reason {
            CloseReason::Finished => "finished".to_owned(),
            CloseReason::Reset(direction) => format!("reset {}", self.arrow(direction)),
            CloseReason::Idle => "idle".to_owned(),
            CloseReason::Reused => "reused".to_owned(),
            CloseReason::EndOfCapture => "end-of-capture".to_owned(),
        };
        let mut line = format!("closed {reason}");
        if !connection.established {
            line += " unestablished";
        }
        for direction in Direction::BOTH {
            if connection.from_start[direction.index()] {
                let arrow = self.arrow(direction);
                line += &format!(" whole{arrow}");
            }
        }
        let health = &connection.health;
        let retransmits = health.retransmits[0] + health.retransmits[1];
        if retransmits > 0 {
            line += &format!(" retransmits={retransmits}");
        }
        if let Some(connect_us) = health.connect_us {
            line += &format!(" connect={connect_us}");
        }
        if let Some(rtt_us) = health.rtt_us {
            line += &format!(" rtt={rtt_us}");
        }
        self.lines.push(line);
    }
}
