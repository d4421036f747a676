//! What workers may believe about a process id right now.
//!
//! A pid is an uncertain witness: it may have been reused, or may run another program, since it was
//! last read. So an entry is believed only as long as the command name and the control group that
//! the kernel reports fit it. Otherwise the connection gets an id of its own, in *doubt*, until the
//! pid has been read again; that takes some tens of milliseconds, and nothing is ever mixed.
//!
//! ```text
//!            worker asks, unknown pid              read                 gone
//!   (none) ───────────────────────────▶ Unread ──────────▶ Read ────────────────▶ Exited ─▶ (none)
//!                                          │ gone            │ ▲                next scan
//!                                          ▼            other│ │read: the same
//!                                     by command       command▼ │
//!                                                      Read + doubt
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use model::{Entity, EntityId, Owner, ShortText};

/// Thread names remembered per process. Programs that use more are believed whatever they say.
const COMMANDS_MAX: usize = 8;

/// One process id in the book.
#[derive(Debug)]
pub(crate) struct Known {
    /// False while all that is known of it is what the kernel told the tap.
    pub(crate) is_read: bool,
    /// Its service, or its placeholder.
    pub(crate) id: EntityId,
    /// Id of what connected under this pid and may be someone else.
    pub(crate) doubt: Option<EntityId>,
    /// The process alone, as [`crate::Directory::processes`] gives it; empty while unread.
    pub(crate) process: Arc<Entity>,
    /// True once it has exited; kept for one scan, for connections reported late.
    pub(crate) exited: bool,
    /// True once it owned a connection.
    speaks: AtomicBool,
    /// Command names the kernel gave for it: its own first, then its threads'.
    commands: Vec<ShortText>,
    /// The last owner's command, control group and network namespace, while unread or in doubt.
    pub(crate) asked: Asked,
    /// Control group id; 0 until a worker said it.
    cgroup: AtomicU64,
}

/// What the kernel said about an owner that nobody had read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    pub(crate) command: ShortText,
    pub(crate) cgroup: u64,
    pub(crate) network_namespace: u64,
}

impl Asked {
    pub(crate) fn of(owner: &Owner<'_>) -> Self {
        Self {
            command: ShortText::new(owner.command),
            cgroup: owner.cgroup,
            network_namespace: owner.network_namespace,
        }
    }
}

impl Known {
    /// A process that connected before anyone read it.
    pub(crate) fn unread(id: EntityId, asked: Asked) -> Self {
        Self {
            is_read: false,
            id,
            doubt: None,
            process: Arc::default(),
            exited: false,
            speaks: AtomicBool::new(true),
            commands: Vec::new(),
            asked,
            cgroup: AtomicU64::new(0),
        }
    }

    /// A process that was read.
    pub(crate) fn read(id: EntityId, command: &str, process: Arc<Entity>) -> Self {
        Self {
            is_read: true,
            id,
            doubt: None,
            process,
            exited: false,
            speaks: AtomicBool::new(false),
            commands: vec![ShortText::new(command)],
            asked: Asked::default(),
            cgroup: AtomicU64::new(0),
        }
    }

    /// The id for a connection of this owner; `None` if the entry cannot speak for it.
    pub(crate) fn answer(&self, asked: Asked) -> Option<EntityId> {
        if !self.is_read {
            return (self.asked.command == asked.command).then_some(self.id);
        }
        if !self.fits(asked) {
            return self.doubt;
        }
        // Stored only on change: workers share the cache line.
        if !self.speaks.load(Ordering::Relaxed) {
            self.speaks.store(true, Ordering::Relaxed);
        }
        if asked.cgroup != 0 && self.cgroup.load(Ordering::Relaxed) == 0 {
            self.cgroup.store(asked.cgroup, Ordering::Relaxed);
        }
        Some(self.id)
    }

    /// The pid was read again and is still the same program: what was doubted is its own.
    pub(crate) fn confirm(&mut self) -> Option<EntityId> {
        let doubt = self.doubt.take()?;
        if !self.commands.contains(&self.asked.command) && self.commands.len() < COMMANDS_MAX {
            self.commands.push(self.asked.command);
        }
        self.cgroup.store(self.asked.cgroup, Ordering::Relaxed);
        self.mark_speaking();
        Some(doubt)
    }

    /// True if someone waits for the pid to be read.
    pub(crate) fn is_waiting(&self) -> bool {
        !self.is_read || self.doubt.is_some()
    }

    /// True if its network namespace is known, so that the owner's cookie can be matched with it.
    pub(crate) fn can_teach(&self) -> bool {
        self.process.network_namespace != 0
    }

    /// True once it owned a connection.
    pub(crate) fn is_speaking(&self) -> bool {
        self.speaks.load(Ordering::Relaxed)
    }

    /// It owns a connection.
    pub(crate) fn mark_speaking(&self) {
        self.speaks.store(true, Ordering::Relaxed);
    }

    fn fits(&self, asked: Asked) -> bool {
        let cgroup = self.cgroup.load(Ordering::Relaxed);
        let fits_cgroup = asked.cgroup == 0 || cgroup == 0 || asked.cgroup == cgroup;
        let fits_command = asked.command.is_empty()
            || self.commands.contains(&asked.command)
            || self.commands.len() >= COMMANDS_MAX;
        fits_cgroup && fits_command
    }
}
