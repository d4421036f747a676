//! What a tap hands to the connections stage.

use crate::address::Endpoints;
use crate::connection::{ConnectionId, Direction};
use crate::entity::Owner;
use crate::plaintext::Plaintext;
use crate::secret::Secret;
use crate::time::Timestamp;

/// One thing a tap saw. Borrowed from the tap's buffer: copy what you keep.
#[derive(Clone, Copy, Debug)]
pub enum TapEvent<'a> {
    /// One end of a connection became known (live taps), with its owner.
    Opened(Opened<'a>),
    /// A TCP segment, or a run of segments the kernel handled as one.
    Segment(Segment<'a>),
    /// A UDP datagram.
    Datagram(Datagram<'a>),
    /// Datagrams passed that nobody wants any more (live taps).
    Passed(Passed),
    /// The kernel closed a socket. Only live taps know; captures see FIN and RST instead.
    Closed(Closed),
    /// A sample of TCP's own view of a connection (live taps).
    Health {
        /// Which connection.
        connection: ConnectionId,
        /// The direction in which the sampled end sends.
        direction: Direction,
        /// The sample.
        health: TcpHealth,
    },
    /// A secret of some handshake; it belongs to no connection before it has opened a record.
    Secret(Secret<'a>),
    /// What a TLS library was given to seal, or has opened (live taps).
    Plaintext(Plaintext<'a>),
}

/// One end of a connection, seen for the first time by a live tap.
#[derive(Clone, Copy, Debug)]
pub struct Opened<'a> {
    /// Which connection.
    pub connection: ConnectionId,
    /// The direction in which this end sends.
    pub direction: Direction,
    /// `source` is the address of this end.
    pub endpoints: Endpoints,
    /// IP protocol number: 6 or 17.
    pub protocol: u8,
    /// When it was seen.
    pub at: Timestamp,
    /// True if this end connected, false if it accepted, `None` if the socket is older than the
    /// tap.
    pub initiator: Option<bool>,
    /// The process that owns the socket, as far as the kernel could say.
    pub owner: Owner<'a>,
}

/// TCP header bits that matter here, as on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// FIN, SYN, RST, PSH and ACK bits (RFC 9293 §3.1).
    pub const FIN: u8 = 0x01;
    /// See [`TcpFlags::FIN`].
    pub const SYN: u8 = 0x02;
    /// See [`TcpFlags::FIN`].
    pub const RST: u8 = 0x04;
    /// See [`TcpFlags::FIN`].
    pub const PSH: u8 = 0x08;
    /// See [`TcpFlags::FIN`].
    pub const ACK: u8 = 0x10;

    /// The sender has no more data.
    pub const fn fin(self) -> bool {
        self.0 & Self::FIN != 0
    }
    /// Connection set-up.
    pub const fn syn(self) -> bool {
        self.0 & Self::SYN != 0
    }
    /// Abort.
    pub const fn rst(self) -> bool {
        self.0 & Self::RST != 0
    }
    /// The acknowledgment number is valid.
    pub const fn ack(self) -> bool {
        self.0 & Self::ACK != 0
    }
}

/// A TCP segment. Pure acknowledgments may be left out by a tap.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'a> {
    /// Which connection.
    pub connection: ConnectionId,
    /// Which way it travels.
    pub direction: Direction,
    /// Addresses, from taps that see them in every packet; live taps send [`Opened`] first instead.
    pub endpoints: Option<Endpoints>,
    /// When the sender's stack sent it, or the nearest the tap can say.
    pub at: Timestamp,
    /// Sequence number of the first payload byte (of the SYN itself if SYN is set).
    pub sequence: u32,
    /// Acknowledgment number; meaningful if the ACK flag is set.
    pub acknowledgment: u32,
    /// Header flags.
    pub flags: TcpFlags,
    /// Payload bytes on the wire.
    pub length: u32,
    /// The captured prefix of the payload, at most `length` bytes.
    pub payload: &'a [u8],
    /// Of the stream bytes between the last event of this direction and this one, how many the tap
    /// wanted to copy but lost (ring full). Such bytes show up as a sequence gap.
    pub lost_before: u32,
    /// True if the tap saw every byte of this direction up to here in order, so that a sequence gap
    /// before this segment is final and not reordering: `lost_before` bytes of it were lost, the
    /// rest were skipped on purpose. Replay says false; live egress says true, and reports
    /// something at least once in 2 GiB, beyond which a gap in sequence numbers means nothing.
    pub in_order: bool,
    /// True if a live tap has shown nothing of the sending socket's stream before, and all that it
    /// saw of it are the `lost_before` bytes: what is known of other bytes is of an earlier
    /// connection between the same addresses, whose end was lost.
    pub begins: bool,
    /// TCP health of the sending socket, if the tap sampled it here.
    pub health: Option<TcpHealth>,
}

impl Segment<'_> {
    /// Sequence number of the stream's first byte, if this segment begins it.
    pub const fn first_sequence(&self) -> u32 {
        self.sequence.wrapping_sub(self.lost_before)
    }
}

/// What the kernel knows about the quality of a TCP connection, cumulative per socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpHealth {
    /// Smoothed round-trip time in microseconds.
    pub rtt_us: u32,
    /// Segments retransmitted so far.
    pub retransmits: u32,
}

/// A UDP datagram (after IP reassembly).
#[derive(Clone, Copy, Debug)]
pub struct Datagram<'a> {
    /// Which pair of addresses.
    pub connection: ConnectionId,
    /// Which way it travels.
    pub direction: Direction,
    /// Addresses, as in [`Segment::endpoints`].
    pub endpoints: Option<Endpoints>,
    /// When it was sent.
    pub at: Timestamp,
    /// Payload bytes on the wire.
    pub length: u32,
    /// The captured prefix of the payload.
    pub payload: &'a [u8],
}

/// Datagrams of a flow that the tap was told not to copy any more, summed up.
#[derive(Clone, Copy, Debug)]
pub struct Passed {
    /// Which pair of addresses.
    pub connection: ConnectionId,
    /// Which way they travelled.
    pub direction: Direction,
    /// When the sum was taken.
    pub at: Timestamp,
    /// Their payload bytes.
    pub bytes: u64,
}

/// A socket is gone.
#[derive(Clone, Copy, Debug)]
pub struct Closed {
    /// Which connection.
    pub connection: ConnectionId,
    /// The direction in which the closed end used to send.
    pub direction: Direction,
    /// When.
    pub at: Timestamp,
    /// Payload bytes this end sent that no segment event carried, and that were skipped on purpose.
    pub unreported: u64,
    /// The same, but lost.
    pub lost: u64,
    /// Last TCP health of the socket.
    pub health: Option<TcpHealth>,
}

/// What a tap has counted since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LossCounters {
    /// Events handed on.
    pub events: u64,
    /// Payload bytes the tap saw, copied or not, retransmissions excluded.
    pub bytes_seen: u64,
    /// Payload bytes copied.
    pub bytes_copied: u64,
    /// Payload bytes that should have been copied and were not (ring full).
    pub bytes_lost: u64,
    /// Events that could not be handed on.
    pub events_lost: u64,
    /// Payload bytes, among those seen, that no event will ever tell of.
    pub bytes_orphaned: u64,
}
