//! What a scan costs: starts processes of its own that do nothing, scans them, prints the times.
//!
//! `cargo run --release -p redsight-entities --example scan_cost -- 1000`

#[cfg(target_os = "linux")]
fn main() -> std::io::Result<()> {
    use std::process::{Child, Command, Stdio};
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use entities::{Directory, Scanner, Scope};
    use model::{Owner, Timestamp};

    let count = std::env::args().nth(1).and_then(|n| n.parse().ok());
    let count: usize = count.unwrap_or(1_000);
    let mut sleep = Command::new("sleep");
    let sleep = sleep.arg("120").stdin(Stdio::null());
    let mut children: Vec<Child> = (0..count).filter_map(|_| sleep.spawn().ok()).collect();

    let scope = std::env::temp_dir().join(format!("redsight-scan-cost-{}", std::process::id()));
    std::fs::create_dir_all(&scope)?;
    let pids: String = children.iter().map(|c| format!("{}\n", c.id())).collect();
    std::fs::write(scope.join("cgroup.procs"), pids)?;

    let directory = Arc::new(Directory::new("host"));
    let mut scanner = Scanner::new(directory.clone(), Scope::Cgroups(vec![scope.clone()]));
    let mut now = Timestamp(1_000_000_000);
    let mut timed = |scanner: &mut Scanner| {
        now.0 += 300_000_000;
        let start = Instant::now();
        let summary = scanner.scan(now);
        (start.elapsed(), summary)
    };
    let (first, summary) = timed(&mut scanner);
    println!("first scan: {first:?} {summary:?}");
    let (second, _) = timed(&mut scanner);
    println!("young processes: {second:?}");
    std::thread::sleep(Duration::from_secs(6));
    let mut steady: Vec<Duration> = (0..200).map(|_| timed(&mut scanner).0).collect();
    steady.sort_unstable();
    println!(
        "unchanged: median {:?}, 99th percentile {:?}",
        steady.get(100).copied().unwrap_or_default(),
        steady.get(198).copied().unwrap_or_default()
    );
    let pid = children.first().map_or(0, Child::id);
    let owner = Owner { pid, command: "sleep", ..Owner::default() };
    let start = Instant::now();
    for _ in 0..1_000_000 {
        std::hint::black_box(directory.process(std::hint::black_box(owner)));
    }
    println!("a worker's question: {:?}", start.elapsed() / 1_000_000);

    for child in &mut children {
        child.kill()?;
        child.wait()?;
    }
    std::fs::remove_dir_all(scope)
}

#[cfg(not(target_os = "linux"))]
fn main() {}
