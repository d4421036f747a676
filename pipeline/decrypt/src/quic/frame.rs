//! The payload of a packet → frames (RFC 9000 §19). Stateless; borrowed.

use super::number::varint;
use super::packet::Id;

/// A frame, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    Crypto {
        offset: u64,
        bytes: &'a [u8],
    },
    Stream {
        stream: u64,
        offset: u64,
        bytes: &'a [u8],
        ends: bool,
    },
    Reset {
        stream: u64,
        code: u64,
    },
    Stop {
        stream: u64,
        code: u64,
    },
    NewId(Id),
    Close {
        code: u64,
        is_application: bool,
    },
    HandshakeDone,
    /// Read, and of no interest.
    Other,
}

/// The frames of a payload. Ends early at one that is unknown or makes no sense.
pub(super) struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    pub(super) const fn new(payload: &'a [u8]) -> Self {
        Self { rest: payload }
    }

    fn number(&mut self) -> Option<u64> {
        let (number, rest) = varint(self.rest)?;
        self.rest = rest;
        Some(number)
    }

    fn skip(&mut self, numbers: u64) -> Option<()> {
        for _ in 0..numbers {
            self.number()?;
        }
        Some(())
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let length = usize::try_from(length).ok()?;
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }

    fn read(&mut self) -> Option<Frame<'a>> {
        let kind = self.number()?;
        Some(match kind {
            0x00 => {
                let padding = self.rest.iter().take_while(|byte| **byte == 0).count();
                self.take(padding as u64)?;
                Frame::Other
            }
            // PING, IMMEDIATE_ACK.
            0x01 | 0x1F => Frame::Other,
            0x02 | 0x03 => self.acknowledgment(kind == 0x03)?,
            0x04 | 0x24 => {
                let (stream, code) = (self.number()?, self.number()?);
                // The final size, and for RESET_STREAM_AT what is reliable of it.
                self.skip(1 + u64::from(kind == 0x24))?;
                Frame::Reset { stream, code }
            }
            0x05 => Frame::Stop { stream: self.number()?, code: self.number()? },
            0x06 => {
                let offset = self.number()?;
                let length = self.number()?;
                Frame::Crypto { offset, bytes: self.take(length)? }
            }
            0x07 => {
                let length = self.number()?;
                self.take(length)?;
                Frame::Other
            }
            0x08..=0x0F => self.stream(kind)?,
            0x10 | 0x12..=0x14 | 0x16 | 0x17 | 0x19 => {
                self.skip(1)?;
                Frame::Other
            }
            0x11 | 0x15 => {
                self.skip(2)?;
                Frame::Other
            }
            0x18 => self.new_id()?,
            0x1A | 0x1B => {
                self.take(8)?;
                Frame::Other
            }
            0x1C | 0x1D => self.close(kind == 0x1D)?,
            0x1E => Frame::HandshakeDone,
            // DATAGRAM (RFC 9221).
            0x30 => {
                self.rest = &[];
                Frame::Other
            }
            0x31 => {
                let length = self.number()?;
                self.take(length)?;
                Frame::Other
            }
            // ACK_FREQUENCY.
            0xAF => {
                self.skip(4)?;
                Frame::Other
            }
            _ => return None,
        })
    }

    fn acknowledgment(&mut self, counts_congestion: bool) -> Option<Frame<'a>> {
        self.skip(2)?;
        let ranges = self.number()?;
        self.skip(1)?;
        self.skip(ranges.checked_mul(2)?)?;
        self.skip(if counts_congestion { 3 } else { 0 })?;
        Some(Frame::Other)
    }

    fn new_id(&mut self) -> Option<Frame<'a>> {
        // Its number, and up to which number others are retired.
        self.skip(2)?;
        let length = self.take(1)?.first().copied()?;
        let id = Id::new(self.take(u64::from(length))?)?;
        // The token of stateless resets.
        self.take(16)?;
        Some(Frame::NewId(id))
    }

    fn close(&mut self, is_application: bool) -> Option<Frame<'a>> {
        let code = self.number()?;
        // The type of the frame that was wrong.
        self.skip(u64::from(!is_application))?;
        let length = self.number()?;
        self.take(length)?;
        Some(Frame::Close { code, is_application })
    }

    fn stream(&mut self, kind: u64) -> Option<Frame<'a>> {
        let stream = self.number()?;
        let offset = if kind & 4 != 0 { self.number()? } else { 0 };
        let length = if kind & 2 != 0 { self.number()? } else { self.rest.len() as u64 };
        let bytes = self.take(length)?;
        // No stream is longer than a number (§4.5).
        let is_sound = offset.checked_add(length).is_some_and(|end| end < 1 << 62);
        is_sound.then_some(Frame::Stream { stream, offset, bytes, ends: kind & 1 != 0 })
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let frame = self.read();
        if frame.is_none() {
            self.rest = &[];
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_one_after_another() {
        let payload = b"\x00\x00\x01\x02\x05\x00\x01\x00\x01\x01\x06\x00\x02hi\x0f\x04\x02\x03abc\
            \x04\x08\x41\x0c\x09\x05\x0c\x41\x0d\x18\x01\x00\x02XY0123456789abcdef\x1e\x1d\x41\x00\x00\x08\x00end";
        let found: Vec<_> = Frames::new(payload).filter(|f| *f != Frame::Other).collect();
        let expected = [
            Frame::Crypto { offset: 0, bytes: b"hi" },
            Frame::Stream { stream: 4, offset: 2, bytes: b"abc", ends: true },
            Frame::Reset { stream: 8, code: 0x10C },
            Frame::Stop { stream: 12, code: 0x10D },
            Frame::NewId(Id::new(b"XY").expect("short")),
            Frame::HandshakeDone,
            Frame::Close { code: 0x100, is_application: true },
            Frame::Stream { stream: 0, offset: 0, bytes: b"end", ends: false },
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn any_payload_ends() {
        bolero::check!().with_type::<Vec<u8>>().for_each(|payload| {
            assert!(Frames::new(payload).count() <= payload.len());
        });
    }
}
