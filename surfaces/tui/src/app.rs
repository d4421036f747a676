//! What is on the screen, and how keys and pictures change it. Pure: no terminal, no clock.

use model::filter::EndpointOf;
use model::view::{EdgeRow, ExchangeRow, Exchanges, ExchangesAsked, ServiceRow, Snapshot};

use crate::columns::{self, Column};
use crate::feed::Feed;
use crate::history::History;
use crate::keys::{Action, Mode};
use crate::rows::{Row, ordered, service_key, shown_red};
use crate::tree::{Branch, plant};

mod navigation;
mod view;

pub(crate) use view::View;
use view::moved;

/// Windows that `-` and `+` step through, in seconds; 0 is since the start.
const WINDOWS: [f64; 6] = [5.0, 10.0, 30.0, 60.0, 300.0, 0.0];

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// All services.
    Services,
    /// The endpoints of one service.
    Endpoints,
    /// Who calls whom.
    Edges,
    /// Exchanges as they happen.
    Exchanges,
    /// One exchange.
    Exchange,
}

impl Screen {
    const ALL: [Self; 5] =
        [Self::Services, Self::Endpoints, Self::Edges, Self::Exchanges, Self::Exchange];

    const fn first_sort(self) -> Column {
        match self {
            Self::Services | Self::Endpoints | Self::Edges => Column::Rate,
            Self::Exchanges | Self::Exchange => Column::Began,
        }
    }
}

/// The whole state of the surface.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) snapshot: Option<Snapshot>,
    pub(crate) history: History,
    pub(crate) screen: Screen,
    pub(crate) is_paused: bool,
    pub(crate) shows_help: bool,
    /// CPU cores the agent used between the last two pictures; `None` until there are two.
    pub(crate) cpu_share: Option<f64>,
    /// Why there is no newer picture; empty if there is.
    pub(crate) trouble: String,
    /// The edges are a tree.
    pub(crate) is_tree: bool,
    /// The exchanges shown, or shown last.
    pub(crate) feed: Feed,
    /// The exchange looked at; it stays when the feed has moved on.
    pub(crate) looked_at: Option<ExchangeRow>,
    views: [View; 5],
    window: usize,
    mode: Mode,
    /// The service whose endpoints are shown.
    service: Option<String>,
    /// The screens that lead to this one.
    trail: Vec<Screen>,
    /// Pictures that came while paused.
    held: usize,
    /// CPU seconds and time of the newest picture, shown or held.
    last_cost: Option<(f64, u64)>,
    is_done: bool,
}

impl App {
    /// Before the first picture. `window_s` is moved to the nearest of the steps of `-` and `+`.
    pub fn new(window_s: f64) -> Self {
        let ends = |seconds: f64| if seconds > 0.0 { seconds } else { f64::INFINITY };
        let window = WINDOWS.iter().position(|step| ends(*step) >= ends(window_s));
        Self {
            snapshot: None,
            history: History::default(),
            screen: Screen::Services,
            is_paused: false,
            shows_help: false,
            cpu_share: None,
            trouble: String::new(),
            is_tree: true,
            feed: Feed::default(),
            looked_at: None,
            views: Screen::ALL.map(|screen| View::new(screen.first_sort())),
            window: window.unwrap_or(WINDOWS.len() - 1),
            mode: Mode::Command,
            service: None,
            trail: Vec::new(),
            held: 0,
            last_cost: None,
            is_done: false,
        }
    }

    /// Takes the next picture, or the reason why there is none; the last one stays then.
    pub fn observe(&mut self, answer: Result<Snapshot, String>) {
        let snapshot = match answer {
            Ok(snapshot) => snapshot,
            Err(reason) => {
                self.trouble = reason;
                return;
            }
        };
        self.trouble.clear();
        let cost = (snapshot.agent.cpu_seconds, snapshot.at_us);
        let share = self.last_cost.replace(cost).and_then(|earlier| cpu_share(earlier, cost));
        let rates = snapshot.services.iter();
        let rates = rates.map(|row| (service_key(&row.entity), shown_red(row).rate));
        self.history.push(total_red(&snapshot).0, rates);
        if self.is_paused {
            self.held += 1;
            return;
        }
        self.cpu_share = share.or(self.cpu_share);
        self.snapshot = Some(snapshot);
    }

    /// Takes exchanges, or the reason why there are none.
    pub fn observe_exchanges(&mut self, answer: Result<Exchanges, String>) {
        match answer {
            Ok(exchanges) if !self.is_paused => self.feed.take(exchanges),
            Ok(_) => {}
            Err(reason) => self.trouble = reason,
        }
    }

    /// Which exchanges the screen needs; `None` if it needs none.
    pub fn exchanges_asked(&self) -> Option<ExchangesAsked> {
        (self.screen == Screen::Exchanges && !self.is_paused).then(|| self.feed.asked())
    }

    /// Says that the source has been silent for so many seconds.
    pub fn waited(&mut self, seconds: u64) {
        self.trouble = format!("no answer for {seconds} s");
    }

    /// Does what a key asks for.
    pub fn act(&mut self, action: Action) {
        if self.shows_help && !matches!(action, Action::Quit) {
            self.shows_help = false;
            return;
        }
        match action {
            Action::Up(rows) => self.move_cursor(|place| place.saturating_sub(rows)),
            Action::Down(rows) => self.move_cursor(|place| place.saturating_add(rows)),
            Action::Open => self.open(),
            Action::Back => self.back(),
            Action::Escape => self.escape(),
            Action::SortNext => self.sort_next(),
            Action::SortBy(number) => self.sort_by(self.sortable().nth(number)),
            Action::SortByLetter(letter) => {
                let column = self.sortable().find(|column| column.shape().letter == letter);
                self.sort_by(column);
            }
            Action::Reverse => self.view_mut().is_reversed ^= true,
            Action::Filter => self.mode = Mode::Typing,
            Action::Pause => self.pause(),
            Action::Edges => self.toggle_edges(),
            Action::Tree => self.toggle_tree(),
            Action::Exchanges => self.open_exchanges(),
            Action::Point(place) => self.point(place),
            // A held picture covers what it covers.
            Action::Shorter | Action::Longer if self.is_paused => {}
            Action::Shorter => self.window = self.window.saturating_sub(1),
            Action::Longer => self.window = (self.window + 1).min(WINDOWS.len() - 1),
            Action::Help => self.shows_help = true,
            Action::Quit => self.is_done = true,
            Action::Type(character) => self.view_mut().filter.push(character),
            Action::Erase => self.view_mut().filter.pop(),
            Action::EraseAll => self.view_mut().filter.clear(),
            Action::Accept => self.mode = Mode::Command,
        }
    }

    /// What the keyboard is for.
    pub const fn mode(&self) -> Mode {
        self.mode
    }

    /// Which table is shown.
    pub const fn screen(&self) -> Screen {
        self.screen
    }

    /// True once somebody asked to leave.
    pub const fn is_done(&self) -> bool {
        self.is_done
    }

    /// Seconds the next picture shall cover; 0 means since the start.
    pub fn window_s(&self) -> f64 {
        WINDOWS.get(self.window).copied().unwrap_or_default()
    }

    /// How the table on the screen is looked at.
    pub(crate) fn view(&self) -> &View {
        &self.views[self.screen as usize]
    }

    /// Columns of the table on the screen.
    pub(crate) const fn columns(&self) -> &'static [Column] {
        match self.screen {
            Screen::Services => columns::SERVICES,
            Screen::Endpoints => columns::ENDPOINTS,
            Screen::Edges if self.is_tree => columns::TREE,
            Screen::Edges => columns::EDGES,
            Screen::Exchanges => columns::EXCHANGES,
            Screen::Exchange => &[],
        }
    }

    /// Services in the order of their table, filtered.
    pub(crate) fn services(&self) -> Vec<&ServiceRow> {
        let rows = self.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.services);
        self.views[Screen::Services as usize].rows(rows.iter())
    }

    /// Edges in the order of their table, filtered.
    pub(crate) fn edges(&self) -> Vec<&EdgeRow> {
        self.views[Screen::Edges as usize].rows(self.all_edges().iter())
    }

    /// The same as a tree.
    pub(crate) fn tree(&self) -> Vec<Branch<'_>> {
        let view = &self.views[Screen::Edges as usize];
        let sort = if view.sort == Column::Called { Column::Server } else { view.sort };
        let order = |a: &EdgeRow, b: &EdgeRow| ordered(&a, &b, sort, view.is_reversed);
        plant(self.all_edges(), |edge| view.filter.keeps(edge), order)
    }

    fn all_edges(&self) -> &[EdgeRow] {
        self.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.edges)
    }

    /// Endpoints of the opened service in the order of their table, filtered.
    pub(crate) fn endpoints(&self) -> Vec<EndpointOf<'_>> {
        let rows = self.opened().into_iter().flat_map(|service| {
            let of = |row| EndpointOf { service: &service.entity, row };
            service.endpoints.iter().map(of)
        });
        self.views[Screen::Endpoints as usize].rows(rows)
    }

    /// Exchanges in the order of their table, filtered.
    pub(crate) fn exchanges(&self) -> Vec<&ExchangeRow> {
        self.views[Screen::Exchanges as usize].rows(self.feed.rows())
    }

    /// The service whose endpoints are shown; `None` if it is gone.
    pub(crate) fn opened(&self) -> Option<&ServiceRow> {
        let key = self.service.as_deref()?;
        let services = &self.snapshot.as_ref()?.services;
        services.iter().find(|row| row.key() == key)
    }

    /// The service under the cursor of the services table.
    pub(crate) fn pointed(&self) -> Option<&ServiceRow> {
        let rows = self.services();
        let cursor = self.views[Screen::Services as usize].cursor(&rows);
        rows.get(cursor).copied()
    }

    /// The name of the opened service, even if it is gone.
    pub(crate) fn opened_name(&self) -> &str {
        let key = self.service.as_deref().unwrap_or_default();
        key.split('\u{1f}').next().unwrap_or_default()
    }

    /// Rates over time of a service, as far as the picture on the screen goes.
    pub(crate) fn trend(&self, service: &ServiceRow) -> &[f64] {
        self.history.service(&service.key(), self.held)
    }

    /// Rates over time of everything, as far as the picture on the screen goes.
    pub(crate) fn total_trend(&self) -> &[f64] {
        self.history.total(self.held)
    }

    /// How many rows there are before and after the filter.
    pub(crate) fn row_counts(&self) -> (usize, usize) {
        let Some(snapshot) = &self.snapshot else { return (0, 0) };
        match self.screen {
            Screen::Services => (snapshot.services.len(), self.services().len()),
            Screen::Edges => (snapshot.edges.len(), self.edges().len()),
            Screen::Endpoints => {
                let all = self.opened().map_or(0, |service| service.endpoints.len());
                (all, self.endpoints().len())
            }
            Screen::Exchanges => (self.feed.len(), self.exchanges().len()),
            Screen::Exchange => (1, 1),
        }
    }

    fn view_mut(&mut self) -> &mut View {
        &mut self.views[self.screen as usize]
    }

    /// Columns of the table on the screen that can be sorted by.
    fn sortable(&self) -> impl Iterator<Item = Column> + Clone + use<> {
        let columns = self.columns().iter().copied();
        columns.filter(|column| *column != Column::Trend)
    }

    fn sort_by(&mut self, column: Option<Column>) {
        if let Some(column) = column {
            self.view_mut().sort_by(column);
        }
    }

    fn sort_next(&mut self) {
        let current = self.view().sort;
        let mut columns = self.sortable().cycle();
        let _ = columns.by_ref().find(|column| *column == current);
        self.sort_by(columns.next());
    }

    fn move_cursor(&mut self, step: impl Fn(usize) -> usize) {
        let view = self.view();
        let moved = match self.screen {
            Screen::Services => moved(view, &self.services(), step),
            Screen::Endpoints => moved(view, &self.endpoints(), step),
            Screen::Edges if self.is_tree => moved(view, &self.tree(), step),
            Screen::Edges => moved(view, &self.edges(), step),
            Screen::Exchanges => moved(view, &self.exchanges(), step),
            Screen::Exchange => None,
        };
        if let Some(place) = moved {
            self.view_mut().select(place);
        }
    }

    fn pause(&mut self) {
        self.is_paused = !self.is_paused;
        self.held = 0;
    }
}

/// Exchanges a second of the whole host, and their failed share.
///
/// Edges are summed, because there each exchange stands once; a picture without edges falls back
/// on what the services served.
pub(crate) fn total_red(snapshot: &Snapshot) -> (f64, f64) {
    let edges = snapshot.edges.iter().map(|row| &row.red);
    let services = snapshot.services.iter().map(|row| &row.served);
    let of = |reds: &mut dyn Iterator<Item = &model::view::Red>| {
        reds.fold((0.0, 0, 0), |(rate, count, errors), red| {
            (rate + red.rate, count + red.count, errors + red.errors)
        })
    };
    let (rate, count, errors) =
        if snapshot.edges.is_empty() { of(&mut { services }) } else { of(&mut { edges }) };
    (rate, if count == 0 { 0.0 } else { errors as f64 / count as f64 })
}

/// CPU seconds a second between two pictures; `None` if no time passed or the agent was restarted.
fn cpu_share(earlier: (f64, u64), later: (f64, u64)) -> Option<f64> {
    let seconds = later.1.checked_sub(earlier.1)? as f64 / 1e6;
    let used = later.0 - earlier.0;
    (seconds > 0.0 && used >= 0.0).then(|| used / seconds)
}

#[cfg(test)]
mod tests;
