//! Header blocks: put together from their frames, read in order.

use model::Side;

use super::{BLOCK_BYTES_MAX, Block, Http2Session, Opened};
use crate::http::{Head, Part};
use crate::protocol::{Input, Output};
use crate::protocols::http2::frame::{self, Header, Type};
use crate::protocols::http2::hpack::{Decoder, Malformed};

impl Http2Session {
    /// A frame with a part of a block, whole. `None`: it makes no sense here.
    pub(super) fn block(
        &mut self,
        header: &Header,
        payload: &[u8],
        input: Input<'_>,
        output: &mut Output<'_>,
    ) -> Option<()> {
        let mut part = header.block(payload)?;
        let sending = self.sides.of(input.side);
        let held = sending.block.take();
        let mut opened = match &held {
            Some(block) => block.opened,
            None => {
                let mut promised = None;
                if header.kind == Type::Promise {
                    let (number, rest) = frame::number(part)?;
                    (promised, part) = (Some(number & i32::MAX as u32), rest);
                }
                let (stream, ends_stream) = (header.stream, header.ends_stream());
                let ends_stream = ends_stream && header.kind == Type::Headers;
                Opened { stream, promised, ends_stream, first_at: input.first_at, bytes: 0 }
            }
        };
        opened.bytes += header.whole() as u64;
        match (held, header.ends_block()) {
            (None, true) => read(&mut self.head, &mut sending.decoder, part).ok()?,
            (held, is_whole) => {
                let mut block = held.unwrap_or_else(|| {
                    Box::new(Block { opened, text: Vec::new(), is_cut: false })
                });
                block.opened = opened;
                block.is_cut |= block.text.len() + part.len() > BLOCK_BYTES_MAX;
                if !block.is_cut {
                    block.text.extend_from_slice(part);
                }
                if !is_whole {
                    sending.block = Some(block);
                    return Some(());
                }
                if block.is_cut {
                    sending.decoder.lose();
                }
                let text = if block.is_cut { &[] } else { block.text.as_slice() };
                read(&mut self.head, &mut sending.decoder, text).ok()?;
            }
        }
        let part = Part {
            stream: u64::from(opened.promised.unwrap_or(opened.stream)),
            ends_stream: opened.ends_stream,
            first_at: opened.first_at,
            at: input.at,
            bytes: opened.bytes,
        };
        match (input.side, opened.promised) {
            // A client's streams have odd numbers.
            (Side::Client, None) if opened.stream % 2 == 1 => {
                self.requests.asked(&part, &self.head, output);
            }
            (Side::Client, None) => {}
            (Side::Server, Some(_)) => self.requests.promised(&part, &self.head, output),
            (Side::Server, None) => self.requests.answers(&part, &self.head, output),
            (Side::Client, Some(_)) => return None,
        }
        Some(())
    }
}

/// Reads the next block of a side.
fn read(head: &mut Head, decoder: &mut Decoder, block: &[u8]) -> Result<(), Malformed> {
    head.begin();
    decoder.read(block, |name, value| head.take(name, value))
}
