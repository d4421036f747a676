//! What is said where there is nothing to show: what is waited for, and what to check.

use model::TapState;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::pieces::clip;
use crate::app::{App, Screen};
use crate::theme::Theme;

/// Before the first service.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: &Theme) {
    let mut lines = Vec::new();
    let say = |text: &str, style| Line::from(Span::styled(text.to_owned(), style));
    match &app.snapshot {
        None if app.trouble.is_empty() => {
            lines.push(say("Waiting for the first picture from the agent.", theme.strong));
        }
        None => {
            lines.push(say("No picture from the agent yet.", theme.strong));
            lines.push(say(&app.trouble, theme.bad));
            lines.push(Line::default());
            lines.push(say("Is it running? Start it with: redsight run", theme.text));
        }
        Some(_) => {
            lines.push(say("Nothing seen yet.", theme.strong));
            lines.push(Line::default());
            lines.push(say(
                "Waiting for the first request of any service in scope: its bytes must pass a \
                 socket after the agent has started.",
                theme.text,
            ));
            lines.push(say("If there should be some by now, check: redsight doctor", theme.text));
        }
    }
    lines.extend(obstacles(app, theme));
    frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), middle(area));
}

/// Under the head of a table whose rows are all filtered out, or that has none.
pub(crate) fn filtered(frame: &mut Frame<'_>, area: Rect, app: &App, theme: &Theme) {
    let (all, _) = app.row_counts();
    let is_client = app.screen == Screen::Endpoints
        && app.opened().is_some_and(|service| service.served.count == 0);
    let text = if all == 0 && app.screen == Screen::Exchanges {
        String::from("waiting for the next exchange")
    } else if all == 0 && is_client {
        String::from("it answered no calls in this window; the calls it made: x, e")
    } else if all == 0 {
        String::from("none in this window; + looks further back")
    } else {
        format!("none of {all} match {:?}; esc clears the filter", app.view().filter.text())
    };
    say_below_head(frame, area, &text, theme);
}

/// In place of a service that is no longer in the picture.
pub(crate) fn gone(frame: &mut Frame<'_>, area: Rect, app: &App, theme: &Theme) {
    let name = clip(app.opened_name(), 40);
    let text = format!("{name} is not in this picture any more; esc goes back");
    say_below_head(frame, area, &text, theme);
}

/// Everything that is refused or works only in part, with the remedy.
fn obstacles(app: &App, theme: &Theme) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    for health in app.snapshot.iter().flat_map(|snapshot| &snapshot.health) {
        let (word, style) = match health.state {
            TapState::On | TapState::Off => continue,
            TapState::Degraded => ("in part", theme.warning),
            TapState::Refused => ("refused", theme.bad),
        };
        lines.push(Line::default());
        lines.push(Line::from(vec![
            Span::styled(format!("{} {word}", clip(&health.name, 30)), style),
            Span::styled(format!(": {}", clip(&health.detail, 200)), theme.text),
        ]));
        if !health.remedy.is_empty() {
            lines.push(Line::from(Span::styled(clip(&health.remedy, 200), theme.strong)));
        }
    }
    lines
}

fn say_below_head(frame: &mut Frame<'_>, area: Rect, text: &str, theme: &Theme) {
    let place = Rect { y: area.y.saturating_add(2), height: 1, ..area }.intersection(area);
    let line = Line::from(Span::styled(format!("  {text}"), theme.dim));
    frame.render_widget(Paragraph::new(line), place);
}

/// A column of text that is easy to read, a third down.
fn middle(area: Rect) -> Rect {
    let rows = [Constraint::Fill(1), Constraint::Fill(3)];
    let [_, lower] = Layout::vertical(rows).areas(area);
    let width = area.width.saturating_sub(8).min(72);
    let columns = [Constraint::Fill(1), Constraint::Length(width), Constraint::Fill(1)];
    let [_, middle, _] = Layout::horizontal(columns).areas(lower);
    middle
}
