//! Prepared statements of a connection: number → endpoint, bounded.

use std::collections::HashMap;
use std::sync::Arc;

use model::EndpointId;

/// Most statements remembered of a connection. Pools cache 100 to 1,000; beyond that the one used
/// longest ago is forgotten and shows as a bare `EXECUTE`.
const STATEMENTS_MAX: usize = 1_024;
/// MariaDB's number for the statement prepared last, whose answer need not have come.
const LAST: u32 = u32::MAX;

/// What a statement stands for.
#[derive(Clone, Debug, Default)]
pub(super) struct Statement {
    /// `None` if its text was not seen.
    pub(super) endpoint: Option<EndpointId>,
    /// The text, kept only with `--raw`.
    pub(super) text: Option<Arc<str>>,
}

/// Statements by number.
#[derive(Debug, Default)]
pub(super) struct Prepared {
    by_id: HashMap<u32, (Statement, u32)>,
    last: Statement,
    /// Counts uses: the smallest stamp is the least recent one.
    clock: u32,
}

impl Prepared {
    /// The client sent a text; its number will follow.
    pub(super) fn asked(&mut self, statement: Statement) {
        self.last = statement;
    }

    /// The server gave the statement a number.
    pub(super) fn put(&mut self, id: u32, statement: Statement) {
        self.clock = self.clock.wrapping_add(1);
        if self.by_id.len() >= STATEMENTS_MAX && !self.by_id.contains_key(&id) {
            let oldest = self.by_id.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                self.by_id.remove(&oldest);
            }
        }
        self.by_id.insert(id, (statement, self.clock));
    }

    /// What the number stands for.
    pub(super) fn find(&mut self, id: u32) -> Statement {
        if id == LAST {
            return self.last.clone();
        }
        self.clock = self.clock.wrapping_add(1);
        match self.by_id.get_mut(&id) {
            Some((statement, used)) => {
                *used = self.clock;
                statement.clone()
            }
            None => Statement::default(),
        }
    }

    /// The client gives the statement up.
    pub(super) fn close(&mut self, id: u32) {
        self.by_id.remove(&id);
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
    use super::*;

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
