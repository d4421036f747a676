//! The live exchanges of the screen: which are asked for, and the newest that came.

use std::collections::VecDeque;

use model::filter::Filter;
use model::view::{EndpointRow, ExchangeRow, Exchanges, ExchangesAsked};

/// Exchanges kept; more than anyone scrolls through.
const ROWS_MAX: usize = 1_000;
/// Exchanges taken in one answer.
const ASKED_MAX: usize = 500;

/// Whose exchanges are shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    /// Answered by this service.
    pub(crate) service: Option<String>,
    /// Asked by this service.
    pub(crate) peer: Option<String>,
    /// Protocol, operation and target.
    pub(crate) endpoint: Option<[String; 3]>,
}

impl Scope {
    /// Narrows it down to one endpoint.
    pub(crate) fn at(self, row: &EndpointRow) -> Self {
        let endpoint = [&row.protocol, &row.operation, &row.target].map(String::clone);
        Self { endpoint: Some(endpoint), ..self }
    }

    /// In a few words.
    pub(crate) fn title(&self) -> String {
        let ends = match (&self.peer, &self.service) {
            (Some(peer), Some(service)) => format!("{peer} → {service}"),
            (Some(peer), None) => format!("{peer} →"),
            (None, Some(service)) => service.clone(),
            (None, None) => String::from("all"),
        };
        match &self.endpoint {
            Some([_, operation, target]) => format!("{ends} › {operation} {target}"),
            None => ends,
        }
    }

    fn holds(&self, row: &ExchangeRow) -> bool {
        let is =
            |wanted: &Option<String>, found: &str| wanted.as_deref().is_none_or(|w| w == found);
        is(&self.service, &row.service)
            && is(&self.peer, &row.peer)
            && self.endpoint.as_ref().is_none_or(|[protocol, operation, target]| {
                *protocol == row.protocol && *operation == row.operation && *target == row.target
            })
    }

    /// What the agent is asked for: about the same. Names it cannot say exactly are left to
    /// [`Scope::holds`].
    fn filter(&self) -> Filter {
        let mut text = String::new();
        let mut add = |key: &str, value: &str| {
            if !value.is_empty() && !value.contains(['"', '\\', '*', ',']) {
                text.push_str(&format!(" {key}=\"{value}\""));
            }
        };
        add("service", self.service.as_deref().unwrap_or_default());
        add("peer", self.peer.as_deref().unwrap_or_default());
        if let Some([protocol, operation, target]) = &self.endpoint {
            add("protocol", protocol);
            add("operation", operation);
            add("target", target);
        }
        Filter::parse(&text).unwrap_or_default()
    }
}

/// The exchanges of one scope, newest last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Feed {
    pub(crate) scope: Scope,
    rows: VecDeque<ExchangeRow>,
    next: Option<u64>,
    /// Exchanges of the agent that nobody could show.
    pub(crate) missed: u64,
}

impl Feed {
    /// Nothing seen of it yet.
    pub(crate) fn new(scope: Scope) -> Self {
        Self { scope, ..Self::default() }
    }

    /// What to ask for next.
    pub(crate) fn asked(&self) -> ExchangesAsked {
        ExchangesAsked { after: self.next, filter: self.scope.filter(), limit: ASKED_MAX }
    }

    /// Takes an answer.
    pub(crate) fn take(&mut self, answer: Exchanges) {
        // What was missed before the first look was missed by nobody.
        if self.next.is_some() {
            self.missed += answer.missed;
        }
        self.next = Some(answer.next);
        let last = self.rows.back().map_or(0, |row| row.id);
        let scope = &self.scope;
        self.rows.extend(answer.rows.into_iter().filter(|row| row.id > last && scope.holds(row)));
        let excess = self.rows.len().saturating_sub(ROWS_MAX);
        self.rows.drain(..excess);
    }

    /// All there are.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &ExchangeRow> {
        self.rows.iter()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: u64, service: &str) -> ExchangeRow {
        ExchangeRow { id, service: service.into(), ..ExchangeRow::default() }
    }

    #[test]
    fn rows_come_once_and_only_those_of_the_scope() {
        let scope = Scope { service: Some("a*".into()), ..Scope::default() };
        let mut feed = Feed::new(scope);
        assert!(feed.asked().filter.is_empty() && feed.asked().after.is_none());
        feed.take(Exchanges { rows: vec![row(1, "a*"), row(2, "ab")], next: 2, missed: 9 });
        feed.take(Exchanges { rows: vec![row(1, "a*"), row(3, "a*")], next: 3, missed: 4 });
        let ids: Vec<u64> = feed.rows().map(|row| row.id).collect();
        assert_eq!((ids, feed.missed, feed.asked().after), (vec![1, 3], 4, Some(3)));
    }

    #[test]
    fn the_oldest_make_room() {
        let mut feed = Feed::default();
        let rows = (1..=ROWS_MAX as u64 + 5).map(|id| row(id, "a")).collect();
        feed.take(Exchanges { rows, next: 0, missed: 0 });
        assert_eq!((feed.len(), feed.rows().next().map(|row| row.id)), (ROWS_MAX, Some(6)));
    }
}
