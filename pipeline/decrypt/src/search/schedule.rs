//! Expanded AES keys as they lie in memory (FIPS 197, section 5.2): 176 or 240 bytes, of which the
//! first 16 or 32 determine the rest. That is how a key is told from any other bytes.
//!
//! Three orders are in use: round by round (most engines), the same with the bytes of each word
//! swapped (Java, portable Go), and the rounds backwards with InvMixColumns applied (section 5.3.5,
//! what AES instructions decrypt with; in CBC that is all a reader has).

use crate::crypto::KeyBytes;

const S_BOX: [u8; 256] = s_box();

/// The length of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Size {
    Aes128,
    Aes256,
}

impl Size {
    /// Words of the key: Nk.
    const fn key_words(self) -> usize {
        match self {
            Self::Aes128 => 4,
            Self::Aes256 => 8,
        }
    }

    /// Rounds: Nr. The schedule has one round key more.
    const fn rounds(self) -> usize {
        self.key_words() + 6
    }

    const fn words(self) -> usize {
        4 * (self.rounds() + 1)
    }

    /// Bytes of the schedule.
    pub(super) const fn bytes(self) -> usize {
        4 * self.words()
    }
}

/// In which order the round keys stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// As expanded.
    Encryption,
    /// Backwards, all but the outer two through InvMixColumns.
    Decryption,
}

/// The key whose schedule starts where `memory` starts, in either order of bytes.
pub(super) fn key_at(memory: &[u8], size: Size, order: Order) -> Option<KeyBytes> {
    let memory = memory.get(..size.bytes())?.as_chunks::<4>().0;
    schedule(memory, size, order, u32::from_be_bytes)
        .or_else(|| schedule(memory, size, order, u32::from_le_bytes))
}

fn schedule(
    memory: &[[u8; 4]],
    size: Size,
    order: Order,
    read: impl Fn([u8; 4]) -> u32,
) -> Option<KeyBytes> {
    // Backwards: the word that encryption has at `i`.
    let backwards = |i: usize| {
        let round = size.rounds() - i / 4;
        let word = read(*memory.get(4 * round + i % 4)?);
        let is_outer = round == 0 || round == size.rounds();
        Some(if is_outer { word } else { mix_columns(word) })
    };
    let word = |i: usize| match order {
        Order::Encryption => memory.get(i).map(|bytes| read(*bytes)),
        Order::Decryption => backwards(i),
    };
    let n = size.key_words();
    for i in n..size.words() {
        if word(i)? != word(i - n)? ^ mixed(word(i - 1)?, i, n) {
            return None;
        }
    }
    let mut key = [0; 32];
    for (i, bytes) in key.as_chunks_mut::<4>().0.iter_mut().take(n).enumerate() {
        *bytes = word(i)?.to_be_bytes();
    }
    KeyBytes::new(key.get(..4 * n)?)
}

/// What word `i` of a schedule adds to the word one key before it.
const fn mixed(previous: u32, i: usize, key_words: usize) -> u32 {
    if i.is_multiple_of(key_words) {
        // Rcon is 2^(n-1) in GF(2^8), in the first byte of the word.
        let mut rcon = 1;
        let mut n = 1;
        while n < i / key_words {
            rcon = times_2(rcon);
            n += 1;
        }
        substitute(previous.rotate_left(8)) ^ ((rcon as u32) << 24)
    } else if key_words == 8 && i % 8 == 4 {
        substitute(previous)
    } else {
        previous
    }
}

/// The schedule of a key in the order of encryption, in words as FIPS 197 counts them.
#[cfg(test)]
pub(super) fn expand(key: &[u8]) -> Vec<u32> {
    let n = key.len() / 4;
    let mut words: Vec<u32> =
        key.as_chunks::<4>().0.iter().map(|bytes| u32::from_be_bytes(*bytes)).collect();
    for i in n..4 * (n + 7) {
        words.push(words[i - n] ^ mixed(words[i - 1], i, n));
    }
    words
}

/// InvMixColumns of every round key but the outer two, backwards.
#[cfg(test)]
pub(super) fn inverse(words: &[u32]) -> Vec<u32> {
    let rounds = words.len() / 4 - 1;
    let round_keys = words.chunks(4).enumerate().rev();
    let inverted = |(round, key): (usize, &[u32])| -> Vec<u32> {
        let is_outer = round == 0 || round == rounds;
        // MixColumns is of order four, so its inverse is its cube.
        let inverse = |word: &u32| mix_columns(mix_columns(mix_columns(*word)));
        key.iter().map(|word| if is_outer { *word } else { inverse(word) }).collect()
    };
    round_keys.flat_map(inverted).collect()
}

/// SubWord (FIPS 197, section 5.2).
const fn substitute(word: u32) -> u32 {
    let [a, b, c, d] = word.to_be_bytes();
    let table = &S_BOX;
    u32::from_be_bytes([table[a as usize], table[b as usize], table[c as usize], table[d as usize]])
}

/// MixColumns of one column (section 5.1.3).
const fn mix_columns(word: u32) -> u32 {
    let double = ((word & 0x7f7f_7f7f) << 1) ^ (((word >> 7) & 0x0101_0101) * 0x1b);
    double ^ (word ^ double).rotate_left(8) ^ word.rotate_left(16) ^ word.rotate_left(24)
}

const fn times_2(a: u8) -> u8 {
    (a << 1) ^ ((a >> 7) * 0x1b)
}

/// Section 5.1.1: the inverse in GF(2^8), then an affine map. 3 generates the field, so the inverse
/// of its power n is its power 255-n.
const fn s_box() -> [u8; 256] {
    let mut powers = [1; 256];
    let mut n = 1;
    while n < 256 {
        powers[n] = powers[n - 1] ^ times_2(powers[n - 1]);
        n += 1;
    }
    let mut table = [0x63; 256];
    let mut n = 0;
    while n < 255 {
        let b = powers[255 - n];
        let rotated = b ^ b.rotate_left(1) ^ b.rotate_left(2) ^ b.rotate_left(3) ^ b.rotate_left(4);
        table[powers[n] as usize] = rotated ^ 0x63;
        n += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197, appendix A.1 and A.3: the last round key.
    #[test]
    fn expansion_is_that_of_the_standard() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len() / 2)
                .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex"))
                .collect()
        };
        for (key, last) in [
            (
                "2b7e151628aed2a6abf7158809cf4f3c",
                [0xd014_f9a8, 0xc9ee_2589, 0xe13f_0cc8, 0xb663_0ca6],
            ),
            (
                "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
                [0xfe48_90d1, 0xe618_8d0b, 0x046d_f344, 0x706c_631e],
            ),
        ] {
            let words = expand(&hex(key));
            assert_eq!(words[words.len() - 4..], last, "{key}");
        }
    }
}
