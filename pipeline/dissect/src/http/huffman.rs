//! The Huffman code of HPACK (RFC 7541 §5.2, Appendix B), which is that of QPACK too.
//!
//! The code is canonical: it follows from the lengths alone. Codes of up to eight bits, which is
//! nearly all of what is printable, are found by one look; longer ones by their length.

/// Bits of the code of each byte.
const LENGTHS: [u8; 256] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28,
    28, 28, 28, 28, 28, 28, 28, 28, 6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5,
    5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, 13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, 15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6,
    6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28, 20, 22, 20, 20, 22, 22, 22, 23, 22,
    23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24, 22,
    21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20,
    22, 22, 22, 23, 22, 22, 23, 26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19,
    21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27, 20, 24, 20, 21, 22, 21, 21, 23, 22,
    22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
];
/// The longest code; the one beyond the last byte's is that of the end of the string (EOS).
const LENGTH_MAX: usize = 30;
/// Codes of up to this many bits are found by one look.
const SHORT_BITS: usize = 8;

/// The bytes in the order of their codes.
const ORDER: [u8; 256] = {
    let mut order = [0; 256];
    let (mut length, mut next) = (0, 0);
    while length <= LENGTH_MAX {
        let mut byte = 0;
        while byte < 256 {
            if LENGTHS[byte] as usize == length {
                order[next] = byte as u8;
                next += 1;
            }
            byte += 1;
        }
        length += 1;
    }
    order
};

/// Per length: the first code, how many there are, and where they start in [`ORDER`].
const RANGES: [(u32, u32, u32); LENGTH_MAX + 1] = {
    let mut ranges = [(0, 0, 0); LENGTH_MAX + 1];
    let (mut length, mut code, mut start) = (1, 0, 0);
    while length <= LENGTH_MAX {
        let mut count = 0;
        let mut byte = 0;
        while byte < 256 {
            count += (LENGTHS[byte] as usize == length) as u32;
            byte += 1;
        }
        ranges[length] = (code, count, start);
        start += count;
        code = (code + count) << 1;
        length += 1;
    }
    ranges
};

/// Per first eight bits: the byte and the length of its code; a length of 0 if it is longer.
const SHORT: [(u8, u8); 1 << SHORT_BITS] = {
    let mut short = [(0, 0); 1 << SHORT_BITS];
    let mut bits = 0;
    while bits < short.len() {
        let mut length = 1;
        while length <= SHORT_BITS {
            let (first, count, start) = RANGES[length];
            let code = (bits >> (SHORT_BITS - length)) as u32;
            if code >= first && code - first < count {
                short[bits] = (ORDER[(start + code - first) as usize], length as u8);
            }
            length += 1;
        }
        bits += 1;
    }
    short
};

/// Appends the text of `coded` to `text`. `None` if it is not coded as the RFC says.
pub(super) fn decode(coded: &[u8], text: &mut Vec<u8>) -> Option<()> {
    let mut rest = coded.iter();
    // The lower `held` bits of `window` are the next ones.
    let (mut window, mut held) = (0_u64, 0_u32);
    loop {
        while held <= 32 {
            let Some(byte) = rest.next() else { break };
            window = window << 8 | u64::from(*byte);
            held += 8;
        }
        // What is missing is made up with ones, as the padding is: the start of EOS.
        let next = match held.checked_sub(32) {
            Some(more) => window >> more,
            None => (window << 32 | u64::from(u32::MAX)) >> held,
        };
        match symbol(next as u32) {
            Some((byte, length)) if length <= held => {
                text.push(byte);
                held -= length;
                window &= (1 << held) - 1;
            }
            Some(_) => return None,
            None => return (held < 8 && window == (1 << held) - 1).then_some(()),
        }
    }
}

/// The byte whose code `next` starts with, and the length of that; `None` for EOS.
fn symbol(next: u32) -> Option<(u8, u32)> {
    if let Some((byte, length @ 1..)) = SHORT.get((next >> 24) as usize) {
        return Some((*byte, u32::from(*length)));
    }
    for (length, (first, count, start)) in RANGES.iter().enumerate().skip(SHORT_BITS + 1) {
        let offset = (next >> (32 - length)).wrapping_sub(*first);
        if offset < *count {
            return Some((*ORDER.get((start + offset) as usize)?, length as u32));
        }
    }
    None
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn encode(text: &[u8]) -> Vec<u8> {
        let (mut coded, mut window, mut held) = (Vec::new(), 0_u64, 0);
        for byte in text {
            let length = LENGTHS[usize::from(*byte)];
            let (first, _, start) = RANGES[usize::from(length)];
            let position = ORDER.iter().position(|other| other == byte);
            let position = position.expect("every byte has a code");
            window = window << length | u64::from(first + position as u32 - start);
            held += u32::from(length);
            while held >= 8 {
                held -= 8;
                coded.push((window >> held) as u8);
                window &= (1 << held) - 1;
            }
        }
        if held > 0 {
            coded.push((window << (8 - held)) as u8 | (0xFF >> held));
        }
        coded
    }

    #[test]
    fn examples_of_the_rfc_are_read() {
        for (coded, text) in [
            (&b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"[..], &b"www.example.com"[..]),
            (b"\xa8\xeb\x10\x64\x9c\xbf", b"no-cache"),
            (b"\x64\x02", b"302"),
            (b"\xae\xc3\x77\x1a\x4b", b"private"),
            (b"", b""),
        ] {
            let mut found = Vec::new();
            assert_eq!(decode(coded, &mut found), Some(()));
            assert_eq!(found, text);
        }
    }

    #[test]
    fn wrong_padding_and_an_end_inside_are_refused() {
        for coded in [&b"\x06"[..], b"\x64\x02\xff", b"\xff\xff\xff\xff", b"\xff\xff\xff\xfc"] {
            assert_eq!(decode(coded, &mut Vec::new()), None, "{coded:x?}");
        }
    }
}
