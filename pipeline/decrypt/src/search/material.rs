//! Key material of up to 48 bytes: kept in place, wiped on drop, never printed.

use std::fmt;

use zeroize::Zeroize;

/// The longest secret: of SHA-384, or a master secret.
const BYTES_MAX: usize = 48;

/// A key or a secret.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct KeyBytes {
    bytes: [u8; BYTES_MAX],
    length: u8,
}

impl KeyBytes {
    /// Copies what is there; `None` if it is longer than any key.
    pub fn new(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; BYTES_MAX];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        Some(Self { bytes, length: from.len() as u8 })
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.length)
    }
}

impl Drop for KeyBytes {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}
