//! Any events in any order: no panic, nothing kept behind, every byte accounted for.

mod recorder;

use connections::{Limits, Table};
use model::{Closed, ConnectionId, Datagram, Direction, Endpoints, Opened, Owner, Passed, Segment};
use model::{TapEvent, TcpFlags, Timestamp};
use recorder::Recorder;

/// Reads numbers from fuzz input; zero when it is used up.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    fn bytes(&mut self, most: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(most.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A sequence number: mostly near the wrap, sometimes anywhere.
    fn sequence(&mut self) -> u32 {
        let near = u32::from(self.byte()).wrapping_sub(128);
        match self.byte() {
            0 => near.wrapping_add(0x8000_0000),
            1 => near.wrapping_mul(0x0101_0101),
            _ => near,
        }
    }
}

fn event<'a>(input: &mut Input<'a>, at: Timestamp) -> TapEvent<'a> {
    let kind = input.byte();
    let direction = Direction::BOTH[usize::from(kind & 1)];
    let connection = ConnectionId(u64::from(kind >> 1 & 1));
    let endpoints = Endpoints {
        source: ([10, 0, 0, 1 + (kind & 1)], 1).into(),
        destination: ([10, 0, 0, 2 - (kind & 1)], 1 + u16::from(kind >> 2 & 1)).into(),
    };
    match kind >> 3 {
        0 => TapEvent::Opened(Opened {
            connection,
            direction,
            endpoints,
            protocol: 6,
            at,
            initiator: [None, Some(true), Some(false)][usize::from(input.byte() % 3)],
            owner: Owner::default(),
        }),
        1 => TapEvent::Closed(Closed {
            connection,
            direction,
            at,
            unreported: u64::from(input.byte()),
            lost: u64::from(input.byte()),
            health: None,
        }),
        2 => TapEvent::Datagram(Datagram {
            connection: ConnectionId(9),
            direction,
            endpoints: None,
            at,
            length: u32::from(input.byte()),
            payload: input.bytes(8),
        }),
        3 => TapEvent::Passed(Passed {
            connection: ConnectionId(u64::from(kind >> 1 & 1) * 9),
            direction,
            at,
            bytes: u64::from(input.byte()),
        }),
        rest => {
            let flags = input.byte();
            TapEvent::Segment(Segment {
                connection,
                direction,
                endpoints: (rest & 1 == 0).then_some(endpoints),
                at,
                sequence: input.sequence(),
                acknowledgment: input.sequence(),
                // SYN, FIN and RST are rarer than in random bits.
                flags: TcpFlags(flags & if flags & 0x60 == 0 { 0x1f } else { TcpFlags::ACK }),
                length: if flags & 0x80 == 0 { 8 } else { u32::from(input.byte()) },
                payload: input.bytes(usize::from(rest & 7) + 1),
                lost_before: if rest & 8 == 0 { 0 } else { u32::from(input.byte()) },
                in_order: rest & 6 == 2,
                begins: rest & 14 == 2,
                health: None,
            })
        }
    }
}

#[test]
fn any_events_keep_every_promise() {
    let input = bolero::produce::<Vec<u8>>().with().len(0..2_048_usize);
    bolero::check!().with_generator(input).with_iterations(3_000).for_each(|bytes| {
        let mut input = Input(bytes);
        let mut table = Table::new(Limits {
            connections: 2,
            closing: 2,
            held_bytes: 200,
            held_segments: 2,
            held_bytes_total: 600,
            ..Limits::default()
        });
        let mut recorder = Recorder::default();
        let mut at = Timestamp(1);
        while !input.0.is_empty() {
            at.0 += u64::from(input.byte()) * 10_000_000;
            if at.0.is_multiple_of(7) {
                table.tick(at, &mut recorder);
            }
            table.event(event(&mut input, at), &mut recorder);
            assert!(table.len() <= 2 && table.counters().held_bytes <= 600);
        }
        table.finish(at, &mut recorder);
        let counters = table.counters();
        assert_eq!((counters.held_bytes, table.len()), (0, 0));
        assert_eq!(counters.opened, counters.closed);
        assert_eq!(counters.closed, recorder.closed.len() as u64);
    });
}
