//! Datagrams → packets, as far as they can be read before their headers are opened (RFC 9000 §17).

use super::number::varint;
use super::version::Version;

/// The longest connection id (§17.2).
pub(super) const ID_BYTES_MAX: usize = 20;
/// The shortest id that a client may make up for a server (§7.2).
const FIRST_ID_BYTES_MIN: usize = 8;

/// A packet with a short header and an empty connection id: four bytes from the packet number on,
/// and a tag (RFC 9001 §5.4.2).
const SHORT_BYTES_MIN: usize = 21;
/// What Ethernet carries: longer ones are several, that the kernel handled as one.
const SHORT_BYTES_MAX: usize = 1_500;

/// A connection id, in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Id {
    bytes: [u8; ID_BYTES_MAX],
    length: u8,
}

impl Id {
    /// Of who wants none.
    pub(super) const EMPTY: Self = Self { bytes: [0; ID_BYTES_MAX], length: 0 };

    /// `None` if it is too long.
    pub(super) fn new(id: &[u8]) -> Option<Self> {
        let mut bytes = [0; ID_BYTES_MAX];
        bytes.get_mut(..id.len())?.copy_from_slice(id);
        Some(Self { bytes, length: id.len() as u8 })
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.len()).unwrap_or_default()
    }

    pub(super) const fn len(&self) -> usize {
        self.length as usize
    }
}

/// Which keys a packet is sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Level {
    Initial,
    Early,
    Handshake,
    Application,
}

impl Level {
    /// Index of the space that its packet numbers are of (§12.3).
    pub(super) const fn space(self) -> usize {
        match self {
            Self::Initial => 0,
            Self::Handshake => 1,
            Self::Early | Self::Application => 2,
        }
    }
}

/// One packet of a datagram.
#[derive(Clone, Copy, Debug)]
pub(super) enum Packet<'a> {
    /// With a long header and a number.
    Long(Long<'a>),
    /// With a short header; its destination id is as long as its receiver wants.
    Short(&'a [u8]),
    /// The server asks for another Initial, sent to this source id (§17.2.5).
    Retry { source: Id },
    /// The server speaks none of the client's versions (§17.2.1).
    VersionNegotiation,
}

/// A packet with a long header (§17.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct Long<'a> {
    pub(super) version: &'static Version,
    pub(super) level: Level,
    pub(super) destination: Id,
    pub(super) source: Id,
    /// Header and payload.
    pub(super) bytes: &'a [u8],
    /// Where the packet number stands.
    pub(super) number_at: usize,
}

impl Long<'_> {
    /// True if it may be the first packet of a connection.
    pub(super) fn may_begin(&self) -> bool {
        self.level == Level::Initial && self.destination.len() >= FIRST_ID_BYTES_MIN
    }
}

/// Takes the packet at the start of a datagram, or of what the packets before left of it. `None`:
/// it is none that is read.
pub(super) fn take<'a>(datagram: &mut &'a [u8]) -> Option<Packet<'a>> {
    let whole = *datagram;
    let first = *whole.first()?;
    if first & 0x80 == 0 {
        *datagram = &[];
        return Some(Packet::Short(whole));
    }
    let (version, rest) = whole.get(1..)?.split_first_chunk::<4>()?;
    let (destination, rest) = id(rest)?;
    let (source, rest) = id(rest)?;
    let version = u32::from_be_bytes(*version);
    if version == 0 {
        *datagram = &[];
        return Some(Packet::VersionNegotiation);
    }
    let version = Version::of(version)?;
    let kind = version.types.iter().position(|bits| *bits == first >> 4 & 3)?;
    let (level, rest) = match kind {
        0 => {
            let (token, rest) = varint(rest)?;
            (Level::Initial, rest.get(usize::try_from(token).ok()?..)?)
        }
        1 => (Level::Early, rest),
        2 => (Level::Handshake, rest),
        _ => {
            *datagram = &[];
            return Some(Packet::Retry { source });
        }
    };
    let (length, rest) = varint(rest)?;
    let number_at = whole.len() - rest.len();
    let end = number_at.checked_add(usize::try_from(length).ok()?)?;
    // The end of a datagram may be cut off: the packet is what is there of it.
    let (bytes, behind) = whole.split_at(end.min(whole.len()));
    *datagram = behind;
    Some(Packet::Long(Long { version, level, destination, source, bytes, number_at }))
}

/// True if this looks like one packet with a short header (§17.3): the form, and room for the
/// sample of the mask and a tag. The fixed bit may be anything where both ends allow it (RFC
/// 9287).
pub(super) const fn is_short(bytes: &[u8]) -> bool {
    matches!(bytes, [0..=0x7F, ..]) && matches!(bytes.len(), SHORT_BYTES_MIN..=SHORT_BYTES_MAX)
}

/// True if the fixed bit is set.
pub(super) fn has_fixed_bit(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| first & 0x40 != 0)
}

fn id(bytes: &[u8]) -> Option<(Id, &[u8])> {
    let (length, rest) = bytes.split_first()?;
    let (id, rest) = rest.split_at_checked(usize::from(*length))?;
    Some((Id::new(id)?, rest))
}
