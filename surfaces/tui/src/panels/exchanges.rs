//! Exchanges as they happen, newest first.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::{empty, table};
use crate::app::App;
use crate::theme::Theme;

/// Draws it.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: &Theme) {
    let rows = app.exchanges();
    table::draw(frame, area, &rows, app, theme, |_, _| String::new());
    if rows.is_empty() {
        empty::filtered(frame, area, app, theme);
    }
}
