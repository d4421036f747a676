//! The protobuf format: `io.prometheus.client.MetricFamily`, each with its length before it, with
//! native histograms.
//!
//! <https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto>. The
//! wire format is three rules, so it is written by hand: it saves a code generator at build time.

use model::histogram::{Buckets, CLASSIC_BOUNDS_NS, Histogram};

use super::series::{Durations, Encoder, Family, Series, Type, Value};

/// Prometheus counts the bucket (base^(i-1), base^i] as i; OpenTelemetry, as the model does, counts
/// (base^i, base^(i+1)].
const INDEX_SHIFT: i32 = 1;

/// The bucket above every finite one: its upper bound at schema 5 is infinity.
const INDEX_INFINITE: i32 = (1_024 << Histogram::SCALE) + 1;

/// Smaller durations are zero. The value that Prometheus' own libraries use.
const ZERO_THRESHOLD: f64 = 2.938_735_877_055_719e-39;

/// A gap of so many empty buckets is written out: that is shorter than a new span.
const GAP_MAX: i32 = 2;

/// Writes the protobuf format.
#[derive(Debug, Default)]
pub(super) struct Protobuf {
    out: Vec<u8>,
}

impl Protobuf {
    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }
}

impl Encoder for Protobuf {
    fn family(&mut self, family: &Family<'_>) {
        if family.series.is_empty() {
            return;
        }
        let mut message = Message::default();
        message.bytes(1, family.name.as_bytes());
        message.bytes(2, family.help.as_bytes());
        message.number(3, kind(family.r#type));
        for one in &family.series {
            message.message(4, &series(one, family.r#type));
        }
        push_varint(&mut self.out, message.bytes.len() as u64);
        self.out.extend_from_slice(&message.bytes);
    }
}

/// `MetricType`.
const fn kind(r#type: Type) -> u64 {
    match r#type {
        Type::Counter => 0,
        Type::Gauge | Type::Info => 1,
        Type::Summary => 2,
        Type::Histogram => 4,
    }
}

/// `Metric`.
fn series(series: &Series<'_>, r#type: Type) -> Message {
    let mut message = Message::default();
    for (name, value) in series.labels.pairs() {
        let mut label = Message::default();
        label.bytes(1, name.as_bytes());
        label.bytes(2, value.as_bytes());
        message.message(1, &label);
    }
    let mut value = Message::default();
    match &series.value {
        Value::Whole(number) => value.real(1, *number as f64),
        Value::Real(number) => value.real(1, *number),
        Value::Summary { sum, count } => {
            value.number(1, *count);
            value.real(2, *sum);
        }
        Value::Histogram(durations) => value = histogram(durations),
    }
    let field = match r#type {
        Type::Gauge | Type::Info => 2,
        Type::Counter => 3,
        Type::Summary => 4,
        Type::Histogram => 7,
    };
    message.message(field, &value);
    message
}

/// `Histogram`: the classic buckets, and the native ones of schema 5.
fn histogram(durations: &Durations<'_>) -> Message {
    let mut message = Message::default();
    let count: u64 = durations.buckets.iter().sum();
    message.number(1, count);
    message.real(2, durations.sum_ns as f64 / 1e9);
    let bounds = CLASSIC_BOUNDS_NS.iter().map(|ns| *ns as f64 / 1e9).chain([f64::INFINITY]);
    let mut below = 0;
    for (bound, count) in bounds.zip(durations.buckets) {
        below += count;
        let mut bucket = Message::default();
        bucket.number(1, below);
        bucket.real(2, bound);
        message.message(3, &bucket);
    }
    message.signed(5, i64::from(Histogram::SCALE));
    message.real(6, ZERO_THRESHOLD);
    let native = Native::of(&durations.exponential, count);
    message.number(7, native.zero);
    for (offset, length) in &native.spans {
        let mut span = Message::default();
        span.signed(1, i64::from(*offset));
        span.number(2, u64::from(*length));
        message.message(12, &span);
    }
    let mut packed = Vec::new();
    for delta in &native.deltas {
        push_varint(&mut packed, zigzag(*delta));
    }
    message.bytes(13, &packed);
    if native.spans.is_empty() && native.zero == 0 {
        // Without it, nothing tells an empty native histogram from a classic one.
        message.message(12, &Message::default());
    }
    message
}

/// Native buckets as they are written: spans of consecutive buckets, and the difference of each
/// count to the one before.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Native {
    pub(super) zero: u64,
    /// Buckets left out before the span (of the first: its index), and buckets in it.
    pub(super) spans: Vec<(i32, u32)>,
    pub(super) deltas: Vec<i64>,
    /// Index of the bucket that would come next.
    next: i32,
    before: i64,
}

impl Native {
    /// The buckets of `count` exchanges. Those without a known duration lie below no bound, as in
    /// the classic buckets: they are in the last, infinite one.
    pub(super) fn of(buckets: &Buckets, count: u64) -> Self {
        let mut native = Self::default();
        for (index, count) in buckets.iter() {
            // One nanosecond is the shortest duration that is not zero, and lies in a later bucket.
            match index == Histogram::INDEX_ZERO {
                true => native.zero += count,
                false => native.push(index + INDEX_SHIFT, count),
            }
        }
        let unknown = count.saturating_sub(buckets.count());
        if unknown > 0 {
            native.push(INDEX_INFINITE, unknown);
        }
        native
    }

    fn push(&mut self, index: i32, count: u64) {
        let gap = index - self.next;
        match self.spans.last_mut() {
            Some(span) if gap <= GAP_MAX => {
                span.1 += gap as u32 + 1;
                for _ in 0..gap {
                    self.count(0);
                }
            }
            _ => self.spans.push((gap, 1)),
        }
        self.next = index + 1;
        self.count(count as i64);
    }

    fn count(&mut self, count: i64) {
        self.deltas.push(count - self.before);
        self.before = count;
    }
}

/// Fields of one message. Those with a default value are written too: presence says something.
#[derive(Debug, Default)]
struct Message {
    bytes: Vec<u8>,
}

impl Message {
    fn key(&mut self, field: u64, wire_type: u64) {
        push_varint(&mut self.bytes, field << 3 | wire_type);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.key(field, 0);
        push_varint(&mut self.bytes, value);
    }

    fn signed(&mut self, field: u64, value: i64) {
        self.number(field, zigzag(value));
    }

    fn real(&mut self, field: u64, value: f64) {
        self.key(field, 1);
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.key(field, 2);
        push_varint(&mut self.bytes, value.len() as u64);
        self.bytes.extend_from_slice(value);
    }

    fn message(&mut self, field: u64, value: &Self) {
        self.bytes(field, &value.bytes);
    }
}

/// Seven bits a byte, the lowest first; all but the last have the highest bit set.
fn push_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Numbers near zero stay short, whichever their sign.
const fn zigzag(value: i64) -> u64 {
    (value << 1 ^ value >> 63) as u64
}
