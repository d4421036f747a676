//! Whole screens against the text files in `tests/snapshots`. `BLESS=1` writes them anew.

use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::layout::{Position, Rect};
use ratatui::style::Color;
use tui::{Action, App, Theme, draw, hit};

mod picture;

/// Seconds of history before a screen is taken.
const SECONDS: u64 = 30;

fn shop() -> App {
    let mut app = App::new(10.0);
    for step in 1..=SECONDS {
        app.observe(Ok(picture::shop(step, 10.0)));
    }
    app
}

fn after(mut app: App, actions: &[Action]) -> App {
    for action in actions {
        app.act(*action);
    }
    app
}

fn typing(text: &str) -> Vec<Action> {
    std::iter::once(Action::Filter).chain(text.chars().map(Action::Type)).collect()
}

fn screen(app: &App, width: u16, height: u16) -> String {
    let Ok(mut terminal) = Terminal::new(TestBackend::new(width, height));
    let Ok(_) = terminal.draw(|frame| draw(frame, app, &Theme::many()));
    let buffer = terminal.backend().buffer();
    let mut text = String::new();
    for row in buffer.content.chunks(usize::from(width)) {
        let row: String = row.iter().map(ratatui::buffer::Cell::symbol).collect();
        text.push_str(row.trim_end());
        text.push('\n');
    }
    text
}

/// Compares all sizes of a screen with its files.
fn check(name: &str, app: &App) {
    for (width, height) in [(48, 16), (80, 24), (200, 60)] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/snapshots");
        let path = folder.join(format!("{name}-{width}x{height}.txt"));
        let seen = screen(app, width, height);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &seen).expect("the folder is part of the project");
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        let path = path.display();
        assert!(seen == expected, "{path} differs; if it should, run with BLESS=1\n{seen}");
    }
}

#[test]
fn services() {
    check("services", &after(shop(), &[Action::Down(2)]));
}

#[test]
fn endpoints() {
    check("endpoints", &after(shop(), &[Action::Down(2), Action::Open, Action::Down(1)]));
}

#[test]
fn endpoints_of_a_client() {
    let find = typing("load");
    let app = after(shop(), &find);
    check("client", &after(app, &[Action::Accept, Action::Open]));
}

#[test]
fn edges() {
    check("edges", &after(shop(), &[Action::Edges, Action::Down(2)]));
}

#[test]
fn edges_as_a_list() {
    let list = [Action::Edges, Action::Tree, Action::SortByLetter('X')];
    check("edge-list", &after(shop(), &list));
}

/// The exchanges of the service that the third row is about.
fn live() -> App {
    let mut app = after(shop(), &[Action::Down(2), Action::Exchanges]);
    app.observe_exchanges(Ok(picture::exchanges(SECONDS, 0)));
    app
}

#[test]
fn exchanges() {
    check("exchanges", &after(live(), &[Action::Down(3)]));
}

#[test]
fn one_exchange() {
    check("exchange", &after(live(), &[Action::Down(1), Action::Open]));
    let failed = after(after(live(), &typing("reset")), &[Action::Accept, Action::Open]);
    check("exchange-failed", &failed);
}

#[test]
fn a_filter_that_makes_no_sense_says_so() {
    check("filter-wrong", &after(shop(), &typing("lattency>1s")));
}

#[test]
fn the_terminals_own_colours_are_enough() {
    for theme in [Theme::plain(), Theme::sixteen()] {
        let Ok(mut terminal) = Terminal::new(TestBackend::new(120, 40));
        let Ok(_) = terminal.draw(|frame| draw(frame, &live(), &theme));
        for cell in &terminal.backend().buffer().content {
            let is_plain = |colour| !matches!(colour, Color::Indexed(_) | Color::Rgb(..));
            assert!(is_plain(cell.fg) && is_plain(cell.bg), "{cell:?}");
        }
    }
}

#[test]
fn a_click_is_on_what_is_drawn_there() {
    let size = Rect::new(0, 0, 80, 24);
    for app in [shop(), live(), after(shop(), &[Action::Edges])] {
        let text = screen(&app, 80, 24);
        let click = |x, y| hit(size, &app, Position::new(x, y));
        // The head of the table is the fourth line.
        let head = text.lines().nth(3).unwrap_or_default();
        let place = head.find("PROTOCOL").map(|at| head[..at].chars().count());
        let column = place.and_then(|x| click(x as u16, 3));
        assert!(matches!(column, Some(Action::SortBy(1..=3))), "{column:?} {text}");
        assert_eq!(click(5, 4), Some(Action::Point(0)), "{text}");
        assert_eq!(click(5, 6), Some(Action::Point(2)), "{text}");
        assert_eq!(click(3, 0), Some(Action::Back));
        assert_eq!(click(5, 23), None);
    }
}

#[test]
fn filter_while_typing() {
    check("filter", &after(shop(), &typing("!http1")));
}

#[test]
fn filter_that_nothing_matches() {
    check("filter-none", &after(after(shop(), &typing("nobody")), &[Action::Accept]));
}

#[test]
fn help() {
    check("help", &after(shop(), &[Action::Help]));
}

#[test]
fn paused_with_trouble() {
    let mut app = after(shop(), &[Action::Pause, Action::Longer]);
    app.observe(Err("connection refused by 127.0.0.1:9464".into()));
    check("paused", &app);
}

#[test]
fn nothing_seen_yet() {
    let mut app = App::new(10.0);
    app.observe(Ok(picture::silence()));
    check("empty", &app);
}

#[test]
fn no_agent() {
    let mut app = App::new(10.0);
    check("waiting", &app);
    app.observe(Err("connection refused by 127.0.0.1:9464".into()));
    check("no-agent", &app);
}

#[test]
fn every_size_draws_whatever_is_on_the_screen() {
    let apps = [
        shop(),
        after(shop(), &[Action::Open]),
        after(shop(), &[Action::Edges]),
        live(),
        after(live(), &[Action::Open]),
        after(shop(), &[Action::Help]),
        after(shop(), &typing("a rather long text in the filter")),
        App::new(0.0),
    ];
    for app in &apps {
        for width in [1, 2, 9, 33, 57, 79, 111, 300] {
            for height in [1, 2, 3, 4, 5, 11, 37] {
                let _ = screen(app, width, height);
            }
        }
    }
}

#[test]
fn names_from_the_wire_cannot_speak_to_the_terminal() {
    let mut snapshot = picture::shop(1, 10.0);
    snapshot.services[0].entity.name = "\u{1b}]0;owned\u{7}\u{9b}2J".into();
    let mut app = App::new(10.0);
    app.observe(Ok(snapshot));
    for app in [app.clone(), after(app, &[Action::Open])] {
        let text = screen(&app, 200, 60);
        assert!(text.contains("·]0;owned··2J"), "{text}");
        assert!(!text.contains(|c: char| c.is_control() && c != '\n'), "{text}");
    }
}
