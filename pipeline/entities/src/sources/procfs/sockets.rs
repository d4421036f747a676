//! Who listens: the socket tables of each network namespace, joined by inode with the descriptors
//! of its processes.
//!
//! Both are dear. `/proc/net/tcp` walks the host's whole connection table (5 ms on a host with
//! 262,144 buckets, however few are used), and descriptors are one system call each. So a table is
//! read when the namespace's socket counts have changed, up to its last listener, and descriptors
//! are read when a listener has no owner yet.

use std::collections::{HashMap, HashSet};

use model::Timestamp;

use super::read::ProcFs;
use crate::directory::Directory;
use crate::process::Listen;
use crate::roster::{Member, Roster};
use crate::sources::executable::base_name;
use crate::sources::title::PHP_FPM_POOL;

mod table;

use table::Usage;

/// Namespaces looked at per scan; those with new processes first, then in turn.
const NAMESPACES_PER_SCAN: usize = 32;
/// Descriptors of one process that are looked at for a listener: servers open those early.
const DESCRIPTORS_MAX: usize = 4_096;
/// Descriptors of one process that are looked at for connections, once.
const DESCRIPTORS_ADOPTED_MAX: usize = 65_536;
/// Descriptors looked at per scan.
const DESCRIPTORS_PER_SCAN: usize = 100_000;
/// Times that all processes of a namespace are searched for a listener nobody in scope owns.
const ATTEMPTS_MAX: u8 = 3;
/// After this time they are searched once more.
const SEARCH_AGAIN_NS: u64 = 60_000_000_000;
/// A table is read again after this time even if the counts stayed: one listener may have come as
/// one connection went. The shorter time holds while the namespace has new processes.
const REREAD_NS: u64 = 30_000_000_000;
const REREAD_SOON_NS: u64 = 900_000_000;
/// Programs that open sockets for others and hand them on: the other holder is the owner.
const BROKERS: &[&str] = &["systemd", "init", "inetd", "xinetd", "s6-ipcserverd", "php-fpm"];

/// What listens in each network namespace.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    namespaces: HashMap<u64, Namespace>,
    /// Processes by network namespace, as of this state of the roster.
    members: HashMap<u64, Vec<u32>>,
    members_of: Option<u64>,
}

#[derive(Debug, Default)]
struct Namespace {
    usage: Option<Usage>,
    /// When its counts were looked at, and when its tables were read.
    visited: Timestamp,
    read: Timestamp,
    /// When all its processes were last searched for listeners that nobody in scope seemed to own.
    searched: Timestamp,
    sockets: HashMap<u64, Socket>,
}

#[derive(Debug)]
struct Socket {
    listen: Listen,
    owner: Option<u32>,
    attempts: u8,
}

impl Sockets {
    /// Brings the listeners up to date and gives the processes that own more of them than before.
    ///
    /// `fresh` are the processes that came since the last call, `young` the namespaces in which
    /// processes started lately.
    pub(super) fn update(
        &mut self,
        proc: &mut ProcFs,
        roster: &mut Roster,
        directory: &Directory,
        fresh: &HashSet<u32>,
        young: &HashSet<u64>,
        now: Timestamp,
    ) -> Vec<u32> {
        let mut owners = Vec::new();
        if self.members_of != Some(roster.changes()) {
            self.members_of = Some(roster.changes());
            self.members = by_namespace(roster);
        }
        let members = &self.members;
        self.namespaces.retain(|inode, _| {
            let is_alive = members.contains_key(inode);
            if !is_alive {
                directory.listen(*inode, std::iter::empty());
            }
            is_alive
        });
        for &inode in members.keys() {
            self.namespaces.entry(inode).or_default();
        }
        let mut turns: Vec<u64> = members.keys().copied().collect();
        turns.sort_by_key(|inode| {
            let visited = self.namespaces.get(inode).map(|n| n.visited);
            (!young.contains(inode), visited)
        });
        let mut budget = DESCRIPTORS_PER_SCAN;
        for (turn, inode) in turns.into_iter().enumerate() {
            let (Some(namespace), Some(pids)) =
                (self.namespaces.get_mut(&inode), members.get(&inode))
            else {
                continue;
            };
            let mut changed = false;
            if turn < NAMESPACES_PER_SCAN {
                changed = namespace.read_tables(proc, pids, young.contains(&inode), now);
            }
            changed |= namespace.disown(roster, fresh);
            let before = owners.len();
            namespace.find_owners(proc, roster, pids, fresh, &mut budget, &mut owners);
            if changed || owners.len() > before {
                namespace.publish(inode, roster, directory, pids);
            }
        }
        owners
    }

    /// Listening addresses known now.
    pub(super) fn len(&self) -> usize {
        self.namespaces.values().map(|n| n.sockets.len()).sum()
    }
}

/// Tells the directory who owns the connections that exist already. Gives how many were found.
pub(super) fn adopt(proc: &mut ProcFs, roster: &Roster, directory: &Directory) -> usize {
    let mut adopted = 0;
    directory.disown();
    for (inode, pids) in by_namespace(roster) {
        let Some(connections) = pids.iter().find_map(|&pid| table::connections(proc, pid)) else {
            continue;
        };
        if connections.is_empty() {
            continue;
        }
        for pid in pids {
            let mut held = Vec::new();
            proc.sockets(pid, DESCRIPTORS_ADOPTED_MAX, |socket| {
                held.extend(connections.get(&socket).copied());
            });
            if !held.is_empty() {
                adopted += held.len();
                directory.adopt(inode, pid, held.into_iter());
            }
        }
    }
    adopted
}

/// True if the process opens sockets for others. A pool of php-fpm is called like its broker, and
/// is none.
fn is_broker(member: &Member) -> bool {
    BROKERS.contains(&base_name(&member.process).as_str()) && !member.is_named_by(PHP_FPM_POOL)
}

fn by_namespace(roster: &Roster) -> HashMap<u64, Vec<u32>> {
    let mut namespaces: HashMap<u64, Vec<u32>> = HashMap::new();
    for member in roster.members() {
        let process = &member.process;
        if process.network_namespace != 0 {
            let pids = namespaces.entry(process.network_namespace).or_default();
            pids.push(process.pid);
        }
    }
    namespaces
}

impl Namespace {
    /// Reads the tables if they may have changed. True if a listener came or went.
    fn read_tables(
        &mut self,
        proc: &mut ProcFs,
        pids: &[u32],
        is_young: bool,
        now: Timestamp,
    ) -> bool {
        self.visited = now;
        let found = pids.iter().find_map(|&pid| {
            let usage = Usage::read(proc, pid)?;
            Some((pid, usage))
        });
        let Some((pid, usage)) = found else {
            return false;
        };
        let age = now.since_ns(self.read);
        let is_due = age >= if is_young { REREAD_SOON_NS } else { REREAD_NS };
        if self.usage == Some(usage) && !usage.is_unknown() && !is_due {
            return false;
        }
        let Some(listeners) = table::listeners(proc, pid, usage) else {
            return false;
        };
        self.usage = Some(usage);
        self.read = now;
        if now.since_ns(self.searched) >= SEARCH_AGAIN_NS {
            // Someone may have received the socket since the search for its owner was given up.
            self.searched = now;
            for socket in self.sockets.values_mut().filter(|s| s.owner.is_none()) {
                socket.attempts = socket.attempts.min(ATTEMPTS_MAX - 1);
            }
        }
        let before = self.sockets.len();
        self.sockets.retain(|inode, _| listeners.contains_key(inode));
        let mut changed = self.sockets.len() != before;
        for (inode, listen) in listeners {
            self.sockets.entry(inode).or_insert_with(|| {
                changed = true;
                Socket { listen, owner: None, attempts: 0 }
            });
        }
        changed
    }

    /// Takes sockets from owners that are gone, run another program now, or may have handed them
    /// on to a new child.
    fn disown(&mut self, roster: &Roster, fresh: &HashSet<u32>) -> bool {
        let mut changed = false;
        let parents: HashSet<u32> = fresh
            .iter()
            .filter_map(|&pid| roster.member(pid))
            .map(|member| member.process.parent)
            .collect();
        for socket in self.sockets.values_mut() {
            let is_lost = |pid: u32| {
                let member = roster.member(pid);
                fresh.contains(&pid)
                    || member.is_none_or(|member| parents.contains(&pid) && is_broker(member))
            };
            if socket.owner.is_some_and(is_lost) {
                socket.owner = None;
                socket.attempts = 0;
                changed = true;
            }
        }
        changed
    }

    /// Looks for the owners of sockets that have none: first among the new processes and their
    /// parents, then among all. Adds the owners it finds.
    fn find_owners(
        &mut self,
        proc: &mut ProcFs,
        roster: &Roster,
        pids: &[u32],
        fresh: &HashSet<u32>,
        budget: &mut usize,
        owners: &mut Vec<u32>,
    ) {
        let unowned = self.sockets.values().filter(|s| s.owner.is_none());
        let (mut any, mut is_hopeful) = (false, false);
        for socket in unowned {
            any = true;
            is_hopeful |= socket.attempts < ATTEMPTS_MAX;
        }
        if !any {
            return;
        }
        let mut first: HashSet<u32> = HashSet::new();
        for &pid in pids.iter().filter(|pid| fresh.contains(pid)) {
            first.insert(pid);
            first.extend(roster.member(pid).map(|member| member.process.parent));
        }
        let (first, rest): (Vec<u32>, Vec<u32>) = pids.iter().partition(|p| first.contains(p));
        self.search(proc, roster, &first, budget, owners);
        let is_missing = self.sockets.values().any(|s| s.owner.is_none());
        if is_hopeful && is_missing && *budget > 0 {
            self.search(proc, roster, &rest, budget, owners);
            for socket in self.sockets.values_mut().filter(|s| s.owner.is_none()) {
                socket.attempts = socket.attempts.saturating_add(1);
            }
        }
    }

    /// Gives each socket without an owner to the oldest of `pids` that holds it: a master before
    /// its workers, a server before a child that inherited the descriptor by accident.
    fn search(
        &mut self,
        proc: &mut ProcFs,
        roster: &Roster,
        pids: &[u32],
        budget: &mut usize,
        owners: &mut Vec<u32>,
    ) {
        let mut found: HashMap<u64, (bool, u64, u32)> = HashMap::new();
        for &pid in pids {
            let Some(member) = roster.member(pid).filter(|_| *budget > 0) else {
                continue;
            };
            let rank = (is_broker(member), member.process.start, pid);
            let limit = DESCRIPTORS_MAX.min(*budget);
            let sockets = &self.sockets;
            *budget -= proc.sockets(pid, limit, |inode| {
                if sockets.get(&inode).is_some_and(|s| s.owner.is_none()) {
                    let best = found.entry(inode).or_insert(rank);
                    *best = rank.min(*best);
                }
            });
        }
        for (inode, (_, _, pid)) in &found {
            if let Some(socket) = self.sockets.get_mut(inode) {
                socket.owner = Some(*pid);
                owners.push(*pid);
            }
        }
    }

    fn publish(&self, inode: u64, roster: &mut Roster, directory: &Directory, pids: &[u32]) {
        let owned = self.sockets.values().filter_map(|s| Some((s.listen, s.owner?)));
        let mut by_owner: HashMap<u32, Vec<Listen>> = HashMap::new();
        for (listen, pid) in owned.clone() {
            by_owner.entry(pid).or_default().push(listen);
        }
        for &pid in pids {
            roster.listens(pid, by_owner.remove(&pid).unwrap_or_default());
        }
        directory.listen(inode, owned);
    }
}
