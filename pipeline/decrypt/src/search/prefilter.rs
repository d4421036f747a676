//! Where in memory a key schedule may start: the only part of the search that looks at all of it.
//!
//! In a schedule three of four words are the xor of two others (FIPS 197, section 5.2), whatever
//! the order of bytes, and still so after InvMixColumns, which is linear. A schedule is so long
//! that four words in sixteen tell: of these, in a form the compiler makes vector instructions of,
//! one relation is tested, and only where it holds of three is every word before looked at.

use super::schedule::{Order, Size};

/// Words from one test to the next. The shortest run of relations is that of AES-128 backwards, of
/// 28 words, so that one test at least lies within.
const STRIDE: usize = 16;
/// Words that are tested there.
const LANES: usize = 4;
/// Of these, the words whose relations hold: the first of a round key has another.
const LANES_MIN: u32 = 3;
/// The furthest word a relation names, relative to the first, and two more for its columns.
const REACH: usize = 12;
/// How far before the last word of a test a schedule may start that has a relation there.
const LOOK_BACK: usize = STRIDE + LANES;
/// Backwards the relations hold from the second round key on: the first is not transformed.
const ROUND_KEY_BYTES: usize = 16;

type Word = [u8; 4];

/// A place where a schedule may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suspect {
    /// In bytes.
    pub offset: usize,
    pub size: Size,
    pub order: Order,
}

/// Calls `report` for every place in `memory`, which starts at a multiple of four, where a schedule
/// may start.
pub(super) fn suspects(memory: &[u8], mut report: impl FnMut(Suspect)) {
    let words = memory.as_chunks::<4>().0;
    let mut looked = 0;
    let tests = words.windows(LANES + REACH).step_by(STRIDE);
    for (n, window) in tests.enumerate() {
        if window.first_chunk().is_some_and(is_suspicious) {
            let end = STRIDE * n + LANES;
            for at in looked.max(end.saturating_sub(LOOK_BACK))..end {
                look(words, at, &mut report);
            }
            looked = end;
        }
    }
}

/// True if most of the words at the start of the window fulfil a relation in their second column.
#[inline]
fn is_suspicious(window: &[Word; LANES + REACH]) -> bool {
    let mut held = 0;
    for lane in 0..LANES {
        let word = |i: usize| u32::from_ne_bytes(window[lane + i]);
        let (first, second) = (word(0), word(1));
        let next = [word(4), word(8)];
        let (short, long) = (second ^ word(5), second ^ word(9));
        let is_any = (short == next[0]) | (short == first) | (long == next[1]) | (long == first);
        // Most of memory that is no key is zero, or repeats.
        let is_plain = (second == 0) | (short == 0) | (long == 0);
        held += u32::from(is_any & !is_plain);
    }
    held >= LANES_MIN
}

/// Looks at one word: all three columns.
fn look(words: &[Word], at: usize, report: &mut impl FnMut(Suspect)) {
    let word = |i: usize| words.get(at + i).map_or(0, |word| u32::from_ne_bytes(*word));
    let offset = 4 * at;
    for (size, next) in [(Size::Aes128, 4), (Size::Aes256, 8)] {
        // Word c of the next round key of this half is word c of this one, xor word c-1 of it.
        let forwards = |c: usize| word(c) ^ word(next + c - 1) == word(next + c);
        let backwards = |c: usize| word(next + c) ^ word(c - 1) == word(c);
        if word(1) == 0 || word(next + 1) == 0 {
            continue;
        }
        if (1..4).all(forwards) {
            report(Suspect { offset, size, order: Order::Encryption });
        }
        if let Some(offset) = offset.checked_sub(ROUND_KEY_BYTES)
            && (1..4).all(backwards)
        {
            report(Suspect { offset, size, order: Order::Decryption });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::schedule::{expand, inverse};
    use super::*;

    #[test]
    fn every_schedule_is_suspected_wherever_it_starts() {
        let mut seed = 1u32;
        let mut noise = || {
            seed = seed.wrapping_mul(0x9e37_79b1) ^ (seed >> 15) ^ 0x5bd1_e995;
            seed
        };
        for (size, key_bytes) in [(Size::Aes128, 16), (Size::Aes256, 32)] {
            for order in [Order::Encryption, Order::Decryption] {
                for at in 0..3 * STRIDE {
                    let key: Vec<u8> = (0..key_bytes).map(|_| noise() as u8).collect();
                    let schedule = match order {
                        Order::Encryption => expand(&key),
                        Order::Decryption => inverse(&expand(&key)),
                    };
                    let mut words: Vec<u32> = (0..at).map(|_| noise()).collect();
                    words.extend(schedule);
                    let memory: Vec<u8> =
                        words.iter().flat_map(|word| word.to_be_bytes()).collect();
                    let mut found = Vec::new();
                    suspects(&memory, |suspect| found.push(suspect));
                    let expected = Suspect { offset: 4 * at, size, order };
                    assert!(found.contains(&expected), "{expected:?} is not among {found:?}");
                }
            }
        }
    }
}
