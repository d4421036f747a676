//! What later stages may know about a connection.

use model::Timestamp;
use model::{ConnectionId, Direction, Endpoints, Opened, Owner, Segment, ShortText, TcpHealth};

use crate::entry::TCP;

/// A connection as the consumer sees it.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its identity. Differs from the tap's only if two connections collided.
    pub id: ConnectionId,
    /// Its addresses, once a tap has said them; `source` sends in [`Direction::Forward`].
    pub endpoints: Option<Endpoints>,
    /// IP protocol number: 6 or 17.
    pub protocol: u8,
    /// The direction of the end that connected: it sent the SYN, or the first datagram.
    pub initiator: Option<Direction>,
    /// When it was first seen.
    pub opened_at: Timestamp,
    /// TCP: the handshake was completed, as far as can be seen. UDP: always.
    pub established: bool,
    /// By direction: the stream is seen from its first byte.
    pub from_start: [bool; 2],
    /// By direction of sending: the process behind that end.
    pub owners: [Option<OwnedOwner>; 2],
    /// By direction: TCP sequence number of the byte after the last one handed on.
    pub next_sequence: [u32; 2],
    /// How well it runs.
    pub health: ConnectionHealth,
    /// A live tap sees every packet: what it does not report it skipped or lost knowingly.
    pub(crate) live: bool,
}

/// TCP health of one connection, and its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionHealth {
    /// By direction: segments sent again, as the kernel counted them, else as seen.
    pub retransmits: [u32; 2],
    /// Round-trip time in microseconds: the last sample of the kernel, else the handshake's.
    pub rtt_us: Option<u32>,
    /// From the SYN to the initiator's acknowledgment of the answer, in microseconds.
    pub connect_us: Option<u32>,
    /// RST segments that ended it: 0 or 1.
    pub resets: u32,
    /// By direction: stream bytes handed on, missing ones included.
    pub bytes: [u64; 2],
    sampled: [bool; 2],
}

/// The process behind one end, kept. See [`Owner`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OwnedOwner {
    /// Process id (thread group); 0 if not known.
    pub pid: u32,
    /// Command name.
    pub command: ShortText,
    /// Id of the cgroup v2 directory; 0 if not known.
    pub cgroup: u64,
    /// Network namespace cookie; 0 if not known.
    pub network_namespace: u64,
}

impl From<&Owner<'_>> for OwnedOwner {
    fn from(owner: &Owner<'_>) -> Self {
        Self {
            pid: owner.pid,
            command: ShortText::new(owner.command),
            cgroup: owner.cgroup,
            network_namespace: owner.network_namespace,
        }
    }
}

impl Connection {
    /// A connection of which only the first event is known.
    pub(crate) fn new(id: ConnectionId, protocol: u8, at: Timestamp) -> Self {
        Self {
            id,
            endpoints: None,
            protocol,
            initiator: None,
            opened_at: at,
            established: false,
            from_start: [false; 2],
            owners: [None; 2],
            next_sequence: [0; 2],
            health: ConnectionHealth::default(),
            live: false,
        }
    }

    /// True if `packet`, travelling in `direction`, can belong to this connection.
    #[inline]
    pub(crate) fn has_ends(&self, packet: Option<&Endpoints>, direction: Direction) -> bool {
        let (Some(own), Some(packet)) = (&self.endpoints, packet) else {
            return true;
        };
        match direction {
            Direction::Forward => own == packet,
            Direction::Backward => {
                own.source == packet.destination && own.destination == packet.source
            }
        }
    }

    /// Takes the addresses of a packet travelling in `direction`, if none are known yet.
    pub(crate) fn learn_ends(&mut self, packet: Option<Endpoints>, direction: Direction) -> bool {
        let (None, Some(packet)) = (self.endpoints, packet) else {
            return false;
        };
        self.endpoints = Some(match direction {
            Direction::Forward => packet,
            Direction::Backward => packet.reversed(),
        });
        true
    }

    /// Takes what the first segment says.
    pub(crate) fn learn_first(&mut self, segment: &Segment<'_>) {
        let sender = segment.direction;
        self.live = segment.endpoints.is_none();
        if segment.flags.syn() {
            let is_answer = segment.flags.ack();
            self.initiator = Some(if is_answer { sender.opposite() } else { sender });
            self.from_start[sender.index()] = true;
            self.from_start[sender.opposite().index()] = is_answer;
        } else {
            self.established = true;
        }
    }

    /// Takes what a live tap says about one end; true if something was news. `untouched` says of
    /// which directions nothing was seen yet: if the socket is younger than the tap, their first
    /// byte is still to come.
    pub(crate) fn learn_opened(&mut self, opened: &Opened<'_>, untouched: [bool; 2]) -> bool {
        let direction = opened.direction;
        let mut is_news = self.learn_ends(Some(opened.endpoints), direction);
        is_news |= self.learn_owner(&opened.owner, direction);
        self.live = true;
        if let Some(connected) = opened.initiator {
            let initiator = if connected { direction } else { direction.opposite() };
            is_news |= self.initiator.replace(initiator) != Some(initiator);
            // An end that accepted did so after the handshake.
            self.established |= !connected || opened.protocol != TCP;
            for (from_start, untouched) in self.from_start.iter_mut().zip(untouched) {
                *from_start |= untouched;
            }
        }
        is_news
    }

    /// Takes the owner of the end that sends in `direction`; one without a process never replaces
    /// one with.
    pub(crate) fn learn_owner(&mut self, owner: &Owner<'_>, direction: Direction) -> bool {
        let owner = OwnedOwner::from(owner);
        let slot = &mut self.owners[direction.index()];
        let better = slot.is_none_or(|known| owner.pid != 0 && owner != known);
        if better {
            *slot = Some(owner);
        }
        better
    }
}

impl ConnectionHealth {
    /// Takes a sample of the socket that sends in `direction`.
    pub(crate) fn sample(&mut self, health: TcpHealth, direction: Direction) {
        if health.rtt_us > 0 {
            self.rtt_us = Some(health.rtt_us);
        }
        self.retransmits[direction.index()] = health.retransmits;
        self.sampled[direction.index()] = true;
    }

    /// Counts a segment seen again, unless the kernel counts for us.
    pub(crate) fn retransmitted(&mut self, direction: Direction) {
        let index = direction.index();
        if !self.sampled[index] {
            self.retransmits[index] = self.retransmits[index].saturating_add(1);
        }
    }
}
