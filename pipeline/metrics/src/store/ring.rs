//! The windows of the last minute, packed: which series counted how much, in which buckets.

use std::collections::VecDeque;

use model::{Cell, EdgeHealth, Timestamp};

/// What one series counted in one window.
#[derive(Clone, Copy, Debug)]
pub(super) struct RecentCell {
    pub(super) series: u32,
    /// How many entries of [`Window::buckets`] are its own.
    pub(super) buckets: u32,
    pub(super) count: u64,
}

/// The rollups of all workers that closed within one second.
#[derive(Debug, Default)]
pub(super) struct Window {
    second: u64,
    /// How long each worker's rollups were.
    spans_ns: Vec<(usize, u64)>,
    cells: Vec<RecentCell>,
    buckets: Vec<(i32, u32)>,
    pub(super) edges: Vec<(u32, EdgeHealth)>,
}

impl Window {
    /// Notes which time a worker's rollup covers.
    pub(super) fn cover(&mut self, worker: usize, from: Timestamp, at: Timestamp) {
        if !from.is_unknown() {
            self.spans_ns.push((worker, at.since_ns(from)));
        }
    }

    pub(super) fn push_cell(&mut self, series: u32, cell: &Cell) {
        let before = self.buckets.len();
        for (index, count) in cell.duration.buckets() {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            self.buckets.push((index, count));
        }
        self.cells.push(RecentCell {
            series,
            buckets: (self.buckets.len() - before) as u32,
            count: cell.count,
        });
    }

    /// Each cell with its buckets.
    pub(super) fn cells(&self) -> impl Iterator<Item = (&RecentCell, &[(i32, u32)])> {
        let mut rest = self.buckets.as_slice();
        self.cells.iter().map(move |cell| {
            let (own, others) = rest.split_at(cell.buckets as usize);
            rest = others;
            (cell, own)
        })
    }

    fn bytes(&self) -> usize {
        size_of::<Self>()
            + size_of_val(self.spans_ns.as_slice())
            + size_of_val(self.cells.as_slice())
            + size_of_val(self.buckets.as_slice())
            + size_of_val(self.edges.as_slice())
    }

    /// Gives back the room that growth left unused.
    fn pack(&mut self) {
        self.spans_ns.shrink_to_fit();
        self.cells.shrink_to_fit();
        self.buckets.shrink_to_fit();
        self.edges.shrink_to_fit();
    }
}

/// Recent windows, oldest first, bounded in seconds and in bytes.
#[derive(Debug)]
pub(super) struct Ring {
    windows: VecDeque<Window>,
    bytes: usize,
    seconds_max: u64,
    bytes_max: usize,
}

impl Ring {
    pub(super) fn new(seconds_max: u64, bytes_max: usize) -> Self {
        Self { windows: VecDeque::new(), bytes: 0, seconds_max: seconds_max.max(1), bytes_max }
    }

    /// Takes out the window that a rollup closed at `at` belongs to. [`Ring::close`] puts it back.
    pub(super) fn open(&mut self, at: Timestamp) -> Window {
        let mut second = at.0 / 1_000_000_000;
        if let Some(newest) = self.windows.back_mut() {
            if newest.second >= second {
                // A late rollup goes with the newest window: one second off is near enough.
                second = newest.second;
            } else {
                newest.pack();
            }
        }
        match self.windows.pop_back_if(|newest| newest.second == second) {
            Some(window) => {
                self.bytes -= window.bytes();
                window
            }
            None => Window { second, ..Window::default() },
        }
    }

    /// Puts a window back and lets go of what is too old or too much.
    pub(super) fn close(&mut self, window: Window) {
        let oldest = (window.second + 1).saturating_sub(self.seconds_max);
        self.bytes += window.bytes();
        self.windows.push_back(window);
        while let Some(first) = self.windows.front() {
            let spare = self.windows.len() > 1 && self.bytes > self.bytes_max;
            if first.second >= oldest && !spare {
                break;
            }
            self.bytes -= first.bytes();
            self.windows.pop_front();
        }
    }

    /// The windows of about the last `seconds`, and how many seconds they cover.
    pub(super) fn last(&self, seconds: f64) -> (impl Iterator<Item = &Window> + Clone, f64) {
        let newest = self.windows.back().map_or(0, |w| w.second);
        let wanted = (seconds.ceil() as u64).max(1);
        let start = self.windows.partition_point(|w| w.second + wanted <= newest);
        let chosen = self.windows.range(start..);
        // Workers run side by side: the longest covered time of any of them is the picture's.
        let mut covered_ns: Vec<u64> = Vec::new();
        for (worker, span_ns) in chosen.clone().flat_map(|w| &w.spans_ns) {
            if covered_ns.len() <= *worker {
                covered_ns.resize(*worker + 1, 0);
            }
            covered_ns[*worker] += span_ns;
        }
        let longest_ns = covered_ns.into_iter().max().unwrap_or(0);
        (chosen, longest_ns as f64 / 1e9)
    }
}
