//! Where a program hands its secrets to its key log: the noun that the locator gives and the probe
//! takes.

use model::SecretLabel;
use serde::{Deserialize, Serialize};

/// Registers as `struct pt_regs` of x86-64 orders them; the probe's program reads them by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[repr(u8)]
#[expect(missing_docs, reason = "the names of the machine's registers")]
pub enum Register {
    R15 = 0,
    R14 = 1,
    R13 = 2,
    R12 = 3,
    Rbp = 4,
    Rbx = 5,
    R11 = 6,
    R10 = 7,
    R9 = 8,
    R8 = 9,
    Rax = 10,
    Rcx = 11,
    Rdx = 12,
    Rsi = 13,
    Rdi = 14,
    Rsp = 15,
}

impl Register {
    /// All, by number.
    pub const ALL: [Self; 16] = [
        Self::R15,
        Self::R14,
        Self::R13,
        Self::R12,
        Self::Rbp,
        Self::Rbx,
        Self::R11,
        Self::R10,
        Self::R9,
        Self::R8,
        Self::Rax,
        Self::Rcx,
        Self::Rdx,
        Self::Rsi,
        Self::Rdi,
        Self::Rsp,
    ];
}

/// Where a value is when the probe fires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    /// In a register.
    Register(Register),
    /// On the stack, so many bytes above the stack pointer.
    Stack(u8),
}

/// Where the 32 bytes of the client's random are: at `base + offset`, or, with `through`, at
/// `*(base + through) + offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Random {
    /// The register to start from.
    pub base: Register,
    /// Offset of a pointer to follow first.
    pub through: Option<i32>,
    /// Offset of the random.
    pub offset: i32,
}

/// One address of a file, proven to begin an instruction, at which a secret, its length and its
/// label are at hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anchor {
    /// Of the instruction, in the file.
    pub offset: u64,
    /// The first bytes there: a file that has others is another file.
    pub code: Vec<u8>,
    /// The kernel emulates the instruction instead of stepping over it, which is cheaper.
    pub is_emulated: bool,
    /// The pointer to the label.
    pub label: Register,
    /// The labels as the distance from the instruction to the label in memory: they are told apart
    /// by their addresses, so that no page of constants must be present.
    pub labels: Vec<(i64, Label)>,
    /// The pointer to the secret.
    pub secret: Register,
    /// Its length.
    pub length: Place,
    /// The client's random, if it can be reached.
    pub random: Option<Random>,
}

/// A label of the key log format that opens records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Label(u8);

impl Label {
    /// The label of that word; `None` for exporters and for what is no label.
    pub fn named(word: &[u8]) -> Option<Self> {
        let named = SecretLabel::named(word)?;
        Self::of(named)
    }

    /// The same of the noun all stages know.
    pub fn of(label: SecretLabel) -> Option<Self> {
        let at = SecretLabel::ALL.iter().position(|other| *other == label)?;
        u8::try_from(at).ok().map(Self)
    }

    /// Back again; `None` for a number that a damaged cache made up.
    pub fn secret(self) -> Option<SecretLabel> {
        SecretLabel::ALL.get(usize::from(self.0)).copied()
    }

    /// The label of a number.
    pub(super) const fn numbered(number: u8) -> Self {
        Self(number)
    }

    /// The number that crosses to the kernel.
    pub const fn number(self) -> u8 {
        self.0
    }
}

/// What one file is, and how its secrets are reached.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// The TLS engines in it: a program may hold two.
    pub engines: Vec<Engine>,
    /// Version of OpenSSL that the file names; the library with the version need not be the one
    /// with the anchor (libcrypto, libssl).
    pub openssl: String,
}

/// One TLS engine in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Engine {
    /// A name of the table of engines.
    pub name: String,
    /// Its version, if the file says it.
    pub version: String,
    /// The probes that reach its secrets.
    pub anchors: Vec<Anchor>,
    /// Why there is none, or what they leave out.
    pub gap: Option<Gap>,
}

/// Why an engine's secrets are not reached by an anchor, or not all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Gap {
    /// No instruction refers to a label in the way the engine should.
    NoReference,
    /// The references lead to different places.
    NotAgreed,
    /// The place is not proven to begin an instruction.
    Unproven,
    /// What is handed over is an object of the key store, not the secret (NSS).
    KeyObject,
    /// TLS 1.3 secrets are handed over only to who asks for a key log (rustls).
    OnlyTls12,
    /// It has no key log in machine code.
    NoKeyLog,
}

impl Gap {
    /// In words, for people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoReference => "no instruction refers to a key-log label as expected",
            Self::NotAgreed => "references to the key-log labels lead to different places",
            Self::Unproven => "the place is not proven to begin an instruction",
            Self::KeyObject => "its key log is given an object of the key store, not the secret",
            Self::NoKeyLog => "it has no key log that a probe could read",
            Self::OnlyTls12 => "TLS 1.2 only: TLS 1.3 secrets are not handed over unasked",
        }
    }
}
