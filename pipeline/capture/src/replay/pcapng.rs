//! The pcapng format: sections of blocks, each section with its own byte order and interfaces.
//!
//! <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html>

use std::io;

use model::{TapEvent, Timestamp};

use super::blocks::{Blocks, WINDOW_BYTES_MAX};
use super::decoder::{Decoder, Packet};
use super::interface::Interface;
use super::key_log::read_key_log;
use super::span::{Order, Span};
use super::summary::Damage;

/// Block type of a section header, the same in both byte orders: the magic number of the format.
pub(super) const SECTION_HEADER: u32 = 0x0A0D_0D0A;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;

/// The kind of secrets that is read: a TLS key log.
const TLS_KEY_LOG: u32 = 0x544C_534B;

const BYTE_ORDER_MAGIC: u32 = 0x1A2B_3C4D;

/// Type, length, and the length again at the end.
const BLOCK_BYTES_MIN: u32 = 12;

/// Most interfaces of one section; packets of later ones are malformed.
const INTERFACES_MAX: usize = 4_096;

/// Reads every block.
pub(super) fn read<S: FnMut(TapEvent<'_>)>(
    blocks: &mut Blocks,
    decoder: &mut Decoder,
    sink: &mut S,
) -> io::Result<()> {
    let mut section = Section { order: Order::Little, interfaces: Vec::new() };
    loop {
        let offset = blocks.offset();
        // The least a block has, and enough for the byte order of a section header.
        let head = blocks.window(BLOCK_BYTES_MIN as usize);
        let Some(head) = head.and_then(|head| head.first_chunk().copied()) else {
            return decoder.ended(blocks, offset, BLOCK_BYTES_MIN as usize);
        };
        let step = match section.start(head) {
            Ok(start) if start.is_read() => section.read(start, blocks, decoder, sink),
            Ok(start) => section.pass_over(start, blocks, decoder),
            Err(damage) => Err(Stop::Damaged(damage)),
        };
        match step {
            Ok(()) => {}
            Err(Stop::Short(wanted)) => return decoder.ended(blocks, offset, wanted),
            Err(Stop::Damaged(damage)) => {
                decoder.warn(offset, damage);
                return Ok(());
            }
        }
    }
}

/// Why no further block can be found.
enum Stop {
    /// The input ends before the block's bytes, which are this many.
    Short(usize),
    /// The lengths that lead to the next block are wrong.
    Damaged(Damage),
}

/// What every block starts with.
#[derive(Clone, Copy)]
struct Start {
    kind: u32,
    /// Length of the whole block.
    length: u32,
}

impl Start {
    /// True for the blocks that are looked into.
    fn is_read(self) -> bool {
        // Secrets beyond what is held at once are passed over; all other blocks are needed.
        let fits = self.length as usize <= WINDOW_BYTES_MAX;
        (self.kind == DECRYPTION_SECRETS && fits)
            || matches!(
                self.kind,
                SECTION_HEADER
                    | INTERFACE_DESCRIPTION
                    | OBSOLETE_PACKET
                    | SIMPLE_PACKET
                    | ENHANCED_PACKET
            )
    }
}

/// What holds until the next section header.
struct Section {
    order: Order,
    interfaces: Vec<Interface>,
}

impl Section {
    /// Type and length of the next block. A section header sets the byte order first.
    #[inline]
    fn start(&mut self, head: [u8; 12]) -> Result<Start, Damage> {
        let [kind, length, magic] = head.as_chunks::<4>().0 else {
            return Err(Damage::BlockLength { claimed: 0 });
        };
        if u32::from_be_bytes(*kind) == SECTION_HEADER {
            self.order = [Order::Little, Order::Big]
                .into_iter()
                .find(|order| order.u32(*magic) == BYTE_ORDER_MAGIC)
                .ok_or(Damage::ByteOrderMagic)?;
        }
        let start = Start { kind: self.order.u32(*kind), length: self.order.u32(*length) };
        let length = start.length;
        if length < BLOCK_BYTES_MIN
            || !length.is_multiple_of(4)
            || (start.is_read() && length as usize > WINDOW_BYTES_MAX)
        {
            return Err(Damage::BlockLength { claimed: length });
        }
        Ok(start)
    }

    /// Reads a block that is held in the window whole.
    fn read<S: FnMut(TapEvent<'_>)>(
        &mut self,
        start: Start,
        blocks: &mut Blocks,
        decoder: &mut Decoder,
        sink: &mut S,
    ) -> Result<(), Stop> {
        let offset = blocks.offset();
        let length = start.length as usize;
        let block = blocks.window(length).ok_or(Stop::Short(length))?;
        let (body, trailer) =
            block.get(8..).and_then(|rest| rest.split_last_chunk()).ok_or(Stop::Short(length))?;
        if self.order.u32(*trailer) != start.length {
            return Err(Stop::Damaged(Damage::BlockTrailer));
        }
        let kind = start.kind;
        let packet = match kind {
            ENHANCED_PACKET => self.enhanced_packet(body),
            SIMPLE_PACKET => self.simple_packet(body),
            OBSOLETE_PACKET => self.obsolete_packet(body),
            DECRYPTION_SECRETS => {
                decoder.summary.secrets += 1;
                if self.secrets(body, sink).is_none() {
                    decoder.warn(offset, Damage::BlockBody { kind });
                }
                blocks.consume(length);
                return Ok(());
            }
            _ => {
                if self.describe(kind, body, offset, decoder).is_none() {
                    decoder.warn(offset, Damage::BlockBody { kind });
                }
                blocks.consume(length);
                return Ok(());
            }
        };
        match packet {
            Ok(packet) => decoder.packet(Packet { offset, ..packet }, sink),
            Err(damage) => decoder.malformed(offset, damage),
        }
        blocks.consume(length);
        Ok(())
    }

    /// Moves past a block of no interest, however long it is.
    fn pass_over(
        &self,
        start: Start,
        blocks: &mut Blocks,
        decoder: &mut Decoder,
    ) -> Result<(), Stop> {
        let short = || Stop::Short(start.length as usize);
        if blocks.skip(u64::from(start.length - 4)) > 0 {
            return Err(short());
        }
        let trailer = blocks.window(4).and_then(|trailer| trailer.first_chunk());
        if self.order.u32(*trailer.ok_or_else(short)?) != start.length {
            return Err(Stop::Damaged(Damage::BlockTrailer));
        }
        blocks.consume(4);
        if start.kind == DECRYPTION_SECRETS {
            decoder.summary.secrets += 1;
        }
        Ok(())
    }

    /// Hands on the secrets of a block; those of other kinds than a key log are nobody's.
    fn secrets<S: FnMut(TapEvent<'_>)>(&self, body: &[u8], sink: &mut S) -> Option<()> {
        let (kind, rest) = body.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let text = rest.get(..self.order.u32(*length) as usize)?;
        if self.order.u32(*kind) == TLS_KEY_LOG {
            read_key_log(text, |secret| sink(TapEvent::Secret(*secret)));
        }
        Some(())
    }

    /// Takes in a section header or an interface; `None` if the block is too short for it.
    fn describe(
        &mut self,
        kind: u32,
        body: &[u8],
        offset: u64,
        decoder: &mut Decoder,
    ) -> Option<()> {
        if kind == INTERFACE_DESCRIPTION {
            if self.interfaces.len() < INTERFACES_MAX {
                self.interfaces.push(Interface::described(self.order, body)?);
            }
            return Some(());
        }
        self.interfaces.clear();
        let (_, rest) = body.split_at_checked(4)?;
        let (major, rest) = rest.split_first_chunk()?;
        let (major, minor) = (self.order.u16(*major), self.order.u16(*rest.first_chunk()?));
        if major != 1 {
            decoder.warn(offset, Damage::Version { major, minor });
        }
        Some(())
    }

    #[inline]
    fn enhanced_packet<'a>(&self, body: &'a [u8]) -> Result<Packet<'a>, Damage> {
        const BROKEN: Damage = Damage::BlockBody { kind: ENHANCED_PACKET };
        let (head, rest) = body.split_first_chunk::<20>().ok_or(BROKEN)?;
        let [interface, high, low, captured, wire] = head.as_chunks::<4>().0 else {
            return Err(BROKEN);
        };
        let bytes = rest.get(..self.order.u32(*captured) as usize).ok_or(BROKEN)?;
        let interface = self.interface(self.order.u32(*interface))?;
        Ok(Packet {
            at: interface.time(self.ticks(*high, *low)),
            link: interface.link(),
            offset: 0,
            span: Span::new(bytes, self.order.u32(*wire)),
        })
    }

    fn obsolete_packet<'a>(&self, body: &'a [u8]) -> Result<Packet<'a>, Damage> {
        const BROKEN: Damage = Damage::BlockBody { kind: OBSOLETE_PACKET };
        let (head, rest) = body.split_first_chunk::<20>().ok_or(BROKEN)?;
        let [[id_0, id_1, _, _], high, low, captured, wire] = head.as_chunks::<4>().0 else {
            return Err(BROKEN);
        };
        let bytes = rest.get(..self.order.u32(*captured) as usize).ok_or(BROKEN)?;
        let interface = self.interface(u32::from(self.order.u16([*id_0, *id_1])))?;
        Ok(Packet {
            at: interface.time(self.ticks(*high, *low)),
            link: interface.link(),
            offset: 0,
            span: Span::new(bytes, self.order.u32(*wire)),
        })
    }

    /// A simple packet block has neither time nor captured length: that follows from the snap
    /// length of the first interface.
    fn simple_packet<'a>(&self, body: &'a [u8]) -> Result<Packet<'a>, Damage> {
        const BROKEN: Damage = Damage::BlockBody { kind: SIMPLE_PACKET };
        let (wire, rest) = body.split_first_chunk().ok_or(BROKEN)?;
        let wire_bytes = self.order.u32(*wire);
        let interface = self.interface(0)?;
        let captured = interface.snapped(wire_bytes) as usize;
        Ok(Packet {
            at: Timestamp::UNKNOWN,
            link: interface.link(),
            offset: 0,
            span: Span::new(rest.get(..captured).unwrap_or(rest), wire_bytes),
        })
    }

    #[inline]
    fn interface(&self, interface: u32) -> Result<&Interface, Damage> {
        self.interfaces.get(interface as usize).ok_or(Damage::NoSuchInterface { interface })
    }

    #[inline]
    fn ticks(&self, high: [u8; 4], low: [u8; 4]) -> u64 {
        u64::from(self.order.u32(high)) << 32 | u64::from(self.order.u32(low))
    }
}
