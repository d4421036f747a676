//! Integers and strings of field compression: HPACK (RFC 7541 §5) and QPACK (RFC 9204 §4.1) write
//! them alike, with prefixes of other lengths.

use super::huffman;

/// A name that is longer is none we want: the longest wanted one, coded at its shortest.
pub(crate) const NAME_BYTES_MAX: usize = 32;
/// A prefix integer has at most so many bytes after its prefix: enough for 62 bits.
const INTEGER_BYTES_MAX: usize = 9;

/// Why something cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// It goes on behind what is there.
    Short,
    /// Nobody writes it so.
    Malformed,
}

/// A string literal, as on the wire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Text<'a> {
    pub(crate) text: &'a [u8],
    is_coded: bool,
}

impl Text<'_> {
    /// Reads it into `into`, in place of what is there.
    pub(crate) fn read<'b>(&self, into: &'b mut Vec<u8>) -> Result<&'b [u8], Broken> {
        into.clear();
        if self.is_coded {
            huffman::decode(self.text, into).ok_or(Broken::Malformed)?;
        } else {
            into.extend_from_slice(self.text);
        }
        Ok(into)
    }
}

/// A string whose length has `bits` bits in the first byte, after the bit that says it is coded.
pub(crate) fn string<'a>(rest: &mut &'a [u8], bits: u32) -> Result<Text<'a>, Broken> {
    let is_coded = rest.first().is_some_and(|first| first & (1 << bits) != 0);
    let length = usize::try_from(integer(rest, bits)?).map_err(|_| Broken::Malformed)?;
    let (text, after) = rest.split_at_checked(length).ok_or(Broken::Short)?;
    *rest = after;
    Ok(Text { text, is_coded })
}

/// An integer with a prefix of `bits` bits.
pub(crate) fn integer(rest: &mut &[u8], bits: u32) -> Result<u64, Broken> {
    let (first, mut after) = rest.split_first().ok_or(Broken::Short)?;
    let prefix = (1_u64 << bits) - 1;
    let mut value = u64::from(*first) & prefix;
    if value == prefix {
        for position in 0.. {
            let (byte, behind) = after.split_first().ok_or(Broken::Short)?;
            after = behind;
            if position == INTEGER_BYTES_MAX {
                return Err(Broken::Malformed);
            }
            value += u64::from(byte & 0x7F) << (7 * position);
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    *rest = after;
    Ok(value)
}
