//! Numbers on the wire: variable-length integers and cut packet numbers (RFC 9000 §16, §17.1).

/// A variable-length integer and what is behind it.
pub(super) fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let first = *bytes.first()?;
    let (number, rest) = bytes.split_at_checked(1 << (first >> 6))?;
    let value = number.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
    // The two bits of the length stand above the number.
    Some((value & (u64::MAX >> (66 - 8 * number.len())), rest))
}

/// The packet number whose lowest `bytes` bytes are `cut`, next to the one that is due (§A.3).
pub(super) const fn whole_number(due: u64, cut: u64, bytes: usize) -> u64 {
    let window = 1 << (8 * bytes);
    let candidate = (due & !(window - 1)) | cut;
    if candidate + window / 2 <= due && candidate < (1 << 62) - window {
        candidate + window
    } else if candidate > due + window / 2 && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_of_the_rfc_are_read() {
        for (bytes, value) in [
            (&b"\xc2\x19\x7c\x5e\xff\x14\xe8\x8c"[..], 151_288_809_941_952_652),
            (b"\x9d\x7f\x3e\x7d", 494_878_333),
            (b"\x7b\xbd", 15_293),
            (b"\x25", 37),
            (b"\x40\x25", 37),
        ] {
            assert_eq!(varint(bytes), Some((value, &b""[..])));
            assert_eq!(varint(&bytes[..bytes.len() - 1]), None);
        }
    }

    #[test]
    fn packet_numbers_are_the_nearest_to_the_one_that_is_due() {
        // RFC 9000 §A.3, and both ends.
        assert_eq!(whole_number(0xA82F_30EA + 1, 0x9B32, 2), 0xA82F_9B32);
        assert_eq!(whole_number(0, 0xFF, 1), 0xFF);
        assert_eq!(whole_number(0x100, 0xFF, 1), 0xFF);
        assert_eq!(whole_number(0x1FF, 0x00, 1), 0x200);
    }
}
