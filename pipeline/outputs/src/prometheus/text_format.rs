//! The text formats 0.0.4 (<https://prometheus.io/docs/instrumenting/exposition_formats/>) and
//! OpenMetrics 1.0 (<https://prometheus.io/docs/specs/om/open_metrics_spec/>).
//!
//! They differ in what is said of a family, and in the last line. No `_created` is written: it
//! would be the start of the agent in every series.

use std::fmt::Write;

use super::series::{Durations, Encoder, Family, Labels, Type, Value};

/// The values of `le`: [`model::histogram::CLASSIC_BOUNDS_NS`] in seconds. With a decimal point, as
/// OpenMetrics wants it, in both formats: a series keeps its labels when the format changes.
const BOUNDS: [&str; 14] = [
    "0.005", "0.01", "0.025", "0.05", "0.075", "0.1", "0.25", "0.5", "0.75", "1.0", "2.5", "5.0",
    "7.5", "10.0",
];

/// Units that the name of a family can end in.
const UNITS: [&str; 2] = ["seconds", "bytes"];

/// Writes a text format.
#[derive(Debug, Default)]
pub(super) struct Text {
    out: String,
    /// The labels of the series now written: a histogram repeats them on every line.
    labels: String,
    is_open_metrics: bool,
}

impl Text {
    /// OpenMetrics 1.0.
    pub(super) fn open_metrics() -> Self {
        Self { is_open_metrics: true, ..Self::default() }
    }

    pub(super) fn finish(mut self) -> String {
        if self.is_open_metrics {
            self.out.push_str("# EOF\n");
        }
        self.out
    }

    /// What is said of a family before its samples.
    fn describe(&mut self, family: &Family<'_>) {
        let (name, help) = (family.name, family.help);
        if !self.is_open_metrics {
            let word = word(family.r#type);
            let _ = write!(self.out, "# HELP {name} {help}\n# TYPE {name} {word}\n");
            return;
        }
        // The family is what the samples' names have in common.
        let (name, word) = match family.r#type {
            Type::Counter => (name.trim_end_matches("_total"), "counter"),
            Type::Info => (name.trim_end_matches("_info"), "info"),
            other @ (Type::Gauge | Type::Histogram | Type::Summary) => (name, word(other)),
        };
        let _ = write!(self.out, "# HELP {name} {help}\n# TYPE {name} {word}\n");
        let last = name.rsplit('_').next().unwrap_or_default();
        if UNITS.contains(&last) {
            let _ = writeln!(self.out, "# UNIT {name} {last}");
        }
    }

    /// Writes the start of a sample: name, suffix, labels, and a last label if there is one.
    fn sample(&mut self, name: &str, suffix: &str, bound: Option<&str>) {
        self.out.push_str(name);
        self.out.push_str(suffix);
        if self.labels.is_empty() && bound.is_none() {
            self.out.push(' ');
            return;
        }
        self.out.push('{');
        self.out.push_str(&self.labels);
        if let Some(bound) = bound {
            if !self.labels.is_empty() {
                self.out.push(',');
            }
            self.out.push_str("le=\"");
            self.out.push_str(bound);
            self.out.push('"');
        }
        self.out.push_str("} ");
    }

    fn whole(&mut self, value: u64) {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(self.out, "{value}");
    }

    fn real(&mut self, value: f64) {
        let _ = writeln!(self.out, "{value}");
    }

    fn histogram(&mut self, name: &str, durations: &Durations<'_>) {
        let mut below = 0;
        let bounds = BOUNDS.into_iter().chain(["+Inf"]);
        for (bound, count) in bounds.zip(durations.buckets) {
            below += count;
            self.sample(name, "_bucket", Some(bound));
            self.whole(below);
        }
        self.sample(name, "_sum", None);
        self.real(durations.sum_ns as f64 / 1e9);
        self.sample(name, "_count", None);
        self.whole(below);
    }
}

impl Encoder for Text {
    fn family(&mut self, family: &Family<'_>) {
        if family.series.is_empty() {
            return;
        }
        let name = family.name;
        self.describe(family);
        for series in &family.series {
            self.labels.clear();
            push_labels(&mut self.labels, &series.labels);
            match &series.value {
                Value::Whole(value) => {
                    self.sample(name, "", None);
                    self.whole(*value);
                }
                Value::Real(value) => {
                    self.sample(name, "", None);
                    self.real(*value);
                }
                Value::Summary { sum, count } => {
                    self.sample(name, "_sum", None);
                    self.real(*sum);
                    self.sample(name, "_count", None);
                    self.whole(*count);
                }
                Value::Histogram(durations) => self.histogram(name, durations),
            }
        }
    }
}

const fn word(r#type: Type) -> &'static str {
    match r#type {
        Type::Counter => "counter",
        Type::Gauge | Type::Info => "gauge",
        Type::Histogram => "histogram",
        Type::Summary => "summary",
    }
}

fn push_labels(out: &mut String, labels: &Labels<'_>) {
    for (i, (name, value)) in labels.pairs().iter().enumerate() {
        if i > 0 {
            out.push(',');
        }
        out.push_str(name);
        out.push_str("=\"");
        push_escaped(out, value);
        out.push('"');
    }
}

/// A label value escapes backslash, quote and line feed, and nothing else.
fn push_escaped(out: &mut String, value: &str) {
    let mut rest = value;
    while let Some(at) = rest.find(['\\', '"', '\n']) {
        let (plain, tail) = rest.split_at(at);
        out.push_str(plain);
        out.push('\\');
        out.push(if tail.starts_with('\n') { 'n' } else { tail.as_bytes()[0] as char });
        rest = &tail[1..];
    }
    out.push_str(rest);
}
