//! Exchanges as JSON lines, to a file, to standard output, or to whoever listens.

use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use connections::Connection;
use model::view::TlsRow;
use model::{Direction, Entity, EntityId, Exchange, Names};
use outputs::jsonl;

use crate::resolve::{End, Resolver};

/// A block is handed on when it has this many bytes.
const BLOCK_BYTES: usize = 64 * 1024;
/// Blocks that may wait for a slow writer: 32 MiB.
const BLOCKS_WAITING: usize = 512;

/// How long the end of the agent waits for a slow writer, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(10);

/// Lines that may wait for a name. Further ones go out with the command's name.
const HELD_MAX: usize = 16 * 1024;

/// The worker's end: formats lines and hands on blocks of them.
///
/// A process that speaks before it was read is known by its command only. Its lines wait for the
/// scanner, two ticks at most; then they are written with whatever is known.
pub(crate) struct Lines {
    block: Vec<u8>,
    /// Lines in the block.
    lines: u64,
    way: Way,
    refused: Arc<AtomicU64>,
    /// How long a slow writer may still be waited for.
    patience: Duration,
    /// Held since the last tick, and since the one before.
    held: [Vec<(Exchange, Ends)>; 2],
}

enum Way {
    /// Written at once; a slow reader slows the replay, and nothing is lost.
    Direct(Box<dyn Write + Send>),
    /// Written by another thread; what it cannot take is refused and counted.
    Thread(SyncSender<Vec<u8>>),
}

/// The two ends of the connection that lines are written for.
pub(crate) struct Ends {
    client: SocketAddr,
    server: SocketAddr,
    client_id: EntityId,
    server_id: EntityId,
    side: jsonl::Scope,
    tls: Option<Arc<TlsRow>>,
}

impl Ends {
    /// Addresses and names by role.
    pub(crate) fn new(
        connection: &Connection,
        client: Direction,
        ends: [End; 2],
        live: bool,
        tls: Option<&Arc<TlsRow>>,
    ) -> Self {
        let none = SocketAddr::from(([0; 4], 0));
        let (forward, backward) =
            connection.endpoints.map_or((none, none), |ends| (ends.source, ends.destination));
        let (asks, answers) = (ends[client.index()], ends[client.opposite().index()]);
        let (client_address, server_address) = match client {
            Direction::Forward => (forward, backward),
            Direction::Backward => (backward, forward),
        };
        let side = match (asks.is_local || !live, answers.is_local || !live) {
            (true, false) => jsonl::Scope::Client,
            (false, true) => jsonl::Scope::Server,
            (true, true) | (false, false) => jsonl::Scope::Both,
        };
        Self {
            client: client_address,
            server: server_address,
            client_id: asks.as_client,
            server_id: answers.as_server,
            side,
            tls: tls.cloned(),
        }
    }

    #[cfg(test)]
    pub(crate) fn unknown(id: EntityId) -> Self {
        let none = SocketAddr::from(([0; 4], 0));
        let side = jsonl::Scope::Both;
        Self { client: none, server: none, client_id: id, server_id: id, side, tls: None }
    }

    /// Server and client as they are known now.
    pub(crate) fn entities(&self, who: &Resolver) -> (Arc<Entity>, Arc<Entity>) {
        (who.entity(self.server_id), who.entity(self.client_id))
    }

    /// The exchange with everything that is said of it; ends are server and client.
    pub(crate) fn line<'a>(
        &'a self,
        exchange: &'a Exchange,
        names: &'a Names,
        (service, peer): (&'a Entity, &'a Entity),
    ) -> jsonl::Line<'a> {
        jsonl::Line {
            exchange,
            operation: names.operation(exchange.endpoint),
            target: names.target(exchange.endpoint),
            client: self.client,
            server: self.server,
            side: self.side,
            tls: self.tls.as_deref(),
            service: &service.name,
            peer: &peer.name,
            raw: exchange.wire.is_some(),
        }
    }
}

impl Lines {
    /// Lines written by the worker itself.
    pub(crate) fn direct(writer: Box<dyn Write + Send>) -> Self {
        Self::with(Way::Direct(writer), Arc::default())
    }

    /// Lines written by a thread that ends when the worker's end is dropped. `refused` counts lines
    /// that found its queue full.
    pub(crate) fn threaded(
        mut writer: Box<dyn Write + Send>,
        refused: Arc<AtomicU64>,
    ) -> std::io::Result<(Self, JoinHandle<()>)> {
        let (sender, blocks) = sync_channel::<Vec<u8>>(BLOCKS_WAITING);
        let write_all = move || {
            for block in blocks {
                // A reader that went away or a full disk ends the lines, not the agent.
                if let Err(error) = writer.write_all(&block).and_then(|()| writer.flush()) {
                    eprintln!("redsight: no more lines are written: {error}");
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("redsight-lines".into()).spawn(write_all)?;
        Ok((Self::with(Way::Thread(sender), refused), thread))
    }

    fn with(way: Way, refused: Arc<AtomicU64>) -> Self {
        Self {
            block: Vec::new(),
            lines: 0,
            way,
            refused,
            patience: Duration::ZERO,
            held: Default::default(),
        }
    }

    /// Adds one exchange, at once or when its ends are known.
    pub(crate) fn write(&mut self, exchange: &Exchange, names: &Names, ends: Ends, who: &Resolver) {
        let (service, peer) = ends.entities(who);
        let [fresh, _] = &mut self.held;
        if (is_unread(&service) || is_unread(&peer)) && fresh.len() < HELD_MAX {
            fresh.push((exchange.clone(), ends));
        } else {
            self.format(exchange, names, &ends, (&service, &peer));
        }
    }

    /// Lets a tick pass: what was held for a whole one is written, and the block handed on.
    pub(crate) fn tick(&mut self, names: &Names, who: &Resolver) {
        let [fresh, old] = &mut self.held;
        let due = std::mem::replace(old, std::mem::take(fresh));
        for (exchange, ends) in due {
            let (service, peer) = ends.entities(who);
            self.format(&exchange, names, &ends, (&service, &peer));
        }
        self.flush();
    }

    fn format(
        &mut self,
        exchange: &Exchange,
        names: &Names,
        ends: &Ends,
        parties: (&Entity, &Entity),
    ) {
        jsonl::write_exchange(&mut self.block, &ends.line(exchange, names, parties));
        self.lines += 1;
        if self.block.len() >= BLOCK_BYTES {
            self.flush();
        }
    }

    /// Hands on what there is.
    fn flush(&mut self) {
        if self.block.is_empty() {
            return;
        }
        let lines = std::mem::take(&mut self.lines);
        match &mut self.way {
            Way::Direct(writer) => {
                if let Err(error) = writer.write_all(&self.block).and_then(|()| writer.flush()) {
                    leave(&error);
                }
                self.block.clear();
            }
            Way::Thread(sender) => {
                let block = std::mem::replace(&mut self.block, Vec::with_capacity(BLOCK_BYTES));
                match sender.try_send(block) {
                    Ok(()) => {}
                    Err(TrySendError::Full(block)) if self.patience > Duration::ZERO => {
                        self.wait(block, lines);
                    }
                    Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                        self.refused.fetch_add(lines, Ordering::Relaxed);
                    }
                }
            }
        }
    }

    /// From here on a slow writer is waited for, a few seconds in all: nothing presses any more.
    pub(crate) const fn be_patient(&mut self) {
        self.patience = PATIENCE;
    }

    fn wait(&mut self, mut block: Vec<u8>, lines: u64) {
        let Way::Thread(sender) = &self.way else { return };
        while self.patience > Duration::ZERO {
            std::thread::sleep(LOOK);
            self.patience = self.patience.saturating_sub(LOOK);
            block = match sender.try_send(block) {
                Ok(()) => return,
                Err(TrySendError::Full(block)) => block,
                Err(TrySendError::Disconnected(_)) => break,
            };
        }
        eprintln!("redsight: the writer of lines is too slow; the last ones are not written");
        self.refused.fetch_add(lines, Ordering::Relaxed);
    }
}

/// Standard output closed by its reader (`| head`) is the usual end of a replay; a full disk is
/// not.
fn leave(error: &std::io::Error) -> ! {
    if error.kind() == std::io::ErrorKind::BrokenPipe {
        std::process::exit(0);
    }
    eprintln!("redsight: cannot write lines: {error}");
    std::process::exit(1);
}

/// True for a process of this host that nobody has read yet.
fn is_unread(entity: &Entity) -> bool {
    entity.local && entity.pids.is_empty()
}
