//! Durations: base-2 exponential buckets at scale 5, beside the 14 classic buckets.
//!
//! Bucket `i` holds durations in (2^(i/32), 2^((i+1)/32)] seconds, as an OpenTelemetry exponential
//! histogram of scale 5 (and, shifted by one, a Prometheus native histogram of schema 5). A value
//! read back from the middle of its bucket is at most 1.09 % off.

/// Upper bounds of the classic buckets in nanoseconds: 5 ms to 10 s, as OpenTelemetry advises for HTTP.
pub const CLASSIC_BOUNDS_NS: [u64; 14] = [
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    75_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    750_000_000,
    1_000_000_000,
    2_500_000_000,
    5_000_000_000,
    7_500_000_000,
    10_000_000_000,
];

/// Buckets per power of two.
const SUB_BUCKETS: i32 = 32;
/// Lowest index kept: 2^(-960/32) s is below one nanosecond. Shorter durations go there.
const INDEX_MIN: i32 = -960;
/// Highest index kept: 2^(500/32) s is more than 13 hours. Longer durations go there.
const INDEX_MAX: i32 = 500;

/// A histogram of durations. Empty ones own no memory; others hold only the span of buckets in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    first: i32,
    counts: Vec<u32>,
    classic: [u64; CLASSIC_BOUNDS_NS.len() + 1],
    count: u64,
    sum_ns: u64,
}

impl Histogram {
    /// OpenTelemetry scale and Prometheus schema of the exponential buckets.
    pub const SCALE: i32 = 5;

    /// Counts one duration.
    pub fn record(&mut self, duration_ns: u64) {
        *self.slot(bucket_index(duration_ns)) += 1;
        self.classic[classic_index(duration_ns)] += 1;
        self.count += 1;
        self.sum_ns = self.sum_ns.saturating_add(duration_ns);
    }

    /// Adds every count of `other`.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        // Both ends first, so that the span grows at most twice.
        let _ = self.slot(other.first);
        let _ = self.slot(other.first + other.counts.len() as i32 - 1);
        let offset = (other.first - self.first) as usize;
        for (into, from) in self.counts[offset..].iter_mut().zip(&other.counts) {
            *into = into.saturating_add(*from);
        }
        for (into, from) in self.classic.iter_mut().zip(&other.classic) {
            *into += from;
        }
        self.count += other.count;
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
    }

    /// How many durations were counted.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Their sum in nanoseconds.
    pub const fn sum_ns(&self) -> u64 {
        self.sum_ns
    }

    /// Counts per classic bucket, not cumulative; the last is everything above the last bound.
    pub const fn classic(&self) -> &[u64; CLASSIC_BOUNDS_NS.len() + 1] {
        &self.classic
    }

    /// Exponential buckets in use: (index, count), ascending, counts above zero.
    pub fn buckets(&self) -> impl Iterator<Item = (i32, u32)> + '_ {
        let first = self.first;
        let numbered = self.counts.iter().enumerate();
        numbered
            .filter(|(_, c)| **c > 0)
            .map(move |(i, c)| (first + i as i32, *c))
    }

    /// The duration in nanoseconds below which a share `q` (0 to 1) lies; `None` if nothing was counted.
    pub fn quantile_ns(&self, q: f64) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let rank = (q.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
        let mut below = 0;
        for (index, count) in self.buckets() {
            below += u64::from(count);
            if below >= rank {
                return Some(middle_ns(index));
            }
        }
        None
    }

    /// The counter of bucket `index`, the span widened to hold it.
    fn slot(&mut self, index: i32) -> &mut u32 {
        if self.counts.is_empty() {
            self.first = index;
            self.counts.push(0);
        } else if index < self.first {
            let missing = (self.first - index) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = index;
        } else if (index - self.first) as usize >= self.counts.len() {
            self.counts.resize((index - self.first) as usize + 1, 0);
        }
        &mut self.counts[(index - self.first) as usize]
    }
}

/// Index of the exponential bucket that holds `duration_ns`.
fn bucket_index(duration_ns: u64) -> i32 {
    if duration_ns == 0 {
        return INDEX_MIN;
    }
    let seconds = duration_ns as f64 * 1e-9;
    let index = (seconds.log2() * f64::from(SUB_BUCKETS)).ceil() as i32 - 1;
    index.clamp(INDEX_MIN, INDEX_MAX)
}

/// Geometric middle of bucket `index` in nanoseconds.
fn middle_ns(index: i32) -> f64 {
    ((f64::from(index) + 0.5) / f64::from(SUB_BUCKETS)).exp2() * 1e9
}

fn classic_index(duration_ns: u64) -> usize {
    CLASSIC_BOUNDS_NS.partition_point(|bound| *bound < duration_ns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_the_promised_error() {
        for exact in [
            1_u64,
            900,
            12_345,
            999_999,
            1_000_000,
            5_000_000,
            123_456_789,
            60_000_000_000,
        ] {
            let mut histogram = Histogram::default();
            histogram.record(exact);
            let read = histogram.quantile_ns(0.5).expect("one value was counted");
            assert!(
                (read / exact as f64 - 1.0).abs() < 0.011,
                "{exact} read as {read}"
            );
        }
    }

    #[test]
    fn merging_equals_counting_together() {
        let values = [3_u64, 70_000, 4_000_000, 90, 8_000_000_000, 4_000_001];
        let (mut left, mut right, mut both) = (
            Histogram::default(),
            Histogram::default(),
            Histogram::default(),
        );
        for (i, value) in values.into_iter().enumerate() {
            if i % 2 == 0 {
                left.record(value)
            } else {
                right.record(value)
            }
            both.record(value);
        }
        left.merge(&right);
        assert_eq!(left, both);
    }

    #[test]
    fn classic_bounds_are_inclusive() {
        let mut histogram = Histogram::default();
        histogram.record(5_000_000);
        histogram.record(5_000_001);
        assert_eq!(histogram.classic()[..2], [1, 1]);
    }
}
