//! The pcap format: a file header, then records of one link type.
//!
//! <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-04.html>

use std::io;

use model::{TapEvent, Timestamp};

use super::blocks::{Blocks, WINDOW_BYTES_MAX};
use super::decoder::{Decoder, Packet};
use super::link::Link;
use super::span::{Order, Span};
use super::summary::Damage;

const FILE_HEADER_BYTES: usize = 24;

/// A record may not claim more than this, unless the file's snap length does: what libpcap allows.
const SNAP_BYTES_USUAL: u32 = 256 * 1024;

/// The longest packet that is read, whatever a snap length says.
const PACKET_BYTES_MAX: u32 = (WINDOW_BYTES_MAX - 64) as u32;

/// What the magic number says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variant {
    order: Order,
    /// Nanoseconds per unit of the second time field.
    unit_ns: u32,
    record_header_bytes: usize,
}

impl Variant {
    /// The variant of a magic number; `None` if it is none of pcap.
    pub(super) fn of(magic: [u8; 4]) -> Option<Self> {
        [Order::Little, Order::Big].into_iter().find_map(|order| {
            let (unit_ns, record_header_bytes) = match order.u32(magic) {
                0xA1B2_C3D4 => (1_000, 16),
                0xA1B2_3C4D => (1, 16),
                // A patched libpcap of the 1990s, still written by some systems: each record has
                // eight bytes more (interface, protocol, packet type).
                0xA1B2_CD34 => (1_000, 24),
                _ => return None,
            };
            Some(Self { order, unit_ns, record_header_bytes })
        })
    }

    /// The four numbers of a record header.
    #[inline]
    fn record(self, header: &[u8]) -> Option<Record> {
        let words = header.as_chunks::<4>().0;
        let [seconds, part, captured, wire, ..] = words else {
            return None;
        };
        let second_ns = u64::from(self.order.u32(*seconds)) * 1_000_000_000;
        let part_ns = u64::from(self.order.u32(*part)) * u64::from(self.unit_ns);
        Some(Record {
            at: Timestamp(second_ns + part_ns),
            captured_bytes: self.order.u32(*captured),
            wire_bytes: self.order.u32(*wire),
        })
    }
}

struct Record {
    at: Timestamp,
    captured_bytes: u32,
    wire_bytes: u32,
}

/// Reads the file header and every record.
pub(super) fn read<S: FnMut(TapEvent<'_>)>(
    variant: Variant,
    blocks: &mut Blocks,
    decoder: &mut Decoder,
    sink: &mut S,
) -> io::Result<()> {
    let order = variant.order;
    let Some(header) = blocks.window(FILE_HEADER_BYTES) else {
        return decoder.ended(blocks, 0, FILE_HEADER_BYTES);
    };
    let [_, version, _, _, snap, network] = header.as_chunks::<4>().0 else {
        return Ok(());
    };
    let snap_bytes = order.u32(*snap);
    // The upper half of the field holds flags: the length of the frame check sequence.
    let link = Link::of(order.u32(*network) as u16);
    let [major_0, major_1, minor_0, minor_1] = *version;
    let (major, minor) = (order.u16([major_0, major_1]), order.u16([minor_0, minor_1]));
    if major != 2 || minor > 4 {
        decoder.warn(4, Damage::Version { major, minor });
    }
    blocks.consume(FILE_HEADER_BYTES);

    let claim_max = snap_bytes.clamp(SNAP_BYTES_USUAL, PACKET_BYTES_MAX);
    let header_bytes = variant.record_header_bytes;
    loop {
        let offset = blocks.offset();
        let header = blocks.window(header_bytes);
        let Some(record) = header.and_then(|header| variant.record(header)) else {
            return decoder.ended(blocks, offset, header_bytes);
        };
        let claimed = record.captured_bytes;
        if claimed > claim_max {
            decoder.warn(offset, Damage::RecordLength { claimed });
            return Ok(());
        }
        let record_bytes = header_bytes + claimed as usize;
        let bytes = blocks.window(record_bytes);
        let Some((_, bytes)) = bytes.and_then(|bytes| bytes.split_at_checked(header_bytes)) else {
            return decoder.ended(blocks, offset, record_bytes);
        };
        let packet =
            Packet { at: record.at, link, offset, span: Span::new(bytes, record.wire_bytes) };
        decoder.packet(packet, sink);
        blocks.consume(record_bytes);
    }
}
