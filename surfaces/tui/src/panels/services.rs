//! The services table: one row a service.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::{empty, table};
use crate::app::App;
use crate::sparkline;
use crate::theme::Theme;

/// Draws it.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: &Theme) {
    let rows = app.services();
    table::draw(frame, area, &rows, app, theme, |row, width| {
        sparkline::bars(app.trend(row), width)
    });
    if rows.is_empty() {
        empty::filtered(frame, area, app, theme);
    }
}
