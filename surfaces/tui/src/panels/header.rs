//! The top lines: where we are, and the whole host in one row of numbers.

use model::view::Snapshot;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pieces::{clip, fact, row_of};
use crate::app::{App, Screen, total_red};
use crate::sparkline;
use crate::theme::Theme;
use crate::units;

/// Characters of the host's trend, where there is room for it.
const TREND: usize = 40;

/// Below this width the words are short, so that all numbers fit into 80 columns.
const NARROW: usize = 100;

/// Draws it: two lines and a blank one.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: &Theme) {
    let width = usize::from(area.width);
    let first = place(app, theme, width);
    let second = match &app.snapshot {
        Some(snapshot) => numbers(app, snapshot, theme, width),
        None => Line::default(),
    };
    frame.render_widget(Paragraph::new(vec![first, second]), area);
}

/// `redsight › services › cart`, and on the right what the numbers cover.
fn place(app: &App, theme: &Theme, width: usize) -> Line<'static> {
    let mut line = Line::from(vec![Span::raw(" "), Span::styled("redsight", theme.accent)]);
    let step = |line: &mut Line<'static>, name: &str| {
        line.push_span(Span::styled(" › ", theme.dim));
        line.push_span(Span::styled(clip(name, 40), theme.strong));
    };
    match app.screen {
        Screen::Services => step(&mut line, "services"),
        Screen::Edges => step(&mut line, "edges"),
        Screen::Exchanges | Screen::Exchange => {
            step(&mut line, "exchanges");
            step(&mut line, &app.feed.scope.title());
        }
        Screen::Endpoints => {
            step(&mut line, "services");
            step(&mut line, app.opened_name());
        }
    }
    let (all, kept) = app.row_counts();
    let counts = match app.screen {
        Screen::Exchange => String::new(),
        _ if all == kept => format!("  {all}"),
        _ => format!("  {kept} of {all}"),
    };
    if app.snapshot.is_some() {
        line.push_span(Span::styled(counts, theme.dim));
    }
    if app.screen == Screen::Exchanges && app.feed.missed > 0 {
        let missed = format!("  {} not shown", units::count(app.feed.missed, 6));
        line.push_span(Span::styled(missed, theme.warning));
    }
    let right = state(app, theme, width.saturating_sub(line.width() + 3));
    let size: usize = right.iter().map(Span::width).sum();
    let blanks = width.saturating_sub(line.width() + size + 1);
    line.push_span(Span::raw(" ".repeat(blanks)));
    line.extend(right);
    line
}

/// What is wrong, whether we hold, and what the numbers cover; the first gives way to the others.
fn state(app: &App, theme: &Theme, room: usize) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    if app.is_paused {
        spans.push(Span::styled(" PAUSED ", theme.badge));
        spans.push(Span::raw("  "));
    }
    spans.push(Span::styled(covers(app), theme.dim));
    if !app.trouble.is_empty() {
        let used: usize = spans.iter().map(Span::width).sum();
        let trouble = clip(&app.trouble, room.saturating_sub(used + 2));
        spans.splice(0..0, [Span::styled(trouble, theme.bad), Span::raw("  ")]);
    }
    spans
}

/// What the numbers cover: less than asked for as long as the agent is younger than that.
fn covers(app: &App) -> String {
    let asked = app.window_s();
    if matches!(app.screen, Screen::Exchanges | Screen::Exchange) {
        return String::from("live");
    }
    if asked <= 0.0 {
        return String::from("since the start");
    }
    match &app.snapshot {
        Some(picture) if picture.window_s > 0.0 && picture.window_s < asked * 0.9 => {
            format!("last {:.0} of {asked} s", picture.window_s.ceil())
        }
        _ => format!("last {asked} s"),
    }
}

/// The host in one line. What was lost comes first when anything was: it colours all the rest.
fn numbers(app: &App, snapshot: &Snapshot, theme: &Theme, width: usize) -> Line<'static> {
    let (rate, failed) = total_red(snapshot);
    let agent = &snapshot.agent;
    let mut groups = Vec::new();
    if agent.tap_lost > 0 {
        let lost = format!("LOST {}", units::bytes(agent.tap_lost, 6));
        groups.push(vec![Span::styled(lost, theme.bad)]);
    }
    let is_narrow = width < NARROW;
    let word = |long, short| if is_narrow { short } else { long };
    groups.push(fact(units::rate(rate, 5), "req/s", theme));
    let mut errors = fact(units::failed_share(failed, 5), word("errors", "err"), theme);
    if let (Some(share), true) = (errors.first_mut(), failed > 0.0) {
        share.style = theme.warning;
    }
    groups.push(errors);
    let coverage = match snapshot.ledger.seen {
        0 => String::from("–"),
        _ => units::understood_share(snapshot.ledger.coverage(), 5),
    };
    groups.push(fact(coverage, word("covered", "cov"), theme));
    groups.push(fact(units::count(agent.connections, 5), "conns", theme));
    let cpu = app.cpu_share.map_or("–".into(), |share| format!("{:.1}%", share * 100.0));
    let mut cost = vec![Span::styled("agent ", theme.dim)];
    cost.extend(fact(cpu, word("cpu", ""), theme));
    cost.push(Span::raw(" "));
    cost.push(Span::styled(units::memory(agent.memory_bytes), theme.strong));
    groups.push(cost);
    let trend = sparkline::bars(app.total_trend(), TREND);
    groups.push(vec![Span::styled(trend, theme.accent)]);
    let mut line = Line::from(" ");
    let gap = if is_narrow { 2 } else { 3 };
    line.extend(row_of(groups, gap, width.saturating_sub(2)).spans);
    line
}
