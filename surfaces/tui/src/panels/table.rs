//! The table that services, endpoints and edges share: columns that fit, a cursor, no borders.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pieces::{clip, pad};
use crate::app::{App, View};
use crate::columns::{Column, WIDE};
use crate::keys::Action;
use crate::rows::{Fault, Row, Value};
use crate::theme::Theme;

/// Failed share from which on a row is bad, not only worth a look.
const ERRORS_BAD: f64 = 0.05;
/// Coverage below which a row is worth a look, and below which its numbers say little.
const COVERAGE_LOW: [f64; 2] = [0.95, 0.5];
/// The longest trend.
const TREND_MAX: usize = 60;
/// The longest name that gets all its room.
const TEXT_MAX: usize = 60;

/// A column with the room it got.
#[derive(Clone, Copy, Debug)]
struct Placed {
    column: Column,
    width: usize,
}

/// Draws `rows` with the cursor of `view`. `trend` gives the text of [`Column::Trend`].
pub(crate) fn draw<R: Row>(
    frame: &mut Frame<'_>,
    area: Rect,
    rows: &[R],
    app: &App,
    theme: &Theme,
    trend: impl Fn(&R, usize) -> String,
) {
    let view = app.view();
    let gap = gap(area.width);
    let columns = place(app.columns(), area.width, gap, rows);
    let mut lines = vec![head(&columns, gap, view, theme, area.width)];
    let height = usize::from(area.height.saturating_sub(1));
    let cursor = view.cursor(rows);
    let first = first_shown(cursor, rows.len(), height);
    for (place, row) in rows.iter().enumerate().skip(first).take(height) {
        let is_selected = place == cursor;
        let mut line = Line::from(Span::styled(if is_selected { "▌" } else { " " }, theme.accent));
        for (number, placed) in columns.iter().enumerate() {
            line.push_span(Span::raw(" ".repeat(if number == 0 { 0 } else { gap })));
            line.push_span(cell(row, *placed, theme, &trend));
        }
        if is_selected {
            let used = line.width();
            line.push_span(" ".repeat(usize::from(area.width).saturating_sub(used)));
            line = select(line, theme);
        }
        lines.push(line);
    }
    frame.render_widget(Paragraph::new(lines), area);
}

/// What a click at this place asks for: a row, or an order by a column.
pub(crate) fn hit<R: Row>(area: Rect, rows: &[R], app: &App, place: Position) -> Option<Action> {
    let below = usize::from(place.y.checked_sub(area.y)?);
    if let Some(line) = below.checked_sub(1) {
        let height = usize::from(area.height.saturating_sub(1));
        let row = first_shown(app.view().cursor(rows), rows.len(), height) + line;
        return (row < rows.len() && line < height).then_some(Action::Point(row));
    }
    let gap = gap(area.width);
    let mut left = usize::from(place.x.checked_sub(area.x)?);
    for (number, placed) in self::place(app.columns(), area.width, gap, rows).iter().enumerate() {
        // The marker stands before the first, a gap before each other.
        let width = placed.width + if number == 0 { 1 } else { gap };
        if left < width {
            return (placed.column != Column::Trend).then_some(Action::SortBy(number));
        }
        left -= width;
    }
    None
}

const fn gap(width: u16) -> usize {
    if width >= WIDE { 2 } else { 1 }
}

/// The cursor stays in the middle until an end of the table is in sight.
fn first_shown(cursor: usize, rows: usize, height: usize) -> usize {
    cursor.saturating_sub(height / 2).min(rows.saturating_sub(height))
}

/// The selected row keeps its colours where they mean something and gets a ground of its own.
fn select(line: Line<'static>, theme: &Theme) -> Line<'static> {
    let spans = line.spans.into_iter().map(|span| {
        let means_something = [theme.bad, theme.warning, theme.accent].contains(&span.style);
        let style = if means_something {
            Style { fg: None, ..theme.selected }.patch(span.style)
        } else {
            theme.selected
        };
        Span::styled(span.content, style)
    });
    Line::from_iter(spans)
}

/// Chooses the columns that fit and shares out what room is left.
fn place<R: Row>(columns: &[Column], screen: u16, gap: usize, rows: &[R]) -> Vec<Placed> {
    let mut placed: Vec<Placed> = columns
        .iter()
        .filter(|column| column.shape().from <= screen)
        .map(|&column| {
            let shape = column.shape();
            let width = if screen >= WIDE { shape.wide } else { shape.narrow };
            Placed { column, width: usize::from(width) }
        })
        .collect();
    let used: usize = placed.iter().map(|one| one.width + gap).sum();
    // The marker takes one column, and the first gap is not there.
    let mut left = (usize::from(screen) + gap).saturating_sub(used + 1);
    for one in &mut placed {
        let wanted = match one.column {
            Column::Trend => TREND_MAX,
            column if column.shape().is_text => longest(column, rows).min(TEXT_MAX),
            _ => 0,
        };
        let more = wanted.saturating_sub(one.width).min(left);
        one.width += more;
        left -= more;
    }
    placed
}

fn longest<R: Row>(column: Column, rows: &[R]) -> usize {
    let lengths = rows.iter().map(|row| Span::raw(row.value(column).show(0)).width());
    lengths.max().unwrap_or_default()
}

/// The heads. The one sorted by carries an arrow in the gap beside it.
fn head(columns: &[Placed], gap: usize, view: &View, theme: &Theme, screen: u16) -> Line<'static> {
    let mut text = String::from(" ");
    let mut spans = Vec::new();
    for (number, Placed { column, width }) in columns.iter().enumerate() {
        let shape = column.shape();
        let before = if number == 0 { 0 } else { gap };
        let is_sorted = *column == view.sort;
        // Numbers fall and names rise unless turned round.
        let arrow = if is_sorted && view.is_reversed == shape.is_text { "▼" } else { "▲" };
        let title = match (is_sorted, shape.is_text) {
            (false, _) => clip(shape.title, *width),
            (true, true) => clip(&format!("{} {arrow}", shape.title), *width),
            (true, false) => format!("{arrow}{}", shape.title),
        };
        let cell = if shape.is_text {
            " ".repeat(before) + &pad(&title, *width, false)
        } else {
            pad(&title, before + width, true)
        };
        text.push_str(&cell);
        let style = if is_sorted { theme.heading.patch(theme.strong) } else { theme.heading };
        spans.push(Span::styled(cell, style));
    }
    let rest = usize::from(screen).saturating_sub(Span::raw(&text).width());
    let mut line = Line::from(Span::styled(" ", theme.heading));
    line.extend(spans);
    line.push_span(Span::styled(" ".repeat(rest), theme.heading));
    line
}

fn cell<R: Row>(
    row: &R,
    Placed { column, width }: Placed,
    theme: &Theme,
    trend: impl Fn(&R, usize) -> String,
) -> Span<'static> {
    if column == Column::Trend {
        return Span::styled(trend(row, width), theme.accent);
    }
    let value = row.value(column);
    let text = pad(&value.show(width), width, !column.shape().is_text);
    Span::styled(text, style_of(column, &value, theme))
}

/// Zeros and unknowns step back; trouble steps forward.
fn style_of(column: Column, value: &Value<'_>, theme: &Theme) -> Style {
    let is_trouble = matches!(column, Column::Retransmits | Column::Resets | Column::Failures);
    match value {
        Value::Outcome(_, Fault::Server) => theme.bad,
        Value::Outcome(_, Fault::Client) => theme.warning,
        Value::Failed(share) if *share >= ERRORS_BAD => theme.bad,
        Value::Failed(share) if *share > 0.0 => theme.warning,
        Value::Understood(share) if *share < COVERAGE_LOW[1] => theme.bad,
        Value::Understood(share) if *share < COVERAGE_LOW[0] => theme.warning,
        Value::Count(count) if *count > 0 && is_trouble => theme.warning,
        Value::Failed(_) | Value::Duration(None) | Value::Count(0) | Value::Bytes(0) => theme.dim,
        Value::Rate(rate) if *rate <= 0.0 => theme.dim,
        Value::Text(_) if matches!(column, Column::Service | Column::Target) => theme.text,
        Value::Text(_) if matches!(column, Column::Client | Column::Server) => theme.text,
        Value::Text(_) if matches!(column, Column::Called | Column::Peer | Column::Answered) => {
            theme.text
        }
        Value::Text(_) if column == Column::Operation => theme.strong,
        Value::Time(_) => theme.dim,
        Value::Text(_) => theme.dim,
        _ => theme.text,
    }
}
