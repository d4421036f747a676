//! What both hellos agreed on, and the keys that follow from it and a secret.

use zeroize::Zeroizing;

use super::handshake::{ClientHello, ServerHello};
use super::keys::{Keys, Share};
use crate::crypto::CipherSuite;

/// Bytes of the longest key block: two MAC keys of SHA-384, two keys of AES-256, two IVs.
const KEY_BLOCK_BYTES_MAX: usize = 2 * (48 + 32 + 16);

/// What is known of the handshake in progress, or of the last one.
#[derive(Clone, Copy, Default)]
pub(super) struct Hello {
    pub(super) client_random: Option<[u8; 32]>,
    server_random: [u8; 32],
    /// Negotiated; 0 until the server's hello.
    pub(super) version: u16,
    pub(super) suite: u16,
    encrypt_then_mac: bool,
    pub(super) sends_early_data: bool,
}

impl Hello {
    pub(super) fn asked(&mut self, hello: &ClientHello<'_>) {
        self.client_random = Some(hello.random);
        self.sends_early_data = hello.sends_early_data;
    }

    pub(super) fn answered(&mut self, hello: &ServerHello<'_>) {
        self.server_random = hello.random;
        self.version = hello.version;
        self.suite = hello.suite;
        self.encrypt_then_mac = hello.encrypt_then_mac;
    }

    /// True if the client has said hello and the server has not.
    pub(super) const fn is_open(&self) -> bool {
        self.client_random.is_some() && self.version == 0
    }

    pub(super) const fn is_tls13(&self) -> bool {
        matches!(self.version, 0x0304 | 0x7F00..=0x7FFF)
    }

    /// True if the suite is known and none of ours.
    pub(super) fn is_unsupported(&self) -> bool {
        self.suite != 0 && CipherSuite::of(self.suite).is_none()
    }

    /// The suites that a traffic secret of this length may be of.
    pub(super) fn suites(&self, length: usize) -> impl Iterator<Item = &'static CipherSuite> {
        let known = self.suite;
        let ids: &[u16] = if length == 48 { &[0x1302] } else { &[0x1301, 0x1303, 0x1304, 0x1305] };
        let fits = move |id: &u16| known == 0 || *id == known;
        ids.iter().copied().filter(fits).filter_map(CipherSuite::of)
    }

    /// The keys of both sides before TLS 1.3, the client's first (RFC 5246 §6.3).
    pub(super) fn keys12(&self, master: &[u8]) -> Option<[Keys; 2]> {
        let suite = CipherSuite::of(self.suite).filter(|suite| suite.fits(self.version))?;
        let client_random = self.client_random?;
        let (mac_bytes, iv_bytes) = match suite.cipher.is_cbc() {
            true => (suite.hash.bytes(), if self.version <= 0x0301 { 16 } else { 0 }),
            false => (0, suite.cipher.fixed_nonce_bytes()),
        };
        let key_bytes = suite.cipher.key_bytes();
        let mut block = Zeroizing::new([0; KEY_BLOCK_BYTES_MAX]);
        let block = block.get_mut(..2 * (mac_bytes + key_bytes + iv_bytes))?;
        let seed = [&self.server_random[..], &client_random[..]];
        suite.prf(self.version == 0x0303).fill(master, b"key expansion", seed, block)?;
        let (macs, rest) = block.split_at_checked(2 * mac_bytes)?;
        let (keys, ivs) = rest.split_at_checked(2 * key_bytes)?;
        let (mac_keys, keys, ivs) =
            (macs.split_at(mac_bytes), keys.split_at(key_bytes), ivs.split_at(iv_bytes));
        let of = |mac_key, key, iv| {
            let share = Share { mac_key, key, iv };
            Keys::tls12(suite, self.version, &share, self.encrypt_then_mac)
        };
        Some([of(mac_keys.0, keys.0, ivs.0)?, of(mac_keys.1, keys.1, ivs.1)?])
    }
}
