//! The ways between the screens: services → endpoints → exchanges → one exchange, and the edges.

use model::view::ServiceRow;

use super::{App, Screen, View};
use crate::feed::{Feed, Scope};
use crate::keys::Mode;
use crate::rows::{Row, serves};

impl App {
    /// The cursor to this row; if it is there already, into the row.
    pub(super) fn point(&mut self, place: usize) {
        if self.cursor() == place {
            self.open();
        } else {
            self.move_cursor(|_| place);
        }
    }

    fn cursor(&self) -> usize {
        let view = self.view();
        match self.screen {
            Screen::Services => view.cursor(&self.services()),
            Screen::Endpoints => view.cursor(&self.endpoints()),
            Screen::Edges if self.is_tree => view.cursor(&self.tree()),
            Screen::Edges => view.cursor(&self.edges()),
            Screen::Exchanges => view.cursor(&self.exchanges()),
            Screen::Exchange => 0,
        }
    }

    /// From a service, or the server of an edge, to its endpoints, their exchanges, one of them.
    pub(super) fn open(&mut self) {
        match self.screen {
            Screen::Services => self.open_service(self.pointed().map(|row| row.key())),
            Screen::Edges => self.open_service(self.pointed_server().map(|row| row.key())),
            Screen::Endpoints => {
                let rows = self.endpoints();
                let endpoint = rows.get(self.view().cursor(&rows)).map(|one| one.row.clone());
                if let (Some(row), Some(scope)) = (endpoint, self.service_scope()) {
                    self.open_feed(scope.at(&row));
                }
            }
            Screen::Exchanges => {
                let rows = self.exchanges();
                let row = rows.get(self.view().cursor(&rows)).map(|row| (*row).clone());
                if row.is_some() {
                    self.looked_at = row;
                    self.go(Screen::Exchange);
                }
            }
            Screen::Exchange => {}
        }
    }

    fn open_service(&mut self, key: Option<String>) {
        if key.is_some() {
            self.views[Screen::Endpoints as usize] = View::new(Screen::Endpoints.first_sort());
            self.service = key;
            self.go(Screen::Endpoints);
        }
    }

    /// The exchanges of the service or edge under the cursor, or of the opened service.
    pub(super) fn open_exchanges(&mut self) {
        let scope = match self.screen {
            Screen::Services | Screen::Endpoints => self.service_scope(),
            Screen::Edges => self.pointed_ends().map(|(client, server)| Scope {
                peer: client.map(str::to_owned),
                service: Some(server.to_owned()),
                endpoint: None,
            }),
            Screen::Exchanges | Screen::Exchange => None,
        };
        if let Some(scope) = scope {
            self.open_feed(scope);
        }
    }

    fn open_feed(&mut self, scope: Scope) {
        if self.feed.scope != scope {
            self.feed = Feed::new(scope);
            self.views[Screen::Exchanges as usize] = View::new(Screen::Exchanges.first_sort());
        }
        self.go(Screen::Exchanges);
    }

    /// What the service served; of a mere client, what it asked.
    fn service_scope(&self) -> Option<Scope> {
        let is_open = self.screen == Screen::Endpoints;
        let service = if is_open { self.opened() } else { self.pointed() }?;
        let name = Some(service.entity.name.clone());
        Some(if serves(service) {
            Scope { service: name, ..Scope::default() }
        } else {
            Scope { peer: name, ..Scope::default() }
        })
    }

    /// Client and server of the edge under the cursor; nobody calls the top of a tree.
    fn pointed_ends(&self) -> Option<(Option<&str>, &str)> {
        let view = self.view();
        if self.is_tree {
            let rows = self.tree();
            let branch = rows.get(view.cursor(&rows))?;
            return Some((branch.edge.map(|edge| &*edge.client), branch.name));
        }
        let rows = self.edges();
        let edge = rows.get(view.cursor(&rows))?;
        Some((Some(&edge.client), &edge.server))
    }

    fn pointed_server(&self) -> Option<&ServiceRow> {
        let (_, server) = self.pointed_ends()?;
        let services = &self.snapshot.as_ref()?.services;
        services.iter().find(|row| row.entity.name == server)
    }

    /// To another screen, which then leads to itself no more: every way back ends.
    fn go(&mut self, screen: Screen) {
        // Whatever moves above it meanwhile, we come back to the row we left.
        if self.cursor() > 0 {
            self.move_cursor(|place| place);
        }
        self.trail.retain(|earlier| *earlier != screen);
        self.trail.push(self.screen);
        self.screen = screen;
    }

    pub(super) fn back(&mut self) {
        self.screen = self.trail.pop().unwrap_or(Screen::Services);
    }

    pub(super) fn escape(&mut self) {
        let is_plain = self.view().filter.is_empty() && self.mode == Mode::Command;
        self.mode = Mode::Command;
        if is_plain {
            self.back();
        } else {
            self.view_mut().filter.clear();
        }
    }

    pub(super) fn toggle_edges(&mut self) {
        if self.screen == Screen::Edges {
            self.back();
        } else {
            self.go(Screen::Edges);
        }
    }

    pub(super) fn toggle_tree(&mut self) {
        if self.screen == Screen::Edges {
            self.is_tree = !self.is_tree;
            self.view_mut().select((0, String::new()));
        }
    }
}
