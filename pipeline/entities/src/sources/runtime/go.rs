//! What Go's linker writes into every program: its own version and the program's modules.
//!
//! Also in stripped and position-independent files. Layout: package `debug/buildinfo`,
//! <https://pkg.go.dev/debug/buildinfo>.

use super::elf::{Elf, Range};

const MAGIC: &[u8] = b"\xff Go buildinf:";
/// The block begins at a multiple of this.
const ALIGNMENT: usize = 16;
/// The strings stand this far behind the magic, if they do.
const HEADER_BYTES: u64 = 32;
/// Without a section of its own the block stands near the start of the variables.
const SEARCHED_BYTES: u64 = 64 * 1024;
/// Set if the strings stand here, since Go 1.18; before, there are pointers to them.
const FLAG_INLINE: u8 = 2;
/// Longest version, `go1.22.3 X:rangefunc` and longer ones of vendors.
const VERSION_BYTES_MAX: u64 = 128;
/// Bytes taken of the list of modules: its first lines are wanted.
const MODULES_BYTES_MAX: u64 = 16 * 1024;
/// Stands before and behind the list of modules, to find it in memory.
const SENTINEL_BYTES: usize = 16;

/// What a program says about its making. Empty where it does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Build {
    /// Version of Go, without the `go` before it.
    pub go_version: String,
    /// Import path of the main package.
    pub path: String,
    /// Version of the main module, if it was built as somebody's dependency or from a tag.
    pub version: String,
}

/// `None` if no Go linker made this file.
pub fn read(elf: &Elf<'_>) -> Option<Build> {
    let place = elf.section(".go.buildinfo").or_else(|| elf.variables())?;
    let length = place.length.min(SEARCHED_BYTES);
    let block = elf.read(Range { length, ..place })?;
    let starts = block.chunks(ALIGNMENT).position(|chunk| chunk.starts_with(MAGIC))?;
    let start = starts * ALIGNMENT;
    let [pointer_bytes, flags, ..] = *block.get(start + MAGIC.len()..)? else {
        return None;
    };
    let at = place.offset.checked_add(start as u64)?;
    let (version, modules) = if flags & FLAG_INLINE != 0 {
        let at = at.checked_add(HEADER_BYTES)?;
        let (version, next) = counted(elf, at, VERSION_BYTES_MAX)?;
        let modules = counted(elf, next, MODULES_BYTES_MAX).map(|(text, _)| text);
        (version, modules.unwrap_or_default())
    } else {
        let size = usize::from(pointer_bytes);
        let pointer = |number: usize| elf.number(&block, start + 16 + number * size, size);
        let version = pointed(elf, pointer(0)?, size, VERSION_BYTES_MAX)?;
        let modules = pointed(elf, pointer(1)?, size, MODULES_BYTES_MAX);
        (version, modules.unwrap_or_default())
    };
    let version = String::from_utf8_lossy(&version).into_owned();
    let go_version = version.split(' ').next()?.strip_prefix("go")?.to_owned();
    let mut build = Build { go_version, ..Build::default() };
    build.take(&String::from_utf8_lossy(modules.get(SENTINEL_BYTES..).unwrap_or_default()));
    Some(build)
}

impl Build {
    /// Lines of `key<TAB>value…`.
    fn take(&mut self, modules: &str) {
        for line in modules.lines() {
            let mut fields = line.split('\t');
            match (fields.next(), fields.next(), fields.next()) {
                (Some("path"), Some(path), _) => path.clone_into(&mut self.path),
                (Some("mod"), _, Some(version)) if version != "(devel)" => {
                    version.trim_start_matches('v').clone_into(&mut self.version);
                }
                (Some("dep"), ..) => break,
                _ => {}
            }
        }
    }
}

/// A string behind its length, which is written seven bits a byte; and where it ends.
fn counted(elf: &Elf<'_>, at: u64, limit: u64) -> Option<(Vec<u8>, u64)> {
    let bytes = elf.read(Range { offset: at, length: 5 })?;
    let mut length = 0_u64;
    for (index, byte) in bytes.iter().enumerate() {
        length |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let offset = at.checked_add(index as u64 + 1)?;
            let text = elf.read(Range { offset, length: length.min(limit) })?;
            return Some((text, offset.checked_add(length)?));
        }
    }
    None
}

/// A string behind a pointer to its address and length.
fn pointed(elf: &Elf<'_>, address: u64, size: usize, limit: u64) -> Option<Vec<u8>> {
    let header = elf.read(Range { offset: elf.offset(address)?, length: 2 * size as u64 })?;
    let (text, length) = (elf.number(&header, 0, size)?, elf.number(&header, size, size)?);
    elf.read(Range { offset: elf.offset(text)?, length: length.min(limit) })
}
