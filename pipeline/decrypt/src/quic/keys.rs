//! What seals the packets of one side at one level: secrets in, payloads out (RFC 9001 §5).

use super::number::whole_number;
use super::version::{VERSIONS, Version};
use crate::crypto::{Aead, Cipher, CipherSuite, Hash, HeaderKey, KeyBytes, expand_label, extract};
use crate::search::Opens;

/// Key updates that may have passed unseen.
const UPDATES_MAX: usize = 4;
/// After so many packets in a row that do not open, updates are tried on one in so many alone.
const FAILED_MAX: u32 = 16;
/// Bytes behind the packet number's first one at which the sample of the header's mask begins.
const SAMPLE_OFFSET: usize = 4;
/// AES-128-GCM with SHA-256: what Initial packets are sealed with (§5.2).
const INITIAL_SUITE: u16 = 0x1301;
/// The suites of TLS 1.3 that QUIC may have (§5.3), by the length of their secrets.
const SUITES: [(usize, &[u16]); 2] = [(32, &[0x1301, 0x1303, 0x1304]), (48, &[0x1302])];

/// The keys of one side at one level.
pub(super) struct Keys {
    header: HeaderKey,
    current: Payload,
    /// Of packets that were under way when the key was updated.
    previous: Option<Payload>,
    /// The key phase bit of `current`.
    phase: bool,
    version: &'static Version,
    suite: &'static CipherSuite,
    /// Leads to the next keys; `None` if the keys were found without it.
    secret: Option<KeyBytes>,
    /// Packets in a row that did not open.
    failed: u32,
}

struct Payload {
    aead: Aead,
    iv: [u8; 12],
}

/// A packet that was opened: its number, and where its payload stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    pub(super) number: u64,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// How a packet is to be opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed {
    /// Where its number stands.
    pub(super) number_at: usize,
    /// The number that is due in its space.
    pub(super) due: u64,
    pub(super) has_long_header: bool,
}

impl Keys {
    /// Of a traffic secret.
    pub(super) fn new(
        version: &'static Version,
        suite: &'static CipherSuite,
        secret: &[u8],
    ) -> Option<Self> {
        if secret.len() != suite.hash.bytes() {
            return None;
        }
        let key = expand(suite.hash, secret, version.header, suite.cipher.key_bytes())?;
        Some(Self {
            header: HeaderKey::new(suite.cipher, key.as_slice())?,
            current: Payload::new(version, suite, secret)?,
            previous: None,
            phase: false,
            version,
            suite,
            secret: Some(KeyBytes::new(secret)?),
            failed: 0,
        })
    }

    /// Of both sides' Initial packets, the client's first: all that it takes is the id by which the
    /// client first called the server (§5.2).
    pub(super) fn initial(version: &'static Version, destination: &[u8]) -> Option<[Self; 2]> {
        let suite = CipherSuite::of(INITIAL_SUITE)?;
        let common = extract(suite.hash, &version.salt, destination)?;
        let of = |label: &[u8]| {
            let secret = expand(suite.hash, common.as_slice(), label, suite.hash.bytes())?;
            Self::new(version, suite, secret.as_slice())
        };
        Some([of(b"tls13 client in")?, of(b"tls13 server in")?])
    }

    /// Of keys that were found in memory, and the number of the packet that they were found with.
    /// Its upper part, which the packet does not tell, is 0 where the secret is not known; the
    /// initial value is what makes the nonce of it.
    pub(super) fn found(opens: &Opens) -> Option<(Self, u64)> {
        let Opens::Quic { key, header_key, nonce, packet_number, secret, .. } = opens else {
            return None;
        };
        let suite = CipherSuite::of(if key.as_slice().len() == 16 { 0x1301 } else { 0x1302 })?;
        if let Some(secret) = secret {
            // The version is the one whose labels give the key of the headers.
            let is_its_own = |version: &&Version| {
                let length = suite.cipher.key_bytes();
                let of = expand(suite.hash, secret.as_slice(), version.header, length);
                of.is_some_and(|of| of == *header_key)
            };
            // Updates leave the key of the headers as it was: it may be of an earlier secret.
            let version = VERSIONS.iter().find(is_its_own).unwrap_or(VERSIONS.first()?);
            let mut keys = Self::new(version, suite, secret.as_slice())?;
            keys.header = HeaderKey::new(suite.cipher, header_key.as_slice())?;
            let number = low(&keys.current.iv) ^ low(nonce);
            return Some((keys, number));
        }
        let number = u64::from(*packet_number);
        let aead = Aead::new(suite.cipher, key.as_slice())?;
        let keys = Self {
            header: HeaderKey::new(suite.cipher, header_key.as_slice())?,
            current: Payload { aead, iv: with(nonce, number) },
            previous: None,
            phase: false,
            version: VERSIONS.first()?,
            suite,
            secret: None,
            failed: 0,
        };
        Some((keys, number))
    }

    /// Opens a packet that these keys were found with: that tells the key phase.
    pub(super) fn begin_with(&mut self, packet: &[u8], sealed: Sealed) -> Option<()> {
        [false, true].into_iter().find_map(|phase| {
            self.phase = phase;
            let mut packet = packet.to_vec();
            self.open(&mut packet, sealed).map(|_| ())
        })
    }

    /// The suites that a secret of this length may be of, if nobody said.
    pub(super) fn suites(length: usize) -> impl Iterator<Item = &'static CipherSuite> {
        let of = SUITES.iter().filter(move |(bytes, _)| *bytes == length);
        of.flat_map(|(_, ids)| ids.iter()).filter_map(|id| CipherSuite::of(*id))
    }

    /// Opens a packet in place. `None`: it is not sealed with these keys; what is in `packet` then
    /// is of no use.
    pub(super) fn open(&mut self, packet: &mut [u8], sealed: Sealed) -> Option<Opened> {
        let Sealed { number_at, due, has_long_header } = sealed;
        let sample = packet.get(number_at + SAMPLE_OFFSET..)?.first_chunk::<16>()?;
        let [bits, mask @ ..] = self.header.mask(sample);
        let first = packet.first_mut()?;
        *first ^= bits & if has_long_header { 0x0F } else { 0x1F };
        let (first, length) = (*first, usize::from(*first & 3) + 1);
        let number = packet.get_mut(number_at..number_at + length)?;
        number.iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        let cut = number.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        // What is reserved is zero (RFC 9000 §17.2, §17.3): it is checked once the tag is.
        let number = whole_number(due, cut, length);
        let (header, body) = packet.split_at_mut_checked(number_at + length)?;
        let start = header.len();
        let (number, opened) = if has_long_header {
            (number, self.current.open(number, header, body)?)
        } else {
            self.open_in_phase(first & 0x04 != 0, (number, length), header, body)?
        };
        Some(Opened { number, start, end: start + opened })
    }

    /// Opens a packet whose keys may have been updated (§6); `number` stands in so many bytes.
    /// Gives its number and the length of the payload.
    fn open_in_phase(
        &mut self,
        phase: bool,
        (number, bytes): (u64, usize),
        header: &[u8],
        body: &mut [u8],
    ) -> Option<(u64, usize)> {
        // A body that a wrong key was tried on is as it was, for the tag is compared first. CCM
        // alone decrypts before it knows.
        let is_spoilt = matches!(self.suite.cipher, Cipher::Aes128Ccm);
        let sealed = if is_spoilt { body.to_vec() } else { Vec::new() };
        let restore = |body: &mut [u8]| {
            if is_spoilt {
                body.copy_from_slice(&sealed);
            }
        };
        if phase == self.phase
            && let Some(opened) = self.current.open(number, header, body)
        {
            self.failed = 0;
            return Some((number, opened));
        }
        if phase == self.phase && self.secret.is_none() {
            restore(body);
            return self.current.follow(number, header, body).map(|opened| (number, opened));
        }
        if phase != self.phase
            && let Some(previous) = &self.previous
        {
            restore(body);
            if let Some(opened) = previous.open(number, header, body) {
                return Some((number, opened));
            }
        }
        self.failed += 1;
        if self.failed > FAILED_MAX && !self.failed.is_multiple_of(FAILED_MAX) {
            return None;
        }
        restore(body);
        if phase == self.phase
            && let Some(opened) = self.current.open_later(number, bytes, header, body)
        {
            self.failed = 0;
            return Some(opened);
        }
        let mut secret = self.secret.clone()?;
        for update in 1..=UPDATES_MAX {
            let length = self.suite.hash.bytes();
            secret = expand(self.suite.hash, secret.as_slice(), self.version.update, length)?;
            let is_due = (phase == self.phase) == (update % 2 == 0);
            if !is_due {
                continue;
            }
            let next = Payload::new(self.version, self.suite, secret.as_slice())?;
            restore(body);
            if let Some(opened) = next.open(number, header, body) {
                self.previous = Some(std::mem::replace(&mut self.current, next));
                self.secret = Some(secret);
                self.failed = 0;
                self.phase = phase;
                return Some((number, opened));
            }
        }
        None
    }
}

#[cfg(test)]
impl Keys {
    /// A packet with a short header to which `header` is the start, its number in so many bytes.
    pub(super) fn seal(&self, header: &[u8], number: u64, bytes: usize, text: &[u8]) -> Vec<u8> {
        let (mut packet, at) = (header.to_vec(), header.len());
        packet[0] |= bytes as u8 - 1;
        packet.extend(&number.to_be_bytes()[8 - bytes..]);
        let sealed = self.current.aead.seal(&with(&self.current.iv, number), &packet, text);
        packet.extend(sealed);
        let sample = packet[at + SAMPLE_OFFSET..].first_chunk().expect("16 bytes");
        let [bits, mask @ ..] = self.header.mask(sample);
        packet[0] ^= bits & 0x1F;
        packet[at..at + bytes].iter_mut().zip(mask).for_each(|(byte, mask)| *byte ^= mask);
        packet
    }
}

impl Payload {
    fn new(version: &'static Version, suite: &'static CipherSuite, secret: &[u8]) -> Option<Self> {
        let key = expand(suite.hash, secret, version.key, suite.cipher.key_bytes())?;
        let iv = expand(suite.hash, secret, version.iv, 12)?;
        let aead = Aead::new(suite.cipher, key.as_slice())?;
        Some(Self { aead, iv: iv.as_slice().try_into().ok()? })
    }

    /// Gives the length of the payload.
    fn open(&self, number: u64, header: &[u8], body: &mut [u8]) -> Option<usize> {
        self.aead.open(&with(&self.iv, number), header, body).map(|payload| payload.len())
    }

    /// Opens a packet although so many before it were missed that `number`, which stands in so many
    /// `bytes`, is no longer the nearest: the tag gives the nonce, and that the number.
    fn open_later(
        &self,
        number: u64,
        bytes: usize,
        header: &[u8],
        body: &mut [u8],
    ) -> Option<(u64, usize)> {
        let nonce = self.aead.nonce(header, body)?;
        let whole = low(&nonce) ^ low(&self.iv);
        let is_its_own =
            nonce == with(&self.iv, whole) && (whole ^ number) << (64 - 8 * bytes) == 0;
        if !is_its_own {
            return None;
        }
        Some((whole, self.aead.open(&nonce, header, body)?.len()))
    }

    /// Opens a packet although the upper part of its number, which was never known, has changed:
    /// the tag gives the nonce, and its first four bytes have to be what they were.
    fn follow(&mut self, number: u64, header: &[u8], body: &mut [u8]) -> Option<usize> {
        let nonce = self.aead.nonce(header, body)?;
        let iv = with(&nonce, number);
        if iv.first_chunk::<4>() != self.iv.first_chunk() {
            return None;
        }
        let opened = self.aead.open(&nonce, header, body)?.len();
        self.iv = iv;
        Some(opened)
    }
}

/// Initialisation vector and packet number make the nonce (§5.3), and each gives the other back.
fn with(iv: &[u8; 12], number: u64) -> [u8; 12] {
    let mut nonce = *iv;
    if let Some(tail) = nonce.last_chunk_mut::<8>() {
        tail.iter_mut().zip(number.to_be_bytes()).for_each(|(byte, other)| *byte ^= other);
    }
    nonce
}

/// The last eight bytes, as a number.
fn low(nonce: &[u8; 12]) -> u64 {
    nonce.last_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes))
}

fn expand(hash: Hash, secret: &[u8], label: &[u8], length: usize) -> Option<KeyBytes> {
    expand_label(hash, secret, label, &[], length)
}
