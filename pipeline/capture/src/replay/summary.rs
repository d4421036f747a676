//! What a replay found: every packet accounted for, and the warnings.

use std::fmt;

use model::Timestamp;

/// Most warnings kept; the rest are counted.
const WARNINGS_MAX: usize = 32;

/// Most different unsupported link types told apart; packets of further ones are only counted.
const UNSUPPORTED_LINKS_MAX: usize = 32;

/// Account of one capture.
///
/// Invariant: `packets` is the sum of `segments`, `datagrams`, `other`, `malformed`,
/// `fragments_held` and `unsupported`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplaySummary {
    /// Packets in the file.
    pub packets: u64,
    /// Bytes of these packets on the wire, link headers included.
    pub bytes: u64,
    /// Packets that became a TCP segment.
    pub segments: u64,
    /// Packets that became a UDP datagram.
    pub datagrams: u64,
    /// Packets that are neither TCP nor UDP: ARP, ICMP, SCTP, …
    pub other: u64,
    /// Packets whose headers contradict themselves or were not captured whole.
    pub malformed: u64,
    /// IP fragments that did not complete a packet. The one that does counts as the packet.
    pub fragments_held: u64,
    /// Packets of a link type that is not read.
    pub unsupported: u64,
    /// IP packets of which some fragments, but never all, were seen; or that were given up because
    /// too many were incomplete at once.
    pub incomplete_datagrams: u64,
    /// Packets taken out of a tunnel (IP in IP, GRE, VXLAN, Geneve). They count above, too.
    pub tunnelled: u64,
    /// Packets of which less was captured than was on the wire. They count above, too.
    pub snapped: u64,
    /// Decryption secrets blocks.
    pub secrets: u64,
    /// Earliest packet time; `None` without packets or times.
    pub first: Option<Timestamp>,
    /// Latest packet time.
    pub last: Option<Timestamp>,
    /// What is wrong with the file, in file order.
    pub warnings: Vec<Warning>,
    /// Warnings beyond the most that are kept.
    pub warnings_omitted: u64,
    /// The link types behind `unsupported`.
    pub unsupported_links: Vec<UnsupportedLink>,
}

/// A link type that is not read, and how often it occurred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnsupportedLink {
    /// Number as in <https://www.tcpdump.org/linktypes.html>.
    pub link_type: u16,
    /// Its name there, or `unknown`.
    pub name: &'static str,
    /// Packets of it.
    pub packets: u64,
}

/// Something wrong with the file, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warning {
    /// Byte offset in the capture; in the uncompressed capture if it is compressed.
    pub offset: u64,
    /// What is wrong there.
    pub damage: Damage,
}

/// What is wrong with a file at one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The file ends inside a header, record or block.
    CutShort {
        /// Bytes the started item is known to lack.
        missing: u64,
    },
    /// The compressed data are cut short or damaged.
    Compression,
    /// A record claims more bytes than any packet has.
    RecordLength {
        /// The length claimed.
        claimed: u32,
    },
    /// A block length that no block can have.
    BlockLength {
        /// The length claimed.
        claimed: u32,
    },
    /// The length after a block differs from the one before it.
    BlockTrailer,
    /// A block too short for what it should hold, or whose lengths contradict each other.
    BlockBody {
        /// Block type.
        kind: u32,
    },
    /// A section header without the byte-order magic.
    ByteOrderMagic,
    /// A packet names an interface that was not described.
    NoSuchInterface {
        /// The interface named.
        interface: u32,
    },
    /// A version of the format that is not known; read all the same.
    Version {
        /// Major part.
        major: u16,
        /// Minor part.
        minor: u16,
    },
    /// The first packet of a link type that is not read.
    UnsupportedLink {
        /// Number of the link type.
        link_type: u16,
        /// Its name, or `unknown`.
        name: &'static str,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.offset, self.damage)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CutShort { missing } => {
                write!(f, "the file is cut short, at least {missing} bytes are missing")
            }
            Self::Compression => write!(f, "the compressed data are cut short or damaged"),
            Self::RecordLength { claimed } => {
                write!(f, "damaged: a packet record claims {claimed} bytes")
            }
            Self::BlockLength { claimed } => write!(f, "damaged: a block claims {claimed} bytes"),
            Self::BlockTrailer => write!(f, "damaged: the two lengths of a block differ"),
            Self::BlockBody { kind } => {
                write!(f, "damaged: a block of type {kind:#x} contradicts itself")
            }
            Self::ByteOrderMagic => write!(f, "damaged: a section without byte-order magic"),
            Self::NoSuchInterface { interface } => {
                write!(f, "a packet of interface {interface}, which is not described")
            }
            Self::Version { major, minor } => {
                write!(f, "format version {major}.{minor} is not known, reading on")
            }
            Self::UnsupportedLink { link_type, name } => {
                write!(f, "link type {link_type} ({name}) is not supported")
            }
        }
    }
}

impl ReplaySummary {
    /// True if every packet is accounted for exactly once.
    pub fn adds_up(&self) -> bool {
        self.packets
            == self.segments
                + self.datagrams
                + self.other
                + self.malformed
                + self.fragments_held
                + self.unsupported
    }

    #[cold]
    pub(super) fn warn(&mut self, offset: u64, damage: Damage) {
        if self.warnings.len() < WARNINGS_MAX {
            self.warnings.push(Warning { offset, damage });
        } else {
            self.warnings_omitted += 1;
        }
    }

    #[cold]
    pub(super) fn count_unsupported(&mut self, offset: u64, link_type: u16, name: &'static str) {
        let mut known = self.unsupported_links.iter_mut();
        if let Some(link) = known.find(|link| link.link_type == link_type) {
            link.packets += 1;
        } else if self.unsupported_links.len() < UNSUPPORTED_LINKS_MAX {
            self.unsupported_links.push(UnsupportedLink { link_type, name, packets: 1 });
            self.warn(offset, Damage::UnsupportedLink { link_type, name });
        }
    }

    pub(super) fn saw(&mut self, at: Timestamp) {
        if !at.is_unknown() {
            self.first = Some(self.first.map_or(at, |first| first.min(at)));
            self.last = Some(self.last.map_or(at, |last| last.max(at)));
        }
    }
}
