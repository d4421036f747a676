//! How one table is looked at: its order, its filter, its cursor.

use crate::columns::Column;
use crate::filter::TypedFilter;
use crate::rows::{Row, arranged};

/// How one table is looked at. Each keeps its own.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) sort: Column,
    pub(crate) is_reversed: bool,
    pub(crate) filter: TypedFilter,
    /// The row under the cursor; the first until somebody moves.
    selected: Option<String>,
    /// Where that row was last, for when it is gone.
    place: usize,
}

impl View {
    /// From the top, in this order.
    pub(super) fn new(sort: Column) -> Self {
        Self { sort, is_reversed: false, filter: TypedFilter::default(), selected: None, place: 0 }
    }

    /// The rows that stay, in order.
    pub(super) fn rows<R: Row>(&self, rows: impl Iterator<Item = R>) -> Vec<R> {
        arranged(rows, &self.filter, self.sort, self.is_reversed)
    }

    /// Where the cursor is among `rows`.
    pub(crate) fn cursor<R: Row>(&self, rows: &[R]) -> usize {
        let Some(selected) = self.selected.as_deref() else {
            return self.place.min(rows.len().saturating_sub(1));
        };
        let is_selected = |row: &R| row.key() == selected;
        // Edges of equally named services look alike; the place tells them apart.
        if rows.get(self.place).is_some_and(is_selected) {
            return self.place;
        }
        let found = rows.iter().position(is_selected);
        found.unwrap_or(self.place.min(rows.len().saturating_sub(1)))
    }

    /// Sorts by the column; again: the other way round.
    pub(super) fn sort_by(&mut self, column: Column) {
        if self.sort == column {
            self.is_reversed = !self.is_reversed;
        } else {
            self.sort = column;
            self.is_reversed = false;
        }
    }

    /// Puts the cursor on a row.
    pub(super) fn select(&mut self, (place, key): (usize, String)) {
        self.place = place;
        // At the top of a live table one watches the newest, whichever it is.
        self.selected = (place > 0 || self.sort != Column::Began).then_some(key);
    }
}

/// Where the cursor goes, and the row it finds there.
pub(super) fn moved<R: Row>(
    view: &View,
    rows: &[R],
    step: impl Fn(usize) -> usize,
) -> Option<(usize, String)> {
    let place = step(view.cursor(rows)).min(rows.len().saturating_sub(1));
    rows.get(place).map(|row| (place, row.key()))
}
