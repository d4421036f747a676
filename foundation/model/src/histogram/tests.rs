//! The bucket of a duration is exact, quantiles keep their promise, sums add up.

use super::*;

/// Little-endian natural numbers, just enough to check the boundary table without rounding.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Natural(Vec<u32>);

impl Natural {
    fn power(base: u64, exponent: u32) -> Self {
        let mut result = Self(vec![1]);
        for _ in 0..exponent {
            result = result.times(base);
        }
        result
    }

    fn times(&self, factor: u64) -> Self {
        let mut limbs = Vec::with_capacity(self.0.len() + 3);
        let mut carry = 0_u128;
        for limb in &self.0 {
            let product = u128::from(*limb) * u128::from(factor) + carry;
            limbs.push(product as u32);
            carry = product >> 32;
        }
        while carry > 0 {
            limbs.push(carry as u32);
            carry >>= 32;
        }
        Self(limbs)
    }

    fn exceeds(&self, other: &Self) -> bool {
        let by_length = self.0.len().cmp(&other.0.len());
        by_length.then_with(|| self.0.iter().rev().cmp(other.0.iter().rev())).is_gt()
    }
}

/// The formula the table stands for, in floating point.
fn by_logarithm(duration_ns: u64) -> i32 {
    let index = ((duration_ns as f64 * 1e-9).log2() * 32.0).ceil() as i32 - 1;
    index.clamp(INDEX_MIN, INDEX_MAX)
}

#[test]
fn every_boundary_is_the_integer_part_of_its_formula() {
    // B = 2^63 × 10^9 × 2^((j - 956) / 32)  ⇔  B^32 = 10^288 × 2^(2016 - 956 + j).
    for (j, boundary) in BOUNDARIES[..32].iter().enumerate() {
        let mut exact = Natural::power(1_000_000_000, 32);
        for _ in 0..(2016 - 956 + j) {
            exact = exact.times(2);
        }
        assert!(!Natural::power(*boundary, 32).exceeds(&exact), "{j}");
        assert!(Natural::power(boundary + 1, 32).exceeds(&exact), "{j}");
    }
}

#[test]
fn no_slice_holds_more_than_two_boundaries() {
    let next = BOUNDARIES_BELOW.iter().skip(1).chain(&[32]);
    for (slice, (below, next)) in BOUNDARIES_BELOW.iter().zip(next).enumerate() {
        assert!(next - below <= 2, "{slice}");
    }
}

#[test]
fn whole_powers_of_two_seconds_close_their_bucket() {
    for exponent in 0..15 {
        let boundary = 1_000_000_000_u64 << exponent;
        assert_eq!(bucket_index(boundary), 32 * exponent - 1);
        assert_eq!(bucket_index(boundary + 1), 32 * exponent);
    }
    for exponent in 1..=9 {
        let boundary = 1_000_000_000_u64 >> exponent;
        assert_eq!(bucket_index(boundary), -32 * exponent - 1);
        assert_eq!(bucket_index(boundary + 1), -32 * exponent);
    }
}

#[test]
fn the_table_agrees_with_the_logarithm() {
    let mut value = 1_u64;
    while value < 1 << 50 {
        for near in [value.saturating_sub(1).max(1), value, value + 1] {
            let (table, logarithm) = (bucket_index(near), by_logarithm(near));
            // The logarithm itself is rounded; next to a boundary it may be one off.
            let edge = (f64::from(logarithm.max(table)) / 32.0).exp2() * 1e9;
            let on_the_edge = (near as f64 / edge - 1.0).abs() < 1e-12;
            assert!(table == logarithm || on_the_edge, "{near}");
        }
        value += value / 301 + 1;
    }
}

#[test]
fn extreme_durations_stay_in_the_span() {
    assert_eq!(bucket_index(0), INDEX_MIN);
    assert_eq!(bucket_index(1), by_logarithm(1));
    assert_eq!(bucket_index(u64::MAX), INDEX_MAX);
}

#[test]
fn quantiles_are_within_the_promised_error() {
    for exact in [1_u64, 900, 12_345, 999_999, 1_000_000, 5_000_000, 123_456_789, 60_000_000_000] {
        let mut histogram = Histogram::default();
        histogram.record(exact);
        let read = histogram.quantile_ns(0.5).expect("one value was counted");
        assert!((read / exact as f64 - 1.0).abs() < 0.011, "{exact} read as {read}");
    }
}

#[test]
fn several_quantiles_in_one_pass_equal_them_one_by_one() {
    let mut histogram = Histogram::default();
    for i in 1..=1_000_u64 {
        histogram.record(i * i * 1_000);
    }
    let together = histogram.exponential().quantiles_ns([0.5, 0.95, 0.99]);
    let alone = [0.5, 0.95, 0.99].map(|q| histogram.quantile_ns(q).expect("not empty"));
    assert_eq!(together, Some(alone));
    assert_eq!(Histogram::default().quantile_ns(0.5), None);
}

#[test]
fn merging_equals_counting_together() {
    let values = [3_u64, 70_000, 4_000_000, 90, 8_000_000_000, 4_000_001];
    let (mut left, mut right, mut both) =
        (Histogram::default(), Histogram::default(), Histogram::default());
    for (i, value) in values.into_iter().enumerate() {
        let half = if i % 2 == 0 { &mut left } else { &mut right };
        half.record(value);
        both.record(value);
    }
    left.merge(&right);
    assert_eq!(left, both);
    left.merge(&Histogram::default());
    assert_eq!(left, both);
}

#[test]
fn classic_bounds_are_inclusive() {
    let mut histogram = Histogram::default();
    histogram.record(5_000_000);
    histogram.record(5_000_001);
    histogram.record(10_000_000_001);
    assert_eq!(histogram.classic()[..2], [1, 1]);
    assert_eq!(histogram.classic()[14], 1);
    assert_eq!(histogram.classic().iter().sum::<u64>(), histogram.count());
}
