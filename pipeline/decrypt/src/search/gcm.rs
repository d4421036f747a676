//! GCM turned around (NIST SP 800-38D, section 7): the tag is E(K, J0) xor GHASH, so a key and a
//! sealed record give J0 = D(K, tag xor GHASH), and J0 of a 12-byte nonce is nonce || 1. A wrong
//! key passes once in 2^32. No nonce and no sequence number is needed: the nonce is what comes out.

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes256, Block};
use ghash::GHash;
use ghash::universal_hash::UniversalHash;

/// Length of the tag of every GCM suite of TLS and QUIC.
pub(super) const TAG_BYTES: usize = 16;

/// A nonce.
pub(super) type Nonce = [u8; 12];

/// What multiplying by x brings back from above in the bit order of GCM (section 6.3).
const REDUCTION: u128 = 0xe1 << 120;

/// AES with one key, both ways.
pub(super) enum Aes {
    Aes128(Aes128),
    Aes256(Aes256),
}

impl Aes {
    /// `None` if this is no length of a key.
    pub(super) fn new(key: &[u8]) -> Option<Self> {
        match key.len() {
            16 => Aes128::new_from_slice(key).ok().map(Self::Aes128),
            32 => Aes256::new_from_slice(key).ok().map(Self::Aes256),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn encrypt(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = Block::from(block);
        match self {
            Self::Aes128(aes) => aes.encrypt_block(&mut block),
            Self::Aes256(aes) => aes.encrypt_block(&mut block),
        }
        block.into()
    }

    #[inline]
    pub(super) fn decrypt(&self, block: [u8; 16]) -> [u8; 16] {
        let mut block = Block::from(block);
        match self {
            Self::Aes128(aes) => aes.decrypt_block(&mut block),
            Self::Aes256(aes) => aes.decrypt_block(&mut block),
        }
        block.into()
    }

    /// The same of several blocks, which costs little more than of one.
    #[inline]
    fn decrypt_all(&self, blocks: &mut [Block]) {
        match self {
            Self::Aes128(aes) => aes.decrypt_blocks(blocks),
            Self::Aes256(aes) => aes.decrypt_blocks(blocks),
        }
    }
}

/// A key with what GCM makes of it.
pub(super) struct Gcm {
    aes: Aes,
    hash: GHash,
}

impl Gcm {
    /// `None` if this is no length of a key.
    pub(super) fn new(key: &[u8]) -> Option<Self> {
        let aes = Aes::new(key)?;
        let hash = GHash::new(&aes.encrypt([0; 16]).into());
        Some(Self { aes, hash })
    }

    /// The nonce under which this key sealed the bytes, if it did.
    pub(super) fn nonce(&self, header: &[u8], sealed: &[u8], tag: &[u8; 16]) -> Option<Nonce> {
        nonce_of(self.counter_block(tag, self.hash(header, sealed)))
    }

    /// GHASH of section 7.1.
    fn hash(&self, header: &[u8], sealed: &[u8]) -> u128 {
        let mut hash = self.hash.clone();
        hash.update_padded(header);
        hash.update_padded(sealed);
        let lengths = (8 * header.len() as u128) << 64 | (8 * sealed.len() as u128);
        hash.update(&[lengths.to_be_bytes().into()]);
        u128::from_be_bytes(hash.finalize().into())
    }

    #[cfg(test)]
    pub(super) fn hash_for_tests(&self, header: &[u8], sealed: &[u8]) -> u128 {
        self.hash(header, sealed)
    }

    /// J0.
    #[inline]
    fn counter_block(&self, tag: &[u8; 16], hash: u128) -> [u8; 16] {
        self.aes.decrypt((u128::from_be_bytes(*tag) ^ hash).to_be_bytes())
    }
}

fn nonce_of(counter_block: [u8; 16]) -> Option<Nonce> {
    let (nonce, counter) = counter_block.split_first_chunk()?;
    (counter == [0, 0, 0, 1]).then_some(*nonce)
}

/// Sequence numbers that are guessed at once, a power of two: as many blocks as a processor keeps
/// under way.
const BATCH: usize = 8;

/// A record whose header holds a sequence number that is guessed, as TLS 1.2 has it. GHASH is
/// linear, so the next guess costs one xor.
pub(super) struct Guesses<'a> {
    gcm: &'a Gcm,
    tag: &'a [u8; 16],
    /// GHASH with sequence number 0.
    zero: u128,
    /// What bit n of the sequence number adds to it.
    bits: [u128; 64],
}

impl<'a> Guesses<'a> {
    /// `header` is the additional data with a sequence number of 0 in its first eight bytes, one
    /// block at most.
    pub(super) fn new(gcm: &'a Gcm, header: &[u8], sealed: &[u8], tag: &'a [u8; 16]) -> Self {
        let zero = gcm.hash(header, sealed);
        // The header's block is multiplied by H as often as there are blocks from it on.
        let mut power = gcm.hash.clone();
        let one: u128 = 1 << 127;
        power.update(&[one.to_be_bytes().into()]);
        for _ in 0..sealed.len().div_ceil(16) + 1 {
            power.update(&[[0; 16].into()]);
        }
        let mut term = u128::from_be_bytes(power.finalize().into());
        let mut bits = [0; 64];
        // The first bit of a block is the power 0 of x: the lowest bit of a number in the first
        // eight bytes is the power 63.
        for bit in bits.iter_mut().rev() {
            *bit = term;
            let carry = if term & 1 == 1 { REDUCTION } else { 0 };
            term = term >> 1 ^ carry;
        }
        Self { gcm, tag, zero, bits }
    }

    /// The nonce if this is the sequence number.
    pub(super) fn nonce(&self, sequence: u64) -> Option<Nonce> {
        nonce_of(self.gcm.counter_block(self.tag, self.hash_of(sequence)))
    }

    /// GHASH with this sequence number.
    fn hash_of(&self, sequence: u64) -> u128 {
        let terms = self.bits.iter().enumerate();
        terms.fold(
            self.zero,
            |hash, (n, term)| {
                if sequence >> n & 1 == 1 { hash ^ term } else { hash }
            },
        )
    }

    /// The first sequence number below `end` whose nonce `is_right`.
    pub(super) fn first(
        &self,
        end: u64,
        is_right: impl Fn(&Nonce) -> bool,
    ) -> Option<(u64, Nonce)> {
        // What the lowest bits add, which are those of the place in a batch.
        let low: [u128; BATCH] = std::array::from_fn(|at| self.hash_of(at as u64) ^ self.zero);
        let tag = u128::from_be_bytes(*self.tag);
        let mut hash = self.zero;
        for batch in 0..end.div_ceil(BATCH as u64) {
            let mut blocks = low.map(|low| Block::from((tag ^ hash ^ low).to_be_bytes()));
            self.gcm.aes.decrypt_all(&mut blocks);
            for (sequence, block) in (batch * BATCH as u64..end).zip(blocks) {
                if let Some(nonce) = nonce_of(block.into()).filter(&is_right) {
                    return Some((sequence, nonce));
                }
            }
            // Counting up by one turns the lowest bits over.
            let turned = (batch + 1).trailing_zeros() as usize + 1;
            let bits = self.bits.iter().skip(BATCH.trailing_zeros() as usize);
            hash = bits.take(turned).fold(hash, |hash, term| hash ^ term);
        }
        None
    }
}

/// True if the nonces can be those of a record and the next: IV xor sequence number (RFC 8446,
/// section 5.3), so that they differ in the low bits that counting up by one turns over.
pub(super) fn are_neighbours(first: &Nonce, second: &Nonce) -> bool {
    let ([a, b], [c, d]) = (split(first), split(second));
    a == c && is_step(b ^ d)
}

/// True if counting up by one can turn over just these bits.
pub(super) const fn is_step(turned: u64) -> bool {
    turned != 0 && turned & turned.wrapping_add(1) == 0
}

/// The first four bytes and the last eight as numbers.
fn split(nonce: &Nonce) -> [u64; 2] {
    let mut wide = [0; 16];
    if let Some(end) = wide.last_chunk_mut() {
        *end = *nonce;
    }
    let wide = u128::from_be_bytes(wide);
    [(wide >> 64) as u64, wide as u64]
}

/// The sequence number by which the nonce differs from the IV, if the first four bytes agree.
pub(super) fn sequence_between(iv: &Nonce, nonce: &Nonce) -> Option<u64> {
    let ([a, b], [c, d]) = (split(iv), split(nonce));
    (a == c).then_some(b ^ d)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test case 4 of the specification of GCM (McGrew and Viega, appendix B): the nonce comes out
    /// of what it sealed.
    #[test]
    fn the_nonce_comes_out_of_the_tag() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len() / 2)
                .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex"))
                .collect()
        };
        let key = Gcm::new(&hex("feffe9928665731c6d6a8f9467308308")).expect("a key");
        let header = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let sealed = hex(concat!(
            "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e",
            "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
        ));
        let tag = hex("5bc94fbc3221a5db94fae95ae7121a47");
        let tag: &[u8; 16] = tag.as_slice().try_into().expect("16 bytes");
        let nonce = key.nonce(&header, &sealed, tag).expect("the right key");
        assert_eq!(nonce.to_vec(), hex("cafebabefacedbaddecaf888"));
        let mut other = *tag;
        other[3] ^= 1;
        assert_eq!(key.nonce(&header, &sealed, &other), None);
    }

    #[test]
    fn counting_up_turns_low_bits_over() {
        for (turned, expected) in
            [(0, false), (1, true), (2, false), (3, true), (7, true), (u64::MAX, true), (6, false)]
        {
            assert_eq!(is_step(turned), expected, "{turned}");
        }
    }
}
