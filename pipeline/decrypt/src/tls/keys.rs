//! What protects the records of one direction in one epoch: secrets in, content out.

use std::ops::Range;

use super::record::{APPLICATION_DATA, Record};
use crate::crypto::{Aead, Cbc, CipherSuite, Hash, KeyBytes, expand_label};
use crate::search::Opens;

/// Stands for a sequence number that is not known and not needed: records before have lower ones.
const UNKNOWN_SEQUENCE: u64 = 1 << 32;
/// Tries of a sequence number after a gap, where it cannot be computed.
const TRIES_MAX: u64 = 256;
/// Updates that may have happened in a gap.
const UPDATES_MAX: usize = 4;
/// Records whose tag is checked before the keys count as proven; then every sixteenth is. Of GCM,
/// the tag is three quarters of the cost.
const CHECKED_FIRST: u8 = 4;
const CHECKED_LAST: u8 = CHECKED_FIRST + 15;
/// Records that may be missing in one gap, where the number can be computed.
const RECORDS_MAX: u64 = 1 << 32;

/// The keys of one direction.
pub(super) struct Keys {
    protection: Protection,
    /// TLS 1.3, unless only the key was found: leads to the next keys.
    secret: Option<(&'static CipherSuite, KeyBytes)>,
    /// Of the next record.
    pub(super) sequence: u64,
    /// Records opened in a row, up to [`CHECKED_LAST`] and from [`CHECKED_FIRST`] on again.
    opened: u8,
}

enum Protection {
    /// RFC 8446 §5.2.
    Tls13 { aead: Aead, iv: [u8; 12] },
    /// The same, but the nonce of the last record is all that is known of the IV.
    Tls13Turned { aead: Aead, last: [u8; 12] },
    /// GCM and CCM of TLS 1.2 (RFC 5288, RFC 6655): half of the nonce is in the record.
    Explicit { aead: Aead, fixed: [u8; 4], last: Option<(u64, u64)> },
    /// ChaCha20-Poly1305 of TLS 1.2 (RFC 7905).
    Implicit { aead: Aead, iv: [u8; 12] },
    /// `chain` is in TLS 1.0 alone.
    Cbc { cbc: Cbc, outside: bool, chain: Option<Chain> },
}

/// The IV of the next record is the end of the last one (RFC 2246 §6.2.3.2).
#[derive(Clone, Copy)]
struct Chain {
    /// `None` after missing bytes.
    next: Option<[u8; 16]>,
    before: Option<[u8; 16]>,
}

/// Content of a record: its type, and where it stands in the scratch buffer.
pub(super) type Content = (u8, Range<usize>);

impl Keys {
    /// Of a traffic secret of TLS 1.3 (RFC 8446 §7.3).
    pub(super) fn tls13(suite: &'static CipherSuite, secret: &[u8]) -> Option<Self> {
        if secret.len() != suite.hash.bytes() {
            return None;
        }
        let expand = |label, length| expand_label(suite.hash, secret, label, &[], length);
        let key = expand(b"tls13 key", suite.cipher.key_bytes())?;
        let aead = Aead::new(suite.cipher, key.as_slice())?;
        let iv = expand(b"tls13 iv", 12)?.as_slice().try_into().ok()?;
        let secret = Some((suite, KeyBytes::new(secret)?));
        Some(Self { protection: Protection::Tls13 { aead, iv }, secret, sequence: 0, opened: 0 })
    }

    /// Of one side's share of the key block before TLS 1.3.
    pub(super) fn tls12(
        suite: &'static CipherSuite,
        version: u16,
        share: &Share<'_>,
        outside: bool,
    ) -> Option<Self> {
        let protection = if suite.cipher.is_cbc() {
            let cbc = Cbc::new(suite.cipher, share.key, suite.hash, Some(share.mac_key))?;
            let chain = match version <= 0x0301 {
                true => {
                    let next = Some(share.iv.try_into().ok()?);
                    Some(Chain { next, before: next })
                }
                false => None,
            };
            Protection::Cbc { cbc, outside, chain }
        } else {
            let aead = Aead::new(suite.cipher, share.key)?;
            match suite.cipher.explicit_nonce_bytes() {
                0 => Protection::Implicit { aead, iv: share.iv.try_into().ok()? },
                _ => Protection::Explicit { aead, fixed: share.iv.try_into().ok()?, last: None },
            }
        };
        Some(Self { protection, secret: None, sequence: 0, opened: 0 })
    }

    /// Of what a search has proven; the sequence number is that of the record it was proven on.
    pub(super) fn found(opens: &Opens) -> Option<Self> {
        let gcm = |key: &[u8]| {
            let cipher = match key.len() {
                16 => crate::crypto::Cipher::Aes128Gcm,
                _ => crate::crypto::Cipher::Aes256Gcm,
            };
            Aead::new(cipher, key)
        };
        let (protection, sequence) = match opens {
            Opens::Traffic { secret, chacha20, sequence } => {
                let id = match (secret.as_slice().len(), chacha20) {
                    (48, _) => 0x1302,
                    (_, true) => 0x1303,
                    (_, false) => 0x1301,
                };
                let mut keys = Self::tls13(CipherSuite::of(id)?, secret.as_slice())?;
                keys.sequence = *sequence;
                return Some(keys);
            }
            Opens::Gcm13 { key, nonce, sequence: Some(sequence) } => {
                let iv = mixed(nonce, *sequence);
                (Protection::Tls13 { aead: gcm(key.as_slice())?, iv }, *sequence)
            }
            Opens::Gcm13 { key, nonce, sequence: None } => {
                let turned = Protection::Tls13Turned { aead: gcm(key.as_slice())?, last: *nonce };
                (turned, UNKNOWN_SEQUENCE)
            }
            Opens::Gcm12 { key, salt, sequence } => {
                let aead = gcm(key.as_slice())?;
                (Protection::Explicit { aead, fixed: *salt, last: None }, *sequence)
            }
            Opens::Ccm12 { key, salt, cipher, sequence } => {
                let aead = Aead::new(*cipher, key.as_slice())?;
                (Protection::Explicit { aead, fixed: *salt, last: None }, *sequence)
            }
            Opens::ChaCha12 { key, iv, sequence } => {
                let aead = Aead::new(crate::crypto::Cipher::ChaCha20Poly1305, key.as_slice())?;
                (Protection::Implicit { aead, iv: *iv }, *sequence)
            }
            Opens::Cbc { key, mac_bytes, encrypt_then_mac } => {
                let cipher = match key.as_slice().len() {
                    16 => crate::crypto::Cipher::Aes128Cbc,
                    _ => crate::crypto::Cipher::Aes256Cbc,
                };
                let hash = [Hash::Sha1, Hash::Sha256, Hash::Sha384];
                let mac = hash.into_iter().find(|hash| hash.bytes() == *mac_bytes)?;
                let cbc = Cbc::new(cipher, key.as_slice(), mac, None)?;
                (Protection::Cbc { cbc, outside: *encrypt_then_mac, chain: None }, 0)
            }
            Opens::Quic { .. } => return None,
        };
        Some(Self { protection, secret: None, sequence, opened: 0 })
    }

    /// The keys after an update (RFC 8446 §7.2).
    pub(super) fn updated(&self) -> Option<Self> {
        let (suite, secret) = self.secret.as_ref()?;
        let length = suite.hash.bytes();
        let next = expand_label(suite.hash, secret.as_slice(), b"tls13 traffic upd", &[], length)?;
        Self::tls13(suite, next.as_slice())
    }

    /// Opens the next record. What it holds is in `scratch` then.
    pub(super) fn open(&mut self, record: &Record<'_>, scratch: &mut Vec<u8>) -> Option<Content> {
        let content = self.open_at(self.sequence, record, scratch)?;
        Some(self.count(content))
    }

    /// The same of keys that change only where a message says so: once they are proven, not every
    /// tag is looked at.
    pub(super) fn open_next(
        &mut self,
        record: &Record<'_>,
        scratch: &mut Vec<u8>,
    ) -> Option<Content> {
        let is_checked = !(CHECKED_FIRST..CHECKED_LAST).contains(&self.opened);
        let unchecked = if is_checked { None } else { self.decrypt(record, scratch) };
        match unchecked {
            Some(content) => Some(self.count(content)),
            None => self.open(record, scratch),
        }
    }

    fn count(&mut self, content: Content) -> Content {
        self.opened = if self.opened < CHECKED_LAST { self.opened + 1 } else { CHECKED_FIRST };
        self.sequence += 1;
        content
    }

    /// Decrypts application data without a look at the tag; `None` if it must be looked at.
    fn decrypt(&mut self, record: &Record<'_>, scratch: &mut Vec<u8>) -> Option<Content> {
        if record.head.kind != APPLICATION_DATA {
            return None;
        }
        let sequence = self.sequence;
        scratch.clear();
        scratch.extend_from_slice(record.body);
        match &mut self.protection {
            Protection::Tls13 { aead, iv } => {
                scratch.truncate(scratch.len().checked_sub(aead.tag_bytes())?);
                aead.open_prefix(&mixed(iv, sequence), scratch);
                inner(scratch).filter(|(kind, _)| *kind == APPLICATION_DATA)
            }
            Protection::Explicit { aead, fixed, last } => {
                let end = scratch.len().checked_sub(aead.tag_bytes())?;
                scratch.truncate(end);
                let (explicit, body) = scratch.split_first_chunk_mut::<8>()?;
                aead.open_prefix(&joined(*fixed, *explicit), body);
                *last = Some((u64::from_be_bytes(*explicit), sequence));
                Some((APPLICATION_DATA, 8..end))
            }
            Protection::Implicit { aead, iv } => {
                let end = scratch.len().checked_sub(aead.tag_bytes())?;
                scratch.truncate(end);
                aead.open_prefix(&mixed(iv, sequence), scratch);
                Some((APPLICATION_DATA, 0..end))
            }
            // Without the tag there is no nonce, without the MAC no end of the content.
            Protection::Tls13Turned { .. } | Protection::Cbc { .. } => None,
        }
    }

    /// Opens a record before which others are missing. Gives how many, too.
    pub(super) fn open_later(
        &mut self,
        record: &Record<'_>,
        scratch: &mut Vec<u8>,
    ) -> Option<(Content, u64)> {
        if let Some(found) = self.open_ahead(record, scratch) {
            return Some(found);
        }
        let mut next = self.updated()?;
        for _ in 0..UPDATES_MAX {
            if let Some((content, missing)) = next.open_ahead(record, scratch) {
                *self = next;
                return Some((content, missing));
            }
            next = next.updated()?;
        }
        None
    }

    /// Decrypts the head of a record of which the rest is missing, unproven. Gives where the
    /// content stands in `scratch`, and how long the whole would be.
    pub(super) fn open_head(
        &mut self,
        record: &Record<'_>,
        scratch: &mut Vec<u8>,
    ) -> Option<(Range<usize>, usize)> {
        scratch.clear();
        scratch.extend_from_slice(record.body);
        let whole = usize::from(record.head.length);
        let sequence = self.sequence;
        self.sequence += 1;
        match &mut self.protection {
            Protection::Tls13 { aead, iv } => {
                let content = whole.checked_sub(aead.tag_bytes() + 1)?;
                scratch.truncate(content);
                aead.open_prefix(&mixed(iv, sequence), scratch);
                Some((0..scratch.len(), content))
            }
            Protection::Implicit { aead, iv } => {
                let content = whole.checked_sub(aead.tag_bytes())?;
                scratch.truncate(content);
                aead.open_prefix(&mixed(iv, sequence), scratch);
                Some((0..scratch.len(), content))
            }
            Protection::Explicit { aead, fixed, last } => {
                let content = whole.checked_sub(8 + aead.tag_bytes())?;
                let Some((explicit, body)) = scratch.split_first_chunk_mut::<8>() else {
                    return Some((0..0, content));
                };
                *last = Some((u64::from_be_bytes(*explicit), sequence));
                let length = body.len().min(content);
                let body = body.get_mut(..length)?;
                aead.open_prefix(&joined(*fixed, *explicit), body);
                Some((8..8 + length, content))
            }
            // Where the nonce must be computed from the tag, or the padding says what is content,
            // the head alone says nothing.
            Protection::Tls13Turned { .. } => None,
            Protection::Cbc { .. } => {
                self.lose_chain();
                None
            }
        }
    }

    /// True if a record says how much it holds by its length, unless it is padded.
    pub(super) const fn tells_content(&self) -> bool {
        !matches!(self.protection, Protection::Tls13Turned { .. } | Protection::Cbc { .. })
    }

    /// Bytes of a record that are not content: of one without padding.
    pub(super) fn overhead(&self) -> u64 {
        match &self.protection {
            Protection::Tls13 { aead, .. } | Protection::Tls13Turned { aead, .. } => {
                aead.tag_bytes() as u64 + 1
            }
            Protection::Explicit { aead, .. } => aead.tag_bytes() as u64 + 8,
            Protection::Implicit { aead, .. } => aead.tag_bytes() as u64,
            Protection::Cbc { cbc, .. } => cbc.mac_bytes() as u64 + 16,
        }
    }

    fn open_at(
        &mut self,
        sequence: u64,
        record: &Record<'_>,
        scratch: &mut Vec<u8>,
    ) -> Option<Content> {
        scratch.clear();
        scratch.extend_from_slice(record.body);
        match &mut self.protection {
            Protection::Tls13 { aead, iv } => {
                let text = aead.open(&mixed(iv, sequence), &record.head.bytes(), scratch)?;
                inner(text)
            }
            Protection::Tls13Turned { aead, last } => {
                let aad = record.head.bytes();
                let nonce = aead.nonce(&aad, scratch)?;
                // Sequence numbers differ in the low half only, unless somebody sends 2³² records.
                if nonce.get(..8) != last.get(..8) {
                    return None;
                }
                *last = nonce;
                inner(aead.open(&nonce, &aad, scratch)?)
            }
            Protection::Explicit { aead, fixed, last } => {
                let (explicit, body) = scratch.split_first_chunk_mut::<8>()?;
                let length = body.len().checked_sub(aead.tag_bytes())?;
                let aad = aad(sequence, record, length);
                let count = aead.open(&joined(*fixed, *explicit), &aad, body)?.len();
                *last = Some((u64::from_be_bytes(*explicit), sequence));
                Some((record.head.kind, 8..8 + count))
            }
            Protection::Implicit { aead, iv } => {
                let length = scratch.len().checked_sub(aead.tag_bytes())?;
                let aad = aad(sequence, record, length);
                let count = aead.open(&mixed(iv, sequence), &aad, scratch)?.len();
                Some((record.head.kind, 0..count))
            }
            Protection::Cbc { cbc, outside, chain } => {
                let explicit = chain.is_none();
                let at = if explicit { 16 } else { 0 };
                let (front, body) = scratch.split_at_mut_checked(at)?;
                let iv = match chain {
                    Some(chain) => chain.next?,
                    None => front.try_into().ok()?,
                };
                let whole = header(sequence, record);
                let text = match outside {
                    true => cbc.open_mac_outside(&iv, explicit, &whole, body),
                    false => cbc.open(&iv, &whole, body),
                };
                let count = text?.len();
                self.follow_chain(record);
                Some((record.head.kind, at..at + count))
            }
        }
    }

    /// Passes over a record that was not opened.
    pub(super) fn pass(&mut self, record: &Record<'_>) {
        self.sequence += 1;
        self.follow_chain(record);
    }

    /// The record opened last will be shown again.
    pub(super) fn unfollow_chain(&mut self) {
        if let Protection::Cbc { chain: Some(chain), .. } = &mut self.protection {
            chain.next = chain.before;
        }
    }

    /// Bytes are missing before the next record.
    pub(super) fn lose_chain(&mut self) {
        if let Protection::Cbc { chain: Some(chain), .. } = &mut self.protection {
            chain.next = None;
        }
    }

    fn follow_chain(&mut self, record: &Record<'_>) {
        let Protection::Cbc { cbc, outside, chain: Some(chain) } = &mut self.protection else {
            return;
        };
        let mac_bytes = if *outside { cbc.mac_bytes() } else { 0 };
        let end = record.body.len().checked_sub(mac_bytes).filter(|_| !record.is_cut());
        let blocks = end.and_then(|end| record.body.get(..end));
        let next = blocks.and_then(|blocks| blocks.last_chunk()).copied();
        *chain = Chain { next, before: chain.next };
    }

    /// As [`Self::open_later`], within this generation of keys.
    fn open_ahead(&mut self, record: &Record<'_>, scratch: &mut Vec<u8>) -> Option<(Content, u64)> {
        let from = self.sequence;
        let candidates: Option<[u64; 3]> = match &self.protection {
            // GCM turned around gives the nonce, and with it the number.
            Protection::Tls13 { aead, iv } => match aead.nonce(&record.head.bytes(), record.body) {
                Some(nonce) => Some([number(&nonce, iv)?; 3]),
                None if is_gcm(aead) => return None,
                None => None,
            },
            Protection::Tls13Turned { .. } => Some([from; 3]),
            // The explicit half of the nonce counts on, from wherever it began, or is mixed.
            Protection::Explicit { last: Some((explicit, sequence)), .. } => {
                let now = u64::from_be_bytes(*record.body.first_chunk()?);
                let counted = sequence.wrapping_add(now.wrapping_sub(*explicit));
                Some([counted, now ^ explicit ^ sequence, now])
            }
            Protection::Explicit { last: None, .. }
            | Protection::Implicit { .. }
            | Protection::Cbc { .. } => None,
        };
        let mut tried = |sequence: u64| {
            let missing = sequence.checked_sub(from).filter(|count| *count < RECORDS_MAX)?;
            let content = self.open_at(sequence, record, scratch)?;
            (self.sequence, self.opened) = (sequence + 1, 1);
            Some((content, missing))
        };
        match candidates {
            Some(candidates) => candidates.into_iter().find_map(&mut tried),
            None => (from..from.saturating_add(TRIES_MAX)).find_map(tried),
        }
    }
}

/// One side's part of the key block (RFC 5246 §6.3).
pub(super) struct Share<'a> {
    pub(super) mac_key: &'a [u8],
    pub(super) key: &'a [u8],
    pub(super) iv: &'a [u8],
}

const fn is_gcm(aead: &Aead) -> bool {
    matches!(aead, Aead::Aes128Gcm(_) | Aead::Aes256Gcm(_))
}

/// IV and sequence number as one (RFC 8446 §5.3).
fn mixed(iv: &[u8; 12], sequence: u64) -> [u8; 12] {
    let mut nonce = *iv;
    nonce.iter_mut().skip(4).zip(sequence.to_be_bytes()).for_each(|(to, from)| *to ^= from);
    nonce
}

/// The sequence number within a nonce, if it is of this IV.
fn number(nonce: &[u8; 12], iv: &[u8; 12]) -> Option<u64> {
    let ([nonce_fixed @ .., _, _, _, _, _, _, _, _], [iv_fixed @ .., _, _, _, _, _, _, _, _]) =
        (nonce, iv);
    let (nonce_rest, iv_rest) = (nonce.last_chunk::<8>()?, iv.last_chunk::<8>()?);
    let number = u64::from_be_bytes(*nonce_rest) ^ u64::from_be_bytes(*iv_rest);
    (nonce_fixed == iv_fixed).then_some(number)
}

fn joined(fixed: [u8; 4], explicit: [u8; 8]) -> [u8; 12] {
    let ([a, b, c, d], [e, f, g, h, i, j, k, l]) = (fixed, explicit);
    [a, b, c, d, e, f, g, h, i, j, k, l]
}

/// Sequence number, type and version: what a MAC is taken over first.
fn header(sequence: u64, record: &Record<'_>) -> [u8; 11] {
    let [a, b, c, d, e, f, g, h] = sequence.to_be_bytes();
    let [major, minor] = record.head.version.to_be_bytes();
    [a, b, c, d, e, f, g, h, record.head.kind, major, minor]
}

/// What TLS 1.2 authenticates with a record (RFC 5246 §6.2.3.3).
fn aad(sequence: u64, record: &Record<'_>, length: usize) -> [u8; 13] {
    let [a, b, c, d, e, f, g, h, kind, major, minor] = header(sequence, record);
    let [high, low] = (length as u16).to_be_bytes();
    [a, b, c, d, e, f, g, h, kind, major, minor, high, low]
}

/// Content and its type: the last byte that is not padding (RFC 8446 §5.4).
fn inner(text: &[u8]) -> Option<Content> {
    let end = text.iter().rposition(|byte| *byte != 0)?;
    Some((*text.get(end)?, 0..end))
}
