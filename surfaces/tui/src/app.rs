//! What is on the screen, and how keys and pictures change it. Pure: no terminal, no clock.

use model::view::{EdgeRow, EndpointRow, ServiceRow, Snapshot};

use crate::columns::{self, Column};
use crate::filter::Filter;
use crate::history::History;
use crate::keys::{Action, Mode};
use crate::rows::{Row, arranged, service_key, shown_red};

/// Windows that `-` and `+` step through, in seconds; 0 is since the start.
const WINDOWS: [f64; 6] = [5.0, 10.0, 30.0, 60.0, 300.0, 0.0];

/// Which table is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Screen {
    /// All services.
    Services,
    /// The endpoints of one service.
    Endpoints,
    /// Who calls whom.
    Edges,
}

impl Screen {
    /// The columns of its table.
    pub(crate) const fn columns(self) -> &'static [Column] {
        match self {
            Self::Services => columns::SERVICES,
            Self::Endpoints => columns::ENDPOINTS,
            Self::Edges => columns::EDGES,
        }
    }
}

/// How one table is looked at. Each keeps its own.
#[derive(Clone, Debug)]
pub(crate) struct View {
    pub(crate) sort: Column,
    pub(crate) is_reversed: bool,
    pub(crate) filter: Filter,
    /// The row under the cursor; the first until somebody moves.
    selected: Option<String>,
    /// Where that row was last, for when it is gone.
    place: usize,
}

impl Default for View {
    fn default() -> Self {
        Self {
            sort: Column::Rate,
            is_reversed: false,
            filter: Filter::default(),
            selected: None,
            place: 0,
        }
    }
}

impl View {
    /// The rows that stay, in order.
    fn rows<'a, R: Row>(&self, rows: &'a [R]) -> Vec<&'a R> {
        arranged(rows, &self.filter, self.sort, self.is_reversed)
    }

    /// Where the cursor is among `rows`.
    pub(crate) fn cursor<R: Row>(&self, rows: &[&R]) -> usize {
        let selected = self.selected.as_deref();
        let is_selected = |row: &&R| Some(row.key().as_str()) == selected;
        // Edges of equally named services look alike; the place tells them apart.
        if rows.get(self.place).is_some_and(is_selected) {
            return self.place;
        }
        let found = rows.iter().position(is_selected);
        found.unwrap_or(self.place.min(rows.len().saturating_sub(1)))
    }

    fn sort_by(&mut self, column: Column) {
        if self.sort == column {
            self.is_reversed = !self.is_reversed;
        } else {
            self.sort = column;
            self.is_reversed = false;
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
    views: [View; 3],
    window: usize,
    mode: Mode,
    /// The service whose endpoints are shown.
    service: Option<String>,
    /// Where the edges were opened from.
    edges_from: Screen,
    /// Where the endpoints were opened from.
    endpoints_from: Screen,
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
            views: std::array::from_fn(|_| View::default()),
            window: window.unwrap_or(WINDOWS.len() - 1),
            mode: Mode::Command,
            service: None,
            edges_from: Screen::Services,
            endpoints_from: Screen::Services,
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

    /// Services in the order of their table, filtered.
    pub(crate) fn services(&self) -> Vec<&ServiceRow> {
        let rows = self.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.services);
        self.views[Screen::Services as usize].rows(rows)
    }

    /// Edges in the order of their table, filtered.
    pub(crate) fn edges(&self) -> Vec<&EdgeRow> {
        let rows = self.snapshot.as_ref().map_or(&[][..], |snapshot| &snapshot.edges);
        self.views[Screen::Edges as usize].rows(rows)
    }

    /// Endpoints of the opened service in the order of their table, filtered.
    pub(crate) fn endpoints(&self) -> Vec<&EndpointRow> {
        let rows = self.opened().map_or(&[][..], |service| &service.endpoints);
        self.views[Screen::Endpoints as usize].rows(rows)
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
        }
    }

    fn view_mut(&mut self) -> &mut View {
        &mut self.views[self.screen as usize]
    }

    /// Columns of the table on the screen that can be sorted by.
    fn sortable(&self) -> impl Iterator<Item = Column> + Clone + use<> {
        let columns = self.screen.columns().iter().copied();
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
            Screen::Edges => moved(view, &self.edges(), step),
        };
        if let Some((place, key)) = moved {
            let view = self.view_mut();
            view.place = place;
            view.selected = Some(key);
        }
    }

    /// From a service, or the server of an edge, to its endpoints.
    fn open(&mut self) {
        let key = match self.screen {
            Screen::Services => self.pointed().map(Row::key),
            Screen::Edges => self.pointed_server().map(Row::key),
            Screen::Endpoints => None,
        };
        let Some(key) = key else { return };
        // Whatever moves above it meanwhile, we come back to the row we left.
        self.move_cursor(|place| place);
        self.views[Screen::Endpoints as usize] = View::default();
        self.service = Some(key);
        self.endpoints_from = self.screen;
        // Else the way back could lead round in circles.
        self.edges_from = Screen::Services;
        self.screen = Screen::Endpoints;
    }

    fn pointed_server(&self) -> Option<&ServiceRow> {
        let rows = self.edges();
        let edge = rows.get(self.view().cursor(&rows))?;
        let services = &self.snapshot.as_ref()?.services;
        services.iter().find(|row| row.entity.name == edge.server)
    }

    fn back(&mut self) {
        self.screen = match self.screen {
            Screen::Edges => self.edges_from,
            Screen::Endpoints => self.endpoints_from,
            Screen::Services => Screen::Services,
        };
    }

    fn escape(&mut self) {
        let is_plain = self.view().filter.is_empty() && self.mode == Mode::Command;
        self.mode = Mode::Command;
        if is_plain {
            self.back();
        } else {
            self.view_mut().filter.clear();
        }
    }

    fn toggle_edges(&mut self) {
        if self.screen == Screen::Edges {
            self.back();
        } else {
            self.edges_from = self.screen;
            self.screen = Screen::Edges;
        }
    }

    fn pause(&mut self) {
        self.is_paused = !self.is_paused;
        self.held = 0;
    }
}

/// Where the cursor goes, and the row it finds there.
fn moved<R: Row>(
    view: &View,
    rows: &[&R],
    step: impl Fn(usize) -> usize,
) -> Option<(usize, String)> {
    let place = step(view.cursor(rows)).min(rows.len().saturating_sub(1));
    rows.get(place).map(|row| (place, row.key()))
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
#[path = "app_tests.rs"]
mod tests;
