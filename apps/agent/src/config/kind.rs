//! Kinds of values: how each is read from text, what it is said to be, and what schema it has.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `ip:port`.
    Address,
    /// A path; `-` may mean standard output.
    Path,
    /// Several texts.
    Texts,
    /// A number of things, from and to these.
    Count(u64, u64),
    /// A size from and to these, with a unit or in bytes.
    Bytes(u64, u64),
    /// A time from and to these seconds.
    Seconds(u64, u64),
    /// A share of a core, or `off`.
    Share,
    /// `on` or `off`, and the flag that is short for `off`.
    Switch(&'static str),
}

/// What was read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// Nothing is set and nothing is the default.
    Nothing,
    /// See [`Kind::Address`].
    Address(SocketAddr),
    /// See [`Kind::Path`].
    Text(String),
    /// See [`Kind::Texts`].
    Texts(Vec<String>),
    /// Count or bytes.
    Number(u64),
    /// See [`Kind::Seconds`].
    Time(Duration),
    /// 0 to 1; `None` is `off`.
    Share(Option<f64>),
    /// See [`Kind::Switch`].
    Switch(bool),
}

/// Units of sizes, longest spelling first.
const SIZES: [(&str, u64); 10] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("K", 1 << 10),
    ("M", 1 << 20),
    ("B", 1),
];

/// Units of times.
const TIMES: [(&str, u64); 3] = [("s", 1), ("min", 60), ("h", 3600)];

impl Kind {
    /// True if several values may be given.
    pub(crate) const fn is_list(self) -> bool {
        matches!(self, Self::Texts)
    }

    /// Reads one text; for a list, one element of it.
    pub(crate) fn parse(self, text: &str) -> Result<Value, String> {
        let text = text.trim();
        let read = match self {
            Self::Address => text.parse().ok().map(Value::Address),
            Self::Path => (!text.is_empty()).then(|| Value::Text(text.to_owned())),
            Self::Texts => (!text.is_empty()).then(|| Value::Texts(vec![text.to_owned()])),
            Self::Count(least, most) => within(plain(text), least, most).map(Value::Number),
            Self::Bytes(least, most) => {
                within(with_unit(text, &SIZES), least, most).map(Value::Number)
            }
            Self::Seconds(least, most) => within(with_unit(text, &TIMES), least, most)
                .map(|seconds| Value::Time(Duration::from_secs(seconds))),
            Self::Share => share(text).map(Value::Share),
            Self::Switch(_) => switch(text).map(Value::Switch),
        };
        read.ok_or_else(|| format!("expected {}, found {text:?}", self.expected()))
    }

    /// What is expected, in words.
    pub(crate) fn expected(self) -> String {
        match self {
            Self::Address => "an address and port such as 127.0.0.1:9464".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Count(least, most) => format!("a whole number from {least} to {most}"),
            Self::Bytes(least, most) => {
                let (least, most) = (size(least), size(most));
                format!("a size from {least} to {most}, such as 65536 or 64KiB")
            }
            Self::Seconds(least, most) => {
                format!("a time from {} to {}, such as 60s or 5min", time(least), time(most))
            }
            Self::Share => "a share from 0.1% to 100%, such as 10%, or off".to_owned(),
            Self::Switch(_) => "on or off".to_owned(),
        }
    }

    /// The word for it in help texts.
    pub(crate) const fn metavariable(self) -> &'static str {
        match self {
            Self::Address => "ADDR",
            Self::Path => "FILE",
            Self::Texts => "TEXT",
            Self::Count(..) => "NUMBER",
            Self::Bytes(..) => "BYTES",
            Self::Seconds(..) => "TIME",
            Self::Share => "SHARE",
            Self::Switch(_) => "on|off",
        }
    }

    /// Its JSON Schema.
    pub(crate) fn schema(self) -> serde_json::Value {
        match self {
            Self::Address => json!({"type": "string", "pattern": r"^.+:[0-9]{1,5}$"}),
            Self::Path => json!({"type": ["string", "null"]}),
            Self::Texts => json!({"type": "array", "items": {"type": "string"}}),
            Self::Count(least, most) => {
                json!({"type": "integer", "minimum": least, "maximum": most})
            }
            Self::Bytes(least, most) => json!({"anyOf": [
                {"type": "integer", "minimum": least, "maximum": most},
                {"type": "string", "pattern": r"^[0-9]+ ?([KMG]iB|[kKMG]B|[KMB])?$"},
            ]}),
            Self::Seconds(least, most) => json!({"anyOf": [
                {"type": "integer", "minimum": least, "maximum": most},
                {"type": "string", "pattern": r"^[0-9]+ ?(s|min|h)?$"},
            ]}),
            Self::Share => json!({"anyOf": [
                {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
                {"type": "string", "pattern": r"^([0-9.]+ ?%?|off)$"},
            ]}),
            Self::Switch(_) => json!({"anyOf": [
                {"type": "boolean"},
                {"enum": ["on", "off"]},
            ]}),
        }
    }

    /// A value in the spelling that reads back as itself.
    pub(crate) fn spell(self, value: &Value) -> String {
        match value {
            Value::Nothing => String::new(),
            Value::Address(address) => address.to_string(),
            Value::Text(text) => text.clone(),
            Value::Texts(texts) => texts.join(","),
            Value::Number(number) if matches!(self, Self::Bytes(..)) => size(*number),
            Value::Number(number) => number.to_string(),
            Value::Time(time_set) => time(time_set.as_secs()),
            Value::Share(None) | Value::Switch(false) => "off".to_owned(),
            Value::Switch(true) => "on".to_owned(),
            Value::Share(Some(share)) => format!("{}%", trim(share * 100.0)),
        }
    }
}

fn plain(text: &str) -> Option<u64> {
    text.replace('_', "").parse().ok()
}

fn within(number: Option<u64>, least: u64, most: u64) -> Option<u64> {
    number.filter(|number| (least..=most).contains(number))
}

fn with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (number, factor) = units
        .iter()
        .find_map(|(unit, factor)| Some((text.strip_suffix(unit)?, *factor)))
        .unwrap_or((text, 1));
    plain(number.trim_end())?.checked_mul(factor)
}

/// `10%` and `0.1` are the same; `off` is none. On a large host a thousandth is still something.
fn share(text: &str) -> Option<Option<f64>> {
    if text == "off" {
        return Some(None);
    }
    let share = match text.strip_suffix('%') {
        Some(percent) => percent.trim_end().parse::<f64>().ok()? / 100.0,
        None => text.parse().ok()?,
    };
    (0.001..=1.0).contains(&share).then_some(Some(share))
}

/// As people write it; `true` and `false` are YAML's words.
fn switch(text: &str) -> Option<bool> {
    match text {
        "on" | "true" => Some(true),
        "off" | "false" => Some(false),
        _ => None,
    }
}

/// Bytes in the largest binary unit that divides them.
pub(crate) fn size(bytes: u64) -> String {
    let unit = [("GiB", 30), ("MiB", 20), ("KiB", 10)]
        .into_iter()
        .find(|(_, shift)| bytes > 0 && bytes.is_multiple_of(1 << shift));
    unit.map_or_else(|| bytes.to_string(), |(name, shift)| format!("{}{name}", bytes >> shift))
}

fn time(seconds: u64) -> String {
    let is_whole = |unit: u64| seconds > 0 && seconds.is_multiple_of(unit);
    if is_whole(3600) {
        format!("{}h", seconds / 3600)
    } else if is_whole(60) {
        format!("{}min", seconds / 60)
    } else {
        format!("{seconds}s")
    }
}

/// Two decimals at most, and none that say nothing.
fn trim(number: f64) -> String {
    format!("{number:.2}").trim_end_matches('0').trim_end_matches('.').to_owned()
}
