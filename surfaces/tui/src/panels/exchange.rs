//! One exchange: everything that is known of it, and where its time went.

use model::view::ExchangeRow;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pieces::clip;
use crate::app::App;
use crate::rows::{Fault, is_failed, outcome};
use crate::theme::Theme;
use crate::units;

/// Characters of the labels on the left.
const LABEL: usize = 10;
/// Characters of the bar of its time.
const BAR_MAX: usize = 60;

/// Draws it.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: &Theme) {
    let Some(row) = &app.looked_at else { return };
    let room = usize::from(area.width).saturating_sub(LABEL + 3);
    let labelled = |(label, text, style): (&str, String, Style)| {
        Line::from(vec![
            Span::styled(format!(" {label:<LABEL$} "), theme.dim),
            Span::styled(clip(&text, room), style),
        ])
    };
    let mut lines: Vec<Line<'static>> = facts(row, theme).into_iter().map(labelled).collect();
    lines.push(Line::default());
    lines.extend(times(row, room.min(BAR_MAX), theme));
    frame.render_widget(Paragraph::new(lines), area);
}

fn facts(row: &ExchangeRow, theme: &Theme) -> Vec<(&'static str, String, Style)> {
    let text = |label, value: String| (label, value, theme.text);
    let bytes = |count| units::bytes(count, 7);
    let status = match is_failed(row) {
        Fault::Server => theme.bad,
        Fault::Client => theme.warning,
        Fault::None => theme.good,
    };
    let mut facts = vec![
        ("operation", format!("{} {}", row.operation, row.target), theme.strong),
        ("status", outcome(row).to_owned(), status),
        text("client", format!("{}  {}", or_unknown(&row.peer), row.client)),
        text("server", format!("{}  {}", or_unknown(&row.service), row.server)),
        text("protocol", format!("{} {}  {}", row.protocol, row.version, row.kind)),
        text("began", row.start_us.map_or("–".into(), |at| units::time_of_day(at) + " UTC")),
        text(
            "bytes",
            format!("{} sent, {} got", bytes(row.request_bytes), bytes(row.response_bytes)),
        ),
        text(
            "observed",
            format!("{} of it", if row.side == "both" { "both ends" } else { &row.side }),
        ),
    ];
    if let Some(tls) = &row.tls {
        facts.push(text("tls", format!("{} {} {}", tls.version, tls.sni, tls.alpn)));
    }
    if let Some(reason) = &row.incomplete {
        facts.push(("incomplete", format!("{reason}: {}", explained(reason)), theme.warning));
    }
    facts
}

/// The words of the contract in plain ones.
fn explained(reason: &str) -> &'static str {
    match reason {
        "reset" => "the connection was reset before the answer was whole",
        "timeout" => "no answer came in time",
        "closed" => "the connection was closed before the answer was whole",
        "gap" => "bytes that were needed are missing; the ledger counts them",
        "mid-stream" => "it began before the observation did",
        _ => "it was not seen whole",
    }
}

/// Until the first byte of the answer, and from there to the last.
fn times(row: &ExchangeRow, room: usize, theme: &Theme) -> Vec<Line<'static>> {
    let Some(duration) = row.duration_us else {
        let text = format!(" {:<LABEL$} not known", "time");
        return vec![Line::from(Span::styled(text, theme.dim))];
    };
    let waited = row.ttfb_us.unwrap_or(duration).min(duration);
    let share = if duration == 0 { 1.0 } else { waited as f64 / duration as f64 };
    let filled = ((share * room as f64).round() as usize).min(room);
    let micros = |count: u64| units::duration(count as f64, 7);
    let mut lines = vec![Line::from(vec![
        Span::styled(format!(" {:<LABEL$} ", "time"), theme.dim),
        Span::styled("█".repeat(filled), theme.accent),
        Span::styled("▒".repeat(room - filled), theme.good),
    ])];
    let mut legend =
        vec![Span::raw(" ".repeat(LABEL + 2)), Span::styled(micros(duration), theme.strong)];
    if row.ttfb_us.is_some() {
        legend.extend([
            Span::styled("  █ ", theme.accent),
            Span::styled(format!("{} to the first byte", micros(waited)), theme.text),
            Span::styled("  ▒ ", theme.good),
            Span::styled(format!("{} to the last", micros(duration - waited)), theme.text),
        ]);
    }
    lines.push(Line::from(legend));
    lines
}

fn or_unknown(name: &str) -> &str {
    if name.is_empty() { "not known" } else { name }
}
