//! Records that cross from kernel to user space, laid out as `record.h` of the wire tap says.
//!
//! Both sides are built together; the sizes are asserted here and `VERSION` changes with the
//! layout.

pub mod hooks;
pub mod keylog;
mod read;

use std::ops::AddAssign;

pub use read::read;

/// Changes with every change of a record.
pub const VERSION: u32 = 3;

/// Slots of the steering table; a power of two.
pub const STEERING_SLOTS: usize = 65_536;

/// A record that may be read from the bytes the kernel wrote.
///
/// # Safety
/// The type is `repr(C)`, has no padding that is not a named field, and every bit pattern is valid.
#[expect(unsafe_code, reason = "the promise that lets `read` reinterpret bytes")]
pub unsafe trait Record: Copy {}

/// Starts every record. Times are CLOCK_MONOTONIC nanoseconds.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct RecordHead {
    /// `model::ConnectionId`.
    pub connection: u64,
    /// When.
    pub at: u64,
    /// TCP: sequence number of the first payload byte. UDP: payload bytes of each datagram if the
    /// packet holds several (segmentation offload), else 0.
    pub sequence: u32,
    /// Payload bytes on the wire.
    pub length: u32,
    /// Bytes of this direction that were lost since the record before.
    pub lost_before: u32,
    /// Payload bytes that follow the head.
    pub captured: u16,
    /// See [`kind`].
    pub kind: u8,
    /// Bit 0: backward. Bit 1: a gap before this record is final. Bit 2: the first of its stream.
    pub bits: u8,
    /// TCP flags.
    pub flags: u8,
    /// Zero or noise.
    pub padding: [u8; 7],
}

impl RecordHead {
    /// True if the packet travelled in the backward direction (or this end sends that way).
    pub const fn is_backward(&self) -> bool {
        self.bits & 1 != 0
    }

    /// True if every byte of this direction before this record was seen in order.
    pub const fn is_in_order(&self) -> bool {
        self.bits & 2 != 0
    }

    /// True if no record of this socket's direction was handed on before: the stream began
    /// `lost_before` bytes earlier, as far as it was seen.
    pub const fn begins(&self) -> bool {
        self.bits & 4 != 0
    }
}

/// Values of [`RecordHead::kind`].
pub mod kind {
    /// A TCP segment, or several the kernel handled as one.
    pub const SEGMENT: u8 = 1;
    /// [`super::OpenedRecord`].
    pub const OPENED: u8 = 2;
    /// [`super::EstablishedRecord`].
    pub const ESTABLISHED: u8 = 3;
    /// [`super::ClosedRecord`].
    pub const CLOSED: u8 = 4;
    /// [`super::HealthRecord`].
    pub const HEALTH: u8 = 5;
    /// A UDP datagram, or several the kernel handled as one.
    pub const DATAGRAM: u8 = 6;
}

/// Values of the `role` fields.
pub mod role {
    /// The socket is older than the tap.
    pub const UNKNOWN: u8 = 0;
    /// This end connected.
    pub const CLIENT: u8 = 1;
    /// This end accepted.
    pub const SERVER: u8 = 2;
}

/// One end became known.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct OpenedRecord {
    /// The common head.
    pub head: RecordHead,
    /// Address high, address low, port; an IPv4 address fills the lower half of `low`.
    pub local: [u64; 3],
    /// The same of the other end.
    pub remote: [u64; 3],
    /// Network namespace cookie, or inode number (see [`TapSettings::netns`]).
    pub netns: u64,
    /// Process that owns the socket; 0 if not known.
    pub pid: u32,
    /// See [`role`].
    pub role: u8,
    /// IP protocol number.
    pub protocol: u8,
    /// Zero or noise.
    pub padding: [u8; 2],
    /// Command name of that process, NUL-terminated.
    pub command: [u8; 16],
}

/// The handshake is done, as seen by one end.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct EstablishedRecord {
    /// The common head.
    pub head: RecordHead,
    /// Sequence number of the next byte this end will send.
    pub local_sequence: u32,
    /// Sequence number of the next byte it expects.
    pub remote_sequence: u32,
    /// Smoothed round-trip time.
    pub rtt_us: u32,
    /// See [`role`].
    pub role: u8,
    /// 1 if the other end's packets pass the tap too.
    pub peer_observed: u8,
    /// Zero or noise.
    pub padding: [u8; 2],
}

/// The kernel is done with a socket.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct ClosedRecord {
    /// The common head.
    pub head: RecordHead,
    /// Bytes sent and skipped on purpose that no record carried yet.
    pub unreported: u64,
    /// The same, but lost.
    pub lost: u64,
    /// Smoothed round-trip time.
    pub rtt_us: u32,
    /// Segments sent again.
    pub retransmits: u32,
    /// Where the stream towards this socket ends, if its sender is not observed.
    pub in_sequence: u32,
    /// Bytes of that stream lost since the record before.
    pub in_lost: u32,
    /// Where the stream from this socket ends.
    pub out_sequence: u32,
    /// 1 if bytes of the stream towards this socket were not reported yet.
    pub in_pending: u8,
    /// 1 if the steering table may have told of bytes of the other one, which no record will.
    pub out_pending: u8,
    /// Zero.
    pub padding: [u8; 2],
}

/// A sample of TCP's own view of a connection.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct HealthRecord {
    /// The common head.
    pub head: RecordHead,
    /// Smoothed round-trip time.
    pub rtt_us: u32,
    /// Segments sent again so far.
    pub retransmits: u32,
}

/// What the kernel allows the programs; told to them before they are loaded.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TapSettings {
    /// Where the network namespace of a packet's socket comes from; see [`source`].
    pub netns: u8,
    /// Where that of a socket comes from when its handshake is done, if not from memory.
    pub handshake_netns: u8,
    /// Where the process that runs comes from.
    pub pid: u8,
    /// Where its command comes from.
    pub command: u8,
    /// Offset of the namespace's pointer in `struct sock`.
    pub sock_net: u32,
    /// Offset of its inode number in `struct net`.
    pub net_inode: u32,
    /// Offset of the process id in `struct task_struct`.
    pub task_tgid: u32,
    /// Offset of the command in `struct task_struct`.
    pub task_comm: u32,
}

impl TapSettings {
    /// As the programs read it.
    pub fn to_bytes(&self) -> [u8; size_of::<Self>()] {
        let mut bytes = [0; size_of::<Self>()];
        let sources = [self.netns, self.handshake_netns, self.pid, self.command];
        let words = [self.sock_net, self.net_inode, self.task_tgid, self.task_comm];
        let words = words.map(u32::to_ne_bytes);
        for (to, from) in bytes.iter_mut().zip(sources.iter().chain(words.as_flattened())) {
            *to = *from;
        }
        bytes
    }
}

/// Values of the sources in [`TapSettings`].
pub mod source {
    /// It cannot be had.
    pub const NOWHERE: u8 = 0;
    /// A helper of the kernel gives it.
    pub const HELPER: u8 = 1;
    /// It is read from the kernel's memory.
    pub const MEMORY: u8 = 2;
}

/// What user space wants of one connection: one slot of the steering table.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct Steering {
    /// Which connection; another one's wish does not count.
    pub connection: u64,
    /// Sequence number of the next byte wanted, forward and backward.
    pub until: [u32; 2],
    /// Bits of [`steer`].
    pub mode: u32,
    /// Zero.
    pub padding: u32,
    /// Written by the kernel, forward and backward: bytes of unwanted datagrams since user space
    /// looked last; of TCP, the sequence number up to which nothing was wanted, and above it the
    /// upper half of `connection`.
    pub passed: [u64; 2],
}

/// Bits of [`Steering::mode`].
pub mod steer {
    /// Copy nothing more.
    pub const NOTHING: u32 = 1;
    /// Copy every byte, whatever the budget.
    pub const EVERYTHING: u32 = 2;
    /// `until[0]` holds.
    pub const UNTIL_FORWARD: u32 = 4;
    /// `until[1]` holds.
    pub const UNTIL_BACKWARD: u32 = 8;
    /// Leave long payloads of HTTP/2 DATA and of TLS records out, where the frames are known.
    pub const FRAMES: u32 = 16;
    /// Leave the rest of long packets out, each of which begins with three bytes of length, the
    /// lowest first, and a number: those of MySQL.
    pub const PACKETS: u32 = 32;
}

/// Counters of the tap, one copy per CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct TapCounters {
    /// Packets looked at.
    pub packets: u64,
    /// Stream bytes, each counted once.
    pub bytes_seen: u64,
    /// Payload bytes copied.
    pub bytes_copied: u64,
    /// Payload bytes that found the ring full.
    pub bytes_lost: u64,
    /// Records that found the ring full.
    pub records_lost: u64,
    /// Payload bytes sent again.
    pub retransmitted_bytes: u64,
    /// Payload bytes whose loss or skip no record will tell: their socket is gone, or they were
    /// whole datagrams.
    pub bytes_orphaned: u64,
    /// Payload bytes of unwanted datagrams, told by [`Steering::passed`].
    pub bytes_passed: u64,
}

impl AddAssign for TapCounters {
    fn add_assign(&mut self, other: Self) {
        self.packets += other.packets;
        self.bytes_seen += other.bytes_seen;
        self.bytes_copied += other.bytes_copied;
        self.bytes_lost += other.bytes_lost;
        self.records_lost += other.records_lost;
        self.retransmitted_bytes += other.retransmitted_bytes;
        self.bytes_orphaned += other.bytes_orphaned;
        self.bytes_passed += other.bytes_passed;
    }
}

macro_rules! records {
    ($($record:ty = $size:literal),* $(,)?) => {
        $(
            const _: () = assert!(size_of::<$record>() == $size);
            // SAFETY: repr(C), every field an integer or an array of them, and the size asserted
            // above is the sum of the fields, so there is no padding.
            #[expect(unsafe_code, reason = "the layout is asserted here")]
            unsafe impl Record for $record {}
        )*
    };
}

records! {
    RecordHead = 40,
    OpenedRecord = 120,
    EstablishedRecord = 56,
    ClosedRecord = 80,
    HealthRecord = 48,
    TapSettings = 20,
    Steering = 40,
    TapCounters = 64,
    hooks::HookSettings = 8,
    hooks::HookRecord = 40,
    hooks::HookCounters = 56,
    keylog::KeylogAnchor = 128,
    keylog::KeylogSecret = 120,
    keylog::KeylogCounters = 40,
}
