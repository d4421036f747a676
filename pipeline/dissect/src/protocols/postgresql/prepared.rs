//! Prepared statements and portals of a connection: name → endpoint.

use crate::prepared::{Statement, Statements};

/// Statements and portals by name.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    statements: Named,
    portals: Named,
}

impl Prepared {
    /// Parse.
    pub(super) fn parse(&mut self, name: &[u8], statement: Statement) {
        self.statements.put(name, statement);
    }

    /// Bind.
    pub(super) fn bind(&mut self, portal: &[u8], name: &[u8]) {
        let statement = self.statements.get(name);
        self.portals.put(portal, statement);
    }

    /// What Execute runs.
    pub(super) fn portal(&mut self, name: &[u8]) -> Statement {
        self.portals.get(name)
    }

    /// Close of a `S`tatement or a `P`ortal.
    pub(super) fn close(&mut self, kind: u8, name: &[u8]) {
        match kind {
            b'S' => self.statements.remove(name),
            b'P' => self.portals.remove(name),
            _ => {}
        }
    }

    /// Messages of the client were lost. Names are not used for two texts by any driver known;
    /// the nameless ones are.
    pub(super) fn lost(&mut self) {
        self.statements.nameless = Statement::default();
        self.portals = Named::default();
    }
}

/// Statements by name; the empty name has its own place.
#[derive(Debug, Default)]
struct Named {
    nameless: Statement,
    named: Statements,
}

impl Named {
    fn get(&mut self, name: &[u8]) -> Statement {
        if name.is_empty() { self.nameless.clone() } else { self.named.get(name) }
    }

    fn put(&mut self, name: &[u8], statement: Statement) {
        if name.is_empty() {
            self.nameless = statement;
        } else {
            self.named.put(name, statement);
        }
    }

    fn remove(&mut self, name: &[u8]) {
        if name.is_empty() {
            self.nameless = Statement::default();
        } else {
            self.named.remove(name);
        }
    }
}

#[cfg(test)]
mod tests {
    use model::EndpointId;

    use super::*;
    use crate::prepared::STATEMENTS_MAX;

    fn statement(id: u32) -> Statement {
        Statement { endpoint: Some(EndpointId(id)), text: None }
    }

    #[test]
    fn the_statement_used_longest_ago_is_forgotten_first() {
        let mut prepared = Prepared::default();
        for id in 0..STATEMENTS_MAX as u32 {
            prepared.parse(id.to_string().as_bytes(), statement(id));
        }
        prepared.bind(b"", b"0");
        prepared.parse(b"one more", statement(9_999));
        prepared.bind(b"", b"0");
        assert_eq!(prepared.portal(b"").endpoint, Some(EndpointId(0)));
        prepared.bind(b"", b"1");
        assert_eq!(prepared.portal(b"").endpoint, None);
    }

    #[test]
    fn a_closed_statement_is_unknown() {
        let mut prepared = Prepared::default();
        prepared.parse(b"s", statement(1));
        prepared.close(b'S', b"s");
        prepared.bind(b"p", b"s");
        assert_eq!(prepared.portal(b"p").endpoint, None);
    }
}
