//! What order costs: a segment that is the next one, one that is not, an idle connection.
//!
//! `cargo bench -p redsight-connections` prints a line for each.

use std::hint::black_box;
use std::time::Instant;

use connections::{Connection, Consumer, Limits, Table};
use model::{
    Chunk, CloseReason, ConnectionId, Content, Direction, Endpoints, Segment, TapEvent, TcpFlags,
    Timestamp,
};

/// A consumer that only looks at the length: what is measured is the table.
#[derive(Default)]
struct Sink {
    bytes: u64,
}

impl Consumer for Sink {
    type State = ();

    fn opened(&mut self, _connection: &Connection) -> Self::State {}

    fn chunk(&mut self, _connection: &Connection, _state: &mut Self::State, chunk: Chunk<'_>) {
        if let Content::Bytes(bytes) = chunk.content {
            self.bytes += black_box(bytes).len() as u64;
        }
    }

    fn updated(&mut self, _connection: &Connection, _state: &mut Self::State) {}

    fn tick(&mut self, _connection: &Connection, _state: &mut Self::State, _now: Timestamp) {}

    fn closed(
        &mut self,
        _connection: &Connection,
        _state: Self::State,
        _reason: CloseReason,
        _at: Timestamp,
    ) {
    }
}

/// Both ends of one keep-alive connection, exchanging messages of 230 bytes.
struct Talk {
    id: ConnectionId,
    endpoints: Endpoints,
    next: [u32; 2],
}

const PAYLOAD: [u8; 230] = [b'x'; 230];

impl Talk {
    fn new(number: u32) -> Self {
        let [a, b, c, d] = number.to_be_bytes();
        let ends = Endpoints {
            source: ([10, b, c, d], 40_000).into(),
            destination: ([172, 16, a, 1], 80).into(),
        };
        let endpoints = match ends.direction() {
            Direction::Forward => ends,
            Direction::Backward => ends.reversed(),
        };
        Self { id: endpoints.connection(6, 0), endpoints, next: [1_000, 9_000] }
    }

    fn segment(&mut self, direction: Direction, is_live: bool, at: u64) -> Segment<'static> {
        let own = direction.index();
        let sequence = self.next[own];
        self.next[own] = sequence.wrapping_add(PAYLOAD.len() as u32);
        let endpoints = match direction {
            Direction::Forward => self.endpoints,
            Direction::Backward => self.endpoints.reversed(),
        };
        Segment {
            connection: self.id,
            direction,
            endpoints: (!is_live).then_some(endpoints),
            at: Timestamp(at),
            sequence,
            acknowledgment: self.next[direction.opposite().index()],
            flags: TcpFlags(TcpFlags::ACK | TcpFlags::PSH),
            length: PAYLOAD.len() as u32,
            payload: &PAYLOAD,
            lost_before: 0,
            in_order: is_live,
            begins: false,
            health: None,
        }
    }
}

const ROUNDS: u64 = 50_000;

/// Short runs, and the best of many: other work on the machine only adds.
const RUNS: u64 = 400;

/// Nanoseconds a call of `step`.
fn best_of(mut step: impl FnMut(u64)) -> f64 {
    let mut best = f64::MAX;
    for run in 0..RUNS {
        let start = Instant::now();
        for round in run * ROUNDS..(run + 1) * ROUNDS {
            step(round);
        }
        best = best.min(start.elapsed().as_nanos() as f64 / ROUNDS as f64);
    }
    best
}

/// Nanoseconds a segment when `connections` talk in turn, without those it takes to make one.
fn in_order(connections: u32, is_live: bool) -> f64 {
    let mut talks: Vec<Talk> = (0..connections).map(Talk::new).collect();
    let mut next = |round: u64| {
        let talk = &mut talks[(round / 2 % u64::from(connections)) as usize];
        let direction = Direction::BOTH[(round % 2) as usize];
        black_box(TapEvent::Segment(talk.segment(direction, is_live, round)))
    };
    let making = best_of(|round| _ = next(round));
    let mut table = Table::new(Limits::default());
    let mut sink = Sink::default();
    let both = best_of(|round| table.event(next(round), &mut sink));
    assert_eq!(sink.bytes, RUNS * ROUNDS * PAYLOAD.len() as u64);
    both - making
}

/// The same if every second segment comes before the one it follows.
fn swapped() -> f64 {
    let mut talk = Talk::new(1);
    let mut table = Table::new(Limits::default());
    let mut sink = Sink::default();
    table.event(TapEvent::Segment(talk.segment(Direction::Forward, false, 0)), &mut sink);
    let pair = best_of(|round| {
        let first = talk.segment(Direction::Forward, false, round);
        let second = talk.segment(Direction::Forward, false, round);
        table.event(TapEvent::Segment(second), &mut sink);
        table.event(TapEvent::Segment(first), &mut sink);
    });
    pair / 2.0
}

/// Resident memory in bytes, where the system tells.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib * 1_024)
}

fn main() {
    for (connections, is_live) in [(1, false), (1, true), (100, false), (10_000, false)] {
        let tap = if is_live { "live" } else { "replay" };
        let ns = in_order(connections, is_live);
        println!("in order, {tap}, {connections} connections: {ns:.1} ns a segment");
    }
    println!("every pair swapped: {:.1} ns a segment", swapped());

    let before = resident();
    let mut table = Table::new(Limits::default());
    let mut sink = Sink::default();
    let start = Instant::now();
    for number in 0..100_000 {
        let mut talk = Talk::new(number);
        for direction in Direction::BOTH {
            table.event(TapEvent::Segment(talk.segment(direction, false, 1)), &mut sink);
        }
    }
    let ns = start.elapsed().as_nanos() as f64 / 100_000.0;
    println!("opening with two segments: {ns:.1} ns a connection");
    if let (Some(before), Some(after)) = (before, resident()) {
        let bytes = (after - before) as f64 / table.len() as f64;
        println!("idle: {bytes:.0} bytes a connection at {}", table.len());
    }
    let start = Instant::now();
    table.finish(Timestamp(2), &mut sink);
    let ns = start.elapsed().as_nanos() as f64 / 100_000.0;
    println!("closing: {ns:.1} ns a connection");
}
