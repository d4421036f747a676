//! Part of a packet: what was captured of it, and how long it was on the wire.

/// A run of packet bytes. `bytes` is the captured prefix of `wire_bytes` bytes on the wire.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span<'a> {
    /// What was captured; never longer than `wire_bytes`.
    pub(super) bytes: &'a [u8],
    /// How many there were.
    pub(super) wire_bytes: u32,
}

impl<'a> Span<'a> {
    /// A span of a packet as the file gives it. Some writers give a wire length below the captured
    /// one; the captured bytes were there, so they win.
    pub(super) fn new(bytes: &'a [u8], wire_bytes: u32) -> Self {
        let captured = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        Self { bytes, wire_bytes: wire_bytes.max(captured) }
    }

    /// The first `N` bytes, if captured.
    #[inline]
    pub(super) fn head<const N: usize>(&self) -> Option<&'a [u8; N]> {
        self.bytes.first_chunk()
    }

    /// The big-endian number at an offset, if captured.
    #[inline]
    pub(super) fn u16_at(&self, offset: usize) -> Option<u16> {
        let (_, rest) = self.bytes.split_at_checked(offset)?;
        rest.first_chunk().map(|two| u16::from_be_bytes(*two))
    }

    /// What follows the first `count` bytes; `None` if the wire had fewer.
    #[inline]
    pub(super) fn after(&self, count: u32) -> Option<Self> {
        Some(Self {
            bytes: self.bytes.get(count as usize..).unwrap_or_default(),
            wire_bytes: self.wire_bytes.checked_sub(count)?,
        })
    }

    /// The span as long as an inner header says it is: padding goes, and a header that claims more
    /// than the packet record is believed, because a record cut by a careless tool is far more
    /// frequent than a packet that lies.
    #[inline]
    pub(super) fn sized(&self, wire_bytes: u32) -> Self {
        Self { bytes: self.bytes.get(..wire_bytes as usize).unwrap_or(self.bytes), wire_bytes }
    }
}

/// The byte order of a capture file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl Order {
    #[inline]
    pub(super) fn u16(self, bytes: [u8; 2]) -> u16 {
        match self {
            Self::Little => u16::from_le_bytes(bytes),
            Self::Big => u16::from_be_bytes(bytes),
        }
    }

    #[inline]
    pub(super) fn u32(self, bytes: [u8; 4]) -> u32 {
        match self {
            Self::Little => u32::from_le_bytes(bytes),
            Self::Big => u32::from_be_bytes(bytes),
        }
    }

    pub(super) fn i64(self, bytes: [u8; 8]) -> i64 {
        match self {
            Self::Little => i64::from_le_bytes(bytes),
            Self::Big => i64::from_be_bytes(bytes),
        }
    }
}
