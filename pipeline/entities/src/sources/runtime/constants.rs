//! Texts among the constants of a program: found by reading a bounded part of them, once a file.

use std::collections::BTreeMap;

use memchr::memmem;

use super::elf::{Elf, Range};
use super::rules::{MARKS, Mark};
use super::version;

/// Most bytes read of one file. Node has 47 MB of constants, the largest seen.
const BYTES_MAX: u64 = 64 << 20;
/// Bytes read at a time.
const CHUNK_BYTES: usize = 256 * 1024;
/// Bytes behind a hit that must be there to judge it; read again with the next chunk.
const BEHIND_BYTES: usize = 96;
/// Digits of a commit.
const COMMIT_DIGITS: usize = 40;

/// Bytes that may still be read in this scan, so that many new programs at once are spread over
/// several scans.
#[derive(Debug)]
pub struct Budget(u64);

/// A file's constants were not read because the budget is spent: ask again in the next scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spent;

impl Budget {
    /// Bytes of one scan: some tens of milliseconds. The last file may go beyond it.
    pub const FULL: u64 = 64 << 20;

    /// As much as one scan may read.
    pub const fn full() -> Self {
        Self(Self::FULL)
    }

    fn take(&mut self, bytes: u64) -> Result<(), Spent> {
        if self.0 == 0 {
            return Err(Spent);
        }
        self.0 = self.0.saturating_sub(bytes);
        Ok(())
    }
}

/// What the constants say about the language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marks {
    /// True if it is Rust.
    pub is_rust: bool,
    /// Version of Rust; empty if not known.
    pub rust_version: String,
    /// True if C++'s library was linked in.
    pub has_cpp: bool,
}

/// Looks for [`MARKS`]; ends at the first of Rust's.
pub fn marks(elf: &Elf<'_>, budget: &mut Budget) -> Result<Marks, Spent> {
    let mut marks = Marks::default();
    let needles: Vec<&[u8]> = MARKS.iter().map(|(text, _)| text.as_bytes()).collect();
    find(elf, &needles, budget, |needle, behind| {
        match MARKS.get(needle).map(|(_, mark)| mark) {
            Some(Mark::RustHash) => {
                let commit = behind.iter().position(|byte| !byte.is_ascii_hexdigit());
                marks.is_rust = commit == Some(COMMIT_DIGITS);
            }
            Some(Mark::RustVersion) => {
                if let Some(version) = version::leading(behind) {
                    marks.is_rust = true;
                    // Some distributions write `-src` behind it.
                    let version = version.split('-').next().unwrap_or(version);
                    version.clone_into(&mut marks.rust_version);
                }
            }
            Some(Mark::Rust) => marks.is_rust = true,
            Some(Mark::Cpp) => marks.has_cpp = true,
            None => {}
        }
        marks.is_rust
    })?;
    Ok(marks)
}

/// The version behind a text: the first whole one, else the first.
pub fn behind(elf: &Elf<'_>, text: &str, budget: &mut Budget) -> Result<String, Spent> {
    let mut found = String::new();
    find(elf, &[text.as_bytes()], budget, |_, behind| {
        let version = version::leading(behind).unwrap_or_default();
        let is_whole = version::is_whole(version);
        if found.is_empty() || is_whole {
            version.clone_into(&mut found);
        }
        is_whole
    })?;
    Ok(found)
}

/// The whole version that a constant of its own gives, of which `known` is the beginning.
pub fn patch(elf: &Elf<'_>, known: &str, budget: &mut Budget) -> Result<String, Spent> {
    let text = format!("\0{known}.");
    let mut patches: BTreeMap<String, u32> = BTreeMap::new();
    find(elf, &[text.as_bytes()], budget, |_, behind| {
        let patch = behind.split(|&byte| byte == 0).next().unwrap_or_default();
        let digits = patch.iter().take_while(|byte| byte.is_ascii_digit()).count();
        // 3.13.0rc1 is a version too, but most of what is longer is something else.
        if (1..=2).contains(&digits) && patch.len() <= digits + 3 {
            let patch = String::from_utf8_lossy(patch).into_owned();
            *patches.entry(patch).or_default() += 1;
        }
        false
    })?;
    let patch = patches.into_iter().max_by_key(|(_, times)| *times);
    Ok(patch.map(|(patch, _)| format!("{known}.{patch}")).unwrap_or_default())
}

/// Calls `hit` with the number of the text and what follows it, until it says that it has enough.
fn find(
    elf: &Elf<'_>,
    needles: &[&[u8]],
    budget: &mut Budget,
    mut hit: impl FnMut(usize, &[u8]) -> bool,
) -> Result<(), Spent> {
    let finders: Vec<_> = needles.iter().map(memmem::Finder::new).collect();
    let mut left = BYTES_MAX;
    for range in elf.constants() {
        let mut offset = range.offset;
        let mut length = range.length.min(left);
        budget.take(length)?;
        left -= length;
        while length > 0 {
            let chunk = length.min(CHUNK_BYTES as u64);
            let asked = Range { offset, length: chunk + BEHIND_BYTES as u64 };
            let bytes = elf.read(asked).unwrap_or_default();
            for (number, finder) in finders.iter().enumerate() {
                for at in finder.find_iter(&bytes) {
                    // A hit in what is only read ahead comes again with the next chunk.
                    let behind = bytes.get(at + finder.needle().len()..).unwrap_or_default();
                    let is_here = (at as u64) < chunk;
                    if is_here && hit(number, behind.get(..BEHIND_BYTES).unwrap_or(behind)) {
                        return Ok(());
                    }
                }
            }
            if bytes.len() < CHUNK_BYTES.min(usize::try_from(chunk).unwrap_or(usize::MAX)) {
                break;
            }
            offset = offset.saturating_add(chunk);
            length -= chunk;
        }
    }
    Ok(())
}
