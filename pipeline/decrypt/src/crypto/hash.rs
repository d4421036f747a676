//! The hashes of TLS, and HMAC over them (RFC 2104).

use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Sha256, Sha384};

use super::key::KeyBytes;

/// A hash function of some cipher suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hash {
    /// Only within the PRF of TLS 1.0 and 1.1.
    Md5,
    /// MACs of CBC suites, and the PRF of TLS 1.0 and 1.1.
    Sha1,
    /// The usual one since TLS 1.2.
    Sha256,
    /// Of the suites with AES-256.
    Sha384,
}

impl Hash {
    /// Bytes of its output.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }
}

/// HMAC over the parts as if they were one.
pub fn hmac(hash: Hash, key: &[u8], parts: &[&[u8]]) -> Option<KeyBytes> {
    match hash {
        Hash::Md5 => with::<Hmac<Md5>>(key, parts),
        Hash::Sha1 => with::<Hmac<Sha1>>(key, parts),
        Hash::Sha256 => with::<Hmac<Sha256>>(key, parts),
        Hash::Sha384 => with::<Hmac<Sha384>>(key, parts),
    }
}

fn with<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Option<KeyBytes> {
    let mut mac = <M as KeyInit>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    KeyBytes::new(&mac.finalize().into_bytes())
}
