//! Keys that a traffic secret gives (RFC 8446, section 7.3; RFC 9001, section 5.1).

use hkdf::Hkdf;
use sha2::{Sha256, Sha384};

use super::gcm::Nonce;
use crate::crypto::KeyBytes;

/// A traffic secret under test.
pub(super) enum Secret {
    Sha256(Hkdf<Sha256>),
    Sha384(Hkdf<Sha384>),
}

/// Whose labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Labels {
    Tls,
    Quic1,
    Quic2,
}

impl Labels {
    /// HkdfLabel's label of the key and of the IV, with the prefix of TLS 1.3.
    const fn words(self) -> [&'static [u8]; 2] {
        match self {
            Self::Tls => [b"tls13 key", b"tls13 iv"],
            Self::Quic1 => [b"tls13 quic key", b"tls13 quic iv"],
            Self::Quic2 => [b"tls13 quicv2 key", b"tls13 quicv2 iv"],
        }
    }
}

impl Secret {
    /// 32 bytes are of SHA-256, 48 of SHA-384.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        match bytes.len() {
            32 => Hkdf::from_prk(bytes).ok().map(Self::Sha256),
            48 => Hkdf::from_prk(bytes).ok().map(Self::Sha384),
            _ => None,
        }
    }

    /// The key of so many bytes.
    pub(super) fn key(&self, labels: Labels, length: usize) -> Option<KeyBytes> {
        let mut key = [0; 32];
        let key = key.get_mut(..length)?;
        self.expand(labels.words()[0], key)?;
        KeyBytes::new(key)
    }

    /// The IV.
    pub(super) fn iv(&self, labels: Labels) -> Option<Nonce> {
        let mut iv = Nonce::default();
        self.expand(labels.words()[1], &mut iv)?;
        Some(iv)
    }

    /// HKDF-Expand-Label with an empty context (RFC 8446, section 7.1).
    fn expand(&self, label: &[u8], to: &mut [u8]) -> Option<()> {
        let length = (to.len() as u16).to_be_bytes();
        let info: [&[u8]; 4] = [&length, &[label.len() as u8], label, &[0]];
        match self {
            Self::Sha256(hkdf) => hkdf.expand_multi_info(&info, to).ok(),
            Self::Sha384(hkdf) => hkdf.expand_multi_info(&info, to).ok(),
        }
    }
}
