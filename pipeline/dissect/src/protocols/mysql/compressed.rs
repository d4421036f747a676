//! Frames around the packets, after a login that agreed to compression.
//!
//! A frame has 7 bytes of head: its length, a sequence number, and the length of what it unpacks
//! to, 0 if it is not packed. Packets flow through frames as through a stream: this file unpacks
//! piece by piece and holds no more than an unfinished head of a packet.

use flate2::{Decompress, FlushDecompress, Status};
use model::{Side, Timestamp};

use super::login::{COMPRESS, ZSTD};
use super::probe::{self, Chain};
use super::session::MySql;
use crate::bytes::cursor::Cursor;
use crate::Dissector;
use crate::protocol::{Input, Output, Step};

/// Bytes before the payload of a frame.
const HEAD: usize = 7;
/// Bytes unpacked at a time.
const PIECE: usize = 8 * 1024;
/// Bytes unpacked of a frame to see what it holds.
const GLANCE: usize = 512;

/// Both sides' frames.
pub(super) struct Compressed {
    /// The frames are packed by zstd, which is not read.
    is_sealed: bool,
    sides: [Frames; 2],
}

/// One side's frame in progress, and what of its packets is not read yet.
#[derive(Default)]
struct Frames {
    /// Bytes of the frame still to come.
    left: usize,
    /// If it is packed: the unpacker, and the bytes still to come out of it.
    packed: Option<(Box<Decompress>, usize)>,
    /// The start of a packet that is not whole yet.
    held: Vec<u8>,
    held_at: Timestamp,
    /// Bytes of a packet that need not be looked at.
    skip: u64,
}

/// The head of a frame.
#[derive(Clone, Copy)]
struct Head {
    length: usize,
    sequence: u8,
    /// 0 if the frame is not packed.
    unpacked: usize,
}

/// Bytes that make no sense.
struct Nonsense;

impl Compressed {
    /// Frames as agreed at the login; `None` if there will be none.
    pub(super) fn agreed(capabilities: Option<u64>) -> Option<Self> {
        let all = capabilities?;
        let is_sealed = all & COMPRESS == 0;
        (all & (COMPRESS | ZSTD) != 0).then(|| Self { is_sealed, sides: Default::default() })
    }

    /// Reads the next piece of a frame, and the packets in it.
    pub(super) fn step(
        &mut self,
        session: &mut MySql,
        input: &Input<'_>,
        output: &mut Output<'_>,
    ) -> Step {
        let Some(frames) = self.sides.get_mut(input.side.index()).filter(|_| !self.is_sealed)
        else {
            return Step::Desync;
        };
        if frames.left == 0 {
            return frames.begin(input.bytes);
        }
        let taken = frames.left.min(input.bytes.len());
        let piece = input.bytes.get(..taken).unwrap_or_default();
        frames.left -= taken;
        let read = match frames.packed.take() {
            None => frames.feed(session, input, piece, output),
            Some(packed) => frames.unpack(packed, session, input, piece, output),
        };
        if read.is_err() { Step::Desync } else { Step::Took(taken) }
    }

    /// Bytes of this side are missing: the next frame that is read begins a packet.
    pub(super) fn gap(&mut self, side: Side) {
        if let Some(frames) = self.sides.get_mut(side.index()) {
            *frames = Frames::default();
        }
    }
}

impl Frames {
    fn begin(&mut self, bytes: &[u8]) -> Step {
        let Some(head) = head(bytes) else {
            return Step::Wait;
        };
        if head.length == 0 {
            return Step::Desync;
        }
        let unpacked = if head.unpacked == 0 { head.length } else { head.unpacked };
        if self.held.is_empty() && self.skip >= unpacked as u64 {
            self.skip -= unpacked as u64;
            return Step::Skip { head: HEAD, body: head.length as u64 };
        }
        self.left = head.length;
        self.packed =
            (head.unpacked > 0).then(|| (Box::new(Decompress::new(true)), head.unpacked));
        Step::Took(HEAD)
    }

    /// Unpacks a piece of a frame. What comes out is as long as the head said, or makes no sense.
    fn unpack(
        &mut self,
        (mut unpacker, mut left): (Box<Decompress>, usize),
        session: &mut MySql,
        input: &Input<'_>,
        mut piece: &[u8],
        output: &mut Output<'_>,
    ) -> Result<(), Nonsense> {
        let mut buffer = [0; PIECE];
        loop {
            let (read, written) = (unpacker.total_in(), unpacker.total_out());
            let status = unpacker
                .decompress(piece, &mut buffer, FlushDecompress::None)
                .map_err(|_| Nonsense)?;
            let read = (unpacker.total_in() - read) as usize;
            let written = (unpacker.total_out() - written) as usize;
            left = left.checked_sub(written).ok_or(Nonsense)?;
            self.feed(session, input, buffer.get(..written).ok_or(Nonsense)?, output)?;
            piece = piece.get(read..).unwrap_or_default();
            let is_over = status == Status::StreamEnd || (read == 0 && written == 0);
            if is_over || (piece.is_empty() && written < PIECE) {
                break;
            }
        }
        if self.left > 0 {
            self.packed = Some((unpacker, left));
            return if piece.is_empty() { Ok(()) } else { Err(Nonsense) };
        }
        if left == 0 { Ok(()) } else { Err(Nonsense) }
    }

    /// Shows unpacked bytes to the session, as the dissector does with those of the wire.
    fn feed(
        &mut self,
        session: &mut MySql,
        input: &Input<'_>,
        bytes: &[u8],
        output: &mut Output<'_>,
    ) -> Result<(), Nonsense> {
        let skipped = self.skip.min(bytes.len() as u64);
        self.skip -= skipped;
        let bytes = bytes.get(skipped as usize..).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(());
        }
        let first_at = if self.held.is_empty() { input.at } else { self.held_at };
        let mut held = std::mem::take(&mut self.held);
        let shown: &[u8] = if held.is_empty() {
            bytes
        } else {
            held.extend_from_slice(bytes);
            &held
        };
        let mut rest = shown;
        while !rest.is_empty() {
            let began = if rest.len() == shown.len() { first_at } else { input.at };
            let packets = Input { side: input.side, bytes: rest, first_at: began, at: input.at };
            match session.packets(&packets, output) {
                Step::Took(n) if n > 0 => rest = rest.get(n..).ok_or(Nonsense)?,
                Step::Skip { head, body } => {
                    let after = rest.get(head..).ok_or(Nonsense)?;
                    let here = body.min(after.len() as u64);
                    self.skip = body - here;
                    rest = after.get(here as usize..).unwrap_or_default();
                }
                Step::Wait if rest.len() <= Dissector::HELD_MAX => {
                    self.held_at = began;
                    self.held = rest.to_vec();
                    return Ok(());
                }
                Step::Took(_)
                | Step::Wait
                | Step::Desync
                | Step::Becomes(_)
                | Step::Upgrades(..) => return Err(Nonsense),
            }
        }
        Ok(())
    }
}

fn head(bytes: &[u8]) -> Option<Head> {
    let mut cursor = Cursor::new(bytes);
    let length = u24(&mut cursor)?;
    let sequence = cursor.u8()?;
    let unpacked = u24(&mut cursor)?;
    Some(Head { length, sequence, unpacked })
}

fn u24(cursor: &mut Cursor<'_>) -> Option<usize> {
    let low = usize::from(cursor.u16_le()?);
    Some(low | usize::from(cursor.u8()?) << 16)
}

/// True if `bytes` begin with a frame in which a command or an answer begins.
pub(super) fn begins(side: Side, bytes: &[u8]) -> bool {
    let Some(head) = head(bytes) else {
        return false;
    };
    let is_first = match side {
        Side::Client => head.sequence == 0,
        Side::Server => head.sequence == 1,
    };
    let payload = bytes.get(HEAD..).unwrap_or_default();
    let payload = payload.get(..head.length).unwrap_or(payload);
    if !is_first || payload.is_empty() {
        return false;
    }
    if head.unpacked == 0 {
        return probe::chain(side, payload) != Chain::Broken;
    }
    let mut buffer = [0; GLANCE];
    let mut unpacker = Decompress::new(true);
    let fits = unpacker.decompress(payload, &mut buffer, FlushDecompress::None).is_ok();
    let written = (unpacker.total_out() as usize).min(head.unpacked);
    let glance = buffer.get(..written).unwrap_or_default();
    fits && !glance.is_empty() && probe::chain(side, glance) != Chain::Broken
}
