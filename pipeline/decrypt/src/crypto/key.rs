//! Key material that wipes itself and is never printed.

use std::fmt;

use zeroize::Zeroize;

/// A secret, key or digest in place.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyBytes {
    bytes: [u8; Self::CAPACITY],
    length: u8,
}

impl KeyBytes {
    /// The longest there is: a master secret, or an output of SHA-384.
    pub const CAPACITY: usize = 48;

    /// Takes a copy; `None` if `bytes` are too many.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut key = Self::zeros(bytes.len())?;
        key.as_mut_slice().copy_from_slice(bytes);
        Some(key)
    }

    /// So many zeros, to be filled in; `None` if they are too many.
    pub fn zeros(length: usize) -> Option<Self> {
        (length <= Self::CAPACITY)
            .then_some(Self { bytes: [0; Self::CAPACITY], length: length as u8 })
    }

    /// The bytes.
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }

    /// The bytes, to be written.
    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..usize::from(self.length)).unwrap_or_default()
    }
}

impl Drop for KeyBytes {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl fmt::Debug for KeyBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secret bytes", self.length)
    }
}
