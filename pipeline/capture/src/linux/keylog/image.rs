//! An ELF file as the loader maps it: segments, functions, exported names, build id.

use std::io::{self, Read, Seek, SeekFrom};

use object::LittleEndian;
use object::elf::{self, FileHeader64, ProgramHeader64};
use object::read::ReadCache;
use object::read::elf::{FileHeader, ProgramHeader, Sym};

use super::bytes::{Bytes, array, read};

/// Segments of one file; usual are about ten.
const SEGMENTS_MAX: usize = 64;
/// Bytes of notes read.
const NOTES_MAX: u64 = 64 * 1024;
/// Exported names looked at.
const SYMBOLS_MAX: usize = 200_000;

/// One mapped part of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) address: u64,
    pub(super) offset: u64,
    pub(super) length: u64,
    pub(super) is_code: bool,
}

/// The file, its headers read.
pub(super) struct Image<'a> {
    pub(super) bytes: &'a dyn Bytes,
    pub(super) segments: Vec<Segment>,
    /// Code may name constants by their absolute address.
    pub(super) is_fixed: bool,
    functions: Option<FunctionTable>,
    build_id: Vec<u8>,
}

/// The sorted table of `.eh_frame_hdr` (Linux Standard Base, 10.6.2).
#[derive(Clone, Copy, Debug)]
struct FunctionTable {
    /// Address of the header, to which the table's numbers are relative.
    address: u64,
    /// Offset of the table in the file.
    offset: u64,
    count: u64,
}

impl<'a> Image<'a> {
    /// Reads the headers; `None` for what is no 64-bit program or library of x86-64.
    pub(super) fn new(bytes: &'a dyn Bytes) -> Option<Self> {
        let cache = ReadCache::new(Cursor { bytes, at: 0 });
        let header = FileHeader64::<LittleEndian>::parse(&cache).ok()?;
        let endian = header.endian().ok()?;
        let kind = header.e_type(endian);
        if header.e_machine(endian) != elf::EM_X86_64 || !matches!(kind, elf::ET_EXEC | elf::ET_DYN)
        {
            return None;
        }
        let headers = header.program_headers(endian, &cache).ok()?;
        let headers = headers.get(..headers.len().min(SEGMENTS_MAX))?;
        let is = |wanted| headers.iter().filter(move |h| h.p_type(endian) == wanted);
        let segments = is(elf::PT_LOAD).map(|header| segment(header, endian)).collect();
        let mut image = Self {
            bytes,
            segments,
            is_fixed: kind == elf::ET_EXEC,
            functions: None,
            build_id: Vec::new(),
        };
        image.functions = is(elf::PT_GNU_EH_FRAME)
            .next()
            .and_then(|h| FunctionTable::new(bytes, h.p_offset(endian), h.p_vaddr(endian)));
        let mut notes = is(elf::PT_NOTE);
        image.build_id = notes.find_map(|h| build_id(h, endian, bytes)).unwrap_or_default();
        Some(image)
    }

    /// The build id, empty if there is none.
    pub(super) fn build_id(&self) -> &[u8] {
        &self.build_id
    }

    /// Where an address lies in the file.
    pub(super) fn offset_of(&self, address: u64) -> Option<u64> {
        let segment = self.segments.iter().find(|s| s.holds(address))?;
        segment.offset.checked_add(address - segment.address)
    }

    /// Instructions at an address, at most `length` bytes of them.
    pub(super) fn code(&self, address: u64, length: usize) -> Option<Vec<u8>> {
        let segment = self.segments.iter().find(|s| s.is_code && s.holds(address))?;
        let rest = segment.length - (address - segment.address);
        let length = length.min(usize::try_from(rest).ok()?);
        let offset = segment.offset.checked_add(address - segment.address)?;
        Some(read(self.bytes, offset, length))
    }

    /// The function that holds the address: where it begins, and where its frame ends. From the
    /// table that unwinding needs, which `strip` leaves in place.
    pub(super) fn function_at(&self, address: u64) -> Option<(u64, u64)> {
        let table = self.functions?;
        let (mut low, mut high) = (0, table.count);
        while low < high {
            let middle = low + (high - low) / 2;
            if table.entry(self.bytes, middle)?.0 <= address {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        let (start, frame) = table.entry(self.bytes, low.checked_sub(1)?)?;
        // A frame description: length, pointer to the common part, start, length of the code. With
        // the encoding that every linker writes, start and length have 4 bytes each.
        let offset = self.offset_of(frame)?;
        let code_length = u32::from_le_bytes(array(self.bytes, offset.checked_add(12)?)?);
        let end = start.checked_add(u64::from(code_length))?;
        (address < end).then_some((start, end))
    }

    /// The address of an exported function.
    pub(super) fn exported(&self, name: &[u8]) -> Option<u64> {
        let cache = ReadCache::new(Cursor { bytes: self.bytes, at: 0 });
        let header = FileHeader64::<LittleEndian>::parse(&cache).ok()?;
        let endian = header.endian().ok()?;
        let sections = header.sections(endian, &cache).ok()?;
        let symbols = sections.symbols(endian, &cache, elf::SHT_DYNSYM).ok()?;
        let strings = symbols.strings();
        let found = symbols.iter().take(SYMBOLS_MAX).find(|symbol| {
            symbol.st_type() == elf::STT_FUNC && symbol.name(endian, strings) == Ok(name)
        })?;
        Some(found.st_value(endian)).filter(|address| *address != 0)
    }
}

impl Image<'_> {
    /// The addresses of functions by name, in the order of the names; 0 for those that are not
    /// there. Exported ones first, then those that `strip` would take away.
    pub(super) fn named(&self, names: &[&[u8]]) -> Vec<u64> {
        let mut found = vec![0; names.len()];
        for table in [elf::SHT_DYNSYM, elf::SHT_SYMTAB] {
            self.each_function(table, |name, address| {
                let known = names.iter().zip(&mut found).find(|(wanted, _)| **wanted == name);
                if let Some((_, found)) = known
                    && *found == 0
                {
                    *found = address;
                }
            });
        }
        found
    }

    fn each_function(
        &self,
        table: elf::SectionType,
        mut see: impl FnMut(&[u8], u64),
    ) -> Option<()> {
        let cache = ReadCache::new(Cursor { bytes: self.bytes, at: 0 });
        let header = FileHeader64::<LittleEndian>::parse(&cache).ok()?;
        let endian = header.endian().ok()?;
        let sections = header.sections(endian, &cache).ok()?;
        let symbols = sections.symbols(endian, &cache, table).ok()?;
        for symbol in symbols.iter().take(SYMBOLS_MAX) {
            if symbol.st_type() == elf::STT_FUNC
                && symbol.st_value(endian) != 0
                && let Ok(name) = symbol.name(endian, symbols.strings())
            {
                see(name, symbol.st_value(endian));
            }
        }
        Some(())
    }
}

impl Segment {
    pub(super) fn holds(&self, address: u64) -> bool {
        address.checked_sub(self.address).is_some_and(|within| within < self.length)
    }
}

impl FunctionTable {
    /// Only the form that linkers write: counted by 4 bytes, sorted, relative to the header.
    fn new(bytes: &dyn Bytes, offset: u64, address: u64) -> Option<Self> {
        let header: [u8; 12] = array(bytes, offset)?;
        let [1, _, 0x03, 0x3b, _, _, _, _, count @ ..] = header else { return None };
        let count = u64::from(u32::from_le_bytes(count));
        Some(Self { address, offset: offset.checked_add(12)?, count })
    }

    /// Start of the function and address of its frame description.
    fn entry(&self, bytes: &dyn Bytes, number: u64) -> Option<(u64, u64)> {
        let entry: [u8; 8] = array(bytes, self.offset.checked_add(number * 8)?)?;
        let [a, b, c, d, frame @ ..] = entry;
        let absolute = |relative: [u8; 4]| {
            self.address.wrapping_add_signed(i64::from(i32::from_le_bytes(relative)))
        };
        Some((absolute([a, b, c, d]), absolute(frame)))
    }
}

fn segment(header: &ProgramHeader64<LittleEndian>, endian: LittleEndian) -> Segment {
    let flags = header.p_flags(endian);
    Segment {
        address: header.p_vaddr(endian),
        offset: header.p_offset(endian),
        length: header.p_filesz(endian),
        is_code: flags.0 & elf::PF_X.0 != 0,
    }
}

/// The note of the linker (`NT_GNU_BUILD_ID`), or that of Go's, which `-buildid` alone writes.
fn build_id(
    header: &ProgramHeader64<LittleEndian>,
    endian: LittleEndian,
    bytes: &dyn Bytes,
) -> Option<Vec<u8>> {
    let size = header.p_filesz(endian).min(NOTES_MAX);
    let data = read(bytes, header.p_offset(endian), usize::try_from(size).ok()?);
    let mut rest = data.as_slice();
    while let Some((head, after)) = rest.split_first_chunk::<12>() {
        let number = |at: usize| {
            let bytes = head.get(at..at + 4)?.try_into().ok()?;
            usize::try_from(u32::from_le_bytes(bytes)).ok()
        };
        let (name, length) = (number(0)?, number(4)?);
        let (name, after) = after.split_at_checked(name.checked_next_multiple_of(4)?)?;
        let described = after.get(..length)?;
        if number(8)? == elf::NT_GNU_BUILD_ID.0 as usize && name.starts_with(b"GNU\0") {
            return Some(described.to_vec());
        }
        rest = after.get(length.checked_next_multiple_of(4)?..)?;
    }
    None
}

/// What `object` reads through; it asks for headers and tables only.
struct Cursor<'a> {
    bytes: &'a dyn Bytes,
    at: u64,
}

impl Read for Cursor<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.bytes.read_at(buffer, self.at);
        self.at = self.at.saturating_add(got as u64);
        Ok(got)
    }
}

impl Seek for Cursor<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.at = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(by) => self.at.saturating_add_signed(by),
            SeekFrom::End(by) => self.bytes.size().saturating_add_signed(by),
        };
        Ok(self.at)
    }
}
