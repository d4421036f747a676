//! Durations: base-2 exponential buckets at scale 5, beside the 14 classic buckets.
//!
//! Bucket `i` holds durations in (2^(i/32), 2^((i+1)/32)] seconds, as an OpenTelemetry exponential
//! histogram of scale 5 (and, shifted by one, a Prometheus native histogram of schema 5). A value
//! read back from the middle of its bucket is at most 1.09 % off.

/// Upper bounds of the classic buckets in nanoseconds: 5 ms to 10 s, as OpenTelemetry advises for
/// HTTP.
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

/// How many classic buckets there are: one per bound, and one for everything above the last.
pub const CLASSIC_BUCKETS: usize = CLASSIC_BOUNDS_NS.len() + 1;

/// Buckets per power of two.
const SUB_BUCKETS: i32 = 32;
/// Lowest index kept: 2^(-960/32) s is below one nanosecond. Shorter durations go there.
const INDEX_MIN: i32 = -960;
/// Highest index kept: 2^(500/32) s is more than 13 hours. Longer durations go there.
const INDEX_MAX: i32 = 500;
/// The span of buckets grows by whole steps of this many, so that it seldom grows.
const SPAN_STEP: i32 = 16;

/// A histogram of durations. Empty ones own no memory; others hold only the span of buckets in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    exponential: Buckets,
    classic: [u64; CLASSIC_BUCKETS],
    sum_ns: u64,
}

impl Histogram {
    /// OpenTelemetry scale and Prometheus schema of the exponential buckets.
    pub const SCALE: i32 = 5;

    /// The bucket of durations of 0 ns, and of no other: 1 ns is the next.
    pub const INDEX_ZERO: i32 = INDEX_MIN;

    /// Counts one duration.
    pub fn record(&mut self, duration_ns: u64) {
        self.record_alike(duration_ns, 1);
    }

    /// Counts the same duration so many times.
    pub fn record_alike(&mut self, duration_ns: u64, count: u64) {
        self.exponential.add(bucket_index(duration_ns), count);
        self.classic[classic_index(duration_ns)] += count;
        self.sum_ns = self.sum_ns.saturating_add(duration_ns.saturating_mul(count));
    }

    /// Adds every count of `other`.
    pub fn merge(&mut self, other: &Self) {
        self.exponential.merge(&other.exponential);
        for (into, from) in self.classic.iter_mut().zip(&other.classic) {
            *into += from;
        }
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
    }

    /// How many durations were counted.
    pub const fn count(&self) -> u64 {
        self.exponential.count
    }

    /// Their sum in nanoseconds.
    pub const fn sum_ns(&self) -> u64 {
        self.sum_ns
    }

    /// Counts per classic bucket, not cumulative; the last is everything above the last bound.
    pub const fn classic(&self) -> &[u64; CLASSIC_BUCKETS] {
        &self.classic
    }

    /// The exponential buckets.
    pub const fn exponential(&self) -> &Buckets {
        &self.exponential
    }

    /// Exponential buckets in use: (index, count), ascending, counts above zero.
    pub fn buckets(&self) -> impl Iterator<Item = (i32, u64)> + '_ {
        self.exponential.iter()
    }

    /// The duration in nanoseconds below which a share `q` (0 to 1) lies; `None` if nothing was
    /// counted.
    pub fn quantile_ns(&self, q: f64) -> Option<f64> {
        self.exponential.quantiles_ns([q]).map(|[value]| value)
    }
}

/// Counts per exponential bucket, without the classic buckets and the sum.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    first: i32,
    counts: Vec<u64>,
    count: u64,
}

impl Buckets {
    /// Adds `count` to the bucket of this index.
    pub fn add(&mut self, index: i32, count: u64) {
        *self.slot(index) += count;
        self.count += count;
    }

    /// Adds every count of `other`.
    pub fn merge(&mut self, other: &Self) {
        if other.counts.is_empty() {
            return;
        }
        // Both ends first, so that the span grows at most twice.
        let _ = self.slot(other.first);
        let _ = self.slot(other.first + other.counts.len() as i32 - 1);
        let offset = (other.first - self.first) as usize;
        for (into, from) in self.counts[offset..].iter_mut().zip(&other.counts) {
            *into += from;
        }
        self.count += other.count;
    }

    /// The sum of all counts.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Buckets in use: (index, count), ascending, counts above zero.
    pub fn iter(&self) -> impl Iterator<Item = (i32, u64)> + '_ {
        let first = self.first;
        let numbered = self.counts.iter().enumerate();
        numbered.filter(|(_, c)| **c > 0).map(move |(i, c)| (first + i as i32, *c))
    }

    /// For each share in `shares` (0 to 1, ascending) the duration in nanoseconds below which that
    /// share lies; `None` if nothing was counted.
    pub fn quantiles_ns<const N: usize>(&self, shares: [f64; N]) -> Option<[f64; N]> {
        if self.count == 0 {
            return None;
        }
        let mut values = [0.0; N];
        let mut buckets = self.iter();
        let (mut index, mut below) = (INDEX_MIN, 0);
        for (value, share) in values.iter_mut().zip(shares) {
            let rank = (share.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
            while below < rank {
                let Some((next, count)) = buckets.next() else {
                    break;
                };
                index = next;
                below += count;
            }
            *value = middle_ns(index);
        }
        Some(values)
    }

    /// The counter of bucket `index`, the span widened to hold it.
    fn slot(&mut self, index: i32) -> &mut u64 {
        let offset = index.wrapping_sub(self.first) as usize;
        // An index below the span wraps to a huge offset, so one comparison sees both sides.
        if offset >= self.counts.len() {
            self.widen(index);
        }
        &mut self.counts[(index - self.first) as usize]
    }

    #[cold]
    fn widen(&mut self, index: i32) {
        let step_start = index - index.rem_euclid(SPAN_STEP);
        if self.counts.is_empty() {
            self.first = step_start;
            self.counts.resize(SPAN_STEP as usize, 0);
        } else if index < self.first {
            let missing = (self.first - step_start) as usize;
            self.counts.splice(0..0, std::iter::repeat_n(0, missing));
            self.first = step_start;
        } else {
            let length = (step_start + SPAN_STEP - self.first) as usize;
            self.counts.resize(length, 0);
        }
    }
}

/// Index of the exponential bucket that holds `duration_ns`, exact at every boundary.
///
/// In one octave of nanoseconds, 32 boundaries of seconds fall on the same mantissas as in any
/// other: the leading bit gives the octave, and a table of mantissas the place in it. At most two
/// boundaries lie in one thirty-second of an octave, so two comparisons finish the search.
fn bucket_index(duration_ns: u64) -> i32 {
    if duration_ns == 0 {
        return INDEX_MIN;
    }
    let leading = duration_ns.leading_zeros();
    let mantissa = duration_ns << leading;
    let slice = (mantissa >> 58) as usize & 31;
    let below = usize::from(BOUNDARIES_BELOW[slice]);
    let passed = below
        + usize::from(mantissa > BOUNDARIES[below])
        + usize::from(mantissa > BOUNDARIES[below + 1]);
    // 957 = ceil(32 × log2(10^9)): how far one nanosecond lies below one second.
    let index = (63 - leading as i32) * SUB_BUCKETS - 957 + passed as i32;
    index.clamp(INDEX_MIN, INDEX_MAX)
}

/// Bucket boundaries within one octave of nanoseconds: the integer parts of
/// 2^63 × 10^9 × 2^((j - 956) / 32), j = 0 to 31. The two beyond are never passed.
const BOUNDARIES: [u64; 34] = [
    0x81FF_A7A9_549C_A6E3,
    0x84D8_626D_3118_D396,
    0x87C1_1235_836D_16A3,
    0x8ABA_1075_8E1E_A3CF,
    0x8DC3_B896_0164_A7D9,
    0x90DE_67FF_F600_044C,
    0x940A_7E28_259F_B382,
    0x9748_5C9A_622A_DB60,
    0x9A98_6705_4D51_2391,
    0x9DFB_0346_51C9_9C68,
    0xA170_9975_DFB0_6757,
    0xA4F9_93F3_ED7B_61CA,
    0xA896_5F74_BF06_5071,
    0xAC47_6B0D_F43F_745F,
    0xB00D_2843_E106_0DC2,
    0xB3E8_0B17_2FD5_1AF7,
    0xB7D8_8A12_D0DD_9EA0,
    0xBBDF_1E5A_373C_E5C6,
    0xBFFC_43B7_E604_A922,
    0xC430_78AC_4ED4_7AE7,
    0xC87C_3E7D_03CD_BEC3,
    0xCCE0_1944_3EB5_6CE4,
    0xD15C_9000_BF21_1C1F,
    0xD5F2_2CA6_0197_43E0,
    0xDAA1_7C2C_D195_55DB,
    0xDF6B_0EA4_3879_3A89,
    0xE44F_7742_CB56_E3DD,
    0xE94F_4C78_59CE_1066,
    0xEE6B_2800_0000_0000,
    0xF3A3_A6F2_9DD0_C333,
    0xF8F9_69D9_B5AB_F948,
    0xFE6D_14C2_B511_4024,
    u64::MAX,
    u64::MAX,
];

/// How many of [`BOUNDARIES`] lie below each thirty-second of the octave.
const BOUNDARIES_BELOW: [u8; 32] = {
    let mut below = [0; 32];
    let mut slice = 0;
    while slice < 32 {
        let start = (32 + slice as u64) << 58;
        while below[slice] < 32 && BOUNDARIES[below[slice] as usize] < start {
            below[slice] += 1;
        }
        slice += 1;
    }
    below
};

/// Geometric middle of bucket `index` in nanoseconds.
fn middle_ns(index: i32) -> f64 {
    ((f64::from(index) + 0.5) / f64::from(SUB_BUCKETS)).exp2() * 1e9
}

/// Index of the classic bucket. Most durations are short, so the search starts at the low end.
fn classic_index(duration_ns: u64) -> usize {
    let above = |bound: &u64| duration_ns <= *bound;
    CLASSIC_BOUNDS_NS.iter().position(above).unwrap_or(CLASSIC_BOUNDS_NS.len())
}

#[cfg(test)]
mod tests;
