//! The shared book of entities: the scanner writes, workers ask once per connection.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::thread::{self, Thread};

use model::{Entity, EntityId, Owner};

use crate::known::{Asked, Known};
use crate::listening::{Listening, OldSocket};
use crate::process::{Listen, Process};
use crate::records::Records;
use crate::resolve;
use crate::told::Told;

mod peers;

use peers::Peers;

/// Process ids that wait to be read.
pub(crate) const QUEUE_MAX: usize = 4_096;
/// Process ids in the book; Linux gives out at most 4 Mi, hosts run some thousands.
const PROCESSES_MAX: usize = 1 << 17;
/// Remembered answers for newcomers, used only when ids have run out.
const HABITS_MAX: usize = 4_096;

/// Everyone known on this host and every peer it talks to. Cheap to ask, shared by all threads.
///
/// Reads take a shared lock for some tens of nanoseconds, once per connection and never per packet.
#[derive(Debug)]
pub struct Directory {
    book: RwLock<Book>,
    told: RwLock<Told>,
    generation: AtomicU64,
    host: String,
    /// Whom to wake when a pid waits to be read.
    reader: OnceLock<Thread>,
    /// A connection was met of which no end is known.
    has_strangers: AtomicBool,
}

/// What the directory had no room for, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Refused {
    /// Newcomers that share an id with others because ids or records ran out.
    pub entities: u64,
    /// Peers outside of the scope folded into `_other`.
    pub addresses: u64,
    /// Processes that wait for the next scan because the queue was full.
    pub queued: u64,
    /// Listening addresses and older connections without an owner on record.
    pub listeners: u64,
    /// Names of addresses that had to make room, or were too long.
    pub names: u64,
}

#[derive(Debug)]
struct Book {
    records: Records,
    processes: HashMap<u32, Known>,
    peers: Peers,
    listening: Listening,
    queue: VecDeque<u32>,
    habits: HashMap<Asked, EntityId>,
    refused: Refused,
}

impl model::entity::Directory for Directory {
    fn entity(&self, id: EntityId) -> Arc<Entity> {
        self.read().records.entity(id).clone()
    }
}

impl Directory {
    /// An empty book. `host` begins the instance of every service outside a container.
    pub fn new(host: &str) -> Self {
        let book = Book {
            records: Records::new(),
            processes: HashMap::new(),
            peers: Peers::default(),
            listening: Listening::default(),
            queue: VecDeque::new(),
            habits: HashMap::new(),
            refused: Refused::default(),
        };
        Self {
            book: RwLock::new(book),
            told: RwLock::default(),
            generation: AtomicU64::new(0),
            host: host.to_owned(),
            reader: OnceLock::new(),
            has_strangers: AtomicBool::new(false),
        }
    }

    /// The host's name, as given.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The id for the owner of a socket. Without a pid only its command speaks for it: ask
    /// [`Directory::socket`] and [`Directory::listener`] first.
    ///
    /// A process not read yet, or one that may no longer be what was read under its pid, gets a
    /// placeholder named by its command and is queued for reading.
    pub fn process(&self, owner: Owner<'_>) -> EntityId {
        if owner.pid == 0 {
            return self.write().records.named(by_command(owner.command, &self.host));
        }
        let asked = Asked::of(&owner);
        {
            let book = self.read();
            if let Some(known) = book.processes.get(&owner.pid)
                && let Some(id) = known.answer(asked)
                && (book.listening.knows(owner.network_namespace) || !known.can_teach())
            {
                return id;
            }
        }
        let mut book = self.write();
        let waiting = book.queue.len();
        let id = book.meet(owner.pid, asked, &self.host);
        if book.queue.len() > waiting
            && let Some(reader) = self.reader.get()
        {
            reader.unpark();
        }
        id
    }

    /// Who listens on `local`, for sockets of unknown owner: the exact address, then wildcards.
    ///
    /// `network_namespace` is the cookie that the tap gives; `protocol` is 6 (TCP) or 17 (UDP).
    pub fn listener(
        &self,
        network_namespace: u64,
        protocol: u8,
        local: SocketAddr,
    ) -> Option<EntityId> {
        let book = self.read();
        let pid = book.listening.listener(network_namespace, protocol, local)?;
        book.speaker(pid)
    }

    /// Who owned this end of a connection that is older than the agent.
    pub fn socket(
        &self,
        network_namespace: u64,
        protocol: u8,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Option<EntityId> {
        let book = self.read();
        let socket = OldSocket::new(protocol, local, remote);
        let pid = book.listening.old(network_namespace, socket)?;
        book.speaker(pid)
    }

    /// The process that owned this end of a connection that is older than the agent.
    pub fn socket_process(
        &self,
        network_namespace: u64,
        protocol: u8,
        local: SocketAddr,
        remote: SocketAddr,
    ) -> Option<u32> {
        let socket = OldSocket::new(protocol, local, remote);
        self.read().listening.old(network_namespace, socket)
    }

    /// The entity as it is known now.
    pub fn entity(&self, id: EntityId) -> Arc<Entity> {
        model::entity::Directory::entity(self, id)
    }

    /// Changes whenever an id that was handed out changed its name, namespace or instance.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The process has exited: its pid speaks for nobody from now on. For taps that hear of it
    /// before the scanner does.
    pub fn exited(&self, pid: u32) {
        let mut book = self.write();
        if book.processes.get(&pid).is_some_and(|known| known.is_read) {
            book.processes.remove(&pid);
            book.listening.forget(pid);
        }
    }

    /// Every process of the scope, each as an entity of one pid, by pid.
    pub fn processes(&self) -> Vec<Entity> {
        let book = self.read();
        let alive = book.processes.values();
        let alive = alive.filter(|known| known.is_read && !known.exited);
        let mut processes: Vec<_> = alive.map(|known| Entity::clone(&known.process)).collect();
        processes.sort_by(|a, b| a.pids.cmp(&b.pids));
        processes
    }

    /// Every service that listens or has owned a connection, its processes folded, by name.
    pub fn services(&self) -> Vec<Entity> {
        let book = self.read();
        let speaks = |entity: &Entity| {
            let mut known = entity.pids.iter().filter_map(|pid| book.processes.get(pid));
            known.any(Known::is_speaking)
        };
        let services = book.records.services().map(|(_, entity)| entity);
        let services = services.filter(|e| !e.pids.is_empty());
        let services = services.filter(|e| !e.listens.is_empty() || speaks(e));
        let mut services: Vec<_> = services.map(|entity| Entity::clone(entity)).collect();
        services.sort_by(|a, b| {
            let (left, right) = ((&a.name, &a.namespace), (&b.name, &b.namespace));
            left.cmp(&right).then_with(|| a.instance.cmp(&b.instance))
        });
        services
    }

    /// What there was no room for.
    pub fn refused(&self) -> Refused {
        let book = self.read();
        Refused {
            entities: book.records.refused,
            listeners: book.listening.refused,
            names: self.told().refused,
            ..book.refused
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> Writing<'_> {
        Writing {
            book: self.book.write().unwrap_or_else(PoisonError::into_inner),
            generation: &self.generation,
        }
    }
}

/// What the scanner may change.
impl Directory {
    /// From here on the calling thread is unparked when pids wait to be read.
    pub(crate) fn wake_me(&self) {
        self.reader.get_or_init(thread::current);
    }

    /// Takes the pids that wait to be read.
    pub(crate) fn take_queue(&self, pids: &mut Vec<u32>) {
        // The common answer, an empty queue, is found without keeping workers out.
        if !self.read().queue.is_empty() {
            pids.extend(self.write().queue.drain(..));
        }
    }

    /// The group's service, with its content replaced; its processes get the id.
    pub(crate) fn place(
        &self,
        current: Option<EntityId>,
        entity: Entity,
        group: &[u32],
    ) -> EntityId {
        let mut book = self.write();
        let id = book.records.place(current, entity);
        for pid in group {
            if let Some(known) = book.processes.get_mut(pid)
                && known.is_read
            {
                known.id = id;
            }
        }
        id
    }

    /// The process was read and belongs to the service `id`.
    pub(crate) fn enlist(&self, process: &Process, id: EntityId, alone: Entity) {
        let mut guard = self.write();
        let book = &mut *guard;
        let mut known = Known::read(id, &process.command, Arc::new(alone));
        if let Some(old) = book.processes.remove(&process.pid) {
            // Whatever connected under this pid and had no owner yet was this process.
            let waiting = if !old.is_read { Some(old.id) } else { old.doubt };
            if let Some(waiting) = waiting {
                book.records.alias(waiting, id);
                book.listening.learn(old.asked.network_namespace, process.network_namespace);
                if book.habits.len() < HABITS_MAX || book.habits.contains_key(&old.asked) {
                    book.habits.insert(old.asked, id);
                }
                known.doubt = Some(waiting);
                known.asked = old.asked;
                known.confirm();
            }
        }
        if book.processes.len() < PROCESSES_MAX {
            book.processes.insert(process.pid, known);
        } else {
            book.records.refused += 1;
        }
    }

    /// The process alone, as it is known now.
    pub(crate) fn describe(&self, pid: u32, alone: Entity) {
        if let Some(known) = self.write().processes.get_mut(&pid) {
            known.process = Arc::new(alone);
        }
    }

    /// The pid was read again and still is what it was. False if the book has no such process, as
    /// after a report of an exit that was another's: then it has to be enlisted anew.
    pub(crate) fn confirm(&self, pid: u32) -> bool {
        let mut guard = self.write();
        let book = &mut *guard;
        let Some(known) = book.processes.get_mut(&pid).filter(|known| known.is_read) else {
            return false;
        };
        if let Some(doubt) = known.confirm() {
            let id = known.id;
            book.records.alias(doubt, id);
        }
        true
    }

    /// The process is gone. Its pid is believed until the next scan, for reports that come late.
    pub(crate) fn gone(&self, pid: u32) {
        let mut guard = self.write();
        let book = &mut *guard;
        book.listening.forget(pid);
        let Some(known) = book.processes.get_mut(&pid) else {
            return;
        };
        known.exited = true;
        let waiting = if known.is_read { known.doubt.take() } else { Some(known.id) };
        if let Some(waiting) = waiting {
            let command = known.asked.command;
            let service = book.records.named(by_command(command.as_str(), &self.host));
            book.records.alias(waiting, service);
            if !known.is_read {
                *known = Known::read(service, command.as_str(), Arc::default());
                known.exited = true;
            }
        }
    }

    /// Another process has the pid now, or the same one runs another program.
    pub(crate) fn replaced(&self, pid: u32) {
        let mut book = self.write();
        book.listening.forget(pid);
        if let Some(known) = book.processes.remove(&pid)
            && let Some(doubt) = known.doubt
        {
            book.processes.insert(pid, Known::unread(doubt, known.asked));
        }
    }

    /// Forgets the processes that were found gone by the last scan, and gives the pids that workers
    /// asked about and nobody has read since.
    pub(crate) fn sweep(&self) -> Vec<u32> {
        let mut book = self.write();
        book.processes.retain(|_, known| !known.exited);
        let waiting = book.processes.iter().filter(|(_, known)| known.is_waiting());
        waiting.map(|(&pid, _)| pid).collect()
    }

    /// Replaces who listens in a network namespace.
    pub(crate) fn listen(&self, inode: u64, listeners: impl Iterator<Item = (Listen, u32)>) {
        self.write().listening.replace(inode, listeners);
    }

    /// A connection of this host goes on whose opening nobody has observed. Its owner will be
    /// looked for soon, for [`Directory::socket`].
    pub fn met_stranger(&self) {
        self.has_strangers.store(true, Ordering::Relaxed);
    }

    /// True if a stranger was met since the last call.
    pub(crate) fn take_strangers(&self) -> bool {
        self.has_strangers.swap(false, Ordering::Relaxed)
    }

    /// Forgets the owners of all connections that were adopted.
    pub(crate) fn disown(&self) {
        self.write().listening.disown();
    }

    /// Remembers the owner of a connection that was there before it was observed.
    pub(crate) fn adopt(&self, inode: u64, pid: u32, sockets: impl Iterator<Item = OldSocket>) {
        let mut book = self.write();
        for socket in sockets {
            book.listening.adopt(inode, socket, pid);
        }
        if let Some(known) = book.processes.get(&pid) {
            known.mark_speaking();
        }
    }
}

impl Book {
    /// A connection of a process that is unknown, in doubt, or in a namespace not learned yet.
    fn meet(&mut self, pid: u32, asked: Asked, host: &str) -> EntityId {
        if let Some(known) = self.processes.get_mut(&pid) {
            if let Some(id) = known.answer(asked) {
                let inode = known.process.network_namespace;
                self.listening.learn(asked.network_namespace, inode);
                return id;
            }
            if !known.is_read {
                // Two command names before anyone could read the pid: threads, or an exec between.
                return known.id;
            }
        }
        let mut id = self.records.placeholder(by_command(asked.command.as_str(), host));
        if id == EntityId::OTHER {
            id = self.habits.get(&asked).copied().unwrap_or(id);
        }
        if let Some(known) = self.processes.get_mut(&pid) {
            known.doubt = Some(id);
            known.asked = asked;
        } else if self.processes.len() < PROCESSES_MAX {
            self.processes.insert(pid, Known::unread(id, asked));
        } else {
            self.records.refused += 1;
        }
        if self.queue.len() < QUEUE_MAX {
            self.queue.push_back(pid);
        } else {
            self.refused.queued += 1;
        }
        id
    }

    /// The id of a process that is known to own a socket.
    fn speaker(&self, pid: u32) -> Option<EntityId> {
        let known = self.processes.get(&pid)?;
        known.mark_speaking();
        Some(known.id)
    }
}

/// Someone of whom only the command name is known.
fn by_command(command: &str, host: &str) -> Entity {
    let named = resolve::by_command(command);
    Entity {
        name: named.name,
        reason: named.reason.into(),
        instance: host.to_owned(),
        local: true,
        ..Entity::default()
    }
}

/// The book open for writing; tells the others on closing if a name changed.
struct Writing<'a> {
    book: RwLockWriteGuard<'a, Book>,
    generation: &'a AtomicU64,
}

impl std::ops::Deref for Writing<'_> {
    type Target = Book;
    fn deref(&self) -> &Book {
        &self.book
    }
}

impl std::ops::DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut Book {
        &mut self.book
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.generation.store(self.book.records.renamed, Ordering::Release);
    }
}
