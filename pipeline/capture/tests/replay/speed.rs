//! How fast reading alone is:
//! `cargo test --release -p redsight-capture --test replay -- --ignored --nocapture`.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use capture::replay::Replay;
use model::TapEvent;
use testkit::pcap::packet;
use testkit::pcap::{ByteOrder, Conversation, PcapFile, PcapngFile};

/// Size of the file made.
const FILE_BYTES: usize = 100_000_000;

/// Bytes of a frame: a small HTTP request.
const FRAME_BYTES: usize = 230;

fn frames() -> Vec<Vec<u8>> {
    let server = "10.0.0.1:80".parse().expect("an address");
    let mut frames = Vec::new();
    for port in 0..16_u16 {
        let mut conversation = Conversation::new(([10, 0, 0, 2], 40_000 + port).into(), server);
        let payload = vec![b'x'; FRAME_BYTES - 54];
        conversation.client(&payload).server(&payload);
        let packets = conversation.take_packets();
        frames.extend(packets.iter().map(|ip| packet::ethernet(0x0800, ip)));
    }
    frames
}

fn write(path: &Path, head: &[u8], records: &[u8]) {
    let mut file = BufWriter::new(File::create(path).expect("the folder is ours"));
    file.write_all(head).expect("room for the file");
    for _ in 0..FILE_BYTES / records.len() {
        file.write_all(records).expect("room for the file");
    }
    file.flush().expect("room for the file");
}

fn measure(name: &str, path: &Path) {
    let mut best_ns = u64::MAX;
    let mut packets = 0;
    let clock = Clock::new();
    for _ in 0..9 {
        let start_ns = clock.spent_ns();
        let mut sum = 0_u64;
        let mut replay = Replay::open(path).expect("a capture");
        let summary = replay
            .read(|event| {
                if let TapEvent::Segment(segment) = event {
                    sum = sum.wrapping_add(segment.connection.0 ^ u64::from(segment.length));
                }
            })
            .expect("a capture");
        best_ns = best_ns.min(clock.spent_ns() - start_ns);
        packets = summary.segments;
        std::hint::black_box(sum);
    }
    let bytes = std::fs::metadata(path).expect("it is there").len();
    println!(
        "{name}: {:.0} MB/s of one core, {:.1} ns a packet, {packets} packets",
        bytes as f64 * 1e3 / best_ns as f64,
        best_ns as f64 / packets as f64
    );
}

/// Time this thread spent on a processor, where the system says it: other work on the machine is
/// not measured along.
struct Clock {
    start: Instant,
}

impl Clock {
    fn new() -> Self {
        Self { start: Instant::now() }
    }

    fn spent_ns(&self) -> u64 {
        let statistics = std::fs::read_to_string("/proc/thread-self/schedstat").ok();
        let on_processor = statistics.and_then(|text| text.split(' ').next()?.parse().ok());
        on_processor.unwrap_or_else(|| self.start.elapsed().as_nanos() as u64)
    }
}

#[test]
#[ignore = "a measurement, to be run by hand in a release build"]
fn reading_speed() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut file = PcapFile::new(1);
    let head = file.bytes().to_vec();
    for frame in frames() {
        file.packet(1_700_000_000_000_000_000, &frame);
    }
    let path = folder.path().join("speed.pcap");
    write(&path, &head, &file.bytes()[head.len()..]);
    measure("pcap", &path);

    let mut file = PcapngFile::new(ByteOrder::Little);
    file.interface(1, 0, &[]);
    let head = file.bytes().to_vec();
    for frame in frames() {
        file.packet(0, 1_700_000_000_000_000, &frame);
    }
    write(&path, &head, &file.bytes()[head.len()..]);
    measure("pcapng", &path);
}
