//! Why bytes stay sealed.

use std::ops::AddAssign;

/// Why the records of a connection are not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sealed {
    /// No key was found where keys are looked for.
    NoKey,
    /// No way to the keys of this program's TLS engine is known.
    EngineUnknown,
    /// The program's memory may not be read.
    MemoryNotReadable,
    /// No key of this cipher can be found or used.
    CipherUnsupported,
    /// A limit was reached before a key was found.
    Budget,
    /// The kernel holds the keys.
    KernelTls,
    /// The connection is older than the observation.
    StartedBefore,
    /// A key that opened records no longer does.
    KeyLost,
    /// TLS is not looked into.
    Off,
}

impl Sealed {
    /// All, in index order.
    pub const ALL: [Self; 9] = [
        Self::NoKey,
        Self::EngineUnknown,
        Self::MemoryNotReadable,
        Self::CipherUnsupported,
        Self::Budget,
        Self::KernelTls,
        Self::StartedBefore,
        Self::KeyLost,
        Self::Off,
    ];

    /// The word in metrics and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoKey => "no_key",
            Self::EngineUnknown => "engine_unknown",
            Self::MemoryNotReadable => "memory_not_readable",
            Self::CipherUnsupported => "cipher_unsupported",
            Self::Budget => "budget",
            Self::KernelTls => "kernel_tls",
            Self::StartedBefore => "started_before",
            Self::KeyLost => "key_lost",
            Self::Off => "off",
        }
    }

    /// The same for people.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::NoKey => "no key found",
            Self::EngineUnknown => "TLS engine unknown",
            Self::MemoryNotReadable => "memory not readable",
            Self::CipherUnsupported => "cipher not supported",
            Self::Budget => "limit reached before a key was found",
            Self::KernelTls => "keys within the kernel",
            Self::StartedBefore => "older than the observation",
            Self::KeyLost => "key no longer fits",
            Self::Off => "switched off",
        }
    }
}

/// Sealed bytes by reason; together what the ledger calls sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SealedBytes([u64; Sealed::ALL.len()]);

impl SealedBytes {
    /// Books bytes.
    pub fn book(&mut self, reason: Sealed, bytes: u64) {
        self.0[reason as usize] += bytes;
    }

    /// The reasons there are, with their bytes.
    pub fn iter(&self) -> impl Iterator<Item = (Sealed, u64)> + '_ {
        Sealed::ALL.into_iter().zip(self.0).filter(|(_, bytes)| *bytes > 0)
    }
}

impl AddAssign for SealedBytes {
    fn add_assign(&mut self, other: Self) {
        for (into, from) in self.0.iter_mut().zip(other.0) {
            *into += from;
        }
    }
}
