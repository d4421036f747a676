//! What came out of a replay, kept for comparison.

use std::io::Cursor;
use std::net::SocketAddr;

use capture::replay::{Replay, ReplayError, ReplaySummary};
use model::{Direction, TapEvent};

/// One event, with what it borrowed copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) source: SocketAddr,
    pub(crate) destination: SocketAddr,
    pub(crate) connection: u64,
    pub(crate) direction: Direction,
    pub(crate) at_ns: u64,
    /// `None` for a datagram.
    pub(crate) tcp: Option<Tcp>,
    pub(crate) length: u32,
    pub(crate) payload: Vec<u8>,
}

/// The TCP part of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tcp {
    pub(crate) sequence: u32,
    pub(crate) acknowledgment: u32,
    pub(crate) flags: u8,
}

impl Seen {
    fn of(event: TapEvent<'_>) -> Self {
        match event {
            TapEvent::Segment(segment) => {
                let endpoints = segment.endpoints.expect("replay knows both addresses");
                Self {
                    source: endpoints.source,
                    destination: endpoints.destination,
                    connection: segment.connection.0,
                    direction: segment.direction,
                    at_ns: segment.at.0,
                    tcp: Some(Tcp {
                        sequence: segment.sequence,
                        acknowledgment: segment.acknowledgment,
                        flags: segment.flags.0,
                    }),
                    length: segment.length,
                    payload: segment.payload.to_vec(),
                }
            }
            TapEvent::Datagram(datagram) => {
                let endpoints = datagram.endpoints.expect("replay knows both addresses");
                Self {
                    source: endpoints.source,
                    destination: endpoints.destination,
                    connection: datagram.connection.0,
                    direction: datagram.direction,
                    at_ns: datagram.at.0,
                    tcp: None,
                    length: datagram.length,
                    payload: datagram.payload.to_vec(),
                }
            }
            _ => panic!("only live taps know sockets"),
        }
    }
}

/// Replays a file held in memory. Checks what must hold for every file.
pub(crate) fn try_replay(file: &[u8]) -> Result<(Vec<Seen>, ReplaySummary), ReplayError> {
    let mut replay = Replay::from_reader("test", Cursor::new(file.to_vec()))?;
    let mut seen = Vec::new();
    let summary = replay.read(|event| seen.push(Seen::of(event)))?;
    assert!(summary.adds_up(), "every packet is one thing: {summary:?}");
    assert_eq!(summary.segments + summary.datagrams, seen.len() as u64);
    for event in &seen {
        assert!(event.payload.len() <= event.length as usize, "{event:?}");
    }
    Ok((seen, summary))
}

/// The same for a file that must be accepted.
pub(crate) fn replay(file: &[u8]) -> (Vec<Seen>, ReplaySummary) {
    try_replay(file).expect("a capture file")
}

/// The events of IP packets, one a second, in a plain pcap file.
pub(crate) fn replay_ip(packets: &[Vec<u8>]) -> (Vec<Seen>, ReplaySummary) {
    let mut file = testkit::pcap::PcapFile::new(101);
    for (second, packet) in (1_700_000_000_u64..).zip(packets) {
        file.packet(second * 1_000_000_000, packet);
    }
    replay(file.bytes())
}
