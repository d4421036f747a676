//! Proving a key on TLS 1.2 records sealed with AES-CCM (RFC 6655), which cannot be turned around.
//! Half of the nonce stands in the record, and engines make it the sequence number; the other half
//! is four bytes that lie near the schedule of the key.

use super::limits::Budget;
use super::tls::additional_12;
use crate::crypto::{Aead, Cipher};

/// How far from the schedule the fixed part of the nonce is looked for.
pub(super) const NEAR_BYTES: usize = 1024;
/// Content type, version, length.
const HEADER_BYTES: usize = 5;
const EXPLICIT_BYTES: usize = 8;

/// What opens a record beside its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sealing {
    pub salt: [u8; 4],
    pub cipher: Cipher,
    pub sequence: u64,
}

/// The ciphers that a key of this length may be of.
fn ciphers(key_bytes: usize) -> [Cipher; 2] {
    match key_bytes {
        16 => [Cipher::Aes128Ccm, Cipher::Aes128Ccm8],
        _ => [Cipher::Aes256Ccm, Cipher::Aes256Ccm8],
    }
}

/// How the record was sealed by this key, if it was; `near` is the memory around its schedule.
pub(super) fn sealing(
    key: &[u8],
    record: &[u8],
    near: &[u8],
    budget: &mut Budget,
) -> Option<Sealing> {
    let (header, body) = record.split_first_chunk::<HEADER_BYTES>()?;
    let (explicit, sealed) = body.split_first_chunk::<EXPLICIT_BYTES>()?;
    let mut opened = Vec::with_capacity(sealed.len());
    for cipher in ciphers(key.len()) {
        let aead = Aead::new(cipher, key)?;
        let length = sealed.len().checked_sub(aead.tag_bytes())?;
        let additional = additional_12(header, u64::from_be_bytes(*explicit), length);
        for salt in near.as_chunks::<4>().0.iter().filter(|salt| **salt != [0; 4]) {
            if !budget.test() {
                return None;
            }
            let mut nonce = [0; 12];
            nonce.iter_mut().zip(salt.iter().chain(explicit)).for_each(|(to, byte)| *to = *byte);
            opened.clear();
            opened.extend_from_slice(sealed);
            if aead.open(&nonce, &additional, &mut opened).is_some() {
                let sequence = u64::from_be_bytes(*explicit);
                return Some(Sealing { salt: *salt, cipher, sequence });
            }
        }
    }
    None
}
