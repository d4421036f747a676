//! Keeps the agent below its share of processor time by copying less of each turn.
//!
//! ```text
//!            nearly used up and still above it           used up
//!   level 0 ──────────────────────────────▶ level n ──────────────▶ last: nothing is copied
//!           ◀────────────────────────────── one at a time, once there is room again
//! ```
//! Takes the seconds of CPU that each second cost, gives the budget of the next one. The share is
//! that of the last minute, so a short rush costs nobody an exchange. What is not copied is booked
//! by the stages that miss it, as for any other budget.

/// Seconds that are looked back on.
const WINDOW_S: usize = 60;

/// Budgets in bytes below the one that was set: most heads, short heads, lines, nothing.
const STEPS: [u32; 4] = [16 << 10, 4 << 10, 1 << 10, 0];

/// Cores of an agent that copies nothing while much passes by: measured 0.0045 with Redis at full
/// speed. It is spent whatever the budget, so it is set aside; of a tiny share a fifth stays
/// usable.
const IDLE_CORES: f64 = 0.005;
const USABLE: f64 = 0.2;

/// Parts of the allowance of a window. If one more second like the last would pass the first,
/// nothing more is copied; above the second less, below the third more again. Between the last
/// two all stays as it is.
const USED_UP: f64 = 0.90;
const NEARLY: f64 = 0.75;
const ROOM: f64 = 0.50;

/// Says how many bytes of each turn may be copied.
#[derive(Debug)]
pub(crate) struct Governor {
    /// Cores the agent may use, such as 0.2.
    cores: f64,
    /// Budgets, the one that was set first.
    levels: Vec<u32>,
    level: usize,
    /// What each of the last seconds cost, in a ring.
    seconds: [f64; WINDOW_S],
    next: usize,
}

impl Governor {
    /// One that allows `cores` of CPU and lowers `budget`.
    pub(crate) fn new(cores: f64, budget: u32) -> Self {
        let mut levels = vec![budget];
        levels.extend(STEPS.into_iter().filter(|step| *step < budget));
        Self { cores, levels, level: 0, seconds: [0.0; WINDOW_S], next: 0 }
    }

    /// Takes what the last `elapsed_s` seconds cost; gives the budget from here on.
    pub(crate) fn second(&mut self, used_s: f64, elapsed_s: f64) -> u32 {
        self.seconds[self.next] = used_s;
        self.next = (self.next + 1) % WINDOW_S;
        let usable = (self.cores - IDLE_CORES).max(self.cores * USABLE);
        let allowance_s = usable * WINDOW_S as f64;
        let spent_s = self.seconds.iter().sum::<f64>();
        let part = spent_s / allowance_s;
        let last = self.levels.len() - 1;
        let is_above = used_s > self.cores * elapsed_s;
        let ends_soon = is_above && spent_s + used_s >= USED_UP * allowance_s;
        if part >= 1.0 || ends_soon {
            self.level = last;
        } else if part >= NEARLY && is_above {
            self.level = (self.level + 1).min(last);
        } else if part < ROOM {
            self.level = self.level.saturating_sub(1);
        }
        self.budget()
    }

    /// Bytes of each turn that may be copied now.
    pub(crate) fn budget(&self) -> u32 {
        self.levels[self.level]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: u32 = 64 << 10;

    /// Runs an agent that needs `need(second)` cores; gives the budget and the cost of each second.
    fn run(cores: f64, seconds: usize, need: impl Fn(usize) -> f64) -> Vec<(u32, f64)> {
        let mut governor = Governor::new(cores, FULL);
        let mut budget = governor.budget();
        let step = |second| {
            // The worst case: heads are all there is, so only copying nothing saves anything.
            let used = if budget == 0 { IDLE_CORES } else { need(second) };
            budget = governor.second(used, 1.0);
            (budget, used)
        };
        (0..seconds).map(step).collect()
    }

    fn dearest_minute(seconds: &[(u32, f64)]) -> f64 {
        let cost = |minute: &[(u32, f64)]| minute.iter().map(|(_, used)| used).sum::<f64>();
        seconds.windows(WINDOW_S).map(cost).fold(0.0, f64::max)
    }

    #[test]
    fn an_agent_within_its_share_keeps_its_budget() {
        let seconds = run(0.2, 600, |_| 0.15);
        assert!(seconds.iter().all(|(budget, _)| *budget == FULL));
    }

    #[test]
    fn a_rush_shorter_than_the_allowance_costs_nothing() {
        let seconds = run(0.2, 300, |second| if second % 60 < 8 { 1.0 } else { 0.0 });
        assert!(seconds.iter().all(|(budget, _)| *budget == FULL));
    }

    #[test]
    fn no_minute_passes_the_share_whatever_the_load() {
        for (cores, need) in [(0.2, 0.25), (0.2, 0.6), (0.2, 1.3), (0.1, 2.0), (1.0, 4.0)] {
            let seconds = run(cores, 1200, |_| need);
            let minute = dearest_minute(&seconds);
            assert!(minute <= cores * 60.0, "{minute} s of {cores} cores at {need}");
            let copied = seconds.iter().filter(|(budget, _)| *budget > 0).count();
            assert!(copied > 20, "{cores} cores at {need}: copied only {copied} s of 1200");
        }
    }

    #[test]
    fn the_budget_comes_back_step_by_step_once_there_is_room() {
        let seconds = run(0.2, 300, |second| if second < 100 { 1.0 } else { 0.01 });
        let last = seconds.last().map(|(budget, _)| *budget);
        assert_eq!(last, Some(FULL));
        let budgets: Vec<u32> = seconds.iter().map(|(budget, _)| *budget).collect();
        let mut rises = budgets.windows(2).filter(|pair| pair[1] > pair[0]);
        let ladder = [FULL, 16 << 10, 4 << 10, 1 << 10, 0];
        let step = |budget| ladder.iter().position(|level| *level == budget);
        assert!(rises.all(|pair| step(pair[1]).map(|s| s + 1) == step(pair[0])));
    }

    #[test]
    fn a_small_budget_has_only_the_steps_below_it() {
        assert_eq!(Governor::new(1.0, 2048).levels, [2048, 1024, 0]);
        assert_eq!(Governor::new(1.0, 0).levels, [0]);
    }
}
