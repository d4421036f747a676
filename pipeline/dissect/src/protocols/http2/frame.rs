//! Bytes → frame headers and the few payloads that matter (RFC 9113 §4, §6). Stateless.

/// What a client says first (§3.4).
pub(super) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes before the payload.
pub(super) const HEADER_BYTES: usize = 9;
/// The longest frame but DATA that is taken for one: what a session may hold of a frame.
pub(super) const CONTROL_BYTES_MAX: u32 = 48 * 1024;

const END_STREAM: u8 = 0x1;
const ACK: u8 = 0x1;
const END_HEADERS: u8 = 0x4;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;

/// Type of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Data,
    Headers,
    Priority,
    Reset,
    Settings,
    Promise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    /// An extension: to be passed over.
    Other(u8),
}

/// The nine bytes before each payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) kind: Type,
    pub(super) length: u32,
    pub(super) stream: u32,
    flags: u8,
}

impl Header {
    /// The header at the start of `bytes`; `None` if it is not whole.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [a, b, c, kind, flags, stream @ ..] = bytes.first_chunk::<HEADER_BYTES>()?;
        let kind = match kind {
            0 => Type::Data,
            1 => Type::Headers,
            2 => Type::Priority,
            3 => Type::Reset,
            4 => Type::Settings,
            5 => Type::Promise,
            6 => Type::Ping,
            7 => Type::GoAway,
            8 => Type::WindowUpdate,
            9 => Type::Continuation,
            other => Type::Other(*other),
        };
        let length = u32::from_be_bytes([0, *a, *b, *c]);
        // The reserved bit stays in: nobody sets it, and `is_sound` wants it clear.
        Some(Self { kind, length, stream: u32::from_be_bytes(*stream), flags: *flags })
    }

    /// Header and payload.
    pub(super) const fn whole(&self) -> usize {
        HEADER_BYTES + self.length as usize
    }

    pub(super) const fn ends_stream(&self) -> bool {
        self.flags & END_STREAM != 0
    }

    pub(super) const fn ends_block(&self) -> bool {
        self.flags & END_HEADERS != 0
    }

    /// False if no peer sends such a frame. Unknown flags are to be ignored (§4.1).
    pub(super) const fn is_sound(&self) -> bool {
        let Self { length, stream, flags, .. } = *self;
        let fits = match self.kind {
            Type::Data | Type::Continuation => stream != 0,
            Type::Headers => stream != 0 && length as usize >= self.before_block(),
            Type::Priority => stream != 0 && length == 5,
            Type::Reset => stream != 0 && length == 4,
            Type::Settings => {
                stream == 0 && length.is_multiple_of(6) && (flags & ACK == 0 || length == 0)
            }
            Type::Promise => stream != 0 && length as usize >= 4 + self.before_block(),
            Type::Ping => stream == 0 && length == 8,
            Type::GoAway => stream == 0 && length >= 8,
            Type::WindowUpdate => length == 4,
            Type::Other(_) => true,
        };
        let is_short = matches!(self.kind, Type::Data) || length <= CONTROL_BYTES_MAX;
        fits && is_short && stream <= i32::MAX as u32
    }

    /// True if it is sound, and of a type and with flags that the RFC knows: where frames are
    /// looked for, not read.
    pub(super) const fn is_usual(&self) -> bool {
        let known = match self.kind {
            Type::Data => END_STREAM | PADDED,
            Type::Headers => END_STREAM | END_HEADERS | PADDED | PRIORITY,
            Type::Priority | Type::Reset | Type::GoAway | Type::WindowUpdate => 0,
            Type::Settings | Type::Ping => ACK,
            Type::Promise => END_HEADERS | PADDED,
            Type::Continuation => END_HEADERS,
            Type::Other(_) => return false,
        };
        self.is_sound() && self.flags & !known == 0
    }

    /// Bytes of padding length and priority before the header block.
    const fn before_block(&self) -> usize {
        let padding = (self.flags & PADDED != 0) as usize;
        let is_headers = matches!(self.kind, Type::Headers);
        padding + if is_headers && self.flags & PRIORITY != 0 { 5 } else { 0 }
    }

    /// The part of the header block in the payload of HEADERS, CONTINUATION or, after the stream
    /// promised, PUSH_PROMISE. `None` if it is padded with more than there is.
    pub(super) fn block<'a>(&self, payload: &'a [u8]) -> Option<&'a [u8]> {
        if self.kind == Type::Continuation {
            return Some(payload);
        }
        let padding = if self.flags & PADDED == 0 { 0 } else { usize::from(*payload.first()?) };
        let end = payload.len().checked_sub(padding)?;
        payload.get(self.before_block()..end)
    }
}

/// The frames from the start of `bytes` on: header, payload as far as it is there.
pub(super) struct Frames<'a> {
    rest: &'a [u8],
}

impl<'a> Frames<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What is behind the frames given so far.
    pub(super) const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = (Header, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let header = Header::read(self.rest)?;
        let end = header.whole().min(self.rest.len());
        let (frame, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest;
        Some((header, frame.get(HEADER_BYTES..)?))
    }
}

/// A number at the start of a payload, or of a block after the padding: an error code, a stream.
pub(super) fn number(payload: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = payload.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes(*number), rest))
}

/// Names of the error codes (§7, registry), and a word for those that have none.
pub(super) fn error_name(code: u64) -> &'static str {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    NAMES.get(code as usize).copied().unwrap_or("UNKNOWN_ERROR")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Header {
        Header::read(bytes).expect("nine bytes are a header")
    }

    #[test]
    fn a_block_stands_between_padding_and_priority() {
        let payload = b"\x02\0\0\0\x03\x10\x82\x84\0\0";
        let header = read(b"\0\0\x0a\x01\x2d\0\0\0\x01");
        assert!(header.is_sound() && header.ends_block() && header.ends_stream());
        assert_eq!(header.block(payload), Some(&b"\x82\x84"[..]));
        assert_eq!(header.block(b"\x09\0\0\0\x03\x10\x82\x84\0\0"), None);
    }

    #[test]
    fn frames_that_nobody_sends_are_not_sound() {
        for bytes in [
            // DATA on the connection, a reserved bit, SETTINGS on a stream or of an odd length,
            // an empty WINDOW_UPDATE, HEADERS shorter than its priority.
            &b"\0\0\x01\0\0\0\0\0\0"[..],
            b"\0\0\x01\0\0\x80\0\0\x01",
            b"\0\0\x06\x04\0\0\0\0\x01",
            b"\0\0\x05\x04\0\0\0\0\0",
            b"\0\0\0\x08\0\0\0\0\x01",
            b"\0\0\x04\x01\x24\0\0\0\x01",
        ] {
            assert!(!read(bytes).is_sound(), "{bytes:x?}");
        }
        let odd_flag = read(b"\0\0\x01\0\x40\0\0\0\x01");
        assert!(odd_flag.is_sound() && !odd_flag.is_usual());
    }
}
