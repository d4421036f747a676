//! What became of TLS connections, by process, and whose processes should be looked at again.
//!
//! A connection counts once as opened, when its first record is, and once as sealed, when it is
//! certain that what is sealed stays so; for each of its ends that is in scope. What a handshake
//! agreed on counts once it is over.

use std::collections::{BTreeMap, HashMap};
use std::ops::AddAssign;

use decrypt::tls::{Attention, Facts, Opener};
use model::view::TlsTerms;
use model::{Direction, Sealed};

use super::Worker;

/// Processes counted before the sums are taken; more are not told of.
const PROCESSES_MAX: usize = 4_096;
/// Different terms counted before they are taken, of all processes.
const TERMS_MAX: usize = 1_024;
/// Processes that may be asked about at once.
const ASKED_MAX: usize = 64;

/// Processes whose connections ended sealed that are remembered.
const CLOSED_MAX: usize = 1_024;
/// So many connections of a process must have ended sealed, none opened, before it is hopeless: the
/// first ones of a program may be over before its probe is there.
const CLOSED_SEALED: u8 = 8;

/// The connections of one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Those of which something was opened.
    pub opened: u64,
    /// Those of which something stays sealed, by the number of the reason.
    pub sealed: [u64; Sealed::ALL.len()],
    /// Handshakes whose terms found no room.
    pub terms_refused: u64,
}

impl Count {
    /// Connections of which something stays sealed.
    pub(crate) fn sealed(&self) -> u64 {
        self.sealed.iter().sum()
    }

    /// The same by reason, in the words of the API.
    pub(crate) fn sealed_because(&self) -> BTreeMap<String, u64> {
        let all = Sealed::ALL.iter().zip(self.sealed).filter(|(_, count)| *count > 0);
        all.map(|(reason, count)| (reason.as_str().to_owned(), count)).collect()
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.opened += other.opened;
        self.terms_refused += other.terms_refused;
        for (mine, theirs) in self.sealed.iter_mut().zip(other.sealed) {
            *mine += theirs;
        }
    }
}

/// What was counted, by process.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    /// What became of connections.
    pub counts: HashMap<u32, Count>,
    /// How many handshakes agreed on what.
    pub terms: HashMap<(u32, TlsTerms), u64>,
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub(crate) struct Census {
    counts: HashMap<u32, Count>,
    terms: HashMap<(u32, TlsTerms), u64>,
    asked: Vec<u32>,
    hopeless: Vec<[u32; 2]>,
    /// How many connections of a process ended sealed since one was opened.
    closed: HashMap<u32, u8>,
}

/// What was told of one connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told {
    pub(super) opened: bool,
    pub(super) sealed: bool,
}

impl Worker {
    /// What became of TLS connections since the last call, by process.
    pub(crate) fn take_census(&mut self) -> Taken {
        self.stages.census.take()
    }

    /// Processes whose TLS connections wait for a key.
    pub(crate) fn take_asked(&mut self) -> Vec<u32> {
        self.stages.census.take_asked()
    }

    /// Processes whose TLS connections stay sealed, those of one connection together.
    pub(crate) fn take_hopeless(&mut self) -> Vec<[u32; 2]> {
        self.stages.census.take_hopeless()
    }
}

impl Census {
    /// Looks at a connection whose opener may have got on. `at_last`: nothing more will come. Says
    /// why it stays sealed, once that is certain.
    pub(super) fn look(
        &mut self,
        opener: &Opener,
        told: &mut Told,
        at_last: bool,
    ) -> Option<Sealed> {
        let owners = opener.owners();
        // Of a connection that was there before, they are found later than its bytes.
        if owners == [0; 2] && !at_last {
            return None;
        }
        if opener.has_opened() && !told.opened {
            told.opened = true;
            self.opened(owners);
        }
        let is_certain = at_last || opener.attention() == Attention::Nothing;
        if let Some(reason) = opener.why_sealed().filter(|_| is_certain && !told.sealed) {
            told.sealed = true;
            self.sealed(owners, reason);
            return Some(reason);
        }
        None
    }

    /// Notes the processes of a connection that nothing will open, the one to be asked first in
    /// front, if there is another way.
    pub(super) fn despair(&mut self, processes: [u32; 2], reason: Sealed, at_last: bool) {
        let is_searched = match reason {
            Sealed::NoKey
            | Sealed::EngineUnknown
            | Sealed::MemoryNotReadable
            | Sealed::CipherUnsupported
            | Sealed::KernelTls
            | Sealed::StartedBefore => true,
            Sealed::Budget | Sealed::KeyLost | Sealed::Off => false,
        };
        if !is_searched || processes == [0; 2] || self.hopeless.len() >= ASKED_MAX {
            return;
        }
        let is_hopeless = !at_last || processes.iter().any(|pid| self.has_failed(*pid));
        if is_hopeless && !self.hopeless.contains(&processes) {
            self.hopeless.push(processes);
        }
    }

    /// One more connection of the process has ended sealed; true if that is no accident any more.
    fn has_failed(&mut self, pid: u32) -> bool {
        if pid == 0 || (self.closed.len() >= CLOSED_MAX && !self.closed.contains_key(&pid)) {
            return false;
        }
        let count = self.closed.entry(pid).or_default();
        *count = count.saturating_add(1);
        *count >= CLOSED_SEALED
    }

    /// Counts a connection of which something was opened.
    pub(super) fn opened(&mut self, owners: [u32; 2]) {
        for pid in pids(owners) {
            self.closed.remove(&pid);
        }
        self.each(owners, |count| count.opened += 1);
    }

    /// Counts a connection of which something stays sealed.
    pub(super) fn sealed(&mut self, owners: [u32; 2], reason: Sealed) {
        let at = Sealed::ALL.iter().position(|other| *other == reason).unwrap_or_default();
        self.each(owners, |count| {
            if let Some(count) = count.sealed.get_mut(at) {
                *count += 1;
            }
        });
    }

    /// Counts a handshake by what it agreed on, for each of its ends.
    pub(super) fn agreed(&mut self, owners: [u32; 2], client: Direction, facts: &Facts) {
        for (role, end) in [("client", client), ("server", client.opposite())] {
            let pid = owners[end.index()];
            if pid == 0 {
                continue;
            }
            let terms = (pid, terms(role, facts));
            if self.terms.len() < TERMS_MAX || self.terms.contains_key(&terms) {
                *self.terms.entry(terms).or_default() += 1;
            } else {
                self.count(pid, |count| count.terms_refused += 1);
            }
        }
    }

    /// Asks for another look at the processes of a connection, if it waits for its keys: a library
    /// may have been loaded since the last one.
    pub(super) fn ask(&mut self, opener: &Opener) -> bool {
        let waits = !opener.has_opened() && opener.why_sealed().is_some();
        if waits {
            self.ask_owners(opener.owners());
        }
        waits
    }

    /// Asks for another look at the processes of a connection.
    pub(super) fn ask_owners(&mut self, owners: [u32; 2]) {
        for pid in pids(owners) {
            if self.asked.len() < ASKED_MAX && !self.asked.contains(&pid) {
                self.asked.push(pid);
            }
        }
    }

    /// What was counted since the last call.
    pub(crate) fn take(&mut self) -> Taken {
        Taken { counts: std::mem::take(&mut self.counts), terms: std::mem::take(&mut self.terms) }
    }

    /// Whose connections nothing will open, since the last call.
    pub(crate) fn take_hopeless(&mut self) -> Vec<[u32; 2]> {
        std::mem::take(&mut self.hopeless)
    }

    /// Whom was asked about since the last call.
    pub(crate) fn take_asked(&mut self) -> Vec<u32> {
        std::mem::take(&mut self.asked)
    }

    fn each(&mut self, owners: [u32; 2], count: impl Fn(&mut Count)) {
        for pid in pids(owners) {
            self.count(pid, &count);
        }
    }

    fn count(&mut self, pid: u32, count: impl Fn(&mut Count)) {
        if self.counts.len() < PROCESSES_MAX || self.counts.contains_key(&pid) {
            count(self.counts.entry(pid).or_default());
        }
    }
}

/// What is said of the terms of a handshake, uncounted.
fn terms(role: &str, facts: &Facts) -> TlsTerms {
    let certificate = facts.certificate.as_deref();
    TlsTerms {
        role: role.to_owned(),
        version: facts.version_name().to_owned(),
        cipher: facts.suite_name().into_owned(),
        sni: facts.server_name.clone(),
        alpn: facts.alpn.as_str().to_owned(),
        subject: certificate.map(|found| found.subject.clone()).unwrap_or_default(),
        names: certificate.map(|found| found.names.clone()).unwrap_or_default(),
        handshakes: 0,
    }
}

/// The processes at the ends, each once; 0 is nobody.
fn pids([one, other]: [u32; 2]) -> impl Iterator<Item = u32> {
    [one, if other == one { 0 } else { other }].into_iter().filter(|pid| *pid != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_hopeless_is_told_once_given_up_or_after_some_that_ended_sealed() {
        let mut census = Census::default();
        census.despair([7, 8], Sealed::NoKey, false);
        census.despair([7, 8], Sealed::NoKey, false);
        assert_eq!(census.take_hopeless(), [[7, 8]]);
        for reason in [Sealed::Budget, Sealed::KeyLost, Sealed::Off] {
            census.despair([7, 8], reason, false);
        }
        census.despair([0, 0], Sealed::NoKey, false);
        assert!(census.take_hopeless().is_empty(), "another way is of no use, or not known");
        let ended = |census: &mut Census, times| {
            (0..times).for_each(|_| census.despair([9, 0], Sealed::NoKey, true));
            census.take_hopeless().len()
        };
        assert_eq!(ended(&mut census, CLOSED_SEALED - 1), 0);
        census.opened([9, 0]);
        assert_eq!(ended(&mut census, CLOSED_SEALED - 1), 0, "one was opened");
        assert_eq!(ended(&mut census, 1), 1);
    }
}
