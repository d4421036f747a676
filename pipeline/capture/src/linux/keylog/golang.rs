//! Go's table of functions (`runtime.pclntab`), which no stripping removes: where functions begin,
//! and which of them writes the key log. Layouts of Go 1.18 and later; what was before passes
//! arguments on the stack and is not read.

use memchr::memmem;

use super::bytes::{Ahead, Bytes, array, read, windows};

/// Go 1.20 and later, Go 1.18; two zeros, the quantum of an instruction, the size of a pointer.
const MAGICS: [[u8; 8]; 2] =
    [[0xf1, 0xff, 0xff, 0xff, 0, 0, 1, 8], [0xf0, 0xff, 0xff, 0xff, 0, 0, 1, 8]];
/// The end of the name, in `crypto/tls` and in the copies of it that QUIC needed before Go 1.21.
const NAME_END: &[u8] = b".(*Config).writeKeyLog\0";
/// Functions of one program: the largest known has some hundred thousand.
const FUNCTIONS_MAX: u64 = 4_000_000;
/// Longest name read backwards from its end.
const NAME_BEFORE: usize = 160;
/// Copies of the function.
const NAMES_MAX: usize = 8;

/// The table of one program.
#[derive(Clone, Debug)]
pub(super) struct GoTable {
    /// Offset of the table of entries in the file, and their number.
    entries: u64,
    count: u64,
    /// Address to which the entries are relative.
    text: u64,
}

/// Where the magic of a table stands in a window.
pub(super) fn tables(window: &[u8], own: usize, mut sink: impl FnMut(usize)) {
    for magic in &MAGICS {
        for at in memmem::find_iter(window, magic).filter(|at| *at < own) {
            sink(at);
        }
    }
}

impl GoTable {
    /// Reads the table at an offset of the file. `targets` are where references to words led: the
    /// text begins where one of them is the function of that name, which is asked because newer
    /// linkers leave the beginning of the text out of the header.
    pub(super) fn new(bytes: &dyn Bytes, offset: u64, targets: &[u64]) -> Option<Self> {
        let header: [u8; 72] = array(bytes, offset)?;
        let field = |at: usize| {
            let bytes = header.get(8 + at * 8..)?.first_chunk()?;
            Some(u64::from_le_bytes(*bytes))
        };
        let (count, text) = (field(0)?, field(2)?);
        let (names, lines) = (field(3)?, field(7)?);
        if count == 0 || count > FUNCTIONS_MAX || names == 0 || lines <= names {
            return None;
        }
        let entries = offset.checked_add(lines)?;
        let mut table = Self { entries, count, text };
        let names_end = offset.checked_add(field(4)?)?;
        let starts = table.named(bytes, offset.checked_add(names)?, names_end)?;
        table.text = targets
            .iter()
            .flat_map(|target| starts.iter().filter_map(|start| target.checked_sub(*start)))
            .find(|begin| (text == 0 || *begin == text) && begin % 16 == 0)?;
        Some(table)
    }

    /// Start and end of the function that holds the address.
    pub(super) fn function_at(&self, bytes: &dyn Bytes, address: u64) -> Option<(u64, u64)> {
        let wanted = address.checked_sub(self.text)?;
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.entry(bytes, middle)?.0 <= wanted {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let start = self.entry(bytes, low.checked_sub(1)?)?.0;
        // Behind the last entry stands the end of the text alone.
        let end = u32::from_le_bytes(array(bytes, self.entries.checked_add(low * 8)?)?);
        let (start, end) = (self.text + start, self.text + u64::from(end));
        (address < end).then_some((start, end))
    }

    fn entry(&self, bytes: &dyn Bytes, number: u64) -> Option<(u64, u64)> {
        let entry: [u8; 8] = array(bytes, self.entries.checked_add(number * 8)?)?;
        let [a, b, c, d, function @ ..] = entry;
        let start = u32::from_le_bytes([a, b, c, d]);
        Some((u64::from(start), u64::from(u32::from_le_bytes(function))))
    }

    /// Starts of the functions whose name has the right end, relative to the text.
    fn named(&self, bytes: &dyn Bytes, names: u64, end: u64) -> Option<Vec<u64>> {
        let mut wanted: Vec<u32> = Vec::new();
        let length = end.checked_sub(names)?;
        windows(bytes, names, length, NAME_BEFORE, |offset, window, own| {
            for at in memmem::find_iter(window, NAME_END).filter(|at| *at < own) {
                let before = (offset + at as u64).saturating_sub(NAME_BEFORE as u64).max(names);
                let room = offset + at as u64 - before;
                let text = read(bytes, before, usize::try_from(room).unwrap_or(0));
                let begin = text.iter().rposition(|byte| *byte == 0).map_or(0, |nul| nul + 1);
                let name = before + begin as u64 - names;
                if wanted.len() < NAMES_MAX {
                    wanted.extend(u32::try_from(name));
                }
            }
        });
        if wanted.is_empty() {
            return None;
        }
        let mut starts = Vec::new();
        let mut ahead = Ahead::new(bytes);
        windows(bytes, self.entries, self.count * 8, 0, |_, window, _| {
            for entry in window.chunks_exact(8) {
                let [_, _, _, _, function @ ..] = entry else { continue };
                let function = function.first_chunk().copied().map_or(0, u32::from_le_bytes);
                // `_func`: start, then the offset of the name.
                let at = self.entries.saturating_add(u64::from(function));
                let Some(described) = ahead.array::<8>(at) else { continue };
                let [a, b, c, d, name @ ..] = described;
                if wanted.contains(&u32::from_le_bytes(name)) && starts.len() < NAMES_MAX {
                    starts.push(u64::from(u32::from_le_bytes([a, b, c, d])));
                }
            }
        });
        Some(starts)
    }
}
