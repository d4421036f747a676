//! Prepared statements of a connection: number → endpoint.

use crate::prepared::{Statement, Statements};

/// MariaDB's number for the statement prepared last, whose answer need not have come.
const LAST: u32 = u32::MAX;

/// Statements by number.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    numbered: Statements,
    last: Statement,
}

impl Prepared {
    /// The client sent a text; its number will follow.
    pub(super) fn asked(&mut self, statement: Statement) {
        self.last = statement;
    }

    /// The server gave the statement a number.
    pub(super) fn put(&mut self, id: u32, statement: Statement) {
        self.numbered.put(&id.to_le_bytes(), statement);
    }

    /// What the number stands for.
    pub(super) fn find(&mut self, id: u32) -> Statement {
        if id == LAST { self.last.clone() } else { self.numbered.get(&id.to_le_bytes()) }
    }

    /// The client gives the statement up.
    pub(super) fn close(&mut self, id: u32) {
        self.numbered.remove(&id.to_le_bytes());
    }

    /// All are gone: the session begins anew.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Bytes of the client are missing: a text may be.
    pub(super) fn lost(&mut self) {
        self.last = Statement::default();
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
            prepared.put(id, statement(id));
        }
        prepared.find(0);
        prepared.put(9_999, statement(9_999));
        assert_eq!(prepared.find(0).endpoint, Some(EndpointId(0)));
        assert_eq!(prepared.find(1).endpoint, None);
    }

    #[test]
    fn the_last_one_is_known_before_it_has_a_number() {
        let mut prepared = Prepared::default();
        prepared.asked(statement(7));
        assert_eq!(prepared.find(LAST).endpoint, Some(EndpointId(7)));
        prepared.lost();
        assert_eq!(prepared.find(LAST).endpoint, None);
    }
}
