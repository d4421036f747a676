//! What crosses between the key-log probe and user space, laid out as `keylog.h` says.

/// Secrets that may wait for the worker; a power of two.
pub const SLOTS: usize = 1_024;
/// Longest secret: the output of the longest hash of any suite.
pub const SECRET_MAX: usize = 64;
/// Labels of one anchor.
pub const LABELS_MAX: usize = 12;
/// Anchors known to the kernel at once.
pub const ANCHORS_MAX: u32 = 1_024;
/// Control groups of a scope.
pub const CGROUPS_MAX: usize = 64;
/// No register.
pub const NOWHERE: u8 = 0xff;

/// Values of [`KeylogSecret::state`].
pub mod state {
    /// The kernel may write.
    pub const FREE: u32 = 0;
    /// User space may read, then wipe.
    pub const READY: u32 = 2;
}

/// Where label, secret, length and client random are when a probe fires.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct KeylogAnchor {
    /// From the instruction to each label in memory.
    pub distances: [i64; LABELS_MAX],
    /// What is told of each label.
    pub numbers: [u8; LABELS_MAX],
    /// How many labels there are.
    pub labels: u8,
    /// Register of the pointer to the label.
    pub label: u8,
    /// Register of the pointer to the secret.
    pub secret: u8,
    /// Register of its length, or [`NOWHERE`]: it is on the stack.
    pub length: u8,
    /// Bytes from the stack pointer to the length.
    pub length_at: u8,
    /// Register to start from for the client's random, or [`NOWHERE`].
    pub random: u8,
    /// A pointer is followed first.
    pub is_through: u8,
    /// Zero.
    pub padding: u8,
    /// Where that pointer is.
    pub through: i32,
    /// Where the random is.
    pub random_at: i32,
    /// Zero.
    pub unused: u32,
}

impl KeylogAnchor {
    /// The bytes the kernel takes.
    pub fn to_bytes(&self) -> [u8; size_of::<Self>()] {
        let mut bytes = [0; size_of::<Self>()];
        let words = self.distances.iter().flat_map(|distance| distance.to_ne_bytes());
        let small = [
            self.labels,
            self.label,
            self.secret,
            self.length,
            self.length_at,
            self.random,
            self.is_through,
            self.padding,
        ];
        let tail =
            [self.through.to_ne_bytes(), self.random_at.to_ne_bytes(), self.unused.to_ne_bytes()];
        let all = words.chain(self.numbers).chain(small).chain(tail.into_iter().flatten());
        for (to, from) in bytes.iter_mut().zip(all) {
            *to = from;
        }
        bytes
    }
}

/// One secret on its way. Read word by word from memory shared with the kernel; see
/// [`KeylogSecret::WORDS`].
#[repr(C)]
#[derive(Clone, Copy)]
pub struct KeylogSecret {
    /// CLOCK_MONOTONIC nanoseconds.
    pub at: u64,
    /// See [`state`].
    pub state: u32,
    /// Process.
    pub pid: u32,
    /// Bytes of the secret.
    pub length: u32,
    /// Number of the label.
    pub label: u8,
    /// The random was readable.
    pub has_random: u8,
    /// Zero.
    pub unused: u16,
    /// The client's random.
    pub random: [u8; 32],
    /// The secret, `length` bytes of it.
    pub secret: [u8; SECRET_MAX],
}

impl KeylogSecret {
    /// Its size in 64-bit words.
    pub const WORDS: usize = size_of::<Self>() / 8;
    /// The word whose lower half is the state.
    pub const STATE_WORD: usize = 1;
}

/// Counters of the probe.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default)]
pub struct KeylogCounters {
    /// Slots asked for.
    pub claimed: u64,
    /// Secrets written.
    pub published: u64,
    /// Secrets that found no free slot.
    pub lost: u64,
    /// Memory or length was not what it should be.
    pub unreadable: u64,
    /// The process had left the scope.
    pub outside: u64,
}
