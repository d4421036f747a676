//! Header blocks → the fields that matter (RFC 7541).
//!
//! Every representation of a block is followed, since any may put an entry into the table, but
//! only wanted names and values are decoded and kept. What stands in entries that were not seen is
//! said to be unknown, never guessed.

mod huffman;
mod table;
#[cfg(test)]
mod tests;

pub(super) use table::Name;
use table::Table;

/// A name that is longer is none we want: the longest wanted one, coded at its shortest.
const NAME_BYTES_MAX: usize = 32;
/// A prefix integer has at most so many bytes after its prefix: enough for 32 bits.
const INTEGER_BYTES_MAX: usize = 5;

/// The block cannot be read: its sender is no HTTP/2 peer, or we are out of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// Reads the blocks of one side, in order.
#[derive(Debug)]
pub(super) struct Decoder {
    table: Table,
    text: Vec<u8>,
}

impl Decoder {
    /// `from_start`: no block of this side was missed.
    pub(super) const fn new(from_start: bool) -> Self {
        Self { table: Table::new(from_start), text: Vec::new() }
    }

    /// A block, or part of one, was missed.
    pub(super) fn lose(&mut self) {
        self.table.lose();
    }

    /// Reads a block and gives each field that is wanted, or unknown, to `take`. A value of `None`
    /// is one that we cannot know.
    pub(super) fn read(
        &mut self,
        block: &[u8],
        mut take: impl FnMut(Name, Option<&[u8]>),
    ) -> Result<(), Malformed> {
        let mut rest = block;
        while let Some(first) = rest.first().copied() {
            match first {
                0x80.. => {
                    let index = integer(&mut rest, 7)?;
                    let (name, value) = self.table.get(index).ok_or(Malformed)?;
                    if name != Name::Other {
                        take(name, value);
                    }
                }
                0x40.. => {
                    let (name, value) = self.literal(&mut rest, 6)?;
                    let value = value.then_some(self.text.as_slice());
                    if name != Name::Other {
                        take(name, value);
                    }
                    self.table.insert(name, value);
                }
                0x20.. => self.table.resize(integer(&mut rest, 5)?),
                _ => {
                    let (name, value) = self.literal(&mut rest, 4)?;
                    if name != Name::Other {
                        take(name, value.then_some(self.text.as_slice()));
                    }
                }
            }
        }
        Ok(())
    }

    /// A literal field whose index has `bits` bits: its name, and true if its value is wanted and
    /// stands in `text`.
    fn literal(&mut self, rest: &mut &[u8], bits: u32) -> Result<(Name, bool), Malformed> {
        let name = match integer(rest, bits)? {
            0 => {
                let name = string(rest)?;
                if name.text.len() > NAME_BYTES_MAX {
                    Name::Other
                } else {
                    Name::of(name.read(&mut self.text)?)
                }
            }
            index => self.table.get(index).ok_or(Malformed)?.0,
        };
        let value = string(rest)?;
        if name.is_wanted() {
            value.read(&mut self.text)?;
        }
        Ok((name, name.is_wanted()))
    }
}

/// A string literal (§5.2), as on the wire.
struct Text<'a> {
    text: &'a [u8],
    is_coded: bool,
}

impl Text<'_> {
    fn read<'b>(&self, into: &'b mut Vec<u8>) -> Result<&'b [u8], Malformed> {
        into.clear();
        if self.is_coded {
            huffman::decode(self.text, into).ok_or(Malformed)?;
        } else {
            into.extend_from_slice(self.text);
        }
        Ok(into)
    }
}

fn string<'a>(rest: &mut &'a [u8]) -> Result<Text<'a>, Malformed> {
    let is_coded = rest.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer(rest, 7)?;
    let (text, after) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = after;
    Ok(Text { text, is_coded })
}

/// An integer with a prefix of `bits` bits (§5.1).
fn integer(rest: &mut &[u8], bits: u32) -> Result<usize, Malformed> {
    let (first, mut after) = rest.split_first().ok_or(Malformed)?;
    let prefix = (1_usize << bits) - 1;
    let mut value = usize::from(*first) & prefix;
    if value == prefix {
        for position in 0.. {
            let (byte, behind) = after.split_first().ok_or(Malformed)?;
            after = behind;
            if position == INTEGER_BYTES_MAX {
                return Err(Malformed);
            }
            value += usize::from(byte & 0x7F) << (7 * position);
            if byte & 0x80 == 0 {
                break;
            }
        }
    }
    *rest = after;
    Ok(value)
}
