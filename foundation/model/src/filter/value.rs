//! Values as people write them: numbers with units, classes of statuses, text with stars.

use super::key::Sort;
use super::pattern::Pattern;

/// What a key is compared with.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Text.
    Pattern(Pattern),
    /// A status such as `5xx`: digits, and `x` for any digit.
    Class(String),
    /// A number in the base unit of its sort; of a status also how many digits it has.
    Number { value: f64, digits: usize },
    /// True or false.
    Flag(bool),
}

/// Units of durations, in microseconds.
const DURATION_UNITS: &[(&str, f64)] =
    &[("ns", 1e-3), ("us", 1.0), ("µs", 1.0), ("ms", 1e3), ("s", 1e6), ("m", 6e7), ("h", 3.6e9)];

/// Units of amounts, in bytes. Decimal and binary prefixes are told apart.
const BYTE_UNITS: &[(&str, f64)] = &[
    ("", 1.0),
    ("b", 1.0),
    ("k", 1e3),
    ("kb", 1e3),
    ("mb", 1e6),
    ("gb", 1e9),
    ("kib", 1024.0),
    ("mib", 1_048_576.0),
    ("gib", 1_073_741_824.0),
];

/// Units of counts and rates.
const NUMBER_UNITS: &[(&str, f64)] = &[("", 1.0), ("k", 1e3), ("m", 1e6)];

/// Units of shares.
const SHARE_UNITS: &[(&str, f64)] = &[("", 1.0), ("%", 0.01)];

/// Reads a value that stands behind `=`, `!=` or an order; `None` if it is none of this sort.
///
/// `is_ordered`: behind `>`, `>=`, `<` or `<=`, where only numbers make sense.
pub(super) fn read(sort: Sort, text: &str, is_ordered: bool) -> Option<Value> {
    match sort {
        Sort::Status if is_ordered => status_number(text),
        Sort::Status if is_class(text) => Some(Value::Class(text.to_ascii_lowercase())),
        Sort::Text | Sort::Address | Sort::Status => {
            Some(Value::Pattern(Pattern::with_stars(text, true)))
        }
        Sort::Choice(words) => {
            let pattern = Pattern::with_stars(text, true);
            words.iter().any(|word| pattern.fits(word)).then_some(Value::Pattern(pattern))
        }
        Sort::Flag => flag(text).map(Value::Flag),
        Sort::Duration => number(text, DURATION_UNITS),
        Sort::Bytes => number(text, BYTE_UNITS),
        Sort::Number => number(text, NUMBER_UNITS),
        Sort::Share => number(text, SHARE_UNITS),
    }
}

fn flag(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "1" => Some(true),
        "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

/// Digits and `x`, a digit first: `5xx`, `40x`.
fn is_class(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_digit)
        && bytes.iter().all(|b| b.is_ascii_digit() || b.eq_ignore_ascii_case(&b'x'))
        && bytes.iter().any(|b| b.eq_ignore_ascii_case(&b'x'))
}

fn status_number(text: &str) -> Option<Value> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let value = text.parse().ok().filter(|_| is_number)?;
    Some(Value::Number { value, digits: text.len() })
}

/// A decimal number and a unit of the list, in any case. Zero needs no unit.
fn number(text: &str, units: &[(&str, f64)]) -> Option<Value> {
    let is_part = |c: char| c.is_ascii_digit() || c == '.' || c == '_';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let value: f64 = digits.replace('_', "").parse().ok()?;
    let unit = unit.to_lowercase();
    let known = units.iter().find(|(name, _)| *name == unit);
    let factor = known.map(|(_, factor)| *factor);
    let factor = factor.or((value == 0.0 && unit.is_empty()).then_some(1.0))?;
    Some(Value::Number { value: value * factor, digits: 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_their_units_and_nothing_else_is() {
        let cases = [
            (Sort::Duration, "100ms", Some(100_000.0)),
            (Sort::Duration, "1.5s", Some(1_500_000.0)),
            (Sort::Duration, "250µs", Some(250.0)),
            (Sort::Duration, "250US", Some(250.0)),
            (Sort::Duration, "500ns", Some(0.5)),
            (Sort::Duration, "2m", Some(120_000_000.0)),
            (Sort::Duration, "0", Some(0.0)),
            (Sort::Duration, "100", None),
            (Sort::Duration, "100 ms", None),
            (Sort::Duration, "ms", None),
            (Sort::Duration, "-1ms", None),
            (Sort::Duration, "1e3ms", None),
            (Sort::Duration, "1.2.3s", None),
            (Sort::Bytes, "512", Some(512.0)),
            (Sort::Bytes, "1KB", Some(1_000.0)),
            (Sort::Bytes, "1KiB", Some(1_024.0)),
            (Sort::Bytes, "2gib", Some(2_147_483_648.0)),
            (Sort::Bytes, "1kbit", None),
            (Sort::Number, "2.5k", Some(2_500.0)),
            (Sort::Number, "1_000", Some(1_000.0)),
            (Sort::Number, "nan", None),
            (Sort::Number, "inf", None),
            (Sort::Share, "5%", Some(0.05)),
            (Sort::Share, "0.05", Some(0.05)),
        ];
        for (sort, text, expected) in cases {
            let value = read(sort, text, true);
            let expected = expected.map(|value| Value::Number { value, digits: 0 });
            assert_eq!(value, expected, "{text}");
        }
    }

    #[test]
    fn statuses_are_classes_numbers_or_names() {
        assert_eq!(read(Sort::Status, "5XX", false), Some(Value::Class("5xx".into())));
        let number = Some(Value::Number { value: 500.0, digits: 3 });
        assert_eq!(read(Sort::Status, "500", true), number);
        assert_eq!(read(Sort::Status, "OK", true), None);
        assert_eq!(read(Sort::Status, "", true), None);
        assert!(matches!(read(Sort::Status, "xx", false), Some(Value::Pattern(_))));
    }
}
