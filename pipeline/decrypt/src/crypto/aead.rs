//! Authenticated ciphers: a record with its tag opened in place, or the head of one without it.
//!
//! The tag is compared before anything is decrypted where the mode allows it. Nobody waits for our
//! answer, so that its time tells nobody anything.

use aes::cipher::consts::U16;
use aes::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockSizeUser, InnerIvInit, KeyInit, KeyIvInit,
    StreamCipher, StreamCipherCore, StreamCipherSeek,
};
use aes::{Aes128Dec, Aes128Enc, Aes256Dec, Aes256Enc};
use ccm::Ccm;
use ccm::aead::AeadInOut;
use ccm::consts::{U8, U12};
use chacha20::ChaCha20;
use ctr::{CtrCore, flavors};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;
use poly1305::Poly1305;
use zeroize::Zeroizing;

use super::suites::Cipher;

/// A key of an authenticated cipher, expanded once. 12 bytes of nonce a record.
pub enum Aead {
    /// AES-128-GCM (SP 800-38D).
    Aes128Gcm(Box<Gcm<Aes128Enc>>),
    /// AES-256-GCM.
    Aes256Gcm(Box<Gcm<Aes256Enc>>),
    /// AES-128-CCM (RFC 3610), tag of 16 or 8 bytes.
    Aes128Ccm(Box<Aes128Enc>, usize),
    /// AES-256-CCM.
    Aes256Ccm(Box<Aes256Enc>, usize),
    /// ChaCha20-Poly1305 (RFC 8439 §2.8).
    ChaCha20Poly1305(Box<Zeroizing<[u8; 32]>>),
}

impl Aead {
    /// Expands a key; `None` if its length does not fit, or the cipher has no tag.
    pub fn new(cipher: Cipher, key: &[u8]) -> Option<Self> {
        let tag_bytes = cipher.tag_bytes();
        Some(match cipher {
            Cipher::Aes128Gcm => Self::Aes128Gcm(Box::new(Gcm::new(key)?)),
            Cipher::Aes256Gcm => Self::Aes256Gcm(Box::new(Gcm::new(key)?)),
            Cipher::Aes128Ccm | Cipher::Aes128Ccm8 => {
                Self::Aes128Ccm(Box::new(Aes128Enc::new_from_slice(key).ok()?), tag_bytes)
            }
            Cipher::Aes256Ccm | Cipher::Aes256Ccm8 => {
                Self::Aes256Ccm(Box::new(Aes256Enc::new_from_slice(key).ok()?), tag_bytes)
            }
            Cipher::ChaCha20Poly1305 => {
                Self::ChaCha20Poly1305(Box::new(Zeroizing::new(key.try_into().ok()?)))
            }
            Cipher::Aes128Cbc | Cipher::Aes256Cbc => return None,
        })
    }

    /// Bytes of the tag behind the ciphertext.
    pub const fn tag_bytes(&self) -> usize {
        match self {
            Self::Aes128Ccm(_, bytes) | Self::Aes256Ccm(_, bytes) => *bytes,
            Self::Aes128Gcm(_) | Self::Aes256Gcm(_) | Self::ChaCha20Poly1305(_) => 16,
        }
    }

    /// Opens ciphertext with its tag in place. `None`: not by this key, nonce and `aad`; what is in
    /// `record` then is of no use.
    pub fn open<'a>(
        &self,
        nonce: &[u8; 12],
        aad: &[u8],
        record: &'a mut [u8],
    ) -> Option<&'a mut [u8]> {
        let length = record.len().checked_sub(self.tag_bytes())?;
        let (body, tag) = record.split_at_mut_checked(length)?;
        let is_ours = match self {
            Self::Aes128Gcm(key) => key.open(nonce, aad, body, tag),
            Self::Aes256Gcm(key) => key.open(nonce, aad, body, tag),
            Self::Aes128Ccm(key, _) => open_ccm(&**key, nonce, aad, body, tag),
            Self::Aes256Ccm(key, _) => open_ccm(&**key, nonce, aad, body, tag),
            Self::ChaCha20Poly1305(key) => open_chacha(key, nonce, aad, body, tag),
        };
        is_ours.then_some(body)
    }

    /// The nonce under which this would open: GCM turned around. A wrong key gives one with a
    /// chance of 2⁻³², so that what is known of the nonce must be compared. `None`: not by this
    /// key, or the cipher cannot be turned around.
    pub fn nonce(&self, aad: &[u8], record: &[u8]) -> Option<[u8; 12]> {
        let (body, tag) = record.split_last_chunk::<16>()?;
        match self {
            Self::Aes128Gcm(key) => key.nonce::<Aes128Dec>(aad, body, tag),
            Self::Aes256Gcm(key) => key.nonce::<Aes256Dec>(aad, body, tag),
            Self::Aes128Ccm(..) | Self::Aes256Ccm(..) | Self::ChaCha20Poly1305(_) => None,
        }
    }

    /// Decrypts the head of a ciphertext in place, unproven: for records of a key that has opened
    /// others, and of which the rest is not at hand.
    pub fn open_prefix(&self, nonce: &[u8; 12], head: &mut [u8]) {
        match self {
            Self::Aes128Gcm(key) => key.decrypt(nonce, head),
            Self::Aes256Gcm(key) => key.decrypt(nonce, head),
            Self::Aes128Ccm(key, _) => apply(&**key, &ccm_counter(nonce), head),
            Self::Aes256Ccm(key, _) => apply(&**key, &ccm_counter(nonce), head),
            Self::ChaCha20Poly1305(key) => chacha(key, nonce, 64, head),
        }
    }
}

/// AES-GCM with the hash key computed once.
pub struct Gcm<C> {
    cipher: C,
    hash: GHash,
}

impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit> Gcm<C> {
    fn new(key: &[u8]) -> Option<Self> {
        let cipher = C::new_from_slice(key).ok()?;
        let mut hash_key = Default::default();
        cipher.encrypt_block(&mut hash_key);
        let hash = GHash::new(&hash_key);
        hash_key.fill(0);
        Some(Self { cipher, hash })
    }

    fn open(&self, nonce: &[u8; 12], aad: &[u8], body: &mut [u8], tag: &[u8]) -> bool {
        let mut expected = self.hash(aad, body);
        apply(&self.cipher, &counter(nonce, 1), &mut expected);
        if expected != *tag {
            return false;
        }
        self.decrypt(nonce, body);
        true
    }

    fn nonce<D>(&self, aad: &[u8], body: &[u8], tag: &[u8; 16]) -> Option<[u8; 12]>
    where
        D: for<'a> From<&'a C> + BlockCipherDecrypt + BlockSizeUser<BlockSize = U16>,
    {
        let mut block = self.hash(aad, body);
        block.iter_mut().zip(tag).for_each(|(to, from)| *to ^= from);
        let mut block = block.into();
        D::from(&self.cipher).decrypt_block(&mut block);
        let [nonce @ .., 0, 0, 0, 1]: [u8; 16] = block.into() else {
            return None;
        };
        Some(nonce)
    }

    /// What the tag is made of before the block of the nonce is added.
    fn hash(&self, aad: &[u8], body: &[u8]) -> [u8; 16] {
        let mut hash = self.hash.clone();
        hash.update_padded(aad);
        hash.update_padded(body);
        let bits = |bytes: &[u8]| bytes.len() as u128 * 8;
        hash.update(&[(bits(aad) << 64 | bits(body)).to_be_bytes().into()]);
        hash.finalize().into()
    }

    fn decrypt(&self, nonce: &[u8; 12], body: &mut [u8]) {
        apply(&self.cipher, &counter(nonce, 2), body);
    }
}

/// A counter block of GCM.
fn counter(nonce: &[u8; 12], count: u8) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *nonce;
    [a, b, c, d, e, f, g, h, i, j, k, l, 0, 0, 0, count]
}

/// A counter block of CCM with a counter of three bytes (RFC 3610 §2.3).
fn ccm_counter(nonce: &[u8; 12]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, i, j, k, l] = *nonce;
    [2, a, b, c, d, e, f, g, h, i, j, k, l, 0, 0, 1]
}

/// Counter mode from `start` on.
fn apply<C>(cipher: &C, start: &[u8; 16], data: &mut [u8])
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let core = CtrCore::<&C, flavors::Ctr32BE>::inner_iv_init(cipher, &(*start).into());
    // Refused only after 2³² blocks.
    let _ = core.try_apply_keystream_partial(data.into());
}

fn open_ccm<C>(cipher: &C, nonce: &[u8; 12], aad: &[u8], body: &mut [u8], tag: &[u8]) -> bool
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let nonce = (*nonce).into();
    if let Ok(tag) = <&[u8; 16]>::try_from(tag) {
        let key = Ccm::<&C, U16, U12>::from(cipher);
        key.decrypt_inout_detached(&nonce, aad, body.into(), tag.into()).is_ok()
    } else if let Ok(tag) = <&[u8; 8]>::try_from(tag) {
        let key = Ccm::<&C, U8, U12>::from(cipher);
        key.decrypt_inout_detached(&nonce, aad, body.into(), tag.into()).is_ok()
    } else {
        false
    }
}

/// The keystream from byte `start` on.
fn chacha(key: &[u8; 32], nonce: &[u8; 12], start: u64, data: &mut [u8]) {
    let mut cipher = ChaCha20::new(&(*key).into(), &(*nonce).into());
    if cipher.try_seek(start).is_ok() {
        // Refused only after 256 GiB.
        let _ = cipher.try_apply_keystream(data);
    }
}

fn open_chacha(key: &[u8; 32], nonce: &[u8; 12], aad: &[u8], body: &mut [u8], tag: &[u8]) -> bool {
    let mut hash_key = Zeroizing::new([0; 32]);
    chacha(key, nonce, 0, &mut *hash_key);
    let mut hash = Poly1305::new(&(*hash_key).into());
    hash.update_padded(aad);
    hash.update_padded(body);
    let lengths = u128::from(body.len() as u64) << 64 | u128::from(aad.len() as u64);
    hash.update(&[lengths.to_le_bytes().into()]);
    if hash.finalize().as_slice() != tag {
        return false;
    }
    chacha(key, nonce, 64, body);
    true
}

#[cfg(test)]
mod sealing;
