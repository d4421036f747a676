//! Small text files within a zip archive, such as a jar: its directory is read from the end, then
//! one entry.
//!
//! Source: PKWARE's APPNOTE 6.3.10 §4.3. No zip64, no encryption, no archive that spans disks:
//! such an archive has no files for us.

use std::io::Read;
use std::path::Path;

use flate2::read::DeflateDecoder;

use crate::process::Files;

/// Largest directory read: some ten thousand entries.
const DIRECTORY_BYTES_MAX: usize = 1 << 20;
/// Largest entry read, packed or not.
const ENTRY_BYTES_MAX: usize = 64 * 1024;
/// The end record with the longest comment (§4.3.16).
const END_BYTES_MAX: usize = 22 + 0xFFFF;

const END: &[u8] = b"PK\x05\x06";
const HEADER: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// The directory of an archive.
pub(crate) struct Archive<'a> {
    path: &'a Path,
    files: &'a dyn Files,
    directory: Vec<u8>,
}

/// One line of the directory.
struct Entry<'a> {
    name: &'a [u8],
    method: u16,
    packed_bytes: usize,
    bytes: usize,
    offset: u32,
}

impl<'a> Archive<'a> {
    /// Reads the directory; `None` if it is no archive or one beyond the limits.
    pub(crate) fn open(path: &'a Path, files: &'a dyn Files) -> Option<Self> {
        // Most archives have no comment: then the record is the last thing in the file.
        let directory = [22, END_BYTES_MAX].into_iter().find_map(|length| {
            let (tail, _) = files.part(path, -(length as i64), length)?;
            let at = tail.windows(END.len()).rposition(|window| window == END)?;
            let end = tail.get(at..)?;
            let length = usize::try_from(long(end, 12)?).ok()?;
            let offset = i64::from(long(end, 16)?);
            (length <= DIRECTORY_BYTES_MAX).then_some(())?;
            Some(files.part(path, offset, length)?.0)
        })?;
        Some(Self { path, files, directory })
    }

    /// Names of all entries.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.entries().filter_map(|entry| str::from_utf8(entry.name).ok())
    }

    /// The text of an entry.
    pub(crate) fn read(&self, name: &str) -> Option<String> {
        let entry = self.entries().find(|entry| entry.name == name.as_bytes())?;
        if entry.packed_bytes > ENTRY_BYTES_MAX || entry.bytes > ENTRY_BYTES_MAX {
            return None;
        }
        let offset = i64::from(entry.offset);
        let (local, _) = self.files.part(self.path, offset, 30)?;
        local.starts_with(LOCAL).then_some(())?;
        let names = i64::from(short(&local, 26)?) + i64::from(short(&local, 28)?);
        let (packed, _) = self.files.part(self.path, offset + 30 + names, entry.packed_bytes)?;
        match entry.method {
            STORED => String::from_utf8(packed).ok(),
            DEFLATED => {
                let mut text = String::new();
                let unpacked = DeflateDecoder::new(packed.as_slice());
                unpacked.take(ENTRY_BYTES_MAX as u64).read_to_string(&mut text).ok()?;
                Some(text)
            }
            _ => None,
        }
    }

    /// The directory's lines, up to the first that is damaged (§4.3.12).
    fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let mut rest = self.directory.as_slice();
        std::iter::from_fn(move || {
            rest.starts_with(HEADER).then_some(())?;
            let [name, extra, comment] = [28, 30, 32].map(|at| short(rest, at).map(usize::from));
            let name = name?;
            let entry = Entry {
                name: rest.get(46..46 + name)?,
                method: short(rest, 10)?,
                packed_bytes: usize::try_from(long(rest, 20)?).ok()?,
                bytes: usize::try_from(long(rest, 24)?).ok()?,
                offset: long(rest, 42)?,
            };
            rest = rest.get(46 + name + extra? + comment?..)?;
            Some(entry)
        })
    }
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}
