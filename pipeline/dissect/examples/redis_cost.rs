//! What one Redis command and its answer cost in this stage, on one core:
//! `cargo run --release -p redsight-dissect --example redis_cost`
//!
//! An argument picks the lines that contain it. Plays batches as redis-benchmark sends them through
//! one dissector, a packet a batch.

use std::hint::black_box;
use std::time::Instant;

use dissect::{Counters, Dissector, Output};
use model::{Chunk, Content, Direction, Exchange, Names, Timestamp};

const COMMANDS: usize = 48_000;
/// The best of many short rounds: what else runs on the machine spoils the others.
const ROUNDS: usize = 60;

/// A batch of commands, and of the answers to it.
type Batch = (Vec<u8>, Vec<u8>);

fn main() {
    let get = |key: usize| format!("*2\r\n$3\r\nGET\r\n$16\r\nkey:{key:012}\r\n");
    let set = |key: usize| format!("*3\r\n$3\r\nSET\r\n$16\r\nkey:{key:012}\r\n$3\r\nxxx\r\n");
    let value = "$3\r\nxxx\r\n";
    for (name, depth, keys) in [
        ("GET, one at a time, one key", 1, 1),
        ("GET, pipeline of 16, one key", 16, 1),
        ("GET, pipeline of 16, every key once", 16, COMMANDS),
        ("GET, pipeline of 1000, one key", 1_000, 1),
    ] {
        report(name, depth, &batches(depth, keys, get, value));
    }
    report("SET, pipeline of 16, one key", 16, &batches(16, 1, set, "+OK\r\n"));
    let list = format!("*100\r\n{}", "$3\r\nxxx\r\n".repeat(100));
    let range = |_| "*4\r\n$6\r\nLRANGE\r\n$6\r\nmylist\r\n$1\r\n0\r\n$2\r\n99\r\n".to_owned();
    report("LRANGE of 100 values", 1, &batches(1, 1, range, &list));
}

fn batches(
    depth: usize,
    keys: usize,
    command: impl Fn(usize) -> String,
    answer: &str,
) -> Vec<Batch> {
    let batch = |first: usize| {
        let commands: String = (first..first + depth).map(|key| command(key % keys)).collect();
        (commands.into_bytes(), answer.repeat(depth).into_bytes())
    };
    (0..COMMANDS).step_by(depth).map(batch).collect()
}

fn report(name: &str, depth: usize, batches: &[Batch]) {
    if std::env::args().nth(1).is_some_and(|part| !name.contains(&part)) {
        return;
    }
    let commands = (batches.len() * depth) as u64;
    let best = (0..ROUNDS).map(|_| round(batches, commands)).min().unwrap_or_default();
    println!("{name}: {:.1} ns a command and its answer", best as f64 / commands as f64);
}

/// Nanoseconds for all batches.
fn round(batches: &[Batch], commands: u64) -> u64 {
    let mut names = Names::new(Names::LIMIT);
    let mut counters = Counters::default();
    let mut dissector = Dissector::new(Some(Direction::Forward), [40_000, 6379], true);
    let mut emitted = 0_u64;
    let mut sink = |exchange: &Exchange| {
        black_box(exchange);
        emitted += 1;
    };
    let mut output = Output::new(&mut names, false, &mut sink);
    let began = Instant::now();
    for (turn, (commands, answers)) in batches.iter().enumerate() {
        for (direction, bytes) in [(Direction::Forward, commands), (Direction::Backward, answers)] {
            let chunk = Chunk {
                direction,
                at: Timestamp(1_000_000 + turn as u64 * 1_000),
                content: Content::Bytes(black_box(bytes)),
            };
            dissector.chunk(&chunk, &mut output, &mut counters);
        }
    }
    let ns = began.elapsed().as_nanos() as u64;
    assert_eq!(emitted, commands, "every command is found");
    ns
}
