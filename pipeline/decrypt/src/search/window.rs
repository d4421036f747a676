//! Windows of memory that may be a secret or a bare key: they look like chance, most of memory does
//! not.

use super::limits::WINDOW_ZEROS_MAX;

/// Where windows start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Starts {
    /// At multiples of eight.
    Words,
    /// Half a word further on.
    Halves,
    /// At multiples of four.
    Both,
}

/// Calls `visit` with the offset of every window of `length` bytes that looks random. `memory`
/// starts at a multiple of eight.
pub(super) fn windows(
    memory: &[u8],
    length: usize,
    starts: Starts,
    mut visit: impl FnMut(usize, &[u8]),
) {
    let words = memory.as_chunks::<8>().0;
    // Where the run of words that are no pointers and no small numbers began.
    let mut start = 0;
    for (i, word) in words.iter().enumerate() {
        if is_plain(*word) {
            start = i + 1;
            continue;
        }
        let end = 8 * (i + 1);
        if starts != Starts::Halves
            && let Some(offset) = end.checked_sub(length)
            && offset >= 8 * start
        {
            look(memory, offset, length, &mut visit);
        }
        // The outer halves are of words that are not looked at.
        if starts != Starts::Words
            && let Some(offset) = (end + 4).checked_sub(length)
            && offset + 4 >= 8 * start
        {
            look(memory, offset, length, &mut visit);
        }
    }
}

fn look(memory: &[u8], offset: usize, length: usize, visit: &mut impl FnMut(usize, &[u8])) {
    if let Some(window) = memory.get(offset..offset + length)
        && is_random(window)
    {
        visit(offset, window);
    }
}

/// A pointer, a small number, a small negative number.
#[inline]
const fn is_plain(word: [u8; 8]) -> bool {
    matches!((u64::from_le_bytes(word) >> 48) as u16, 0 | 0xffff)
}

/// Few zeros, many different bytes, about half of the highest bits set: passes all but one in some
/// thousand random windows, and 0.2 to 10 % of memory.
pub(super) fn is_random(window: &[u8]) -> bool {
    let distinct_min = match window.len() {
        ..=12 => 8,
        13..=16 => 12,
        17..=32 => 23,
        _ => 33,
    };
    let zeros = window.iter().filter(|byte| **byte == 0).count();
    let high = window.iter().filter(|byte| **byte >= 0x80).count();
    // A fifth to four fifths; of 16 bytes chance leaves that range too often.
    let high_min = if window.len() <= 16 { window.len() / 8 } else { window.len() / 5 };
    if zeros > WINDOW_ZEROS_MAX || high < high_min || high > window.len() - high_min {
        return false;
    }
    let mut seen = [0u64; 4];
    for byte in window {
        if let Some(word) = seen.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }
    seen.iter().map(|word| word.count_ones()).sum::<u32>() >= distinct_min
}

/// True if a key of this length begins where the memory ends, and Erlang has put it there: each
/// binary after its length in bytes, and the four bytes of an IV before the key.
pub(super) fn is_kept(memory: &[u8], length: usize) -> bool {
    let word = |back: usize| {
        let at = memory.len().checked_sub(back)?;
        Some(u64::from_le_bytes(*memory.get(at..)?.first_chunk()?))
    };
    word(8) == Some(length as u64) && word(32) == Some(4)
}
