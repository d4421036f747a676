//! Short text held in place, for statuses and versions on the hot path.

use std::fmt;

/// Up to 23 bytes of UTF-8 without an allocation; longer text is cut at a character boundary.
///
/// Three whole words, so that it is copied and compared as such.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(C, align(8))]
pub struct ShortText {
    length: u8,
    bytes: [u8; Self::CAPACITY],
}

impl ShortText {
    /// The most it holds.
    pub const CAPACITY: usize = 23;

    /// Takes `text`, cut if need be.
    pub const fn new(text: &str) -> Self {
        let mut end = if text.len() < Self::CAPACITY { text.len() } else { Self::CAPACITY };
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let mut bytes = [0; Self::CAPACITY];
        let (head, _) = text.as_bytes().split_at(end);
        let (to, _) = bytes.split_at_mut(end);
        to.copy_from_slice(head);
        Self { length: end as u8, bytes }
    }

    /// Takes the leading bytes that are printable ASCII without blanks; wire bytes never go further
    /// raw.
    pub fn from_wire(wire: &[u8]) -> Self {
        let end = wire.iter().take(Self::CAPACITY).take_while(|b| b.is_ascii_graphic()).count();
        let mut bytes = [0; Self::CAPACITY];
        bytes[..end].copy_from_slice(&wire[..end]);
        Self { length: end as u8, bytes }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or("")
    }

    /// True if there is none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl fmt::Debug for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for ShortText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&str> for ShortText {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}
