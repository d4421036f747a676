//! ChaCha20-Poly1305 (RFC 8439) cannot be turned around: its tag gives no nonce back. A secret
//! gives key and IV, and the sequence number is guessed, many at once: the last byte of a TLS 1.3
//! record is its content type, or padding; what passes that is proven by its tag. In TLS 1.2 the
//! tag alone tells.

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use poly1305::Poly1305;
use poly1305::universal_hash::{KeyInit, UniversalHash};
use zeroize::Zeroize;

use super::gcm::{Nonce, TAG_BYTES};
use super::tls::additional_12;

/// Guesses that are computed at once.
const LANES: usize = 16;
const HEADER_BYTES: usize = 5;
/// Application data, handshake, alert, zeros of a padding.
const LAST_BYTES: [u8; 4] = [0x17, 0x16, 0x15, 0];

/// The first of `sequences` under which key and IV seal the TLS 1.3 record.
pub(super) fn sequence(
    key: &[u8; 32],
    iv: &Nonce,
    record: &[u8],
    sequences: std::ops::Range<u64>,
) -> Option<u64> {
    let (header, body) = record.split_first_chunk::<HEADER_BYTES>()?;
    let (sealed, tag) = body.split_last_chunk::<TAG_BYTES>()?;
    let (last, before) = sealed.split_last()?;
    // The key stream of the record begins with block 1.
    let (block, byte) = (1 + before.len() / 64, before.len() % 64);
    first(key, iv, block as u32, sequences, |sequence, lane, blocks| {
        let stream = blocks.get(byte / 4).map_or(0, |row| row[lane].to_le_bytes()[byte % 4]);
        LAST_BYTES.contains(&(last ^ stream))
            && is_tag(key, &nonce(iv, sequence), header, sealed, tag)
    })
}

/// The first of `sequences` under which key and IV seal the TLS 1.2 record (RFC 7905).
pub(super) fn sequence_12(
    key: &[u8; 32],
    iv: &Nonce,
    record: &[u8],
    sequences: std::ops::Range<u64>,
) -> Option<u64> {
    let (header, body) = record.split_first_chunk::<HEADER_BYTES>()?;
    let (sealed, tag) = body.split_last_chunk::<TAG_BYTES>()?;
    first(key, iv, 0, sequences, |sequence, lane, blocks| {
        let mut one_time = [0; 32];
        for (to, row) in one_time.as_chunks_mut().0.iter_mut().zip(blocks) {
            *to = row[lane].to_le_bytes();
        }
        tag_of(&one_time, &additional_12(header, sequence, sealed.len()), sealed) == *tag
    })
}

/// The first of `sequences` that is right by its lane of a block of the key stream.
fn first(
    key: &[u8; 32],
    iv: &Nonce,
    block: u32,
    sequences: std::ops::Range<u64>,
    is_right: impl Fn(u64, usize, &[[u32; LANES]; 16]) -> bool,
) -> Option<u64> {
    let mut at = sequences.start;
    while at < sequences.end {
        let nonces: [Nonce; LANES] = std::array::from_fn(|i| nonce(iv, at.wrapping_add(i as u64)));
        let blocks = key_stream(key, &nonces, block);
        let mut lanes = (at..sequences.end).zip(0..LANES);
        if let Some((found, _)) = lanes.find(|(at, lane)| is_right(*at, *lane, &blocks)) {
            return Some(found);
        }
        at = at.saturating_add(LANES as u64);
    }
    None
}

/// IV xor sequence number (RFC 8446, section 5.3; RFC 7905, section 2).
fn nonce(iv: &Nonce, sequence: u64) -> Nonce {
    let mut nonce = *iv;
    if let Some(low) = nonce.last_chunk_mut::<8>() {
        *low = (u64::from_be_bytes(*low) ^ sequence).to_be_bytes();
    }
    nonce
}

/// RFC 8439, section 2.8.
fn is_tag(key: &[u8; 32], nonce: &Nonce, header: &[u8], sealed: &[u8], tag: &[u8; 16]) -> bool {
    authenticate(key, nonce, header, sealed) == *tag
}

fn authenticate(key: &[u8; 32], nonce: &Nonce, header: &[u8], sealed: &[u8]) -> [u8; 16] {
    let mut one_time = [0; 32];
    ChaCha20::new(key.into(), nonce.into()).apply_keystream(&mut one_time);
    let tag = tag_of(&one_time, header, sealed);
    one_time.zeroize();
    tag
}

fn tag_of(one_time: &[u8; 32], header: &[u8], sealed: &[u8]) -> [u8; 16] {
    let mut poly = Poly1305::new(one_time.into());
    poly.update_padded(header);
    poly.update_padded(sealed);
    let lengths = header.len() as u128 | (sealed.len() as u128) << 64;
    poly.update(&[lengths.to_le_bytes().into()]);
    poly.finalize().into()
}

/// One block of the key stream, for each nonce (section 2.3), by words: so the compiler computes
/// the nonces side by side.
fn key_stream(key: &[u8; 32], nonces: &[Nonce; LANES], block: u32) -> [[u32; LANES]; 16] {
    let mut state = [[0u32; LANES]; 16];
    let (constants, rest) = state.split_at_mut(4);
    let (keys, rest) = rest.split_at_mut(8);
    for (row, word) in constants.iter_mut().zip(b"expand 32-byte k".as_chunks().0) {
        row.fill(u32::from_le_bytes(*word));
    }
    for (row, word) in keys.iter_mut().zip(key.as_chunks().0) {
        row.fill(u32::from_le_bytes(*word));
    }
    for (i, row) in rest.iter_mut().enumerate() {
        for (word, nonce) in row.iter_mut().zip(nonces) {
            let nonce = i.checked_sub(1).and_then(|i| nonce.as_chunks().0.get(i));
            *word = nonce.map_or(block, |bytes| u32::from_le_bytes(*bytes));
        }
    }
    let initial = state;
    for _ in 0..10 {
        for [a, b, c, d] in [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15]] {
            quarter_round(&mut state, a, b, c, d);
        }
        for [a, b, c, d] in [[0, 5, 10, 15], [1, 6, 11, 12], [2, 7, 8, 13], [3, 4, 9, 14]] {
            quarter_round(&mut state, a, b, c, d);
        }
    }
    for (row, initial) in state.iter_mut().zip(initial) {
        row.iter_mut().zip(initial).for_each(|(word, more)| *word = word.wrapping_add(more));
    }
    state
}

/// Section 2.1.
#[inline(always)]
fn quarter_round(state: &mut [[u32; LANES]; 16], a: usize, b: usize, c: usize, d: usize) {
    for (sum, with, turned, by) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
        let addend = state[with];
        state[sum].iter_mut().zip(addend).for_each(|(word, more)| *word = word.wrapping_add(more));
        let sums = state[sum];
        let turn = |(word, sum): (&mut u32, u32)| *word = (*word ^ sum).rotate_left(by);
        state[turned].iter_mut().zip(sums).for_each(turn);
    }
}

/// A sealed TLS 1.2 record.
#[cfg(test)]
pub(super) fn seal_12_for_tests(
    key: &[u8; 32],
    iv: &Nonce,
    sequence: u64,
    plain: &[u8],
) -> Vec<u8> {
    let nonce = nonce(iv, sequence);
    let mut sealed = plain.to_vec();
    let mut stream = ChaCha20::new(key.into(), (&nonce).into());
    stream.apply_keystream(&mut [0; 64]);
    stream.apply_keystream(&mut sealed);
    let [high, low] = (sealed.len() as u16 + 16).to_be_bytes();
    let header = [0x17, 3, 3, high, low];
    let tag = authenticate(key, &nonce, &additional_12(&header, sequence, sealed.len()), &sealed);
    [&header[..], &sealed, &tag].concat()
}

/// A sealed TLS 1.3 record.
#[cfg(test)]
pub(super) fn seal_for_tests(key: &[u8; 32], iv: &Nonce, sequence: u64, plain: &[u8]) -> Vec<u8> {
    let mut sealed = plain.to_vec();
    sealed.push(0x17);
    let mut record = vec![0x17, 3, 3];
    record.extend((sealed.len() as u16 + 16).to_be_bytes());
    let nonce = nonce(iv, sequence);
    let mut stream = ChaCha20::new(key.into(), (&nonce).into());
    stream.apply_keystream(&mut [0; 64]);
    stream.apply_keystream(&mut sealed);
    let tag = authenticate(key, &nonce, &record, &sealed);
    record.extend(sealed);
    record.extend(tag);
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8439, section 2.8.2: the end of the sealed text, and the tag.
    #[test]
    fn the_tag_is_that_of_the_specification() {
        let key: [u8; 32] = std::array::from_fn(|i| 0x80 + i as u8);
        let nonce = [7, 0, 0, 0, 0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47];
        let header = [0x50, 0x51, 0x52, 0x53, 0xc0, 0xc1, 0xc2, 0xc3, 0xc4, 0xc5, 0xc6, 0xc7];
        let mut text = b"Ladies and Gentlemen of the class of '99: If I could offer you \
            only one tip for the future, sunscreen would be it."
            .to_vec();
        let plain = text.clone();
        let mut stream = ChaCha20::new((&key).into(), (&nonce).into());
        stream.apply_keystream(&mut [0; 64]);
        stream.apply_keystream(&mut text);
        let tag = authenticate(&key, &nonce, &header, &text);
        assert_eq!(tag[..4], [0x1a, 0xe1, 0x0b, 0x59]);
        for at in [0, 63, 64, 113] {
            let blocks = key_stream(&key, &[nonce; LANES], 1 + at as u32 / 64);
            let stream = blocks[at % 64 / 4].map(|word| word.to_le_bytes()[at % 4]);
            assert_eq!(stream, [text[at] ^ plain[at]; LANES], "{at}");
        }
    }
}
