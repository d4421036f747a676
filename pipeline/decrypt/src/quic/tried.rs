//! Which secrets that do not say whose they are were tried on the packets of one level and side.

/// Packets of one level and side that every secret is tried on: one may be broken.
const PACKETS_TRIED: u8 = 4;

/// How far the secrets without a random were tried.
#[derive(Clone, Copy, Default)]
pub(super) struct Tried {
    /// Up to this number, on enough packets.
    up_to: u64,
    /// Up to this one, on fewer.
    newest: u64,
    packets: u8,
}

impl Tried {
    /// After which number secrets are to be tried on the next packet.
    pub(super) fn next(&mut self, newest: u64) -> u64 {
        if self.packets >= PACKETS_TRIED {
            self.up_to = self.newest;
        }
        if newest != self.newest {
            (self.newest, self.packets) = (newest, 0);
        }
        self.packets = self.packets.saturating_add(1);
        self.up_to
    }
}
