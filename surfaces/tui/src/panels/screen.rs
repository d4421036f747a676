//! The whole screen: which panels are on it, and where.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::widgets::{Block, Borders};

use crate::app::{App, Screen};
use crate::theme::Theme;

use super::{detail, edges, empty, endpoints, footer, header, help, services};

/// From this height on, the services table leaves room for the service under the cursor.
const TALL: u16 = 36;

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme) {
    let rows = [Constraint::Length(3), Constraint::Min(0), Constraint::Length(1)];
    let [top, body, bottom] = Layout::vertical(rows).areas(frame.area());
    header::draw(frame, top, app, theme);
    match (&app.snapshot, app.screen) {
        (None, _) => empty::draw(frame, body, app, theme),
        (Some(picture), Screen::Services) if picture.services.is_empty() => {
            empty::draw(frame, body, app, theme);
        }
        (Some(_), Screen::Services) => {
            let (table, below) = split(body, TALL, detail::HEIGHT);
            services::draw(frame, table, app, theme);
            if let Some(service) = app.pointed() {
                let rule = Block::new().borders(Borders::TOP).border_style(theme.dim);
                detail::draw(frame, rule.inner(below), app, service, theme);
                frame.render_widget(rule, below);
            }
        }
        (Some(_), Screen::Endpoints) => endpoints::draw(frame, body, app, theme),
        (Some(_), Screen::Edges) => edges::draw(frame, body, app, theme),
    }
    footer::draw(frame, bottom, app, theme);
    if app.shows_help {
        help::draw(frame, body, app, theme);
    }
}

/// Cuts `height` rows off the lower end of a tall area; a low one stays whole.
fn split(area: Rect, tall: u16, height: u16) -> (Rect, Rect) {
    let cut = if area.height >= tall { height } else { 0 };
    let rows = [Constraint::Min(0), Constraint::Length(cut)];
    let [upper, lower] = Layout::vertical(rows).areas(area);
    (upper, lower)
}
