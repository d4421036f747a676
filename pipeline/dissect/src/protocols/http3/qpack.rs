//! Header sections and encoder instructions → the fields that matter (RFC 9204).
//!
//! Only wanted names and values are decoded and kept. A section that refers to entries which have
//! not come yet waits; what stands in entries that were lost is said to be unknown, never guessed.

mod table;
#[cfg(test)]
mod tests;

use crate::http::{Broken, Field, NAME_BYTES_MAX, Name, integer, string};
use table::{Table, static_field};

/// Why a section is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// Entries it refers to have not come yet.
    Blocked,
    /// Nobody writes it so.
    Malformed,
}

/// Whether a section waits for its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Patience {
    /// It does.
    Waits,
    /// It has waited enough: they are unknown.
    Over,
}

/// A section is whole: what goes on behind it is wrong.
impl From<Broken> for Unread {
    fn from(_: Broken) -> Self {
        Self::Malformed
    }
}

/// Reads what one side's encoder writes: its instructions in order, its sections in any.
#[derive(Debug)]
pub(super) struct Decoder {
    table: Table,
    text: Vec<u8>,
}

impl Decoder {
    /// `from_start`: no instruction was missed.
    pub(super) const fn new(from_start: bool) -> Self {
        Self { table: Table::new(from_start), text: Vec::new() }
    }

    /// Instructions, or part of one, were missed: all entries are unknown from here on.
    pub(super) fn lose(&mut self) {
        self.table.lose();
    }

    /// What the other side allows will not be known, if it is not known already.
    pub(super) fn lose_unless_allowed(&mut self) {
        if !self.table.is_allowed() {
            self.table.lose();
        }
    }

    /// The other side allows a table of so many bytes (§3.2.3).
    pub(super) const fn allow(&mut self, bytes: u64) {
        self.table.allow(bytes);
    }

    /// Reads the instruction at the start of `bytes` (§4.3). Gives its length.
    pub(super) fn instruction(&mut self, bytes: &[u8]) -> Result<usize, Broken> {
        let mut rest = bytes;
        let first = *rest.first().ok_or(Broken::Short)?;
        match first {
            0x80.. => {
                let index = integer(&mut rest, 6)?;
                let name = match first & 0x40 {
                    0 => self.table.newest(index).0,
                    _ => static_field(index).ok_or(Broken::Malformed)?.0,
                };
                self.insert(name, &mut rest)?;
            }
            0x40.. => {
                let name = self.name(&mut rest, 5)?;
                self.insert(name, &mut rest)?;
            }
            0x20.. => {
                let capacity = integer(&mut rest, 5)?;
                self.table.resize(capacity);
            }
            _ => {
                let index = integer(&mut rest, 5)?;
                self.table.duplicate(index);
            }
        }
        Ok(bytes.len() - rest.len())
    }

    /// Reads a section (§4.5) and gives each field that is wanted, or unknown, to `take`. A value
    /// of `None` is one that we cannot know. `patience`: what to do if entries have not come yet.
    pub(super) fn section(
        &mut self,
        section: &[u8],
        patience: Patience,
        mut take: impl FnMut(Name, Option<&[u8]>),
    ) -> Result<(), Unread> {
        let mut rest = section;
        let required = integer(&mut rest, 8)?;
        let required = match self.table.required(required) {
            Err(Unread::Blocked) if patience == Patience::Over => None,
            required => required?,
        };
        let is_before = rest.first().is_some_and(|first| first & 0x80 != 0);
        let delta = integer(&mut rest, 7)?;
        let base = match required {
            // Where it is unknown, no entry is looked up by it.
            None => 0,
            Some(required) if is_before => required.wrapping_sub(delta).wrapping_sub(1),
            Some(required) => required.wrapping_add(delta),
        };
        while let Some(first) = rest.first().copied() {
            let field = match first {
                0xC0.. => static_field(integer(&mut rest, 6)?).ok_or(Unread::Malformed)?,
                0x80.. => self.table.before(base, integer(&mut rest, 6)?),
                0x50..0x60 | 0x70..0x80 => {
                    let index = integer(&mut rest, 4)?;
                    let name = static_field(index).ok_or(Unread::Malformed)?.0;
                    self.literal(name, &mut rest)?
                }
                0x40.. => {
                    let name = self.table.before(base, integer(&mut rest, 4)?).0;
                    self.literal(name, &mut rest)?
                }
                0x20.. => {
                    let name = self.name(&mut rest, 3)?;
                    self.literal(name, &mut rest)?
                }
                0x10.. => self.table.after(base, integer(&mut rest, 4)?),
                _ => {
                    let name = self.table.after(base, integer(&mut rest, 3)?).0;
                    self.literal(name, &mut rest)?
                }
            };
            if field.0 != Name::Other {
                take(field.0, field.1);
            }
        }
        Ok(())
    }

    fn insert(&mut self, name: Name, rest: &mut &[u8]) -> Result<(), Broken> {
        let value = string(rest, 7)?;
        let is_wanted = name.is_wanted();
        if is_wanted {
            value.read(&mut self.text)?;
        }
        self.table.insert(name, is_wanted.then_some(self.text.as_slice()));
        Ok(())
    }

    /// A literal value; it is read only if the name is wanted.
    fn literal(&mut self, name: Name, rest: &mut &[u8]) -> Result<Field<'_>, Broken> {
        let value = string(rest, 7)?;
        if !name.is_wanted() {
            return Ok((name, None));
        }
        Ok((name, Some(value.read(&mut self.text)?)))
    }

    fn name(&mut self, rest: &mut &[u8], bits: u32) -> Result<Name, Broken> {
        let name = string(rest, bits)?;
        if name.text.len() > NAME_BYTES_MAX {
            return Ok(Name::Other);
        }
        Ok(Name::of(name.read(&mut self.text)?))
    }
}
