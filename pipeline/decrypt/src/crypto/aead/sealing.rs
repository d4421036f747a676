//! The other way round, for tests alone: seals what [`Aead`] opens.

use aes::cipher::consts::U16;
use aes::cipher::{BlockCipherEncrypt, BlockSizeUser, KeyInit};
use ccm::Ccm;
use ccm::aead::AeadInOut;
use ccm::consts::{U8, U12};
use ghash::universal_hash::UniversalHash;
use poly1305::Poly1305;

use super::{Aead, Gcm, apply, chacha, counter};

impl Aead {
    /// Ciphertext and tag.
    pub(crate) fn seal(&self, nonce: &[u8; 12], aad: &[u8], text: &[u8]) -> Vec<u8> {
        let mut body = text.to_vec();
        let tag = match self {
            Self::Aes128Gcm(key) => key.seal(nonce, aad, &mut body),
            Self::Aes256Gcm(key) => key.seal(nonce, aad, &mut body),
            Self::Aes128Ccm(key, bytes) => seal_ccm(&**key, nonce, aad, &mut body, *bytes),
            Self::Aes256Ccm(key, bytes) => seal_ccm(&**key, nonce, aad, &mut body, *bytes),
            Self::ChaCha20Poly1305(key) => {
                chacha(key, nonce, 64, &mut body);
                let mut hash_key = [0; 32];
                chacha(key, nonce, 0, &mut hash_key);
                let mut hash = Poly1305::new(&hash_key.into());
                hash.update_padded(aad);
                hash.update_padded(&body);
                let lengths = (body.len() as u128) << 64 | aad.len() as u128;
                hash.update(&[lengths.to_le_bytes().into()]);
                hash.finalize().to_vec()
            }
        };
        [body, tag].concat()
    }
}

impl<C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16> + KeyInit> Gcm<C> {
    fn seal(&self, nonce: &[u8; 12], aad: &[u8], body: &mut [u8]) -> Vec<u8> {
        self.decrypt(nonce, body);
        let mut tag = self.hash(aad, body);
        apply(&self.cipher, &counter(nonce, 1), &mut tag);
        tag.to_vec()
    }
}

fn seal_ccm<C>(cipher: &C, nonce: &[u8; 12], aad: &[u8], body: &mut [u8], tag: usize) -> Vec<u8>
where
    C: BlockCipherEncrypt + BlockSizeUser<BlockSize = U16>,
{
    let nonce = (*nonce).into();
    if tag == 16 {
        let key = Ccm::<&C, U16, U12>::from(cipher);
        key.encrypt_inout_detached(&nonce, aad, body.into()).expect("short").to_vec()
    } else {
        let key = Ccm::<&C, U8, U12>::from(cipher);
        key.encrypt_inout_detached(&nonce, aad, body.into()).expect("short").to_vec()
    }
}
