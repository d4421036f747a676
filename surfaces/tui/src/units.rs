//! Numbers as people read them: three figures at most, a unit, never more than there is room for.

/// Steps of 1,000 for counts and rates.
const COUNT: &[(f64, &str)] = &[(1.0, ""), (1e3, "k"), (1e6, "M"), (1e9, "G"), (1e12, "T")];
/// Steps of 1,000 for bytes.
const BYTES: &[(f64, &str)] = &[(1.0, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB")];
/// Steps for durations in microseconds.
const TIME: &[(f64, &str)] = &[(1.0, "µs"), (1e3, "ms"), (1e6, "s"), (6e7, "min"), (3.6e9, "h")];

/// Things a second: `0`, `0.25`, `12.3`, `4.56k`.
pub(crate) fn rate(per_second: f64, width: usize) -> String {
    if per_second > 0.0 && per_second < 0.01 {
        return "<0.01".into();
    }
    scaled(per_second, COUNT, width)
}

/// A whole number: `0`, `7`, `312`, `1.24k`.
pub(crate) fn count(number: u64, width: usize) -> String {
    if number < 1_000 {
        return number.to_string();
    }
    scaled(number as f64, COUNT, width)
}

/// Bytes in steps of 1,000: `512B`, `3.4kB`.
pub(crate) fn bytes(number: u64, width: usize) -> String {
    if number < 1_000 {
        return format!("{number}B");
    }
    scaled(number as f64, BYTES, width)
}

/// Memory in MiB, as limits are given.
pub(crate) fn memory(bytes: u64) -> String {
    format!("{:.0}MiB", bytes as f64 / f64::from(1 << 20))
}

/// A duration given in microseconds: `870µs`, `1.23ms`, `12.3s`.
pub(crate) fn duration(micros: f64, width: usize) -> String {
    // The steps are uneven above a second, so each is left where its own unit ends.
    let unit = match micros {
        m if m < 999.5 => 0,
        m if m < 999_500.0 => 1,
        m if m < 99_950_000.0 => 2,
        m if m < 5.97e9 => 3,
        _ => 4,
    };
    TIME.get(unit).map_or_else(String::new, |(step, name)| figures(micros / step, name, width))
}

/// The time of the day in UTC, to the millisecond: `14:03:07.250`.
pub(crate) fn time_of_day(micros: u64) -> String {
    let millis = micros / 1_000 % 86_400_000;
    let (seconds, millis) = (millis / 1_000, millis % 1_000);
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{millis:03}")
}

/// A failed share: never `0%` if there was one failure, never `100%` if there was one success.
pub(crate) fn failed_share(share: f64, width: usize) -> String {
    let percent = share * 100.0;
    match percent {
        p if p <= 0.0 => "0%".into(),
        p if p < 0.1 => "<0.1%".into(),
        p if p < 100.0 => figures(p.min(99.9), "%", width.min(5)),
        _ => "100%".into(),
    }
}

/// An understood share, rounded down: `100%` means all of it.
pub(crate) fn understood_share(share: f64, width: usize) -> String {
    if share >= 1.0 {
        return "100%".into();
    }
    let percent = share.max(0.0) * 100.0;
    let precise = format!("{:.1}%", (percent * 10.0).floor() / 10.0);
    if precise.chars().count() <= width { precise } else { format!("{}%", percent.floor()) }
}

/// Picks the unit that leaves one to three figures before the point.
fn scaled(number: f64, steps: &[(f64, &str)], width: usize) -> String {
    let fitting = steps.iter().find(|(step, _)| number / step < 999.5);
    let (step, name) = fitting.or(steps.last()).copied().unwrap_or((1.0, ""));
    figures(number / step, name, width)
}

/// Three figures, or fewer if `width` has no room for them.
fn figures(number: f64, unit: &str, width: usize) -> String {
    let decimals = match number {
        n if n <= 0.0 => 0,
        n if n < 9.995 => 2,
        n if n < 99.95 => 1,
        _ => 0,
    };
    let mut text = String::new();
    for decimals in (0..=decimals).rev() {
        text = format!("{number:.decimals$}{unit}");
        if text.chars().count() <= width {
            break;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_three_figures_or_what_fits() {
        let cases = [
            (0.0, 6, "0µs"),
            (0.8, 6, "0.80µs"),
            (870.4, 5, "870µs"),
            (999.6, 6, "1.00ms"),
            (1_234.0, 6, "1.23ms"),
            (1_234.0, 5, "1.2ms"),
            (12_345.0, 6, "12.3ms"),
            (12_345.0, 5, "12ms"),
            (123_456.0, 5, "123ms"),
            (2_500_000.0, 5, "2.50s"),
            (61_000_000.0, 5, "61.0s"),
            (600_000_000.0, 5, "10min"),
            (7_200_000_000.0, 5, "2.00h"),
        ];
        for (micros, width, expected) in cases {
            assert_eq!(duration(micros, width), expected, "{micros} in {width}");
        }
    }

    #[test]
    fn rates_and_counts_change_unit_before_they_grow_wide() {
        let cases = [
            (0.0, "0"),
            (0.001, "<0.01"),
            (0.25, "0.25"),
            (12.34, "12.3"),
            (999.4, "999"),
            (999.6, "1.00k"),
            (12_345.0, "12.3k"),
            (1.5e6, "1.50M"),
            (7e15, "7000T"),
        ];
        for (number, expected) in cases {
            assert_eq!(rate(number, 5), expected);
        }
        assert_eq!((count(7, 4), count(1_240, 4)), ("7".into(), "1.2k".into()));
        assert_eq!((bytes(12, 6), bytes(3_400, 6)), ("12B".into(), "3.40kB".into()));
    }

    #[test]
    fn shares_never_round_to_all_or_nothing() {
        let failed = [(0.0, "0%"), (1e-9, "<0.1%"), (0.0042, "0.42%"), (0.9999, "99.9%")];
        for (share, expected) in failed {
            assert_eq!(failed_share(share, 5), expected);
        }
        assert_eq!(failed_share(1.0, 5), "100%");
        let understood = [(1.0, 5, "100%"), (0.99999, 5, "99.9%"), (0.99999, 4, "99%")];
        for (share, width, expected) in understood {
            assert_eq!(understood_share(share, width), expected);
        }
    }
}
