//! The last line: the keys that matter here, or the filter that is being typed.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pieces::{clip, row_of};
use crate::app::{App, Screen};
use crate::keys::{Action, BINDINGS, Mode};
use crate::theme::Theme;

/// Draws it.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: &Theme) {
    let room = usize::from(area.width).saturating_sub(2);
    let mut line = Line::from(" ");
    let filter = &app.view().filter;
    if app.mode() == Mode::Typing {
        line.push_span(Span::styled("/", theme.accent));
        line.push_span(Span::styled(filter.text().to_owned(), theme.strong));
        line.push_span(Span::styled("█", theme.accent));
        let (hint, style) = match filter.error() {
            Some(error) => (format!("   {error}"), theme.warning),
            None => ("   service=cart latency>100ms !redis · esc clears".to_owned(), theme.dim),
        };
        line.push_span(Span::styled(clip(&hint, room.saturating_sub(line.width())), style));
    } else {
        let mut groups = Vec::new();
        if !filter.is_empty() {
            groups.push(vec![
                Span::styled(" filter ", theme.badge),
                Span::styled(format!(" {}", filter.text()), theme.strong),
            ]);
        }
        groups.extend(hints(app, theme));
        line.extend(row_of(groups, 2, room).spans);
    }
    frame.render_widget(Paragraph::new(line), area);
}

fn hints(app: &App, theme: &Theme) -> impl Iterator<Item = Vec<Span<'static>>> {
    let is_filtered = !app.view().filter.is_empty();
    let can_go_back = app.screen != Screen::Services || is_filtered;
    let has_rows = app.screen != Screen::Exchange && app.row_counts().1 > 0;
    let has_exchanges = !matches!(app.screen, Screen::Exchanges | Screen::Exchange);
    let screen = app.screen;
    let (is_paused, is_tree) = (app.is_paused, app.is_tree);
    let (key, word) = (theme.accent, theme.dim);
    let shown = BINDINGS.iter().filter(move |binding| match binding.action {
        Action::Escape => can_go_back,
        Action::Open => has_rows,
        Action::Exchanges => has_exchanges && has_rows,
        Action::Tree => screen == Screen::Edges,
        Action::Edges => screen != Screen::Edges,
        // The filter itself stands to the left and says as much.
        Action::Filter => !is_filtered,
        _ => !binding.short.is_empty(),
    });
    shown.map(move |binding| {
        let short = match binding.action {
            Action::Tree if is_tree => "list",
            Action::Pause if is_paused => "go on",
            Action::Escape if is_filtered => "clear",
            _ => binding.short,
        };
        vec![Span::styled(binding.first_label(), key), Span::styled(format!(" {short}"), word)]
    })
}
