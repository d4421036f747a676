//! Keys from secrets: HKDF of TLS 1.3 and QUIC, and the PRFs of TLS before.

use hkdf::Hkdf;
use sha2::{Sha256, Sha384};

use super::hash::{Hash, hmac};
use super::key::KeyBytes;

/// Bytes of the longest label with its prefix, as of `tls13 quic key`.
const LABEL_BYTES_MAX: usize = 32;
/// Bytes of the longest context: a hash.
const CONTEXT_BYTES_MAX: usize = 48;

/// HKDF-Expand-Label (RFC 8446 §7.1). `label` is whole, prefix included: `tls13 key`,
/// `tls13 quic key`. `None` if the secret is shorter than the hash, or anything is too long.
pub fn expand_label(
    hash: Hash,
    secret: &[u8],
    label: &[u8],
    context: &[u8],
    length: usize,
) -> Option<KeyBytes> {
    if label.len() > LABEL_BYTES_MAX || context.len() > CONTEXT_BYTES_MAX {
        return None;
    }
    let mut key = KeyBytes::zeros(length)?;
    let (size, label_size) = ((length as u16).to_be_bytes(), [label.len() as u8]);
    let info = [&size[..], &label_size, label, &[context.len() as u8], context];
    let out = key.as_mut_slice();
    match hash {
        Hash::Sha256 => {
            Hkdf::<Sha256>::from_prk(secret).ok()?.expand_multi_info(&info, out).ok()?;
        }
        Hash::Sha384 => {
            Hkdf::<Sha384>::from_prk(secret).ok()?.expand_multi_info(&info, out).ok()?;
        }
        Hash::Md5 | Hash::Sha1 => return None,
    }
    Some(key)
}

/// HKDF-Extract (RFC 5869 §2.2).
pub fn extract(hash: Hash, salt: &[u8], secret: &[u8]) -> Option<KeyBytes> {
    hmac(hash, salt, &[secret])
}

/// The pseudorandom function of TLS 1.0 to 1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prf {
    /// TLS 1.0 and 1.1 (RFC 2246 §5): the exclusive or of two.
    Md5Sha1,
    /// TLS 1.2 (RFC 5246 §5).
    Of(Hash),
}

impl Prf {
    /// Fills `out` from secret, label and seed; the seed is in parts.
    pub fn fill(self, secret: &[u8], label: &[u8], seed: [&[u8]; 2], out: &mut [u8]) -> Option<()> {
        out.fill(0);
        match self {
            Self::Of(hash) => add(hash, secret, label, seed, out),
            Self::Md5Sha1 => {
                // Halves of an odd secret share its middle byte.
                let half = secret.len().div_ceil(2);
                let (first, second) = (secret.get(..half)?, secret.get(secret.len() - half..)?);
                add(Hash::Md5, first, label, seed, out)?;
                add(Hash::Sha1, second, label, seed, out)
            }
        }
    }
}

/// `P_hash` (RFC 5246 §5), added to `out` by exclusive or.
fn add(hash: Hash, secret: &[u8], label: &[u8], seed: [&[u8]; 2], out: &mut [u8]) -> Option<()> {
    let [first, second] = seed;
    let mut a = hmac(hash, secret, &[label, first, second])?;
    for part in out.chunks_mut(hash.bytes()) {
        let block = hmac(hash, secret, &[a.as_slice(), label, first, second])?;
        part.iter_mut().zip(block.as_slice()).for_each(|(to, from)| *to ^= from);
        a = hmac(hash, secret, &[a.as_slice()])?;
    }
    Some(())
}
