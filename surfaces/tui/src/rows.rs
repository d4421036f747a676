//! Rows of the tables: what stands in each column, in which order, and which rows stay.

use std::borrow::Cow;
use std::cmp::Ordering;

use model::Entity;
use model::filter::{EndpointOf, Fields};
use model::view::{EdgeRow, EndpointRow, ExchangeRow, Red, ServiceRow};

use crate::columns::Column;
use crate::filter::TypedFilter;
use crate::tree::Branch;
use crate::units;

/// Whose fault a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It did not fail.
    None,
    /// The request was at fault.
    Client,
    /// The service or the network.
    Server,
}

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    /// Words.
    Text(Cow<'a, str>),
    /// Things a second.
    Rate(f64),
    /// Failed share, 0 to 1.
    Failed(f64),
    /// Understood share, 0 to 1.
    Understood(f64),
    /// Microseconds, if known.
    Duration(Option<f64>),
    /// A whole number.
    Count(u64),
    /// Bytes.
    Bytes(u64),
    /// Microseconds since the epoch, if known; shown as the time of the day.
    Time(Option<u64>),
    /// A status, and whose fault it is.
    Outcome(&'a str, Fault),
}

impl Value<'_> {
    /// As shown in `width` characters. Text may be longer; the table cuts it.
    pub(crate) fn show(&self, width: usize) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Rate(rate) => units::rate(*rate, width).into(),
            Self::Failed(share) => units::failed_share(*share, width).into(),
            Self::Understood(share) => units::understood_share(*share, width).into(),
            Self::Duration(None) => "–".into(),
            Self::Duration(Some(micros)) => units::duration(*micros, width).into(),
            Self::Count(count) => units::count(*count, width).into(),
            Self::Bytes(bytes) => units::bytes(*bytes, width).into(),
            Self::Time(None) => "–".into(),
            Self::Time(Some(micros)) => units::time_of_day(*micros).into(),
            Self::Outcome(text, _) => Cow::Borrowed(text),
        }
    }

    /// Text from A to Z; numbers from the largest, unknown ones last.
    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => a.cmp(b),
            (Self::Outcome(a, _), Self::Outcome(b, _)) => a.cmp(b),
            _ => other.number().total_cmp(&self.number()),
        }
    }

    fn number(&self) -> f64 {
        match self {
            Self::Text(_) | Self::Outcome(..) | Self::Duration(None) | Self::Time(None) => -1.0,
            Self::Time(Some(micros)) => *micros as f64,
            Self::Rate(number) | Self::Failed(number) | Self::Understood(number) => *number,
            Self::Duration(Some(micros)) => *micros,
            Self::Count(count) | Self::Bytes(count) => *count as f64,
        }
    }
}

/// A row of one of the tables.
pub(crate) trait Row {
    /// What stands in a column of this table.
    fn value(&self, column: Column) -> Value<'_>;
    /// What tells this row from every other; the cursor stays on it when the order changes.
    fn key(&self) -> String;
    /// What a filter looks at; `None` stays whatever is asked for.
    fn fields(&self) -> Option<&dyn Fields>;
}

/// The rows that stay, in order. Equal rows keep the order of their keys, so that nothing flickers.
pub(crate) fn arranged<R: Row>(
    rows: impl Iterator<Item = R>,
    filter: &TypedFilter,
    sort: Column,
    is_reversed: bool,
) -> Vec<R> {
    let keeps = |row: &R| row.fields().is_none_or(|fields| filter.keeps(fields));
    let mut kept: Vec<R> = rows.filter(keeps).collect();
    kept.sort_by_cached_key(Row::key);
    kept.sort_by(|a, b| ordered(a, b, sort, is_reversed));
    kept
}

/// Which of two rows comes first.
pub(crate) fn ordered<R: Row>(a: &R, b: &R, sort: Column, is_reversed: bool) -> Ordering {
    let order = a.value(sort).order(&b.value(sort));
    if is_reversed { order.reverse() } else { order }
}

/// What tells one service from another.
pub(crate) fn service_key(entity: &Entity) -> String {
    format!("{}\u{1f}{}\u{1f}{}", entity.name, entity.namespace, entity.instance)
}

/// True if the numbers of this row are about calls it answered.
pub(crate) const fn serves(row: &ServiceRow) -> bool {
    row.served.count > 0 || row.asked.count == 0
}

/// The half of the calls a row is about: what it served; for a pure client, what it asked.
pub(crate) const fn shown_red(row: &ServiceRow) -> &Red {
    if serves(row) { &row.served } else { &row.asked }
}

impl Row for &ServiceRow {
    fn value(&self, column: Column) -> Value<'_> {
        match column {
            Column::Service => Value::Text(Cow::Borrowed(&self.entity.name)),
            Column::Protocols => joined(&self.protocols),
            Column::Kind => {
                let is_silent = self.served.count == 0 && self.asked.count == 0;
                let kind = if serves(self) { "serve" } else { "ask" };
                Value::Text(if is_silent { "–" } else { kind }.into())
            }
            // Of no bytes nobody can say how many were understood.
            Column::Coverage if self.ledger.seen == 0 => Value::Text("–".into()),
            Column::Coverage => Value::Understood(self.coverage),
            Column::Connections => Value::Count(self.connections),
            Column::Asked => Value::Rate(self.asked.rate),
            Column::Reason => Value::Text(Cow::Borrowed(&self.entity.reason)),
            other => of_red(shown_red(self), other),
        }
    }

    fn key(&self) -> String {
        service_key(&self.entity)
    }

    fn fields(&self) -> Option<&dyn Fields> {
        Some(*self)
    }
}

impl Row for EndpointOf<'_> {
    fn value(&self, column: Column) -> Value<'_> {
        match column {
            Column::Operation => Value::Text(Cow::Borrowed(&self.row.operation)),
            Column::Target => Value::Text(Cow::Borrowed(&self.row.target)),
            Column::Protocols => Value::Text(Cow::Borrowed(&self.row.protocol)),
            other => of_red(&self.row.red, other),
        }
    }

    fn key(&self) -> String {
        let EndpointRow { protocol, operation, target, .. } = self.row;
        format!("{operation}\u{1f}{target}\u{1f}{protocol}")
    }

    fn fields(&self) -> Option<&dyn Fields> {
        Some(self)
    }
}

impl Row for &EdgeRow {
    fn value(&self, column: Column) -> Value<'_> {
        match column {
            Column::Client => Value::Text(Cow::Borrowed(&self.client)),
            Column::Server => Value::Text(Cow::Borrowed(&self.server)),
            Column::Protocols => joined(&self.protocols),
            Column::RoundTrip => Value::Duration(self.rtt_us),
            Column::Connect => Value::Duration(self.connect_us),
            Column::Retransmits => Value::Count(self.retransmits),
            Column::Resets => Value::Count(self.resets),
            Column::Bytes => Value::Bytes(self.bytes),
            other => of_red(&self.red, other),
        }
    }

    fn key(&self) -> String {
        format!("{}\u{1f}{}", self.client, self.server)
    }

    fn fields(&self) -> Option<&dyn Fields> {
        Some(*self)
    }
}

impl Row for Branch<'_> {
    fn value(&self, column: Column) -> Value<'_> {
        match (column, &self.edge) {
            (Column::Called, _) => {
                let more = if self.is_cut { " ↑" } else { "" };
                Value::Text(format!("{}{}{more}", self.lines, self.name).into())
            }
            (_, Some(edge)) => edge.value(column),
            (_, None) => Value::Text(Cow::Borrowed("")),
        }
    }

    fn key(&self) -> String {
        self.path.clone()
    }

    fn fields(&self) -> Option<&dyn Fields> {
        self.edge.map(|edge| edge as &dyn Fields)
    }
}

impl Row for &ExchangeRow {
    fn value(&self, column: Column) -> Value<'_> {
        let text = |text| Value::Text(Cow::Borrowed(text));
        let micros = |micros: Option<u64>| Value::Duration(micros.map(|micros| micros as f64));
        match column {
            Column::Began => Value::Time(self.start_us),
            Column::Peer => text(&self.peer),
            Column::Answered => text(&self.service),
            Column::Protocols => text(&self.protocol),
            Column::Operation => text(&self.operation),
            Column::Target => text(&self.target),
            Column::Status => Value::Outcome(outcome(self), is_failed(self)),
            Column::Duration => micros(self.duration_us),
            Column::FirstByte => micros(self.ttfb_us),
            Column::RequestBytes => Value::Bytes(self.request_bytes),
            Column::ResponseBytes => Value::Bytes(self.response_bytes),
            _ => text(""),
        }
    }

    fn key(&self) -> String {
        // Keys order equal rows as text: the newest first.
        format!("{:020}", u64::MAX - self.id)
    }

    fn fields(&self) -> Option<&dyn Fields> {
        Some(*self)
    }
}

/// How an exchange ended: its status, else why it has none.
pub(crate) fn outcome(row: &ExchangeRow) -> &str {
    match (&row.incomplete, row.status.as_str()) {
        (Some(reason), _) if row.is_broken_off() => reason,
        (Some(reason), "") => reason,
        (None, "") => "–",
        (_, status) => status,
    }
}

/// Whose fault it is that it failed, if it did.
pub(crate) fn is_failed(row: &ExchangeRow) -> Fault {
    if row.error || row.is_broken_off() {
        Fault::Server
    } else if row.client_error {
        Fault::Client
    } else {
        Fault::None
    }
}

fn joined(protocols: &[String]) -> Value<'_> {
    Value::Text(match protocols {
        [] => "–".into(),
        [only] => Cow::Borrowed(only),
        several => several.join(",").into(),
    })
}

/// The columns that every table has; the others are blank.
fn of_red(red: &Red, column: Column) -> Value<'static> {
    match column {
        Column::Rate => Value::Rate(red.rate),
        Column::Errors => Value::Failed(red.error_ratio),
        Column::P50 => Value::Duration(red.p50_us),
        Column::P95 => Value::Duration(red.p95_us),
        Column::P99 => Value::Duration(red.p99_us),
        Column::Count => Value::Count(red.count),
        Column::Failures => Value::Count(red.errors),
        _ => Value::Text(Cow::Borrowed("")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(target: &str, rate: f64, p50_us: Option<f64>) -> EndpointRow {
        let red = Red { rate, p50_us, ..Red::default() };
        EndpointRow { target: target.into(), red, ..EndpointRow::default() }
    }

    #[test]
    fn numbers_fall_names_rise_and_ties_go_by_name() {
        let rows = [
            endpoint("b", 1.0, Some(5.0)),
            endpoint("c", 2.0, None),
            endpoint("a", 1.0, Some(9.0)),
        ];
        let cases = [
            (Column::Rate, false, "cab"),
            (Column::Rate, true, "abc"),
            (Column::Target, false, "abc"),
            (Column::Target, true, "cba"),
            (Column::P50, false, "abc"),
        ];
        let service = Entity::default();
        for (sort, is_reversed, expected) in cases {
            let rows = rows.iter().map(|row| EndpointOf { service: &service, row });
            let order = arranged(rows, &TypedFilter::default(), sort, is_reversed);
            let order: String = order.iter().map(|one| one.row.target.as_str()).collect();
            assert_eq!(order, expected, "{sort:?} {is_reversed}");
        }
    }
}
