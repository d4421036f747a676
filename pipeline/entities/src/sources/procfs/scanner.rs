//! The walk over the processes of the scope.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use model::Timestamp;

use super::programs::{Certainty, Programs};
use super::read::{Mark, ProcFs, Stat};
use super::scope::Scope;
use super::sockets::{self, Sockets};
use crate::directory::Directory;
use crate::process::Process;
use crate::resolve;
use crate::roster::{Departure, Roster};

/// Where Linux keeps its processes.
const PROC: &str = "/proc";
/// A process younger than this may still be about to exec: read again in every scan. In clock
/// ticks, which Linux reports at 100 a second on every machine this runs on.
const YOUNG_TICKS: u64 = 500;
/// Older processes are read again in every so manieth scan, a share of them each time: one that
/// runs another program now and opens no socket shows within a minute.
const ROUNDS: u64 = 180;
/// While nothing starts, only every so manieth scan looks at who listens: three scans take less
/// than a second.
const QUIET_ROUNDS: u64 = 3;
/// And only every so manieth walks over the processes, for those that exit or move. The kernel
/// takes a millisecond or two to list a thousand of them.
const QUIET_WALK_ROUNDS: u64 = 9;
/// So many that started since the last scan are looked for one by one: most are gone again.
const NEWCOMERS_MAX: u32 = 64;
/// While a process is young, every so manieth scan looks for libraries that it loaded since.
const LIBRARY_ROUNDS: u64 = 4;
/// How soon owners of strangers are looked for again: that reads every descriptor of the scope.
const ADOPT_AGAIN_NS: u64 = 30_000_000_000;
/// Ancestors read before a process, so that it finds its group.
const ANCESTORS_MAX: u32 = 16;

/// Keeps a [`Directory`] true to the processes of a scope. Runs on one thread of its own.
///
/// [`Scanner::scan`] finds everything within one call; the time between two calls is the longest
/// that something new stays unseen. [`Scanner::read_queued`] only reads what workers asked for.
#[derive(Debug)]
pub struct Scanner {
    directory: Arc<Directory>,
    scope: Scope,
    proc: ProcFs,
    programs: Programs,
    /// Processes whose runtime may still turn out to be another.
    unsettled: HashMap<u32, Certainty>,
    /// True if a process of the last scan was young.
    has_young: bool,
    roster: Roster,
    sockets: Sockets,
    seen: HashMap<u32, Seen>,
    /// Processes that came since listeners were last looked for.
    fresh: HashSet<u32>,
    listed: Vec<u32>,
    queue: Vec<u32>,
    round: u64,
    /// Scans since the walk before.
    rounds_walked: u64,
    now_ticks: u64,
    /// The pid given out last when the last scan began, and now.
    last_pid: (Option<u32>, Option<u32>),
    summary: ScanSummary,
    /// When the owners of strangers were last looked for.
    adopted: Timestamp,
}

/// What one scan found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ScanSummary {
    /// Processes of the scope, kernel threads left out.
    pub processes: usize,
    /// Listening addresses in their network namespaces, owned by the scope or not.
    pub listeners: usize,
    /// Processes that came since the last scan.
    pub started: u64,
    /// Processes that went.
    pub exited: u64,
    /// Process ids that were reused, and processes that run another program now.
    pub replaced: u64,
    /// Files that could not be read for lack of permission, since the start.
    pub denied: u64,
    /// Processes and control groups beyond the limits, in this scan.
    pub refused: u64,
}

/// What is remembered of a pid.
#[derive(Debug)]
struct Seen {
    mark: Option<Mark>,
    /// The last scan whose list it was in.
    round: u64,
    /// False for kernel threads.
    is_member: bool,
    /// True if a tap named it although it is in no control group of the scope: it uses a socket
    /// that was made there.
    is_guest: bool,
}

/// What reading a process again showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reread {
    Same,
    Replaced,
    Gone,
}

impl Scanner {
    /// A scanner that has not looked yet.
    pub fn new(directory: Arc<Directory>, scope: Scope) -> Self {
        Self::with_proc(directory, scope, Path::new(PROC))
    }

    /// The same with another `/proc`: the host's as mounted in a container, or a test's.
    pub fn with_proc(directory: Arc<Directory>, scope: Scope, proc: &Path) -> Self {
        Self {
            roster: Roster::new(directory.clone()),
            directory,
            proc: ProcFs::new(proc, &scope),
            programs: Programs::new(),
            unsettled: HashMap::new(),
            has_young: false,
            scope,
            sockets: Sockets::default(),
            seen: HashMap::new(),
            fresh: HashSet::new(),
            listed: Vec::new(),
            queue: Vec::new(),
            round: 0,
            rounds_walked: 0,
            now_ticks: 0,
            last_pid: (None, None),
            summary: ScanSummary::default(),
            adopted: Timestamp::UNKNOWN,
        }
    }

    /// Looks at every process of the scope and at who listens. Meant to be called about every
    /// 300 ms: then nothing stays unseen for a second.
    pub fn scan(&mut self, now: Timestamp) -> ScanSummary {
        self.round += 1;
        self.programs.refill();
        self.queue.extend(self.directory.sweep());
        self.read_queued();
        self.now_ticks = self.proc.uptime_ticks();
        self.last_pid = (self.last_pid.1, self.proc.last_pid());
        let has_news = self.has_news();
        self.rounds_walked += 1;
        if has_news || self.round.is_multiple_of(QUIET_WALK_ROUNDS) {
            self.walk();
            self.rounds_walked = 0;
        }
        self.settle();
        if has_news || self.round.is_multiple_of(QUIET_ROUNDS) {
            self.update_sockets(now);
        }
        self.adopt_strangers(now);
        let summary = ScanSummary {
            processes: self.roster.len(),
            listeners: self.sockets.len(),
            denied: self.proc.denied,
            ..self.summary
        };
        self.summary = ScanSummary::default();
        summary
    }

    /// Parks the thread until a worker asks about a process, or for `longest`. Always the same
    /// thread may wait.
    pub fn wait(&self, longest: Duration) {
        self.directory.wake_me();
        thread::park_timeout(longest);
    }

    /// Reads the processes that workers asked about; costs nothing while nobody asked.
    pub fn read_queued(&mut self) {
        let mut queue = std::mem::take(&mut self.queue);
        self.directory.take_queue(&mut queue);
        if queue.is_empty() {
            self.queue = queue;
            return;
        }
        if self.scope != Scope::Host {
            // The parent of a newcomer may be as new, and outside the scope nothing is read.
            self.scope.list(self.proc.root(), &mut self.listed);
        }
        for pid in queue.drain(..) {
            match self.seen.get(&pid) {
                Some(seen) if seen.is_member => match self.reread(pid) {
                    Reread::Same => {
                        if !self.directory.confirm(pid) {
                            self.roster.enlist(pid);
                        }
                    }
                    Reread::Replaced => self.summary.replaced += 1,
                    Reread::Gone => self.part(pid),
                },
                _ => {
                    let is_guest = !self.is_in_scope(pid);
                    self.admit(pid, 0);
                    if let Some(seen) = self.seen.get_mut(&pid) {
                        seen.is_guest = is_guest;
                    }
                }
            }
        }
        self.queue = queue;
    }

    /// Finds the owners of connections that exist already, for [`Directory::socket`]. To be called
    /// after the taps are attached and one scan was made. Gives how many it found.
    pub fn adopt_sockets(&mut self) -> usize {
        let found = sockets::adopt(&mut self.proc, &self.roster, &self.directory);
        // Strangers met before have an owner now, or were in nobody's hands.
        self.directory.take_strangers();
        found
    }

    /// Every process of the scope, by pid and start time; guests are in it with a socket only.
    pub fn processes(&self) -> impl Iterator<Item = (u32, u64)> {
        let is_guest = |pid| self.seen.get(&pid).is_some_and(|seen| seen.is_guest);
        let members = self.roster.members().map(|member| &member.process);
        members.filter(move |p| !is_guest(p.pid)).map(|p| (p.pid, p.start))
    }

    /// The same if a worker has met a connection that nobody seems to own: it was opened while the
    /// taps were off, or its opening was lost.
    fn adopt_strangers(&mut self, now: Timestamp) {
        let is_soon = now.since_ns(self.adopted) < ADOPT_AGAIN_NS && !self.adopted.is_unknown();
        if !is_soon && self.directory.take_strangers() {
            self.adopted = now;
            self.adopt_sockets();
        }
    }

    /// A number that changes when a process comes, goes, or becomes another program.
    pub const fn changes(&self) -> u64 {
        self.roster.changes()
    }

    /// True unless a look may wait: of what started since the last scan nothing is there any more,
    /// nobody is new, and nobody so young that an exec is likely.
    fn has_news(&mut self) -> bool {
        self.has_young || !self.fresh.is_empty() || self.has_newcomers()
    }

    /// True if a process may be there that was not at the last scan. Pids are given out one after
    /// the other.
    fn has_newcomers(&mut self) -> bool {
        let (Some(before), Some(last)) = self.last_pid else {
            return true;
        };
        let is_few = last >= before && last - before <= NEWCOMERS_MAX;
        !is_few || (before + 1..=last).any(|pid| self.proc.is_there(pid))
    }

    /// Every process of the scope.
    fn walk(&mut self) {
        let mut listed = std::mem::take(&mut self.listed);
        self.summary.refused = self.scope.list(self.proc.root(), &mut listed);
        self.listed = listed;
        for at in 0..self.listed.len() {
            if let Some(&pid) = self.listed.get(at) {
                self.look(pid);
            }
        }
        self.part_with_missing();
    }

    /// One pid of the list.
    fn look(&mut self, pid: u32) {
        let round = self.round;
        let Some(seen) = self.seen.get_mut(&pid) else {
            self.admit(pid, 0);
            return;
        };
        seen.round = round;
        seen.is_guest = false;
        let (known, is_member) = (seen.mark, seen.is_member);
        let is_unsure = self.may_be_reused(pid);
        let is_due = is_member && self.is_due(pid);
        let mark = if is_unsure { self.proc.mark(pid) } else { known };
        if mark == known && (!is_due || self.runs_the_same(pid)) {
            return;
        }
        if let Some(seen) = self.seen.get_mut(&pid) {
            seen.mark = mark;
        }
        if mark.is_none() {
            self.part(pid);
        } else if !is_member {
            self.seen.remove(&pid);
            self.admit(pid, 0);
        } else {
            match self.reread(pid) {
                Reread::Same => {}
                Reread::Replaced => self.summary.replaced += 1,
                Reread::Gone => self.part(pid),
            }
        }
    }

    /// True if the process should be read again although nothing says that it changed: exec leaves
    /// pid and start time as they are.
    fn is_due(&self, pid: u32) -> bool {
        let member = self.roster.member(pid);
        let since_turn = (self.round % ROUNDS + ROUNDS - u64::from(pid) % ROUNDS) % ROUNDS;
        since_turn < self.rounds_walked
            || member.is_some_and(|member| self.is_young(&member.process))
    }

    /// True if the pid may have been given out again since the last scan.
    ///
    /// Linux gives pids out in a circle, so those are the ones behind the last one of the last scan
    /// and not behind the last one now. A process that took one of them while this scan ran is
    /// caught by the next scan, which starts from the same pid.
    fn may_be_reused(&self, pid: u32) -> bool {
        let (Some(before), Some(last)) = self.last_pid else {
            return true;
        };
        if before <= last { (before..=last).contains(&pid) } else { pid >= before || pid <= last }
    }

    fn is_young(&self, process: &Process) -> bool {
        process.start.saturating_add(YOUNG_TICKS) > self.now_ticks
    }

    /// Reads a process for the first time.
    fn admit(&mut self, pid: u32, depth: u32) {
        let mark = self.proc.mark(pid);
        let stat = self.proc.stat(pid).filter(|stat| !stat.is_zombie);
        let (Some(mark), Some(stat)) = (mark, stat) else {
            self.directory.gone(pid);
            return;
        };
        let mut seen =
            Seen { mark: Some(mark), round: self.round, is_member: false, is_guest: false };
        if stat.is_kernel_thread {
            self.directory.gone(pid);
            self.seen.insert(pid, seen);
            return;
        }
        let parent = stat.parent;
        let is_new = !self.seen.contains_key(&parent) && parent != pid;
        if is_new && depth < ANCESTORS_MAX && self.is_in_scope(parent) {
            self.admit(parent, depth + 1);
        }
        if self.join(pid, stat) {
            seen.is_member = true;
            self.seen.insert(pid, seen);
            self.summary.started += 1;
        } else {
            self.directory.gone(pid);
        }
    }

    /// Reads everything about the process and puts it on the roster. False if it went meanwhile.
    fn join(&mut self, pid: u32, stat: Stat) -> bool {
        let mut process = self.proc.process(pid, stat);
        if process.executable.is_empty() && self.proc.mark(pid).is_none() {
            return false;
        }
        let detected = self.programs.detect(&mut self.proc, &process);
        process.runtime = detected.runtime;
        if detected.certainty != Certainty::Final {
            self.unsettled.insert(pid, detected.certainty);
        }
        let named = resolve::name(&process, &self.proc.files(pid));
        self.roster.join(process, named);
        self.fresh.insert(pid);
        true
    }

    /// Looks again at those of whom not everything was known: libraries come after the start.
    fn settle(&mut self) {
        let mut unsettled = std::mem::take(&mut self.unsettled);
        unsettled.retain(|&pid, certainty| {
            let Some(member) = self.roster.member(pid) else {
                return false;
            };
            let is_young = self.is_young(&member.process);
            let is_turn = (u64::from(pid) + self.round).is_multiple_of(LIBRARY_ROUNDS);
            if *certainty == Certainty::Provisional && is_young && !is_turn {
                return true;
            }
            let detected = self.programs.detect(&mut self.proc, &member.process);
            self.roster.runs_on(pid, detected.runtime);
            *certainty = detected.certainty;
            match certainty {
                Certainty::Final => false,
                Certainty::Provisional => is_young,
                Certainty::Postponed => true,
            }
        });
        self.unsettled = unsettled;
    }

    /// True if program and arguments are what they were: the cheap half of [`Self::reread`].
    fn runs_the_same(&mut self, pid: u32) -> bool {
        let (executable, argv) = (self.proc.executable(pid), self.proc.argv(pid));
        let member = self.roster.member(pid);
        member.is_some_and(|m| m.process.executable == executable && m.process.argv == argv)
    }

    /// Reads a process on the roster again.
    fn reread(&mut self, pid: u32) -> Reread {
        let Some(stat) = self.proc.stat(pid).filter(|stat| !stat.is_zombie) else {
            return Reread::Gone;
        };
        let (executable, argv) = (self.proc.executable(pid), self.proc.argv(pid));
        let Some(member) = self.roster.member(pid) else {
            return Reread::Gone;
        };
        let known = &member.process;
        let same_program =
            stat.start == known.start && (executable == known.executable || executable.is_empty());
        if same_program && argv == known.argv && stat.command == known.command {
            return Reread::Same;
        }
        // Without arguments it was read amid its exec: the new program's file, and no more yet.
        if same_program && !known.argv.is_empty() {
            let mut process = known.clone();
            // Who wrote one of its arguments over all of them is still what they said.
            let is_cut = matches!(argv.as_slice(), [only] if known.argv.len() > 1
                && known.argv.contains(only));
            process.argv = argv;
            process.command.clone_from(&stat.command);
            let named = resolve::name(&process, &self.proc.files(pid));
            if is_cut || self.roster.keeps_name(pid, &named) {
                self.roster.retitle(process);
                return Reread::Same;
            }
        }
        self.roster.leave(pid, Departure::Replaced);
        if self.join(pid, stat) { Reread::Replaced } else { Reread::Gone }
    }

    /// Lets those go that are in the scope no longer.
    fn part_with_missing(&mut self) {
        let round = self.round;
        let missing = self.seen.iter().filter(|(_, seen)| seen.round != round);
        let missing: Vec<u32> = missing.map(|(&pid, _)| pid).collect();
        for pid in missing {
            let mark = self.proc.mark(pid);
            let seen = self.seen.get_mut(&pid);
            match seen {
                Some(seen) if seen.is_guest && mark.is_some() && seen.mark == mark => {
                    seen.round = round;
                }
                _ => self.part(pid),
            }
        }
    }

    fn part(&mut self, pid: u32) {
        if self.seen.remove(&pid).is_some_and(|seen| seen.is_member) {
            self.summary.exited += 1;
        }
        self.fresh.remove(&pid);
        self.roster.leave(pid, Departure::Exited);
    }

    fn update_sockets(&mut self, now: Timestamp) {
        let young = self.roster.members().filter(|member| {
            let process = &member.process;
            self.fresh.contains(&process.pid) || self.is_young(process)
        });
        let young: HashSet<u64> = young.map(|m| m.process.network_namespace).collect();
        self.has_young = !young.is_empty();
        let owners = self.sockets.update(
            &mut self.proc,
            &mut self.roster,
            &self.directory,
            &self.fresh,
            &young,
            now,
        );
        let mut fresh = std::mem::take(&mut self.fresh);
        for pid in owners.into_iter().filter(|pid| !fresh.contains(pid)) {
            // Whoever starts to listen late may have run another program before.
            if self.reread(pid) == Reread::Replaced {
                self.summary.replaced += 1;
            }
        }
        fresh.clear();
        fresh.extend(self.fresh.drain());
        self.fresh = fresh;
    }

    fn is_in_scope(&self, pid: u32) -> bool {
        self.scope == Scope::Host || self.listed.binary_search(&pid).is_ok()
    }
}
