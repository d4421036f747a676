//! One service in a few lines: who it is, whom it talks to, and where its bytes went.

use model::view::{Red, SealedRow, ServiceRow};
use model::{Entity, Ledger, Outcome, Sealed};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::pieces::{clip, fact, row_of};
use crate::app::App;
use crate::theme::Theme;
use crate::units;

/// Lines it takes, with a blank one below.
pub(crate) const HEIGHT: u16 = 8;

/// Characters of the labels on the left.
const LABEL: usize = 9;
/// Fewer characters of the arguments say nothing.
const ARGUMENTS_MIN: usize = 6;
/// Neighbours named in a line; the busiest come first.
const NEIGHBOURS: usize = 8;

/// Draws `service`.
pub(crate) fn draw(
    frame: &mut Frame<'_>,
    area: Rect,
    app: &App,
    service: &ServiceRow,
    theme: &Theme,
) {
    if area.is_empty() {
        return;
    }
    let room = usize::from(area.width).saturating_sub(LABEL + 2);
    let labelled = |label: &str, groups: Vec<Vec<Span<'static>>>| {
        let mut line = Line::from(Span::styled(format!(" {label:<LABEL$}"), theme.dim));
        line.extend(row_of(groups, 2, room).spans);
        line
    };
    let mut lines = vec![
        labelled("named", named(&service.entity, room, theme)),
        labelled("program", program(&service.entity, room, theme)),
        labelled("served", red(&service.served, theme)),
        labelled("asked", red(&service.asked, theme)),
    ];
    lines.push(labelled("callers", neighbours(app, service, Neighbour::Client, theme)));
    lines.push(labelled("calls", neighbours(app, service, Neighbour::Server, theme)));
    lines.push(labelled("bytes", account(&service.ledger, theme)));
    if !service.sealed.is_empty() {
        lines.push(labelled("sealed", sealed(&service.sealed, theme)));
    }
    frame.render_widget(Paragraph::new(lines), area);
}

fn named(entity: &Entity, room: usize, theme: &Theme) -> Vec<Vec<Span<'static>>> {
    let mut groups = vec![vec![
        Span::styled(clip(&entity.name, room / 2), theme.strong),
        Span::styled(format!(" by {}", clip(or_dash(&entity.reason), 30)), theme.dim),
    ]];
    let mut add = |what: &str, text: &str| {
        if !text.is_empty() {
            let text = clip(text, 40);
            let what = Span::styled(format!("{what} "), theme.dim);
            groups.push(vec![what, Span::styled(text, theme.text)]);
        }
    };
    add("namespace", &entity.namespace);
    add("version", &entity.version);
    add("unit", if entity.user_unit.is_empty() { &entity.unit } else { &entity.user_unit });
    add("pod", &entity.pod);
    let id = entity.container.get(..12).unwrap_or(&entity.container);
    add("container", if entity.container_name.is_empty() { id } else { &entity.container_name });
    if !entity.local {
        add("known", "by address only");
    }
    groups
}

fn program(entity: &Entity, room: usize, theme: &Theme) -> Vec<Vec<Span<'static>>> {
    let mut groups = Vec::new();
    if !entity.language.is_empty() {
        let runs_on = format!("{} {}", entity.language, entity.runtime_version);
        groups.push(vec![Span::styled(clip(runs_on.trim_end(), 30), theme.strong)]);
    }
    let is_known = !entity.executable.is_empty();
    if is_known {
        groups.push(vec![Span::styled(clip(&entity.executable, room / 2), theme.text)]);
    }
    match entity.pids.as_slice() {
        [] => {}
        [pid] => groups.push(fact(format!("pid {pid}"), "", theme)),
        [first, others @ ..] => {
            groups.push(fact(format!("pid {first}"), &format!("and {} more", others.len()), theme));
        }
    }
    if !entity.listens.is_empty() {
        let addresses = clip(&entity.listens.join(" "), room / 3);
        let what = Span::styled("listens ", theme.dim);
        groups.push(vec![what, Span::styled(addresses, theme.text)]);
    }
    if is_known && !entity.arguments.is_empty() {
        let used: usize = groups.iter().flatten().map(|span| span.width() + 2).sum();
        let arguments = clip(&entity.arguments, room.saturating_sub(used + 2));
        if arguments.chars().count() >= ARGUMENTS_MIN {
            let behind = 1 + usize::from(!entity.language.is_empty());
            groups.insert(behind, vec![Span::styled(arguments, theme.dim)]);
        }
    }
    if groups.is_empty() {
        groups.push(vec![Span::styled("–", theme.dim)]);
    }
    groups
}

fn red(red: &Red, theme: &Theme) -> Vec<Vec<Span<'static>>> {
    if red.count == 0 {
        return vec![vec![Span::styled("–", theme.dim)]];
    }
    let time = |micros: Option<f64>| {
        micros.map_or_else(|| String::from("–"), |micros| units::duration(micros, 6))
    };
    vec![
        fact(units::rate(red.rate, 6), "req/s", theme),
        fact(units::failed_share(red.error_ratio, 5), "errors", theme),
        fact(time(red.p50_us), "p50", theme),
        fact(time(red.p95_us), "p95", theme),
        fact(time(red.p99_us), "p99", theme),
        fact(units::count(red.count, 6), "in all", theme),
    ]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Neighbour {
    Client,
    Server,
}

/// The other ends of its edges, busiest first.
fn neighbours(
    app: &App,
    service: &ServiceRow,
    side: Neighbour,
    theme: &Theme,
) -> Vec<Vec<Span<'static>>> {
    let name = &service.entity.name;
    let edges = app.snapshot.iter().flat_map(|snapshot| &snapshot.edges);
    let mut found: Vec<(&str, f64)> = edges
        .filter_map(|edge| match side {
            Neighbour::Client => (edge.server == *name).then_some((&*edge.client, edge.red.rate)),
            Neighbour::Server => (edge.client == *name).then_some((&*edge.server, edge.red.rate)),
        })
        .collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(b.0)));
    if found.is_empty() {
        return vec![vec![Span::styled("–", theme.dim)]];
    }
    let shown = found.iter().take(NEIGHBOURS).map(|(name, rate)| {
        let rate = format!(" {}/s", units::rate(*rate, 5));
        vec![Span::styled(clip(name, 24), theme.text), Span::styled(rate, theme.dim)]
    });
    shown.collect()
}

/// Where the bytes went; what is zero is not worth its place, except what was lost.
fn account(ledger: &Ledger, theme: &Theme) -> Vec<Vec<Span<'static>>> {
    let mut groups = vec![fact(units::bytes(ledger.seen, 6), "seen", theme)];
    for outcome in Outcome::ALL {
        let bytes = ledger.get(outcome);
        if bytes == 0 && outcome != Outcome::Lost {
            continue;
        }
        let share = units::failed_share(bytes as f64 / ledger.seen.max(1) as f64, 5);
        let mut group = fact(share, outcome.as_str(), theme);
        if let (Some(number), true) = (group.first_mut(), bytes > 0) {
            number.style = match outcome {
                Outcome::Lost => theme.bad,
                Outcome::Sealed | Outcome::Unknown => theme.warning,
                Outcome::Parsed | Outcome::Skipped => theme.good,
            };
        }
        groups.push(group);
    }
    groups
}

/// Why bytes are sealed.
fn sealed(rows: &[SealedRow], theme: &Theme) -> Vec<Vec<Span<'static>>> {
    let group = |row: &SealedRow| {
        let reason = Sealed::ALL.into_iter().find(|reason| reason.as_str() == row.reason);
        let words = reason.map_or(row.reason.clone(), |reason| reason.in_words().to_owned());
        fact(units::bytes(row.bytes, 6), &clip(&words, 40), theme)
    };
    rows.iter().map(group).collect()
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}
