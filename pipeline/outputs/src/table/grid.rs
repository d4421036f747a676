//! Columns lined up: the first takes what the numbers leave.

use super::columns::{cut, plain};

/// Blanks between columns.
const GAP: usize = 2;
/// The first column is not cut below this, however narrow the terminal.
const LABEL_MIN: usize = 16;

/// One line: a label on the left, numbers on the right.
#[derive(Debug)]
pub(super) struct Row {
    label: String,
    cells: Vec<String>,
}

impl Row {
    /// Takes over the label without its control characters: names may come from the wire, and a
    /// terminal obeys what it prints.
    pub(super) fn new(label: String, cells: Vec<String>) -> Self {
        Self { label: plain(label), cells }
    }
}

/// Rows below one line of titles.
#[derive(Debug)]
pub(super) struct Grid {
    rows: Vec<Row>,
}

impl Grid {
    pub(super) fn new(titles: &[&str]) -> Self {
        let mut titles = titles.iter().map(|title| (*title).to_owned());
        let label = titles.next().unwrap_or_default();
        let titles = Row::new(label, titles.collect());
        Self { rows: vec![titles] }
    }

    pub(super) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The table as text, at most `width` columns wide where the numbers allow it.
    pub(super) fn render(&self, width: usize) -> String {
        let columns = self.rows.first().map_or(0, |titles| titles.cells.len());
        let mut widths = vec![0; columns];
        for row in &self.rows {
            for (column, cell) in widths.iter_mut().zip(&row.cells) {
                *column = (*column).max(cell.chars().count());
            }
        }
        let numbers: usize = widths.iter().map(|column| column + GAP).sum();
        let longest = self.rows.iter().map(|row| row.label.chars().count()).max();
        let room = width.saturating_sub(numbers).max(LABEL_MIN);
        let label = longest.unwrap_or(0).min(room).max(LABEL_MIN);
        let mut out = String::new();
        for row in &self.rows {
            let mut line = cut(&row.label, label);
            line.extend(std::iter::repeat_n(' ', label - line.chars().count()));
            for (column, cell) in widths.iter().zip(&row.cells) {
                let blanks = GAP + column - cell.chars().count();
                line.extend(std::iter::repeat_n(' ', blanks));
                line.push_str(cell);
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}
