//! What the agent itself uses.

/// CPU seconds (user and system) and resident bytes of this process; zeros where /proc is missing.
pub(crate) fn own() -> (f64, u64) {
    let ticks = ticks_per_second();
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The command name is in parentheses and may hold blanks; what follows it is regular.
    let fields: Vec<&str> =
        stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let number = |index: usize| fields.get(index).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
    // Fields 14 and 15 of proc_pid_stat(5) are user and system time; field 3 is the first here.
    let cpu_seconds = (number(11) + number(12)) as f64 / ticks;
    (cpu_seconds, number(21) * 4096)
}

/// Cores of this host that are online, whether or not the agent may run on them: it observes all.
pub(crate) fn cores() -> usize {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let is_core = |line: &&str| {
        line.strip_prefix("cpu").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    match stat.lines().filter(is_core).count() {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        cores => cores,
    }
}

const fn ticks_per_second() -> f64 {
    // USER_HZ, which is 100 on every architecture Linux exports it to user space.
    100.0
}
