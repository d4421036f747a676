//! The cipher suites that are opened, as one table (IANA, TLS Cipher Suites).
//!
//! Left out: RC4, 3DES, Camellia, ARIA, SEED and NULL, which nobody speaks by default any more.

use super::derive::Prf;
use super::hash::Hash;
use Cipher::{
    Aes128Cbc, Aes128Ccm, Aes128Ccm8, Aes128Gcm, Aes256Cbc, Aes256Ccm, Aes256Ccm8, Aes256Gcm,
    ChaCha20Poly1305,
};
use Hash::{Sha1, Sha256, Sha384};

/// What protects the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cipher {
    /// RFC 5288, RFC 8446.
    Aes128Gcm,
    /// RFC 5288, RFC 8446.
    Aes256Gcm,
    /// RFC 7905, RFC 8446.
    ChaCha20Poly1305,
    /// RFC 6655, RFC 8446.
    Aes128Ccm,
    /// RFC 6655.
    Aes256Ccm,
    /// RFC 6655, RFC 8446: tag of eight bytes.
    Aes128Ccm8,
    /// RFC 6655: tag of eight bytes.
    Aes256Ccm8,
    /// RFC 5246 §6.2.3.2.
    Aes128Cbc,
    /// RFC 5246 §6.2.3.2.
    Aes256Cbc,
}

impl Cipher {
    /// Bytes of the key.
    pub const fn key_bytes(self) -> usize {
        match self {
            Aes128Gcm | Aes128Ccm | Aes128Ccm8 | Aes128Cbc => 16,
            Aes256Gcm | Aes256Ccm | Aes256Ccm8 | Aes256Cbc | ChaCha20Poly1305 => 32,
        }
    }

    /// Bytes of the tag; 0 for CBC, which has a MAC of its own.
    pub const fn tag_bytes(self) -> usize {
        match self {
            Aes128Ccm8 | Aes256Ccm8 => 8,
            Aes128Gcm | Aes256Gcm | Aes128Ccm | Aes256Ccm | ChaCha20Poly1305 => 16,
            Aes128Cbc | Aes256Cbc => 0,
        }
    }

    /// Before TLS 1.3: bytes of the nonce that come from the handshake (RFC 5288 §3, RFC 7905 §2).
    pub const fn fixed_nonce_bytes(self) -> usize {
        match self {
            Aes128Gcm | Aes256Gcm | Aes128Ccm | Aes256Ccm | Aes128Ccm8 | Aes256Ccm8 => 4,
            ChaCha20Poly1305 => 12,
            Aes128Cbc | Aes256Cbc => 0,
        }
    }

    /// Before TLS 1.3: bytes of the nonce that stand before the ciphertext of each record.
    pub const fn explicit_nonce_bytes(self) -> usize {
        match self {
            Aes128Gcm | Aes256Gcm | Aes128Ccm | Aes256Ccm | Aes128Ccm8 | Aes256Ccm8 => 8,
            ChaCha20Poly1305 => 0,
            Aes128Cbc | Aes256Cbc => 16,
        }
    }

    /// True for the mode without a tag.
    pub const fn is_cbc(self) -> bool {
        matches!(self, Aes128Cbc | Aes256Cbc)
    }
}

/// One suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CipherSuite {
    /// The number on the wire.
    pub id: u16,
    /// The name in the registry.
    pub name: &'static str,
    /// What protects the records.
    pub cipher: Cipher,
    /// Of HKDF, or of the PRF; of the MAC if the mode is CBC.
    pub hash: Hash,
}

impl CipherSuite {
    /// The suite with this number, if it is one of ours.
    pub fn of(id: u16) -> Option<&'static Self> {
        let at = SUITES.binary_search_by_key(&id, |suite| suite.id).ok()?;
        SUITES.get(at)
    }

    /// True for the suites of TLS 1.3, which are of no other version.
    pub const fn is_tls13(&self) -> bool {
        self.id >> 8 == 0x13
    }

    /// The pseudorandom function of this suite in a version before 1.3.
    pub const fn prf(&self, is_tls12: bool) -> Prf {
        match (is_tls12, self.hash) {
            (false, _) => Prf::Md5Sha1,
            (true, Sha384) => Prf::Of(Sha384),
            (true, _) => Prf::Of(Sha256),
        }
    }

    /// True if `version`, as on the wire, may have it: authenticated ciphers and the longer MACs
    /// began with TLS 1.2.
    pub const fn fits(&self, version: u16) -> bool {
        match version {
            0x0304 => self.is_tls13(),
            0x0303 => !self.is_tls13(),
            0x0301 | 0x0302 => self.cipher.is_cbc() && matches!(self.hash, Sha1),
            _ => false,
        }
    }
}

const fn row(id: u16, name: &'static str, cipher: Cipher, hash: Hash) -> CipherSuite {
    CipherSuite { id, name, cipher, hash }
}

/// Sorted by id.
pub const SUITES: &[CipherSuite] = &[
    row(0x002F, "TLS_RSA_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    row(0x0030, "TLS_DH_DSS_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    row(0x0031, "TLS_DH_RSA_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    row(0x0032, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    row(0x0033, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    row(0x0034, "TLS_DH_anon_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    row(0x0035, "TLS_RSA_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    row(0x0036, "TLS_DH_DSS_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    row(0x0037, "TLS_DH_RSA_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    row(0x0038, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    row(0x0039, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    row(0x003A, "TLS_DH_anon_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    row(0x003C, "TLS_RSA_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    row(0x003D, "TLS_RSA_WITH_AES_256_CBC_SHA256", Aes256Cbc, Sha256),
    row(0x003E, "TLS_DH_DSS_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    row(0x003F, "TLS_DH_RSA_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    row(0x0040, "TLS_DHE_DSS_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    row(0x0067, "TLS_DHE_RSA_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    row(0x0068, "TLS_DH_DSS_WITH_AES_256_CBC_SHA256", Aes256Cbc, Sha256),
    row(0x0069, "TLS_DH_RSA_WITH_AES_256_CBC_SHA256", Aes256Cbc, Sha256),
    row(0x006A, "TLS_DHE_DSS_WITH_AES_256_CBC_SHA256", Aes256Cbc, Sha256),
    row(0x006B, "TLS_DHE_RSA_WITH_AES_256_CBC_SHA256", Aes256Cbc, Sha256),
    row(0x006C, "TLS_DH_anon_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    row(0x006D, "TLS_DH_anon_WITH_AES_256_CBC_SHA256", Aes256Cbc, Sha256),
    row(0x008C, "TLS_PSK_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    row(0x008D, "TLS_PSK_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    row(0x0090, "TLS_DHE_PSK_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    row(0x0091, "TLS_DHE_PSK_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    row(0x0094, "TLS_RSA_PSK_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    row(0x0095, "TLS_RSA_PSK_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    row(0x009C, "TLS_RSA_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    row(0x009D, "TLS_RSA_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    row(0x009E, "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    row(0x009F, "TLS_DHE_RSA_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    row(0x00A0, "TLS_DH_RSA_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    row(0x00A1, "TLS_DH_RSA_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    row(0x00A2, "TLS_DHE_DSS_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    row(0x00A3, "TLS_DHE_DSS_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    row(0x00A4, "TLS_DH_DSS_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    row(0x00A5, "TLS_DH_DSS_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    row(0x00A6, "TLS_DH_anon_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    row(0x00A7, "TLS_DH_anon_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    row(0x00A8, "TLS_PSK_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    row(0x00A9, "TLS_PSK_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    row(0x00AA, "TLS_DHE_PSK_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    row(0x00AB, "TLS_DHE_PSK_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    row(0x00AC, "TLS_RSA_PSK_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    row(0x00AD, "TLS_RSA_PSK_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    row(0x00AE, "TLS_PSK_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    row(0x00AF, "TLS_PSK_WITH_AES_256_CBC_SHA384", Aes256Cbc, Sha384),
    row(0x00B2, "TLS_DHE_PSK_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    row(0x00B3, "TLS_DHE_PSK_WITH_AES_256_CBC_SHA384", Aes256Cbc, Sha384),
    row(0x00B6, "TLS_RSA_PSK_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    row(0x00B7, "TLS_RSA_PSK_WITH_AES_256_CBC_SHA384", Aes256Cbc, Sha384),
    row(0x1301, "TLS_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    row(0x1302, "TLS_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    row(0x1303, "TLS_CHACHA20_POLY1305_SHA256", ChaCha20Poly1305, Sha256),
    row(0x1304, "TLS_AES_128_CCM_SHA256", Aes128Ccm, Sha256),
    row(0x1305, "TLS_AES_128_CCM_8_SHA256", Aes128Ccm8, Sha256),
    row(0xC004, "TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    row(0xC005, "TLS_ECDH_ECDSA_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    row(0xC009, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    row(0xC00A, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    row(0xC00E, "TLS_ECDH_RSA_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    row(0xC00F, "TLS_ECDH_RSA_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    row(0xC013, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    row(0xC014, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    row(0xC018, "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    row(0xC019, "TLS_ECDH_anon_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    row(0xC023, "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    row(0xC024, "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", Aes256Cbc, Sha384),
    row(0xC025, "TLS_ECDH_ECDSA_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    row(0xC026, "TLS_ECDH_ECDSA_WITH_AES_256_CBC_SHA384", Aes256Cbc, Sha384),
    row(0xC027, "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    row(0xC028, "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384", Aes256Cbc, Sha384),
    row(0xC029, "TLS_ECDH_RSA_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    row(0xC02A, "TLS_ECDH_RSA_WITH_AES_256_CBC_SHA384", Aes256Cbc, Sha384),
    row(0xC02B, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    row(0xC02C, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    row(0xC02D, "TLS_ECDH_ECDSA_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    row(0xC02E, "TLS_ECDH_ECDSA_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    row(0xC02F, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    row(0xC030, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    row(0xC031, "TLS_ECDH_RSA_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    row(0xC032, "TLS_ECDH_RSA_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    row(0xC035, "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA", Aes128Cbc, Sha1),
    row(0xC036, "TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA", Aes256Cbc, Sha1),
    row(0xC037, "TLS_ECDHE_PSK_WITH_AES_128_CBC_SHA256", Aes128Cbc, Sha256),
    row(0xC038, "TLS_ECDHE_PSK_WITH_AES_256_CBC_SHA384", Aes256Cbc, Sha384),
    row(0xC09C, "TLS_RSA_WITH_AES_128_CCM", Aes128Ccm, Sha256),
    row(0xC09D, "TLS_RSA_WITH_AES_256_CCM", Aes256Ccm, Sha256),
    row(0xC09E, "TLS_DHE_RSA_WITH_AES_128_CCM", Aes128Ccm, Sha256),
    row(0xC09F, "TLS_DHE_RSA_WITH_AES_256_CCM", Aes256Ccm, Sha256),
    row(0xC0A0, "TLS_RSA_WITH_AES_128_CCM_8", Aes128Ccm8, Sha256),
    row(0xC0A1, "TLS_RSA_WITH_AES_256_CCM_8", Aes256Ccm8, Sha256),
    row(0xC0A2, "TLS_DHE_RSA_WITH_AES_128_CCM_8", Aes128Ccm8, Sha256),
    row(0xC0A3, "TLS_DHE_RSA_WITH_AES_256_CCM_8", Aes256Ccm8, Sha256),
    row(0xC0A4, "TLS_PSK_WITH_AES_128_CCM", Aes128Ccm, Sha256),
    row(0xC0A5, "TLS_PSK_WITH_AES_256_CCM", Aes256Ccm, Sha256),
    row(0xC0A6, "TLS_DHE_PSK_WITH_AES_128_CCM", Aes128Ccm, Sha256),
    row(0xC0A7, "TLS_DHE_PSK_WITH_AES_256_CCM", Aes256Ccm, Sha256),
    row(0xC0A8, "TLS_PSK_WITH_AES_128_CCM_8", Aes128Ccm8, Sha256),
    row(0xC0A9, "TLS_PSK_WITH_AES_256_CCM_8", Aes256Ccm8, Sha256),
    row(0xC0AA, "TLS_PSK_DHE_WITH_AES_128_CCM_8", Aes128Ccm8, Sha256),
    row(0xC0AB, "TLS_PSK_DHE_WITH_AES_256_CCM_8", Aes256Ccm8, Sha256),
    row(0xC0AC, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM", Aes128Ccm, Sha256),
    row(0xC0AD, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM", Aes256Ccm, Sha256),
    row(0xC0AE, "TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8", Aes128Ccm8, Sha256),
    row(0xC0AF, "TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8", Aes256Ccm8, Sha256),
    row(0xCCA8, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", ChaCha20Poly1305, Sha256),
    row(0xCCA9, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", ChaCha20Poly1305, Sha256),
    row(0xCCAA, "TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256", ChaCha20Poly1305, Sha256),
    row(0xCCAB, "TLS_PSK_WITH_CHACHA20_POLY1305_SHA256", ChaCha20Poly1305, Sha256),
    row(0xCCAC, "TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256", ChaCha20Poly1305, Sha256),
    row(0xCCAD, "TLS_DHE_PSK_WITH_CHACHA20_POLY1305_SHA256", ChaCha20Poly1305, Sha256),
    row(0xCCAE, "TLS_RSA_PSK_WITH_CHACHA20_POLY1305_SHA256", ChaCha20Poly1305, Sha256),
    row(0xD001, "TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256", Aes128Gcm, Sha256),
    row(0xD002, "TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384", Aes256Gcm, Sha384),
    row(0xD003, "TLS_ECDHE_PSK_WITH_AES_128_CCM_8_SHA256", Aes128Ccm8, Sha256),
    row(0xD005, "TLS_ECDHE_PSK_WITH_AES_128_CCM_SHA256", Aes128Ccm, Sha256),
];
