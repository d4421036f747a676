//! AES-CBC with HMAC, in both orders (RFC 5246 §6.2.3.2, RFC 7366).

use aes::cipher::{BlockModeDecrypt, InnerIvInit, KeyInit};
use aes::{Aes128Dec, Aes256Dec};

use super::hash::{Hash, hmac};
use super::key::KeyBytes;
use super::suites::Cipher;

const BLOCK_BYTES: usize = 16;

/// The keys of one direction: cipher and MAC.
pub struct Cbc {
    cipher: Keys,
    mac: Hash,
    /// Without it (a key found in memory) the padding is the only proof.
    mac_key: Option<KeyBytes>,
}

enum Keys {
    Aes128(Box<Aes128Dec>),
    Aes256(Box<Aes256Dec>),
}

impl Cbc {
    /// Expands a key; `None` if a length does not fit or the cipher is another mode. Without a MAC
    /// key, padding is all that is checked.
    pub fn new(cipher: Cipher, key: &[u8], mac: Hash, mac_key: Option<&[u8]>) -> Option<Self> {
        let cipher = match cipher {
            Cipher::Aes128Cbc => Keys::Aes128(Box::new(Aes128Dec::new_from_slice(key).ok()?)),
            Cipher::Aes256Cbc => Keys::Aes256(Box::new(Aes256Dec::new_from_slice(key).ok()?)),
            _ => return None,
        };
        let mac_key = match mac_key {
            Some(key) => Some(KeyBytes::new(key)?),
            None => None,
        };
        Some(Self { cipher, mac, mac_key })
    }

    /// Bytes of the MAC.
    pub const fn mac_bytes(&self) -> usize {
        self.mac.bytes()
    }

    /// Opens a record whose MAC was taken over the plaintext. `header` is sequence number, type and
    /// version. `None`: not by this key; what is in `body` then is of no use.
    pub fn open<'a>(
        &self,
        iv: &[u8; BLOCK_BYTES],
        header: &[u8; 11],
        body: &'a mut [u8],
    ) -> Option<&'a mut [u8]> {
        self.decrypt(iv, body);
        let length = unpadded(body)?.checked_sub(self.mac_bytes())?;
        let (text, rest) = body.split_at_mut_checked(length)?;
        let mac = rest.get(..self.mac_bytes())?;
        let size = (length as u16).to_be_bytes();
        self.is_mac(mac, &[header, &size, text]).then_some(text)
    }

    /// Opens a record whose MAC was taken over the ciphertext, initialisation vector included if
    /// the record carries it: `explicit` says so.
    pub fn open_mac_outside<'a>(
        &self,
        iv: &[u8; BLOCK_BYTES],
        explicit: bool,
        header: &[u8; 11],
        body: &'a mut [u8],
    ) -> Option<&'a mut [u8]> {
        let length = body.len().checked_sub(self.mac_bytes())?;
        let (text, mac) = body.split_at_mut_checked(length)?;
        let iv_sent: &[u8] = if explicit { iv } else { &[] };
        let size = ((iv_sent.len() + length) as u16).to_be_bytes();
        if !self.is_mac(mac, &[&header[..], &size, iv_sent, text]) {
            return None;
        }
        self.decrypt(iv, text);
        let length = unpadded(text)?;
        text.get_mut(..length)
    }

    fn is_mac(&self, mac: &[u8], parts: &[&[u8]]) -> bool {
        self.mac_key.as_ref().is_none_or(|key| {
            hmac(self.mac, key.as_slice(), parts).is_some_and(|m| m.as_slice() == mac)
        })
    }

    /// Decrypts whole blocks in place, unproven; a rest stays as it is.
    pub fn decrypt(&self, iv: &[u8; BLOCK_BYTES], body: &mut [u8]) {
        let iv = (*iv).into();
        let (blocks, _) = aes::cipher::Array::slice_as_chunks_mut(body);
        match &self.cipher {
            Keys::Aes128(key) => {
                cbc::Decryptor::inner_iv_init(&**key, &iv).decrypt_blocks(blocks);
            }
            Keys::Aes256(key) => {
                cbc::Decryptor::inner_iv_init(&**key, &iv).decrypt_blocks(blocks);
            }
        }
    }
}

/// Bytes before the padding, if that is what it should be: each of its bytes is its length.
fn unpadded(body: &[u8]) -> Option<usize> {
    if body.is_empty() || !body.len().is_multiple_of(BLOCK_BYTES) {
        return None;
    }
    let last = *body.last()?;
    let length = body.len().checked_sub(usize::from(last) + 1)?;
    body.get(length..)?.iter().all(|byte| *byte == last).then_some(length)
}
