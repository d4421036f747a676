//! One service: who it is, and a table of its endpoints.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};

use super::{detail, empty, table};
use crate::app::App;
use crate::theme::Theme;

/// The lowest screen on which the table still leaves room for the detail above it.
const HIGH_ENOUGH: u16 = 16;

/// Draws it.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: &Theme) {
    let Some(service) = app.opened() else {
        return empty::gone(frame, area, app, theme);
    };
    let [above, below] = parts(area);
    detail::draw(frame, above, app, service, theme);
    let rows = app.endpoints();
    table::draw(frame, below, &rows, app, theme, |_, _| String::new());
    if rows.is_empty() {
        empty::filtered(frame, below, app, theme);
    }
}

/// Where the table is.
pub(crate) fn table(area: Rect) -> Rect {
    let [_, below] = parts(area);
    below
}

fn parts(area: Rect) -> [Rect; 2] {
    let height = if area.height >= HIGH_ENOUGH { detail::HEIGHT } else { 0 };
    Layout::vertical([Constraint::Length(height), Constraint::Min(0)]).areas(area)
}
