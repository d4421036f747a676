//! The edges, as a tree or a list: who calls whom, and how well the network carries it.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::{empty, table};
use crate::app::App;
use crate::theme::Theme;

/// Draws it.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: &Theme) {
    if app.is_tree {
        table::draw(frame, area, &app.tree(), app, theme, |_, _| String::new());
    } else {
        table::draw(frame, area, &app.edges(), app, theme, |_, _| String::new());
    }
    if app.row_counts().1 == 0 {
        empty::filtered(frame, area, app, theme);
    }
}
