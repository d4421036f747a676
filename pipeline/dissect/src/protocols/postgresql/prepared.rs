//! Prepared statements and portals of a connection: name → endpoint, bounded.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use model::EndpointId;

/// Most named statements, and most named portals, remembered of a connection. Pools cache 100 to
/// 1,000; beyond that the one used longest ago is forgotten and shows as a bare `EXECUTE`.
const NAMED_MAX: usize = 1_024;

/// What a statement or a portal stands for.
#[derive(Clone, Debug, Default)]
pub(super) struct Statement {
    /// `None` if its text was not seen.
    pub(super) endpoint: Option<EndpointId>,
    /// The text, kept only with `--raw`.
    pub(super) text: Option<Arc<str>>,
}

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

/// A bounded map from names; the empty name has its own place.
#[derive(Debug, Default)]
struct Named {
    nameless: Statement,
    named: HashMap<u64, (Statement, u32), BuildHasherDefault<Hashed>>,
    /// Counts uses: the smallest stamp is the least recent one.
    clock: u32,
}

impl Named {
    fn get(&mut self, name: &[u8]) -> Statement {
        if name.is_empty() {
            return self.nameless.clone();
        }
        self.clock = self.clock.wrapping_add(1);
        match self.named.get_mut(&hash(name)) {
            Some((statement, used)) => {
                *used = self.clock;
                statement.clone()
            }
            None => Statement::default(),
        }
    }

    fn put(&mut self, name: &[u8], statement: Statement) {
        if name.is_empty() {
            self.nameless = statement;
            return;
        }
        let key = hash(name);
        self.clock = self.clock.wrapping_add(1);
        if self.named.len() >= NAMED_MAX && !self.named.contains_key(&key) {
            let oldest = self.named.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.named.remove(&oldest);
            }
        }
        self.named.insert(key, (statement, self.clock));
    }

    fn remove(&mut self, name: &[u8]) {
        if name.is_empty() {
            self.nameless = Statement::default();
        } else {
            self.named.remove(&hash(name));
        }
    }
}

/// FNV-1a with a final mix. Names are the client's own: colliding them only confuses its own rows.
fn hash(name: &[u8]) -> u64 {
    let fold = |hash: u64, b: &u8| (hash ^ u64::from(*b)).wrapping_mul(0x0100_0000_01b3);
    let hash = name.iter().fold(0xcbf2_9ce4_8422_2325, fold);
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Takes a key that is a hash already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash(bytes);
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
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
        for id in 0..NAMED_MAX as u32 {
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
