//! An interface of a pcapng section: its link type, snap length and clock.

use model::Timestamp;

use super::link::Link;
use super::span::Order;

const OPTION_END: u16 = 0;
const OPTION_TIME_RESOLUTION: u16 = 9;
const OPTION_TIME_OFFSET: u16 = 14;

/// One described interface.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interface {
    link: Link,
    /// 0 for no limit.
    snap_bytes: u32,
    resolution: Resolution,
    /// Seconds to add to every time.
    offset_seconds: i64,
}

/// How a time in ticks becomes nanoseconds.
#[derive(Clone, Copy, Debug)]
enum Resolution {
    /// A tick is this many nanoseconds.
    Nanos(u64),
    /// This many ticks are a nanosecond.
    PerNano(u64),
    /// Two to this power ticks are a second.
    PerSecondLog2(u8),
}

impl Interface {
    /// Reads the body of an interface description block; `None` if it is too short.
    pub(super) fn described(order: Order, body: &[u8]) -> Option<Self> {
        let (link, rest) = body.split_first_chunk()?;
        let (_reserved, rest) = rest.split_at_checked(2)?;
        let (snap, mut options) = rest.split_first_chunk()?;
        let mut interface = Self {
            link: Link::of(order.u16(*link)),
            snap_bytes: order.u32(*snap),
            resolution: Resolution::Nanos(1_000),
            offset_seconds: 0,
        };
        while let Some((code, value, rest)) = next_option(order, options) {
            match code {
                OPTION_TIME_RESOLUTION => {
                    if let Some(exponent) = value.first() {
                        interface.resolution = Resolution::of(*exponent);
                    }
                }
                OPTION_TIME_OFFSET => {
                    if let Some(seconds) = value.first_chunk() {
                        interface.offset_seconds = order.i64(*seconds);
                    }
                }
                _ => {}
            }
            options = rest;
        }
        Some(interface)
    }

    #[inline]
    pub(super) fn link(&self) -> Link {
        self.link
    }

    /// Captured bytes of a packet of `wire_bytes`.
    pub(super) fn snapped(&self, wire_bytes: u32) -> u32 {
        match self.snap_bytes {
            0 => wire_bytes,
            limit => wire_bytes.min(limit),
        }
    }

    /// The time of a tick count of this interface's clock.
    #[inline]
    pub(super) fn time(&self, ticks: u64) -> Timestamp {
        let since_start = match self.resolution {
            Resolution::Nanos(nanos) => ticks.saturating_mul(nanos),
            Resolution::PerNano(ticks_per_nano) => ticks / ticks_per_nano.max(1),
            Resolution::PerSecondLog2(power) => {
                let nanos = (u128::from(ticks) * 1_000_000_000) >> power.min(127);
                u64::try_from(nanos).unwrap_or(u64::MAX)
            }
        };
        if self.offset_seconds == 0 {
            return Timestamp(since_start);
        }
        let nanos = i128::from(since_start) + i128::from(self.offset_seconds) * 1_000_000_000;
        Timestamp(nanos.clamp(0, i128::from(u64::MAX)) as u64)
    }
}

impl Resolution {
    /// Reads if_tsresol: a negative power of 2 if the top bit is set, else of 10.
    fn of(exponent: u8) -> Self {
        let power = exponent & 0x7F;
        if exponent & 0x80 != 0 {
            return Self::PerSecondLog2(power);
        }
        match u32::from(power) {
            coarse @ 0..=9 => Self::Nanos(10_u64.pow(9 - coarse)),
            fine => Self::PerNano(10_u64.checked_pow(fine - 9).unwrap_or(u64::MAX)),
        }
    }
}

/// The next option of a list: code, value, what follows its padding.
fn next_option(order: Order, options: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let (code, rest) = options.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let code = order.u16(*code);
    let length = usize::from(order.u16(*length));
    if code == OPTION_END {
        return None;
    }
    let value = rest.get(..length)?;
    let rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((code, value, rest))
}
