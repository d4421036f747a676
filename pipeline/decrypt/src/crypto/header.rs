//! Masks that protect the headers of QUIC packets (RFC 9001 §5.4).

use aes::cipher::{BlockCipherEncrypt, KeyInit, KeyIvInit, StreamCipher, StreamCipherSeek};
use aes::{Aes128Enc, Aes256Enc};
use chacha20::ChaCha20;
use zeroize::Zeroizing;

use super::suites::Cipher;

/// A header protection key.
pub enum HeaderKey {
    /// §5.4.3.
    Aes128(Box<Aes128Enc>),
    /// §5.4.3.
    Aes256(Box<Aes256Enc>),
    /// §5.4.4.
    ChaCha20(Box<Zeroizing<[u8; 32]>>),
}

impl HeaderKey {
    /// The key that goes with `cipher`; `None` if the length does not fit or QUIC has no such.
    pub fn new(cipher: Cipher, key: &[u8]) -> Option<Self> {
        Some(match cipher {
            Cipher::Aes128Gcm | Cipher::Aes128Ccm => {
                Self::Aes128(Box::new(Aes128Enc::new_from_slice(key).ok()?))
            }
            Cipher::Aes256Gcm | Cipher::Aes256Ccm => {
                Self::Aes256(Box::new(Aes256Enc::new_from_slice(key).ok()?))
            }
            Cipher::ChaCha20Poly1305 => {
                Self::ChaCha20(Box::new(Zeroizing::new(key.try_into().ok()?)))
            }
            Cipher::Aes128Ccm8 | Cipher::Aes256Ccm8 | Cipher::Aes128Cbc | Cipher::Aes256Cbc => {
                return None;
            }
        })
    }

    /// The mask for a packet with this sample: for its first byte, then for its number.
    pub fn mask(&self, sample: &[u8; 16]) -> [u8; 5] {
        let mut block = aes::Block::from(*sample);
        match self {
            Self::Aes128(cipher) => cipher.encrypt_block(&mut block),
            Self::Aes256(cipher) => cipher.encrypt_block(&mut block),
            Self::ChaCha20(key) => {
                let [a, b, c, d, nonce @ ..] = *sample;
                let mut cipher = ChaCha20::new(&(***key).into(), &nonce.into());
                let mut mask = [0; 5];
                // The counter is in blocks of 64 bytes, and all of it may be used.
                let start = u64::from(u32::from_le_bytes([a, b, c, d])) * 64;
                if cipher.try_seek(start).is_ok() {
                    // Refused only at the end of 256 GiB; five zeros are then as wrong as any.
                    let _ = cipher.try_apply_keystream(&mut mask);
                }
                return mask;
            }
        }
        let [a, b, c, d, e, ..]: [u8; 16] = block.into();
        [a, b, c, d, e]
    }
}
