//! What crosses between the plaintext probes and user space, laid out as `hooks.h` says.

/// Bytes of the ring.
pub const RING_BYTES: usize = 4 * 1024 * 1024;

/// Values that probes are attached with: what the function is.
pub mod kind {
    /// `(object, buffer, …)` takes what was opened.
    pub const READ: u64 = 0;
    /// `(object, buffer, …)` gives what is to be sealed.
    pub const WRITE: u64 = 1;
    /// `(descriptor, …)` sends or receives what is sealed.
    pub const SOCKET: u64 = 2;
    /// `(object)`: the object is another connection's from now on.
    pub const FORGET: u64 = 3;
    /// With `READ` or `WRITE`: the fourth argument says where the length is left, and what is
    /// returned is whether it was.
    pub const LENGTH_AT_POINTER: u64 = 4;
}

/// Told to the programs before they are loaded.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct HookSettings {
    /// Control groups of the scope; none is the whole host.
    pub cgroups: u32,
    /// Where the wire tap has the network namespace from; see [`crate::source`].
    pub netns: u32,
}

impl HookSettings {
    /// As the programs read it.
    pub fn to_bytes(&self) -> [u8; size_of::<Self>()] {
        let mut bytes = [0; size_of::<Self>()];
        let words = [self.cgroups.to_ne_bytes(), self.netns.to_ne_bytes()];
        for (to, from) in bytes.iter_mut().zip(words.as_flattened()) {
            *to = *from;
        }
        bytes
    }
}

/// One call that returned; its bytes follow.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct HookRecord {
    /// `model::ConnectionId`.
    pub connection: u64,
    /// CLOCK_MONOTONIC nanoseconds.
    pub at: u64,
    /// Bytes of this direction that the calls before it had.
    pub before: u64,
    /// Process.
    pub pid: u32,
    /// Bytes the call had.
    pub length: u32,
    /// Of these, how many follow.
    pub captured: u32,
    /// 1: they travel in the backward direction.
    pub backward: u32,
}

/// Counters of the probes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct HookCounters {
    /// Calls that gave or took bytes.
    pub calls: u64,
    /// Probes that fired.
    pub traps: u64,
    /// Plaintext bytes of the calls.
    pub bytes: u64,
    /// Bytes that found the ring full.
    pub lost: u64,
    /// Bytes that were not in memory.
    pub unreadable: u64,
    /// Bytes whose connection is not known.
    pub unbound: u64,
    /// Calls of a process that had left the scope.
    pub outside: u64,
}

impl HookCounters {
    /// Its size in 64-bit words.
    pub const WORDS: usize = size_of::<Self>() / 8;
}
