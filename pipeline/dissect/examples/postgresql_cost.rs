//! What one PostgreSQL exchange costs in this stage, on one core:
//! `cargo run --release -p redsight-dissect --example postgresql_cost`
//!
//! Plays what pgbench sends in its three modes, and a large answer, through one dissector.

use std::hint::black_box;
use std::time::Instant;

use dissect::{Counters, Dissector, Output};
use model::{Chunk, Content, Direction, Exchange, Names, Timestamp};

const TURNS: u64 = 1_000_000;
const ROUNDS: usize = 5;
const ROWS: usize = 1_000;
const UPDATE: &str = "UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2;";

fn main() {
    let start = login();
    let parse = message(b'P', &[b"\0", UPDATE.as_bytes(), b"\0\0\0"]);
    let named = message(b'P', &[b"P0_1\0", UPDATE.as_bytes(), b"\0\0\0"]);
    let bind = |name: &[u8]| {
        message(b'B', &[b"\0", name, b"\0\0\0\0\x02\0\0\0\x04-123\0\0\0\x0545678\0\0"])
    };
    let run =
        [message(b'D', &[b"P\0"]), message(b'E', &[b"\0\0\0\0\0"]), message(b'S', &[])].concat();
    let extended = [parse, bind(b""), run.clone()].concat();
    let prepared = [bind(b"P0_1"), run].concat();
    let bound = message(b'2', &[]);
    let end = [message(b'C', &[b"UPDATE 1\0"]), message(b'Z', &[b"T"])].concat();
    let short = [bound.clone(), message(b'n', &[]), end.clone()].concat();
    let long = [message(b'1', &[]), short.clone()].concat();
    let before = [start.clone(), named].concat();
    report("extended", &start, TURNS, |_| extended.clone(), &long);
    report("prepared", &before, TURNS, |_| prepared.clone(), &short);
    let same = query(1);
    report("simple, one text", &start, TURNS, |_| same.clone(), &end);
    report("simple, literals differ", &start, TURNS, query, &end);
    let row = message(b'D', &[b"\0\x02\0\0\0\x0545678\0\0\0\x0aabcdefghij"]);
    let rows = [row.repeat(ROWS), end].concat();
    report("1,000 rows", &start, TURNS / 200, |_| same.clone(), &rows);
}

fn query(turn: u64) -> Vec<u8> {
    let turn = turn % 100_000;
    let text =
        format!("UPDATE pgbench_accounts SET abalance = abalance + {turn} WHERE aid = {turn};\0");
    message(b'Q', &[text.as_bytes()])
}

fn login() -> Vec<u8> {
    let parameters = b"\0\x03\0\0user\0bob\0database\0shop\0\0";
    let length = parameters.len() as u32 + 4;
    [&length.to_be_bytes()[..], parameters].concat()
}

fn message(kind: u8, parts: &[&[u8]]) -> Vec<u8> {
    let body = parts.concat();
    let length = body.len() as u32 + 4;
    [&[kind], &length.to_be_bytes()[..], &body].concat()
}

fn report(name: &str, start: &[u8], turns: u64, ask: impl Fn(u64) -> Vec<u8>, answer: &[u8]) {
    // Texts are made outside of what is measured.
    let asked: Vec<Vec<u8>> = (0..turns.min(20_000)).map(ask).collect();
    let best = (0..ROUNDS).map(|_| round(start, turns, &asked, answer)).min();
    println!("{name}: {} ns an exchange", best.unwrap_or_default() / turns);
}

/// Nanoseconds for all exchanges.
fn round(start: &[u8], turns: u64, asked: &[Vec<u8>], answer: &[u8]) -> u64 {
    let mut names = Names::new(Names::LIMIT);
    let mut counters = Counters::default();
    let mut dissector = Dissector::new(Some(Direction::Forward), [40_000, 5_432], true);
    let mut emitted = 0_u64;
    let mut sink = |exchange: &Exchange| {
        black_box(exchange);
        emitted += 1;
    };
    let mut output = Output::new(&mut names, false, &mut sink);
    let ready = [message(b'R', &[&[0; 4]]), message(b'Z', &[b"I"])].concat();
    let mut play = |direction, bytes: &[u8], at| {
        let chunk =
            Chunk { direction, at: Timestamp(at), content: Content::Bytes(black_box(bytes)) };
        dissector.chunk(&chunk, &mut output, &mut counters);
    };
    play(Direction::Forward, start, 1);
    play(Direction::Backward, &ready, 2);
    let began = Instant::now();
    for (turn, request) in (0..turns).zip(asked.iter().cycle()) {
        play(Direction::Forward, request, 1_000 + turn * 1_000);
        for packet in answer.chunks(1_448) {
            play(Direction::Backward, packet, 1_500 + turn * 1_000);
        }
    }
    let ns = began.elapsed().as_nanos() as u64;
    assert_eq!(emitted, turns + 1, "every exchange is found");
    ns
}
