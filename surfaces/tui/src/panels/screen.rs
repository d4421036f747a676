//! The whole screen: which panels are on it, and where.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::widgets::{Block, Borders};

use crate::app::{App, Screen};
use crate::keys::Action;
use crate::theme::Theme;

use super::{
    detail, edges, empty, endpoints, exchange, exchanges, footer, header, help, services, table,
};

/// From this height on, the services table leaves room for the service under the cursor.
const TALL: u16 = 36;

/// Draws everything.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme) {
    let [top, body, bottom] = parts(frame.area());
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
        (Some(_), Screen::Exchanges) => exchanges::draw(frame, body, app, theme),
        (Some(_), Screen::Exchange) => exchange::draw(frame, body, app, theme),
    }
    footer::draw(frame, bottom, app, theme);
    if app.shows_help {
        help::draw(frame, body, app, theme);
    }
}

/// What a click at this place of a screen of this size asks for.
pub fn hit(screen: Rect, app: &App, place: Position) -> Option<Action> {
    let [top, body, _] = parts(screen);
    if top.contains(place) {
        // The names on the way here.
        return (place.y == top.y).then_some(Action::Back);
    }
    match app.screen {
        Screen::Services => {
            table::hit(split(body, TALL, detail::HEIGHT).0, &app.services(), app, place)
        }
        Screen::Endpoints => table::hit(endpoints::table(body), &app.endpoints(), app, place),
        Screen::Edges if app.is_tree => table::hit(body, &app.tree(), app, place),
        Screen::Edges => table::hit(body, &app.edges(), app, place),
        Screen::Exchanges => table::hit(body, &app.exchanges(), app, place),
        Screen::Exchange => None,
    }
}

/// Head, body and foot.
fn parts(screen: Rect) -> [Rect; 3] {
    let rows = [Constraint::Length(3), Constraint::Min(0), Constraint::Length(1)];
    Layout::vertical(rows).areas(screen)
}

/// Cuts `height` rows off the lower end of a tall area; a low one stays whole.
fn split(area: Rect, tall: u16, height: u16) -> (Rect, Rect) {
    let cut = if area.height >= tall { height } else { 0 };
    let rows = [Constraint::Min(0), Constraint::Length(cut)];
    let [upper, lower] = Layout::vertical(rows).areas(area);
    (upper, lower)
}
