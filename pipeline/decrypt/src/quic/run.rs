//! Datagrams that the kernel handled as one (UDP_SEGMENT), which a capture on the sending host
//! shows as one: several packets of one size, the last of which may be shorter. Nothing says which.

use model::{Direction, Timestamp};

use super::connection::{Connection, Context};
use super::packet::{Level, Packet};

/// The sizes of datagrams: what every path carries (RFC 9000 §14), and what Ethernet does.
const SIZES: std::ops::RangeInclusive<usize> = 1_200..=1_472;
/// Searches in vain before a connection's datagrams are taken to be whole.
const SEARCHES_MAX: u8 = 8;

/// What is known of the runs of one side.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Runs {
    /// The size that opened one last.
    size: Option<usize>,
    searches: u8,
}

impl Connection {
    /// Opens what may be one packet or a run of them. False: it is sealed as yet, or not of this
    /// connection.
    pub(super) fn open_all(
        &mut self,
        packet: &Packet<'_>,
        direction: Direction,
        at: Timestamp,
        context: &mut Context<'_>,
    ) -> bool {
        let Packet::Short(bytes) = packet else {
            return self.open(packet, direction, at, context);
        };
        let side = self.side(direction);
        let known = self.runs[side.index()].size.filter(|size| bytes.len() > *size);
        if known.is_some_and(|size| self.open_run(bytes, size, direction, at, context)) {
            return true;
        }
        if self.open(packet, direction, at, context) {
            return true;
        }
        let is_long = bytes.len() > *SIZES.end() || known.is_some();
        if !is_long || !self.has_secret(side, context) {
            return false;
        }
        let runs = &mut self.runs[side.index()];
        if runs.searches >= SEARCHES_MAX {
            return false;
        }
        runs.searches += 1;
        SIZES.rev().any(|size| self.open_run(bytes, size, direction, at, context))
    }

    /// Opens packets of `size` bytes, if the first one is.
    fn open_run(
        &mut self,
        bytes: &[u8],
        size: usize,
        direction: Direction,
        at: Timestamp,
        context: &mut Context<'_>,
    ) -> bool {
        let mut packets = bytes.chunks(size);
        let first = packets.next().unwrap_or_default();
        if !self.open(&Packet::Short(first), direction, at, context) {
            return false;
        }
        let side = self.side(direction);
        self.runs[side.index()] = Runs { size: Some(size), searches: 0 };
        for packet in packets {
            if !self.open(&Packet::Short(packet), direction, at, context) {
                context.ledger.sealed += packet.len() as u64;
            }
            self.progress.passed(Level::Application, side, packet.len() as u64, at);
        }
        true
    }
}
