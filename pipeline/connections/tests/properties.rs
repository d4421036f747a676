//! What holds for every order, overlap and loss of segments, tried with many seeds.

mod recorder;

use connections::{Limits, Table};
use model::{ConnectionId, Direction, Endpoints, Segment, TapEvent, TcpFlags, Timestamp};
use recorder::{Heard, Recorder};

/// Small, seeded, the same everywhere: xorshift64*.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound.max(1)
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }
}

/// One direction on the wire: what is sent, and which part of it each segment carries.
struct Sent {
    bytes: Vec<u8>,
    first: u32,
    cuts: Vec<(usize, usize)>,
}

impl Sent {
    /// A random stream that wraps within its first or last bytes more often than not.
    fn random(dice: &mut Dice) -> Self {
        let bytes: Vec<u8> = (0..1 + dice.below(6_000)).map(|_| dice.below(256) as u8).collect();
        let first = 0u32.wrapping_sub(dice.below(bytes.len() * 2) as u32);
        let mut cuts = Vec::new();
        let mut start = 0;
        while start < bytes.len() {
            let end = (start + 1 + dice.below(400)).min(bytes.len());
            cuts.push((start, end));
            start = end;
        }
        Self { bytes, first, cuts }
    }

    /// Adds copies of parts: exact, shifted, spanning several segments.
    fn duplicate(&mut self, dice: &mut Dice) {
        for _ in 0..dice.below(self.cuts.len()) {
            let start = dice.below(self.bytes.len());
            let end = (start + 1 + dice.below(900)).min(self.bytes.len());
            let at = dice.below(self.cuts.len());
            self.cuts.insert(at, (start, end));
        }
    }

    /// Moves segments by a few places.
    fn reorder(&mut self, dice: &mut Dice) {
        for index in 0..self.cuts.len() {
            if dice.one_in(3) {
                let other = (index + dice.below(12)).min(self.cuts.len() - 1);
                self.cuts.swap(index, other);
            }
        }
    }

    fn segment(&self, direction: Direction, (start, end): (usize, usize)) -> Segment<'_> {
        Segment {
            connection: ConnectionId(1),
            direction,
            endpoints: Some(endpoints(direction)),
            at: Timestamp(0),
            sequence: self.first.wrapping_add(start as u32),
            acknowledgment: 0,
            flags: TcpFlags(0),
            length: (end - start) as u32,
            payload: &self.bytes[start..end],
            lost_before: 0,
            in_order: false,
            begins: false,
            health: None,
        }
    }

    /// A segment without payload at stream offset `at`.
    fn bare(&self, direction: Direction, at: usize, flags: u8) -> Segment<'_> {
        let mut segment = self.segment(direction, (at, at));
        segment.flags = TcpFlags(flags);
        segment
    }

    /// Every run of bytes is what was sent at its offset, and all is accounted for.
    fn agrees_with(&self, heard: &Heard) -> bool {
        heard.length == self.bytes.len() as u64
            && heard.runs.iter().all(|(offset, run)| {
                let start = *offset as usize;
                self.bytes.get(start..start + run.len()) == Some(run)
            })
    }
}

fn endpoints(direction: Direction) -> Endpoints {
    let endpoints = Endpoints {
        source: ([10, 0, 0, 1], 40_000).into(),
        destination: ([10, 0, 0, 2], 80).into(),
    };
    match direction {
        Direction::Forward => endpoints,
        Direction::Backward => endpoints.reversed(),
    }
}

/// Plays segments 1 µs apart and ends the capture.
fn play<'a>(segments: impl IntoIterator<Item = Segment<'a>>, limits: Limits) -> Recorder {
    let mut table = Table::new(limits);
    let mut recorder = Recorder::default();
    let mut at = Timestamp(1_000_000_000);
    for segment in segments {
        at.0 += 1_000;
        table.event(TapEvent::Segment(Segment { at, ..segment }), &mut recorder);
    }
    table.finish(at, &mut recorder);
    assert_eq!(table.counters().held_bytes, 0);
    assert!(table.is_empty());
    recorder
}

#[test]
fn any_order_and_overlap_gives_exactly_the_stream() {
    for seed in 0..400 {
        let mut dice = Dice::new(seed);
        let mut sent = Sent::random(&mut dice);
        sent.duplicate(&mut dice);
        sent.reorder(&mut dice);
        let forth = Direction::Forward;
        let mut segments = vec![Segment {
            sequence: sent.first.wrapping_sub(1),
            ..sent.bare(forth, 0, TcpFlags::SYN)
        }];
        segments.extend(sent.cuts.iter().map(|cut| sent.segment(forth, *cut)));
        let fin = sent.bare(forth, sent.bytes.len(), TcpFlags::FIN);
        segments.insert(1 + dice.below(segments.len()), fin);
        let recorder = play(segments, Limits::default());
        let [(streams, _)] = recorder.closed.as_slice() else {
            panic!("one connection, seed {seed}");
        };
        let heard = &streams[forth.index()];
        assert!(sent.agrees_with(heard), "seed {seed}");
        assert_eq!((heard.missing, heard.ended), (0, true), "seed {seed}");
    }
}

#[test]
fn whatever_is_lost_or_cut_the_rest_comes_at_its_place() {
    for seed in 0..600 {
        let mut dice = Dice::new(seed);
        let mut pair = [Sent::random(&mut dice), Sent::random(&mut dice)];
        for sent in &mut pair {
            sent.duplicate(&mut dice);
            sent.reorder(&mut dice);
        }
        let limits = Limits {
            held_bytes: 200 + dice.below(20_000) as u64,
            held_segments: 1 + dice.below(30),
            held_bytes_total: 200 + dice.below(40_000) as u64,
            ..Limits::default()
        };
        let segments = lossy(&pair, &mut dice);
        let recorder = play(segments, limits);
        let [(streams, _)] = recorder.closed.as_slice() else {
            panic!("one connection, seed {seed}: {}", recorder.closed.len());
        };
        for (sent, heard) in pair.iter().zip(streams) {
            assert!(sent.agrees_with(heard), "seed {seed}");
            assert!(heard.ended, "seed {seed}");
        }
    }
}

/// Both directions in turn, with segments dropped and cut, and acknowledgments of what was sent.
fn lossy<'a>(pair: &'a [Sent; 2], dice: &mut Dice) -> Vec<Segment<'a>> {
    let mut segments = Vec::new();
    for direction in Direction::BOTH {
        let sent = &pair[direction.index()];
        segments.push(Segment {
            sequence: sent.first.wrapping_sub(1),
            ..sent.bare(direction, 0, TcpFlags::SYN)
        });
    }
    let mut next = [0; 2];
    let mut furthest = [0; 2];
    while next.iter().zip(pair).any(|(next, sent)| *next < sent.cuts.len()) {
        let direction = Direction::BOTH[dice.below(2)];
        let (own, other) = (direction.index(), direction.opposite().index());
        let Some(cut) = pair[own].cuts.get(next[own]).copied() else {
            continue;
        };
        next[own] += 1;
        furthest[own] = furthest[own].max(cut.1);
        if dice.one_in(6) {
            continue;
        }
        let mut segment = pair[own].segment(direction, cut);
        if dice.one_in(5) {
            segment.payload = &segment.payload[..dice.below(segment.payload.len())];
        }
        if dice.one_in(4) {
            segment.flags = TcpFlags(TcpFlags::ACK);
            segment.acknowledgment = pair[other].first.wrapping_add(furthest[other] as u32);
        }
        segments.push(segment);
    }
    for direction in Direction::BOTH {
        let sent = &pair[direction.index()];
        segments.push(sent.bare(direction, sent.bytes.len(), TcpFlags::FIN));
    }
    segments
}
