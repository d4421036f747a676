//! What a scan costs, over real processes that the test starts and that do nothing:
//! `cargo test --release -p redsight-entities -- --ignored --nocapture cost_of_a_scan`

use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use model::{Owner, Timestamp};

use crate::directory::Directory;
use crate::sources::procfs::{Scanner, Scope};

const PROCESSES: usize = 1_000;
const ROUNDS: u32 = 400;

/// Time this thread has spent on a processor: the machine may have other things to do.
fn spent() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let first = text.split(' ').next().and_then(|ns| ns.parse().ok());
    Duration::from_nanos(first.unwrap_or(0))
}

#[test]
#[ignore = "a measurement, not a check"]
fn cost_of_a_scan() {
    let mut sleep = Command::new("sleep");
    let sleep = sleep.arg("120").stdin(Stdio::null());
    let mut children: Vec<Child> = (0..PROCESSES).filter_map(|_| sleep.spawn().ok()).collect();
    let scope = tempfile::tempdir().expect("a temporary directory");
    let pids: String = children.iter().map(|c| format!("{}\n", c.id())).collect();
    fs::write(scope.path().join("cgroup.procs"), pids).expect("a file");

    let directory = Arc::new(Directory::new("host"));
    let groups = Scope::Cgroups(vec![scope.path().to_owned()]);
    let mut scanner = Scanner::new(directory.clone(), groups);
    let mut now = Timestamp(1_000_000_000);
    let mut cost = |rounds: u32| {
        let start = spent();
        for _ in 0..rounds {
            now.0 += 300_000_000;
            scanner.scan(now);
        }
        spent().saturating_sub(start) / rounds
    };
    println!("{} processes", children.len());
    println!("first scan {:?}, while all are young {:?}", cost(1), cost(10));
    // Processes are young by the kernel's clock, which no test can turn.
    let waited = Command::new("sleep").arg("6").status();
    assert!(waited.is_ok_and(|status| status.success()));
    println!("later, nothing changes: {:?}", cost(ROUNDS));

    let pid = children.first().map_or(0, Child::id);
    let owner = Owner { pid, command: "sleep", ..Owner::default() };
    let questions = 1_000_000;
    let start = spent();
    for _ in 0..questions {
        std::hint::black_box(directory.process(std::hint::black_box(owner)));
    }
    println!("a worker's question: {:?}", spent().saturating_sub(start) / questions);

    for child in &mut children {
        child.kill().expect("our own child");
        child.wait().expect("its end");
    }
}
