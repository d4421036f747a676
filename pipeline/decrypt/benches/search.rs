//! What a key search costs: memory looked through, keys tried, guesses made.
//!
//! `cargo bench -p redsight-decrypt` prints a line for each.

use std::hint::black_box;
use std::time::Instant;

use decrypt::search::{Sample, SampleKind, SealedRecord, Search, SearchLimits};
use model::{ConnectionId, Direction};

const MEMORY_BYTES: usize = 64 << 20;
const PIECE_BYTES: usize = 2 << 20;

fn noise(seed: u64) -> impl Iterator<Item = u64> {
    (1..).map(move |n: u64| {
        let z = (seed + n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z ^ (z >> 27)
    })
}

/// Pointers, small numbers, text and holes, as a heap has them.
fn heap() -> Vec<u8> {
    let mut memory = Vec::with_capacity(MEMORY_BYTES);
    for n in noise(1).take(MEMORY_BYTES / 64) {
        let words: [u64; 8] = match n % 8 {
            0..3 => std::array::from_fn(|i| 0x7f00_0000_0000 | (n >> 24) & !15 | (64 * i as u64)),
            3 => std::array::from_fn(|i| n >> (8 * i) & 0xff),
            4 => [0; 8],
            5 => std::array::from_fn(|i| 0x6f6c_6c65_6820_6f74 ^ (n >> i & 0x0f0f)),
            6 => [n & 0xffff, 0, n >> 40, 0, 1, 0, 0x7f00_0000_1000, 0x7f00_0000_1000],
            _ => std::array::from_fn(|i| n.rotate_left(9 * i as u32)),
        };
        memory.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    }
    memory
}

fn samples(count: u64) -> Vec<Sample> {
    let record = |seed: u64| {
        let mut bytes = vec![0x17, 3, 3, 0, 55];
        bytes.extend(noise(seed).flat_map(u64::to_le_bytes).take(55));
        bytes
    };
    let sample = |n| Sample {
        connection: ConnectionId(n),
        direction: Direction::Forward,
        kind: SampleKind::Tls { version: Some(0x0304), suite: Some(0x1302) },
        records: vec![
            SealedRecord { number: 0, bytes: record(2 * n) },
            SealedRecord { number: 1, bytes: record(2 * n + 1) },
        ],
        sequence_max: None,
    };
    (0..count).map(sample).collect()
}

fn main() {
    for (name, memory) in [
        // Written to, so that it is there.
        ("zeros", [0].repeat(MEMORY_BYTES)),
        ("like a heap", heap()),
        ("noise", noise(7).flat_map(u64::to_le_bytes).take(MEMORY_BYTES).collect()),
    ] {
        for pass in ["schedules", "everywhere"] {
            let mut search = Search::new(samples(2), SearchLimits::default());
            if pass == "everywhere" {
                search.end_pass();
            }
            let started = Instant::now();
            for (n, piece) in memory.chunks(PIECE_BYTES).enumerate() {
                let _ = black_box(search.memory((n * PIECE_BYTES) as u64, piece));
            }
            let elapsed = started.elapsed().as_secs_f64();
            let counters = search.finish().counters;
            println!(
                "{pass} in {name}: {:.2} GB/s, {:.3} s a GB ({counters:?})",
                memory.len() as f64 / 1e9 / elapsed,
                elapsed * 1e9 / memory.len() as f64
            );
        }
    }
}
