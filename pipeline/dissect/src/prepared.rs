//! Prepared statements of a connection, bounded, for protocols that name them before they use them.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use model::EndpointId;

/// Most statements remembered under their names. Pools cache 100 to 1,000; beyond that the one used
/// longest ago is forgotten and shows as a bare `EXECUTE`.
pub(crate) const STATEMENTS_MAX: usize = 1_024;

/// What a statement, or a portal, stands for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statement {
    /// `None` if its text was not seen.
    pub(crate) endpoint: Option<EndpointId>,
    /// The text, kept only with `--raw`.
    pub(crate) text: Option<Arc<str>>,
}

/// Statements by name, or by number as bytes.
#[derive(Debug, Default)]
pub(crate) struct Statements {
    by_name: HashMap<u64, (Statement, u32), BuildHasherDefault<Hashed>>,
    /// Counts uses: the smallest stamp is the least recent one.
    clock: u32,
}

impl Statements {
    /// What the name stands for.
    pub(crate) fn get(&mut self, name: &[u8]) -> Statement {
        self.clock = self.clock.wrapping_add(1);
        match self.by_name.get_mut(&hash(name)) {
            Some((statement, used)) => {
                *used = self.clock;
                statement.clone()
            }
            None => Statement::default(),
        }
    }

    /// From now on the name stands for this.
    pub(crate) fn put(&mut self, name: &[u8], statement: Statement) {
        let key = hash(name);
        self.clock = self.clock.wrapping_add(1);
        if self.by_name.len() >= STATEMENTS_MAX && !self.by_name.contains_key(&key) {
            let oldest = self.by_name.iter().min_by_key(|(_, (_, used))| *used);
            if let Some(oldest) = oldest.map(|(key, _)| *key) {
                self.by_name.remove(&oldest);
            }
        }
        self.by_name.insert(key, (statement, self.clock));
    }

    /// The name stands for nothing.
    pub(crate) fn remove(&mut self, name: &[u8]) {
        self.by_name.remove(&hash(name));
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
