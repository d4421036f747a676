//! Header blocks → the fields that matter (RFC 7541).
//!
//! Every representation of a block is followed, since any may put an entry into the table, but
//! only wanted names and values are decoded and kept. What stands in entries that were not seen is
//! said to be unknown, never guessed.

mod table;
#[cfg(test)]
mod tests;

use crate::http::{self, Broken, NAME_BYTES_MAX, Name, string};
use table::Table;

/// The block cannot be read: its sender is no HTTP/2 peer, or we are out of step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// A block is whole: what goes on behind it is wrong.
impl From<Broken> for Malformed {
    fn from(_: Broken) -> Self {
        Self
    }
}

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
                let name = string(rest, 7)?;
                if name.text.len() > NAME_BYTES_MAX {
                    Name::Other
                } else {
                    Name::of(name.read(&mut self.text)?)
                }
            }
            index => self.table.get(index).ok_or(Malformed)?.0,
        };
        let value = string(rest, 7)?;
        if name.is_wanted() {
            value.read(&mut self.text)?;
        }
        Ok((name, name.is_wanted()))
    }
}

/// An index or a size: none is longer than 32 bits.
fn integer(rest: &mut &[u8], bits: u32) -> Result<usize, Malformed> {
    let value = http::integer(rest, bits)?;
    u32::try_from(value).map(|value| value as usize).map_err(|_| Malformed)
}
