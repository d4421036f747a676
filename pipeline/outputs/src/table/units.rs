//! Numbers as people read them: three digits and a unit.

/// A whole count: exact below ten million, where people still compare it with what they sent.
pub(super) fn count(count: u64) -> String {
    if count < 10_000_000 {
        count.to_string()
    } else {
        scaled(count as f64, &[(1e9, "G"), (1e6, "M")])
    }
}

/// A number a second.
pub(super) fn rate(rate: f64) -> String {
    if rate == 0.0 {
        "0".to_owned()
    } else if rate < 0.01 {
        "<0.01".to_owned()
    } else {
        scaled(rate, &[(1e9, "G"), (1e6, "M"), (1e4, "k"), (1.0, "")])
    }
}

/// A duration given in microseconds.
pub(super) fn duration_us(us: f64) -> String {
    if us == 0.0 {
        return "0s".to_owned();
    }
    scaled(us, &[(1e6, "s"), (1e3, "ms"), (1.0, "µs"), (1e-3, "ns")])
}

/// An amount of bytes in decimal units.
pub(super) fn bytes(bytes: u64) -> String {
    match bytes {
        0 => "0".to_owned(),
        1..1_000 => format!("{bytes} B"),
        _ => scaled(bytes as f64, &[(1e12, " TB"), (1e9, " GB"), (1e6, " MB"), (1e3, " kB")]),
    }
}

/// A share of errors: never rounded down to none.
pub(super) fn share(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 {
        "0%".to_owned()
    } else if percent < 0.1 {
        "<0.1%".to_owned()
    } else if percent >= 99.95 {
        "100%".to_owned()
    } else {
        format!("{percent:.1}%")
    }
}

/// A share of what was understood: rounded down, so that only all of it is 100 %.
pub(super) fn share_down(share: f64) -> String {
    if share >= 1.0 {
        "100%".to_owned()
    } else {
        format!("{:.1}%", (share * 1_000.0).floor() / 10.0)
    }
}

/// Three significant digits with the first unit that leaves at least 1, or the last one.
///
/// A first factor of other than a power of 1,000 moves where its unit starts: `(1e4, "k")` keeps
/// four whole digits before `k`.
fn scaled(value: f64, units: &[(f64, &str)]) -> String {
    for (i, (start, unit)) in units.iter().enumerate() {
        let last = i + 1 == units.len();
        if value < *start && !last {
            continue;
        }
        let factor = if *start == 1e4 { 1e3 } else { *start };
        let scaled = value / factor;
        return match scaled {
            _ if scaled < 9.995 => format!("{scaled:.2}{unit}"),
            _ if scaled < 99.95 => format!("{scaled:.1}{unit}"),
            _ => format!("{scaled:.0}{unit}"),
        };
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits_and_their_unit() {
        let durations = [0.0, 0.5, 1.0, 850.0, 1_234.0, 12_345.0, 123_456.0, 61e6];
        let read = durations.map(duration_us);
        let expected = ["0s", "500ns", "1.00µs", "850µs", "1.23ms", "12.3ms", "123ms", "61.0s"];
        assert_eq!(read, expected);
        let counts = [0, 7, 9_999_999, 12_345_678, 5_000_000_000].map(count);
        assert_eq!(counts, ["0", "7", "9999999", "12.3M", "5.00G"]);
        let rates = [0.0, 0.001, 0.5, 12.34, 9_999.0, 41_000.0, 2e6].map(rate);
        assert_eq!(rates, ["0", "<0.01", "0.50", "12.3", "9999", "41.0k", "2.00M"]);
        let sizes = [0, 999, 1_500, 12_000_000, 3_000_000_000].map(bytes);
        assert_eq!(sizes, ["0", "999 B", "1.50 kB", "12.0 MB", "3.00 GB"]);
    }

    #[test]
    fn errors_never_round_to_none_and_coverage_never_to_all() {
        let errors = [0.0, 0.000_01, 0.017, 0.999_9, 1.0].map(share);
        assert_eq!(errors, ["0%", "<0.1%", "1.7%", "100%", "100%"]);
        let coverage = [0.0, 0.999_99, 1.0].map(share_down);
        assert_eq!(coverage, ["0.0%", "99.9%", "100%"]);
    }
}
