//! A look at the HTTP/2 frames after `101 Switching Protocols` with `Upgrade: h2c`.
//!
//! The answer to the upgraded request comes on stream 1 (RFC 7540 §3.2). [`Answer`] walks the frame
//! headers of the server, reads `:status` where it is a static or literal field (RFC 7541), and
//! finds the end of the stream. It only looks: the bytes are left for whoever reads HTTP/2, whose
//! header compression needs them all. Nothing else of HTTP/2 is understood here.

/// Frame types and flags of RFC 9113 §6.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// What has been found of the answer on stream 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// Where the next frame starts.
    at: usize,
    /// The final status.
    pub(super) code: Option<[u8; 3]>,
    /// The stream ends with the header block that is being sent.
    ends_with_headers: bool,
}

/// How far the walk came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Walk {
    /// The stream goes on.
    Open,
    /// The stream has ended; so many bytes were looked at.
    Ended(usize),
    /// The server gave the stream up.
    Aborted,
    /// This is not HTTP/2, or says nothing we can read.
    Unclear,
}

impl Answer {
    /// Looks at `bytes`, which always start right after the 101.
    pub(super) fn walk(&mut self, bytes: &[u8]) -> Walk {
        while let Some(frame) = bytes.get(self.at..).and_then(Frame::first) {
            // The server preface: a SETTINGS frame, whole numbers of entries (RFC 9113 §3.4).
            if self.at == 0 && !frame.is_server_preface() {
                return Walk::Unclear;
            }
            let Some(payload) = frame.payload else {
                return Walk::Open;
            };
            self.at += 9 + payload.len();
            match self.frame(&frame, payload) {
                Walk::Open => {}
                Walk::Ended(_) => return Walk::Ended(self.at),
                end @ (Walk::Aborted | Walk::Unclear) => return end,
            }
        }
        Walk::Open
    }

    fn frame(&mut self, frame: &Frame<'_>, payload: &[u8]) -> Walk {
        if frame.stream != 1 {
            return Walk::Open;
        }
        let is_last = frame.flags & END_STREAM != 0;
        match frame.kind {
            HEADERS => {
                if self.code.is_none() {
                    let Some(code) = frame.block(payload).and_then(status_code) else {
                        return Walk::Unclear;
                    };
                    self.code = Some(code).filter(|[class, ..]| *class != b'1');
                }
                if is_last && frame.flags & END_HEADERS != 0 {
                    return Walk::Ended(0);
                }
                self.ends_with_headers = is_last;
            }
            CONTINUATION if frame.flags & END_HEADERS != 0 && self.ends_with_headers => {
                return Walk::Ended(0);
            }
            DATA if is_last => return Walk::Ended(0),
            RST_STREAM => return Walk::Aborted,
            _ => {}
        }
        Walk::Open
    }
}

/// A frame header, and its payload if it is whole.
struct Frame<'a> {
    kind: u8,
    flags: u8,
    stream: u32,
    length: usize,
    payload: Option<&'a [u8]>,
}

impl<'a> Frame<'a> {
    fn first(bytes: &'a [u8]) -> Option<Self> {
        let ([a, b, c, kind, flags, stream @ ..], rest) = bytes.split_first_chunk::<9>()?;
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        Some(Self {
            kind: *kind,
            flags: *flags,
            stream: u32::from_be_bytes(*stream) & 0x7FFF_FFFF,
            length,
            payload: rest.get(..length),
        })
    }

    fn is_server_preface(&self) -> bool {
        self.kind == SETTINGS && self.stream == 0 && self.length.is_multiple_of(6)
    }

    /// The header block fragment, without padding and priority.
    fn block<'b>(&self, payload: &'b [u8]) -> Option<&'b [u8]> {
        let mut block = payload;
        if self.flags & PADDED != 0 {
            let (padding, rest) = block.split_first()?;
            let end = rest.len().checked_sub(usize::from(*padding))?;
            block = rest.get(..end)?;
        }
        if self.flags & PRIORITY != 0 {
            block = block.get(5..)?;
        }
        Some(block)
    }
}

/// `:status`, which comes first, after dynamic table size updates. `None` if it is coded in a way
/// that needs the dynamic table.
fn status_code(mut block: &[u8]) -> Option<[u8; 3]> {
    loop {
        let (first, rest) = block.split_first()?;
        match first {
            // A size update: 001, then a prefix integer of five bits.
            0x20..=0x3F => {
                let more = match first & 0x1F {
                    0x1F => 1 + rest.iter().take_while(|b| **b & 0x80 != 0).count(),
                    _ => 0,
                };
                block = rest.get(more..)?;
            }
            0x88..=0x8E => {
                let known = [b"200", b"204", b"206", b"304", b"400", b"404", b"500"];
                return known.get(usize::from(first - 0x88)).map(|code| **code);
            }
            // A literal whose name is one of the seven `:status` entries: with and without
            // indexing, never indexed.
            0x48..=0x4E | 0x08..=0x0E | 0x18..=0x1E => return literal(rest),
            _ => return None,
        }
    }
}

/// Three digits as a string literal, plain or Huffman coded.
fn literal(bytes: &[u8]) -> Option<[u8; 3]> {
    let (length, rest) = bytes.split_first()?;
    let text = rest.get(..usize::from(length & 0x7F))?;
    let code = if length & 0x80 == 0 {
        *text.first_chunk::<3>().filter(|_| text.len() == 3)?
    } else {
        huffman_digits(text)?
    };
    code.iter().all(u8::is_ascii_digit).then_some(code)
}

/// Digits 0–2 have five bits (their value), 3–9 six (0x19 on); three of them fill at most three
/// bytes.
fn huffman_digits(text: &[u8]) -> Option<[u8; 3]> {
    let mut bits = text.iter().take(3).fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
    let mut left = 8 * text.len().min(3);
    let mut code = [0; 3];
    for digit in &mut code {
        let five = bits >> left.checked_sub(5)?;
        let (value, width) = if five <= 2 {
            (five, 5)
        } else {
            ((bits >> left.checked_sub(6)?).checked_sub(0x16)?, 6)
        };
        left -= width;
        bits &= (1 << left) - 1;
        *digit = u8::try_from(value).ok().filter(|v| *v <= 9)? + b'0';
    }
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_is_read_from_indexed_and_literal_fields() {
        for (block, expected) in [
            (&b"\x88"[..], Some(*b"200")),
            (b"\x8e\x00", Some(*b"500")),
            (b"\x3f\xe1\x1f\x89", Some(*b"204")),
            (b"\x20\x88", Some(*b"200")),
            (b"\x48\x03503", Some(*b"503")),
            (b"\x08\x03302", Some(*b"302")),
            (b"\x48\x82\x64\x02", Some(*b"302")),
            (b"\x48\x83\x6c\x0c\xff", Some(*b"503")),
            (b"\x48\x82\x10\x01", Some(*b"200")),
            (b"\xbe", None),
            (b"\x48\x04abcd", None),
            (b"\x48\x83\xff\xff\xff", None),
            (b"", None),
        ] {
            assert_eq!(status_code(block), expected, "{block:x?}");
        }
    }
}
