//! What the key scan costs: searches the memory of one process again and again, as the agent does,
//! for the keys of records that it has none of.
//!
//! `keyscan PID SECONDS` prints how often, how many bytes, in which time, with how much processor
//! time, and by how much it grew meanwhile. It is run by `benches/run.py --only keyscan`.

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::time::{Duration, Instant};

    use capture::linux::memory::{MemoryBuffer, ProcessMemory, yield_to_others};
    use decrypt::search::{Sample, SampleKind, SealedRecord, Search, SearchLimits};
    use model::{ConnectionId, Direction};

    /// Two directions of one connection, sealed with keys that nobody has.
    fn samples() -> Vec<Sample> {
        let record = |number: u64| {
            let noise =
                (1..56u64).map(|n| ((n + 64 * number).wrapping_mul(0x9e37_79b9) >> 9) as u8);
            let bytes = [0x17, 3, 3, 0, 55].into_iter().chain(noise).collect();
            SealedRecord { number, bytes }
        };
        let sample = |direction| Sample {
            connection: ConnectionId(1),
            direction,
            kind: SampleKind::Tls { version: Some(0x0304), suite: Some(0x1302) },
            records: vec![record(0), record(1)],
            sequence_max: None,
        };
        Direction::BOTH.map(sample).to_vec()
    }

    /// Nanoseconds that this thread has run.
    fn ran() -> u64 {
        let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        text.split(' ').next().and_then(|ns| ns.parse().ok()).unwrap_or(0)
    }

    /// Most memory that was resident, in KiB.
    fn resident_most() -> u64 {
        let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
    }

    pub(super) fn main() {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let [pid, seconds] = [0, 1].map(|i| words.get(i).and_then(|word| word.parse().ok()));
        let (Some(pid), Some(seconds)) = (pid, seconds) else {
            println!("usage: keyscan PID SECONDS");
            return;
        };
        let pid: u32 = u32::try_from(pid).expect("an id of a process");
        let end = Instant::now() + Duration::from_secs(seconds);
        yield_to_others();
        let before = resident_most();
        let (mut scans, mut bytes, mut time, mut processor) = (0u64, 0, Duration::ZERO, 0);
        while Instant::now() < end {
            let (started, had_run) = (Instant::now(), ran());
            let mut memory = ProcessMemory::open(pid).expect("a process that may be read");
            let mut search = Search::new(samples(), SearchLimits::default());
            let mut buffer = MemoryBuffer::new();
            let read = memory
                .read(&mut buffer, None, u64::MAX, |address, piece| search.memory(address, piece));
            bytes += read.expect("memory").bytes;
            search.end_pass();
            scans += 1;
            time += started.elapsed();
            processor += ran() - had_run;
        }
        println!(
            "{{\"scans\": {scans}, \"bytes\": {bytes}, \"seconds\": {:.6}, \
             \"processor_seconds\": {:.6}, \"grown_kib\": {}}}",
            time.as_secs_f64(),
            processor as f64 / 1e9,
            resident_most() - before,
        );
    }
}
