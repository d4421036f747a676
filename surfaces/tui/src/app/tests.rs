//! How keys and pictures change the state.

use model::view::{
    AgentCost, EdgeRow, EndpointRow, ExchangeRow, Exchanges, Red, ServiceRow, Snapshot,
};
use model::{Entity, Ledger};

use super::{App, Screen, cpu_share, total_red};
use crate::columns::{self, Column};
use crate::keys::{Action, Mode};

fn service(name: &str, rate: f64) -> ServiceRow {
    let red = Red { count: rate as u64, rate, ..Red::default() };
    let endpoint = |target: &str| EndpointRow { target: target.into(), red, ..Default::default() };
    ServiceRow {
        entity: Entity { name: name.into(), ..Entity::default() },
        served: red,
        ledger: Ledger { seen: 1, parsed: 1, ..Ledger::default() },
        endpoints: vec![endpoint("/a"), endpoint("/b")],
        ..ServiceRow::default()
    }
}

fn picture(second: u64, services: &[(&str, f64)]) -> Snapshot {
    Snapshot {
        at_us: second * 1_000_000,
        services: services.iter().map(|(name, rate)| service(name, *rate)).collect(),
        edges: vec![EdgeRow { client: "web".into(), server: "cart".into(), ..EdgeRow::default() }],
        agent: AgentCost { cpu_seconds: second as f64 * 0.02, ..AgentCost::default() },
        ..Snapshot::default()
    }
}

fn app(services: &[(&str, f64)]) -> App {
    let mut app = App::new(10.0);
    app.observe(Ok(picture(1, services)));
    app
}

fn names(app: &App) -> String {
    let rows = app.services();
    rows.iter().map(|row| row.entity.name.as_str()).collect::<Vec<_>>().join(" ")
}

fn pointed(app: &App) -> &str {
    app.pointed().map_or("", |row| &row.entity.name)
}

const THREE: &[(&str, f64)] = &[("web", 30.0), ("cart", 20.0), ("db", 10.0)];

#[test]
fn the_cursor_stays_on_its_row_when_the_order_changes() {
    let mut app = app(THREE);
    assert_eq!(pointed(&app), "web");
    app.act(Action::Down(1));
    app.observe(Ok(picture(2, &[("web", 1.0), ("cart", 50.0), ("db", 10.0)])));
    assert_eq!((names(&app).as_str(), pointed(&app)), ("cart db web", "cart"));
}

#[test]
fn the_cursor_keeps_its_place_when_its_row_is_gone_and_stops_at_the_ends() {
    let mut app = app(THREE);
    app.act(Action::Down(99));
    assert_eq!(pointed(&app), "db");
    app.observe(Ok(picture(2, &[("web", 30.0), ("cart", 20.0)])));
    assert_eq!(pointed(&app), "cart");
    app.act(Action::Up(99));
    assert_eq!(pointed(&app), "web");
    app.observe(Ok(picture(3, &[])));
    app.act(Action::Down(1));
    app.act(Action::Open);
    assert_eq!((pointed(&app), app.screen()), ("", Screen::Services));
}

#[test]
fn the_cursor_passes_edges_that_look_alike() {
    let mut app = app(THREE);
    let mut picture = picture(2, THREE);
    let twin = picture.edges[0].clone();
    let last = EdgeRow { client: "zoo".into(), ..twin.clone() };
    picture.edges.extend([twin, last]);
    app.observe(Ok(picture));
    app.act(Action::Edges);
    app.act(Action::Tree);
    for expected in [1, 2, 2] {
        app.act(Action::Down(1));
        assert_eq!(app.view().cursor(&app.edges()), expected);
    }
}

#[test]
fn sorting_by_the_same_column_again_turns_round() {
    let mut app = app(THREE);
    let cases = [
        (Action::SortBy(0), "cart db web"),
        (Action::SortByLetter('N'), "web db cart"),
        (Action::SortByLetter('R'), "web cart db"),
        (Action::Reverse, "db cart web"),
        (Action::SortByLetter('?'), "db cart web"),
        (Action::SortBy(99), "db cart web"),
    ];
    for (action, expected) in cases {
        app.act(action);
        assert_eq!(names(&app), expected, "{action:?}");
    }
}

#[test]
fn sort_next_walks_through_every_column_but_the_trend() {
    let mut app = app(THREE);
    let first = app.view().sort;
    let mut seen = Vec::new();
    loop {
        app.act(Action::SortNext);
        seen.push(app.view().sort);
        if app.view().sort == first {
            break;
        }
    }
    assert_eq!(seen.len(), columns::SERVICES.len() - 1);
    assert!(!seen.contains(&Column::Trend));
}

#[test]
fn a_filter_is_live_and_escape_clears_it() {
    let mut app = app(THREE);
    app.act(Action::Filter);
    for character in "!CA".chars() {
        app.act(Action::Type(character));
    }
    assert_eq!((names(&app).as_str(), app.mode()), ("web db", Mode::Typing));
    app.act(Action::Erase);
    app.act(Action::Accept);
    assert_eq!((names(&app).as_str(), app.mode()), ("web db", Mode::Command));
    app.act(Action::Escape);
    assert_eq!((names(&app).as_str(), app.row_counts()), ("web cart db", (3, 3)));
}

#[test]
fn escape_while_typing_clears_and_stops_but_goes_nowhere() {
    let mut app = app(THREE);
    app.act(Action::Open);
    app.act(Action::Filter);
    app.act(Action::Type('/'));
    app.act(Action::Type('b'));
    assert_eq!(app.row_counts(), (2, 1));
    app.act(Action::Escape);
    assert_eq!((app.mode(), app.screen()), (Mode::Command, Screen::Endpoints));
    assert_eq!(app.row_counts(), (2, 2));
    app.act(Action::Escape);
    assert_eq!(app.screen(), Screen::Services);
}

#[test]
fn opening_and_going_back_returns_to_the_row() {
    let mut app = app(THREE);
    app.act(Action::Down(1));
    app.act(Action::Open);
    assert_eq!((app.screen(), app.opened_name()), (Screen::Endpoints, "cart"));
    app.observe(Ok(picture(2, &[("cart", 90.0), ("web", 1.0)])));
    assert_eq!(app.endpoints().len(), 2);
    app.act(Action::Back);
    assert_eq!((app.screen(), pointed(&app)), (Screen::Services, "cart"));
}

#[test]
fn a_service_that_is_gone_keeps_its_name_on_the_screen() {
    let mut app = app(THREE);
    app.act(Action::Open);
    app.observe(Ok(picture(2, &[("db", 1.0)])));
    assert!(app.opened().is_none() && app.endpoints().is_empty());
    assert_eq!(app.opened_name(), "web");
}

#[test]
fn edges_lead_to_the_server_and_every_way_back_ends() {
    let mut app = app(THREE);
    app.act(Action::Open);
    app.act(Action::Edges);
    app.act(Action::Down(1));
    app.act(Action::Open);
    assert_eq!((app.screen(), app.opened_name()), (Screen::Endpoints, "cart"));
    let mut trail = Vec::new();
    for _ in 0..3 {
        app.act(Action::Escape);
        trail.push(app.screen());
    }
    assert_eq!(trail, [Screen::Edges, Screen::Services, Screen::Services]);
    app.act(Action::Edges);
    app.act(Action::Edges);
    assert_eq!(app.screen(), Screen::Services);
}

#[test]
fn the_way_leads_down_to_one_exchange_and_back() {
    let mut app = app(THREE);
    assert_eq!(app.exchanges_asked(), None);
    for expected in [Screen::Endpoints, Screen::Exchanges] {
        app.act(Action::Open);
        assert_eq!(app.screen(), expected);
    }
    assert_eq!(app.feed.scope.title(), "web ›  /a");
    let row = |id| ExchangeRow {
        id,
        service: "web".into(),
        target: "/a".into(),
        start_us: Some(id),
        ..ExchangeRow::default()
    };
    let answer = |ids: &[u64]| {
        let next = ids.last().copied().unwrap_or_default();
        Ok(Exchanges { rows: ids.iter().map(|id| row(*id)).collect(), next, missed: 0 })
    };
    app.observe_exchanges(answer(&[1, 2]));
    assert_eq!(app.exchanges_asked().and_then(|asked| asked.after), Some(2));
    // At the top one stays at the newest, elsewhere at the row.
    app.observe_exchanges(answer(&[3]));
    assert_eq!(app.view().cursor(&app.exchanges()), 0);
    app.act(Action::Point(1));
    app.observe_exchanges(answer(&[4]));
    assert_eq!(app.view().cursor(&app.exchanges()), 2);
    app.act(Action::Point(2));
    assert_eq!(
        (app.screen(), app.looked_at.as_ref().map(|row| row.id)),
        (Screen::Exchange, Some(2))
    );
    for expected in [Screen::Exchanges, Screen::Endpoints, Screen::Services] {
        app.act(Action::Back);
        assert_eq!(app.screen(), expected);
    }
}

#[test]
fn an_edge_leads_to_its_exchanges() {
    let mut app = app(THREE);
    app.act(Action::Edges);
    app.act(Action::Down(1));
    app.act(Action::Exchanges);
    assert_eq!((app.screen(), app.feed.scope.title().as_str()), (Screen::Exchanges, "web → cart"));
    app.act(Action::Edges);
    for expected in [Screen::Edges, Screen::Exchanges, Screen::Services, Screen::Services] {
        assert_eq!(app.screen(), expected);
        app.act(Action::Back);
    }
}

#[test]
fn a_pause_holds_the_numbers_and_the_trend() {
    let mut app = app(THREE);
    app.act(Action::Pause);
    for second in 2..5 {
        app.observe(Ok(picture(second, &[("db", 99.0), ("web", 1.0)])));
    }
    assert_eq!(names(&app), "web cart db");
    assert_eq!(app.total_trend().len(), 1);
    app.act(Action::Pause);
    app.observe(Ok(picture(5, &[("db", 99.0)])));
    assert_eq!((names(&app).as_str(), app.total_trend().len()), ("db", 5));
}

#[test]
fn the_cost_of_the_agent_is_what_it_used_between_two_pictures() {
    let mut app = app(THREE);
    assert_eq!(app.cpu_share, None);
    app.observe(Ok(picture(3, THREE)));
    assert!(app.cpu_share.is_some_and(|share| (share - 0.02).abs() < 1e-9));
    // A restarted agent begins at zero again, and a clock may go back: neither is a cost.
    for earlier in [(9.0, 1), (0.0, 9), (0.0, 5)] {
        assert_eq!(cpu_share(earlier, (1.0, 5)), None, "{earlier:?}");
    }
}

#[test]
fn trouble_keeps_the_last_picture_and_goes_with_the_next() {
    let mut app = app(THREE);
    app.observe(Err("connection refused".into()));
    assert_eq!((app.trouble.as_str(), names(&app).as_str()), ("connection refused", "web cart db"));
    app.waited(4);
    assert_eq!(app.trouble, "no answer for 4 s");
    app.observe(Ok(picture(2, THREE)));
    assert!(app.trouble.is_empty());
}

#[test]
fn windows_step_between_five_seconds_and_the_start() {
    let cases = [(0.0, 0.0), (1.0, 5.0), (10.0, 10.0), (45.0, 60.0), (9_999.0, 0.0)];
    for (asked, expected) in cases {
        assert_eq!(App::new(asked).window_s(), expected, "{asked}");
    }
    let mut app = App::new(10.0);
    for expected in [5.0, 5.0] {
        app.act(Action::Shorter);
        assert_eq!(app.window_s(), expected);
    }
    for expected in [10.0, 30.0, 60.0, 300.0, 0.0, 0.0] {
        app.act(Action::Longer);
        assert_eq!(app.window_s(), expected);
    }
    app.act(Action::Pause);
    app.act(Action::Shorter);
    assert_eq!(app.window_s(), 0.0, "a held picture covers what it covers");
}

#[test]
fn any_key_closes_the_help_page_and_does_nothing_else() {
    let mut app = app(THREE);
    app.act(Action::Help);
    app.act(Action::Open);
    assert_eq!((app.shows_help, app.screen()), (false, Screen::Services));
    app.act(Action::Help);
    app.act(Action::Quit);
    assert!(app.is_done());
}

#[test]
fn the_host_counts_each_exchange_once() {
    let mut snapshot = picture(1, THREE);
    let red = Red { count: 10, errors: 1, rate: 5.0, ..Red::default() };
    snapshot.edges = vec![EdgeRow { red, ..EdgeRow::default() }; 2];
    assert_eq!(total_red(&snapshot), (10.0, 0.1));
    snapshot.edges.clear();
    assert_eq!(total_red(&snapshot), (60.0, 0.0));
}
