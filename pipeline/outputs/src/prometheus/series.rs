//! What every exposition format writes: families of labelled series.

use std::borrow::Cow;

use model::histogram::{Buckets, CLASSIC_BOUNDS_NS, CLASSIC_BUCKETS};
use model::{Cell, Entity};

/// What the numbers of a family mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Counter,
    Gauge,
    /// A gauge that is always 1 and says something in its labels.
    Info,
    Histogram,
    /// Sum and count only: no quantile can be added up over instances.
    Summary,
}

/// A metric with all its series, sorted, each label set once.
#[derive(Debug)]
pub(super) struct Family<'a> {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) r#type: Type,
    pub(super) series: Vec<Series<'a>>,
}

impl<'a> Family<'a> {
    /// Sorts the series and adds up those with equal labels: instances of one peer, or outcomes
    /// that the family does not tell apart.
    pub(super) fn new(
        name: &'static str,
        help: &'static str,
        r#type: Type,
        mut series: Vec<Series<'a>>,
    ) -> Self {
        series.sort_by(|a, b| a.labels.pairs().cmp(b.labels.pairs()));
        series.dedup_by(|next, kept| {
            let equal = next.labels.pairs() == kept.labels.pairs();
            if equal {
                kept.value.merge(&next.value);
            }
            equal
        });
        Self { name, help, r#type, series }
    }
}

/// One label set with its value.
#[derive(Clone, Debug)]
pub(super) struct Series<'a> {
    pub(super) labels: Labels<'a>,
    pub(super) value: Value<'a>,
}

/// The value of a series.
#[derive(Clone, Debug)]
pub(super) enum Value<'a> {
    Whole(u64),
    Real(f64),
    Summary { sum: f64, count: u64 },
    Histogram(Durations<'a>),
}

impl Value<'_> {
    fn merge(&mut self, other: &Value<'_>) {
        match (self, other) {
            (Self::Whole(a), Value::Whole(b)) => *a += b,
            (Self::Real(a), Value::Real(b)) => *a += b,
            (Self::Summary { sum, count }, Value::Summary { sum: s, count: c }) => {
                *sum += s;
                *count += c;
            }
            (Self::Histogram(a), Value::Histogram(b)) => a.merge(b),
            _ => debug_assert!(false, "one family has values of two sorts"),
        }
    }
}

/// Durations, in classic and in exponential buckets.
#[derive(Clone, Debug)]
pub(super) struct Durations<'a> {
    /// Counts per classic bucket, not cumulative.
    pub(super) buckets: [u64; CLASSIC_BUCKETS],
    pub(super) sum_ns: u64,
    /// Without the exchanges whose duration is not known.
    pub(super) exponential: Cow<'a, Buckets>,
}

impl<'a> Durations<'a> {
    /// The durations of a cell. An exchange without a known duration lies below no bound: it is
    /// counted, adds nothing to the sum, and goes into the last bucket.
    pub(super) fn of(cell: &'a Cell) -> Self {
        let mut buckets = *cell.duration.classic();
        buckets[CLASSIC_BOUNDS_NS.len()] += cell.count.saturating_sub(cell.duration.count());
        let exponential = Cow::Borrowed(cell.duration.exponential());
        Self { buckets, sum_ns: cell.duration.sum_ns(), exponential }
    }

    fn merge(&mut self, other: &Durations<'_>) {
        for (into, from) in self.buckets.iter_mut().zip(other.buckets) {
            *into += from;
        }
        self.sum_ns = self.sum_ns.saturating_add(other.sum_ns);
        self.exponential.to_mut().merge(&other.exponential);
    }
}

/// Four labels of identity and at most five of a family.
const LABELS_MAX: usize = 9;

/// Names and values, in the order they were added. Empty values are left out: to Prometheus an
/// empty label is an absent one.
#[derive(Clone, Debug)]
pub(super) struct Labels<'a> {
    pairs: [(&'static str, &'a str); LABELS_MAX],
    length: usize,
}

impl<'a> Labels<'a> {
    pub(super) const fn new() -> Self {
        Self { pairs: [("", ""); LABELS_MAX], length: 0 }
    }

    /// The labels every series of a service has.
    pub(super) fn of(service: &'a Entity) -> Self {
        Self::new()
            .with("service_name", &service.name)
            .with("service_namespace", &service.namespace)
            .with("service_instance_id", &service.instance)
    }

    pub(super) fn with(mut self, name: &'static str, value: &'a str) -> Self {
        if value.is_empty() {
            return self;
        }
        debug_assert!(self.length < LABELS_MAX, "a family has too many labels");
        if let Some(pair) = self.pairs.get_mut(self.length) {
            *pair = (name, value);
            self.length += 1;
        }
        self
    }

    pub(super) fn pairs(&self) -> &[(&'static str, &'a str)] {
        &self.pairs[..self.length]
    }
}

/// Writes families in one exposition format.
pub(super) trait Encoder {
    /// Writes one family; each comes once. One without series is left out.
    fn family(&mut self, family: &Family<'_>);
}
