//! Where in memory a key schedule may start: the only part of the search that looks at every word.
//!
//! In a schedule three of four words are the xor of two others (FIPS 197, section 5.2), whatever
//! the order of bytes, and still so after InvMixColumns, which is linear. One of these relations is
//! tested for a block of words at once, in a form the compiler makes vector instructions of; what
//! passes is looked at word by word.

use super::schedule::{Order, Size};

/// Words whose relations are tested at once.
const BLOCK: usize = 16;
/// The furthest word a relation names, relative to the first, and two more for its columns.
const REACH: usize = 12;
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
    let mut at = 0;
    while let Some(window) = words.get(at..).and_then(|rest| rest.first_chunk()) {
        if is_suspicious(window) {
            (0..BLOCK).for_each(|lane| look(window, at, lane, &mut report));
        }
        at += BLOCK;
    }
    // The rest, and zeros behind it that fulfil no relation.
    let mut window = [Word::default(); BLOCK + REACH];
    while at < words.len() {
        window.fill(Word::default());
        window
            .iter_mut()
            .zip(words.get(at..).unwrap_or_default())
            .for_each(|(to, word)| *to = *word);
        (0..BLOCK).for_each(|lane| look(&window, at, lane, &mut report));
        at += BLOCK;
    }
}

/// True if any of the words at the start of the window fulfils a relation in its second column.
#[inline]
fn is_suspicious(window: &[Word; BLOCK + REACH]) -> bool {
    let mut any = 0;
    for lane in 0..BLOCK {
        let word = |i: usize| u32::from_ne_bytes(window[lane + i]);
        let (first, second) = (word(0), word(1));
        let next = [word(4), word(8)];
        let (short, long) = (second ^ word(5), second ^ word(9));
        let is_any = (short == next[0]) | (short == first) | (long == next[1]) | (long == first);
        // Most of memory that is no key is zero, or repeats.
        let is_plain = (second == 0) | (short == 0) | (long == 0);
        any |= u32::from(is_any & !is_plain);
    }
    any != 0
}

/// Looks at one word of the window: all three columns.
fn look(window: &[Word; BLOCK + REACH], at: usize, lane: usize, report: &mut impl FnMut(Suspect)) {
    let word = |i: usize| window.get(lane + i).map_or(0, |word| u32::from_ne_bytes(*word));
    let offset = 4 * (at + lane);
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
