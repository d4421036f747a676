//! Keys of ChaCha20-Poly1305 that lie where engines keep them with the nonce of their connection.
//!
//! TLS 1.2 (RFC 7905) leaves no secret behind that would give key and nonce, and nothing but the
//! tag tells of a guess of both and of the sequence number. What an engine keeps beside the key
//! does.
//!
//! ```text
//! OpenSSL    key, 32 bytes │ block, 4 │ nonce of the last record, 12     the IV lies around it
//! BoringSSL  key, 32 bytes │ rest of its state │ 16 │ IV, 12 bytes │ 12 │ 8
//! ```
//!
//! 16, 12 and 8 are the lengths of tag, nonce and number.

use std::ops::Range;

use super::gcm::{Nonce, sequence_between};
use super::window::is_random;

/// The key and the nonce of one direction.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Context<'a> {
    /// Where the key stands in the memory looked at.
    pub offset: usize,
    pub key: &'a [u8; KEY_BYTES],
    /// The nonce before the sequence number is xored in.
    pub iv: Nonce,
    /// Sequence number of the last record, where it is kept as well.
    pub last: Option<u64>,
}

const KEY_BYTES: usize = 32;
/// How far from the key OpenSSL's IV is looked for: 384 bytes before in 3.x, 120 behind in 1.1.1.
const NEAR_BYTES: usize = 512;
/// Blocks that a record of OpenSSL is long.
const BLOCKS_MAX: u32 = 1 << 10;
/// Lengths of tag, IV and number, where BoringSSL has them.
const TAG_BYTES: u8 = 16;
const IV_AND_NUMBER_BYTES: [u8; 2] = [12, 8];
/// Bytes of BoringSSL's state, of which the key is the first, in its versions.
const STATE_BYTES: [usize; 3] = [560, 568, 584];
/// Sequence numbers tried: of records a little before the last one, and some that came since it was
/// read; then of those that a busy connection sends while a search is under way.
const BEFORE: u64 = 1_024;
const LONG_BEFORE: u64 = 1 << 15;
const SINCE: u64 = 16;
/// The same where no number is kept, the likely ones first.
const COUNTED: [Range<u64>; 2] = [0..1_024, 1_024..u64::MAX];

impl Context<'_> {
    /// The sequence numbers that a record may have, the likely ones first.
    pub(super) fn sequences(&self) -> [Range<u64>; 2] {
        match self.last {
            Some(last) => {
                let near = last.saturating_sub(BEFORE);
                [near..last.saturating_add(SINCE), last.saturating_sub(LONG_BEFORE)..near]
            }
            None => COUNTED,
        }
    }
}

/// Calls `report` for every context in `memory`, which starts at a multiple of eight.
pub(super) fn contexts(memory: &[u8], mut report: impl FnMut(Context<'_>)) {
    let words = memory.as_chunks::<8>().0;
    // What is looked at is a key's last word, and the two words behind.
    for (n, window) in words.windows(3).enumerate() {
        let [last, next, after] = window else { continue };
        let [a, b, c, d, e, f, g, h] = *next;
        let is_block = u32::from_le_bytes([a, b, c, d]) < BLOCKS_MAX;
        if is_block && [e, f, g, h] != [0; 4] && *last != [0; 8] && *after != [0; 8] {
            n.checked_sub(3).and_then(|n| openssl(memory, 8 * n)).into_iter().for_each(&mut report);
        }
        if last[0] == TAG_BYTES && after[4..6] == IV_AND_NUMBER_BYTES {
            boringssl(memory, 8 * n).into_iter().for_each(&mut report);
        }
    }
}

/// The key at `offset`, if OpenSSL has put it there.
fn openssl(memory: &[u8], offset: usize) -> Option<Context<'_>> {
    let (key, rest) = memory.get(offset..)?.split_first_chunk::<KEY_BYTES>()?;
    let nonce: &Nonce = rest.get(4..)?.first_chunk()?;
    if !is_random(key) || !is_random(nonce) {
        return None;
    }
    let start = offset.saturating_sub(NEAR_BYTES);
    let end = offset.saturating_add(NEAR_BYTES).min(memory.len());
    let near = memory.get(start..end)?;
    let itself = offset + KEY_BYTES + 4 - start;
    let (iv, last) = near.windows(12).enumerate().step_by(4).find_map(|(at, iv)| {
        let iv: &Nonce = iv.first_chunk()?;
        let last = sequence_between(iv, nonce)?;
        (at != itself && last <= u64::from(u32::MAX)).then_some((*iv, last))
    })?;
    Some(Context { offset, key, iv, last: Some(last) })
}

/// The key whose state ends before `end`, if BoringSSL has put it there.
fn boringssl(memory: &[u8], end: usize) -> Option<Context<'_>> {
    let iv: &Nonce = memory.get(end + 8..)?.first_chunk()?;
    if !is_random(iv) {
        return None;
    }
    STATE_BYTES.into_iter().find_map(|bytes| {
        let offset = end.checked_sub(bytes)?;
        let key = memory.get(offset..)?.first_chunk::<KEY_BYTES>()?;
        is_random(key).then_some(Context { offset, key, iv: *iv, last: None })
    })
}

#[cfg(test)]
mod tests {
    use super::super::chacha;
    use super::super::found::Opens;
    use super::super::tests::{Noise, UNKNOWN, sample, search};
    use super::*;

    /// As OpenSSL has it: the IV before the key or behind.
    fn of_openssl(key: &[u8], iv: &Nonce, last: u64, iv_at: isize) -> Vec<u8> {
        let mut memory = vec![0; 1024];
        let mut nonce = *iv;
        nonce[4..].iter_mut().zip(last.to_be_bytes()).for_each(|(to, byte)| *to ^= byte);
        memory[512..544].copy_from_slice(key);
        memory[544] = 3;
        memory[548..560].copy_from_slice(&nonce);
        let at = 512usize.wrapping_add_signed(iv_at);
        memory[at..at + 12].copy_from_slice(iv);
        memory
    }

    /// As BoringSSL has it.
    fn of_boringssl(key: &[u8], iv: &Nonce, state: usize) -> Vec<u8> {
        let mut memory = vec![0; 1024];
        memory[64..96].copy_from_slice(key);
        memory[64 + state] = 16;
        memory[72 + state..84 + state].copy_from_slice(iv);
        memory[84 + state..86 + state].copy_from_slice(&[12, 8]);
        memory
    }

    #[test]
    fn what_is_cut_off_is_no_context() {
        let (key, iv) =
            (core::array::from_fn::<u8, 32, _>(|i| (9 + 77 * i) as u8), *b"\x93ab\xf1cdefgh\xeej");
        for memory in [of_openssl(&key, &iv, 7, -384), of_boringssl(&key, &iv, 560)] {
            for length in 0..=memory.len() {
                contexts(&memory[..length], |context| {
                    assert_eq!((context.key, context.iv), (&key, iv));
                });
            }
        }
    }

    #[test]
    fn chacha20_of_tls_12_opens_where_an_engine_keeps_key_and_nonce() {
        let mut noise = Noise(6);
        let key: [u8; 32] = noise.array();
        let iv: Nonce = noise.array();
        let record = |n| chacha::seal_12_for_tests(&key, &iv, n, b"hello from before");
        let openssl = |last, at| of_openssl(&key, &iv, last, at);
        let boringssl = |state| of_boringssl(&key, &iv, state);
        for (memory, sequence) in [
            (openssl(70_021, -384), 70_020),
            (openssl(70_021, 120), 69_021),
            (openssl(3, -352), 4),
            (openssl(60_000, -384), 30_000),
            (boringssl(560), 22),
            (boringssl(568), 9_000),
        ] {
            let memory = [noise.bytes(512), vec![0; 512], memory, noise.bytes(512)].concat();
            let records = vec![record(sequence), record(sequence + 1)];
            let outcome = search(vec![sample(1, UNKNOWN, records)], &memory);
            let Some(Opens::ChaCha12 { key: found, iv: nonce, sequence: number }) =
                outcome.found.first().map(|found| &found.opens)
            else {
                panic!("{sequence}: {outcome:?}");
            };
            assert_eq!((found.as_slice(), *nonce, *number), (&key[..], iv, sequence));
        }
    }
}
