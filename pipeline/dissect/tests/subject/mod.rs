//! What a case is played to: a connection of one stream, of datagrams, or of many streams.

use dissect::{Counters, Dissector, Output, Streams};
use model::{
    Chunk, CloseReason, Content, Direction, Ledger, StreamChunk, StreamContent, StreamId, Timestamp,
};

use super::transcript::{Carrier, What};

/// The stage, entered by one of its two doors.
pub(crate) enum Subject {
    One(Box<Dissector>),
    Many(Box<Streams>),
}

impl Subject {
    pub(crate) fn new(carrier: &Carrier, initiator: Option<Direction>, from_start: bool) -> Self {
        let ports = [40_000, 40_001];
        match carrier {
            Carrier::Stream => Self::One(Box::new(Dissector::new(initiator, ports, from_start))),
            Carrier::Datagrams(transport) => {
                Self::One(Box::new(Dissector::datagrams(*transport, initiator, ports)))
            }
            Carrier::Streams(name) => {
                // Who the client is stands in the handshake: it is known, or nothing is opened.
                let streams = Streams::new(Direction::Forward, name.as_bytes(), from_start);
                assert!(streams.protocol().is_some(), "{name} is one of ours");
                Self::Many(Box::new(streams))
            }
        }
    }

    /// Takes what happens, and gives how many bytes it counts.
    pub(crate) fn take(
        &mut self,
        stream: u64,
        what: &What,
        swap: impl Fn(Direction) -> Direction,
        at: Timestamp,
        (output, counters): (&mut Output<'_>, &mut Counters),
    ) -> u64 {
        match self {
            Self::One(dissector) => {
                let (way, content) = match what {
                    What::Bytes(way, bytes) => (*way, Content::Bytes(bytes)),
                    What::Missing(way, bytes, reason) => {
                        (*way, Content::Missing { bytes: *bytes, reason: *reason })
                    }
                    // A reset closes for good; here it leaves room for what still comes.
                    What::End(way) | What::Reset(way, _) | What::Stopped(way, _) => {
                        (*way, Content::End)
                    }
                };
                let chunk = Chunk { direction: swap(way), at, content };
                dissector.chunk(&chunk, output, counters);
                for direction in Direction::BOTH {
                    std::hint::black_box(dissector.wants(direction));
                }
            }
            Self::Many(streams) => {
                let (way, content) = match what {
                    What::Bytes(way, bytes) => (*way, StreamContent::Bytes(bytes)),
                    What::Missing(way, bytes, reason) => {
                        (*way, StreamContent::Missing { bytes: *bytes, reason: *reason })
                    }
                    What::End(way) => (*way, StreamContent::End),
                    What::Reset(way, code) => (*way, StreamContent::Reset(*code)),
                    What::Stopped(way, code) => (*way, StreamContent::Stopped(*code)),
                };
                let stream = StreamId(stream);
                streams.chunk(&StreamChunk { stream, direction: swap(way), at, content }, output);
            }
        }
        match what {
            What::Bytes(_, bytes) => bytes.len() as u64,
            // Of many streams it is booked by packet.
            What::Missing(..) if matches!(self, Self::Many(_)) => 0,
            What::Missing(_, bytes, _) => *bytes,
            What::End(_) | What::Reset(..) | What::Stopped(..) => 0,
        }
    }

    pub(crate) fn close(&mut self, reason: CloseReason, at: Timestamp, output: &mut Output<'_>) {
        match self {
            Self::One(dissector) => dissector.close(reason, at, output),
            Self::Many(streams) => streams.close(reason, at, output),
        }
    }

    pub(crate) fn held(&self) -> u64 {
        match self {
            Self::One(dissector) => dissector.held(),
            Self::Many(streams) => streams.held(),
        }
    }

    pub(crate) fn take_ledger(&mut self) -> Ledger {
        match self {
            Self::One(dissector) => dissector.take_ledger(),
            Self::Many(streams) => streams.take_ledger(),
        }
    }
}
