//! What one HTTP/1 exchange costs in this stage, on one core:
//! `cargo run --release -p redsight-dissect --example http1_cost`
//!
//! Plays keep-alive exchanges of the size wrk and nginx make through one dissector, a packet a
//! message.

use std::hint::black_box;
use std::time::Instant;

use dissect::{Counters, Dissector, Output};
use model::{Chunk, Content, Direction, Exchange, Names, Timestamp};

const EXCHANGES: u64 = 50_000;
/// The best of many short rounds: what else runs on the machine spoils the others.
const ROUNDS: usize = 100;

const SHORT: &[u8] = b"GET /index.html HTTP/1.1\r\nHost: 127.0.0.1:18080\r\n\r\n";
const BROWSER: &[u8] = b"GET /cart/42?page=2 HTTP/1.1\r\nHost: shop.example\r\n\
User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n\
Cookie: session=0123456789abcdef\r\nConnection: keep-alive\r\n\r\n";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n\
Date: Sun, 22 Nov 2026 09:56:49 GMT\r\nContent-Type: text/html\r\nContent-Length: 145\r\n\
Last-Modified: Sun, 22 Nov 2026 09:56:48 GMT\r\nConnection: keep-alive\r\n\
ETag: \"6b02bc60-c\"\r\nAccept-Ranges: bytes\r\n\r\n\
0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890\
123456789012345678901234567890123456789012345678901234";
const CHUNKED: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\
Transfer-Encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n";

fn main() {
    for (name, request, answer) in [
        ("short request, length", SHORT, ANSWER),
        ("browser request, length", BROWSER, ANSWER),
        ("short request, chunked", SHORT, CHUNKED),
    ] {
        let best = (0..ROUNDS).map(|_| round(request, answer)).min();
        let ns = best.unwrap_or_default() / EXCHANGES;
        let bytes = request.len() + answer.len();
        let rate = bytes as u64 * 1_000 / ns.max(1);
        println!("{name}: {ns} ns an exchange of {bytes} bytes, {rate} MB/s");
    }
}

/// Nanoseconds for all exchanges.
fn round(request: &[u8], answer: &[u8]) -> u64 {
    let mut names = Names::new(Names::LIMIT);
    let mut counters = Counters::default();
    let mut dissector = Dissector::new(Some(Direction::Forward), [40_000, 80], true);
    let mut emitted = 0_u64;
    let mut sink = |exchange: &Exchange| {
        black_box(exchange);
        emitted += 1;
    };
    let mut output = Output::new(&mut names, false, &mut sink);
    let began = Instant::now();
    for turn in 0..EXCHANGES {
        for (direction, bytes) in [(Direction::Forward, request), (Direction::Backward, answer)] {
            let chunk = Chunk {
                direction,
                at: Timestamp(1_000_000 + turn * 1_000),
                content: Content::Bytes(black_box(bytes)),
            };
            dissector.chunk(&chunk, &mut output, &mut counters);
        }
    }
    let ns = began.elapsed().as_nanos() as u64;
    assert_eq!(emitted, EXCHANGES, "every exchange is found");
    ns
}
