//! The few parts of an ELF file that tell what a program was written in.
//!
//! Read by hand and by offset: the file belongs to whoever made the process, may be hostile or
//! hundreds of megabytes long, and all that is wanted are two tables and a few strings of it.
//! Every table has a maximum and every number is checked. Layout:
//! <https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html>.

/// Section headers looked at: a release binary has about 30, one with debug sections about 40.
const SECTIONS_MAX: u64 = 128;
/// Program headers looked at; linkers write about 12.
const SEGMENTS_MAX: u64 = 64;
/// Entries of the dynamic section; large programs have about 60.
const DYNAMIC_MAX: u64 = 512;
/// Longest name of a section or a library.
const NAME_BYTES_MAX: usize = 128;

const TYPE_LOAD: u64 = 1;
const TYPE_DYNAMIC: u64 = 2;
const FLAG_EXECUTE: u64 = 1;
const FLAG_WRITE: u64 = 2;
const TYPE_NO_BITS: u64 = 8;
const TAG_NULL: u64 = 0;
const TAG_NEEDED: u64 = 1;
const TAG_STRINGS: u64 = 5;

/// A file, or a test's stand-in for one.
pub trait Bytes {
    /// Fills the buffer from `offset` on as far as there are bytes; gives their number.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize;
}

/// Bytes of a file: an offset and a length, as the file itself claims them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// First byte.
    pub offset: u64,
    /// Number of bytes.
    pub length: u64,
}

/// See the module's documentation.
pub struct Elf<'a> {
    bytes: &'a dyn Bytes,
    layout: &'static Layout,
    is_big_endian: bool,
    sections: Vec<Section>,
    segments: Vec<Segment>,
}

struct Section {
    name: String,
    kind: u64,
    range: Range,
}

struct Segment {
    kind: u64,
    flags: u64,
    address: u64,
    range: Range,
}

/// Where fields stand in the files of one class. `word` is the size of addresses and offsets.
struct Layout {
    word: usize,
    header: usize,
    segments_at: usize,
    sections_at: usize,
    /// Five half words: sizes and numbers of entries of both tables, index of the names.
    counts: usize,
    section_flags: usize,
    segment_flags: usize,
    segment_fields: usize,
    entry_segment: usize,
    entry_section: usize,
}

const NARROW: Layout = Layout {
    word: 4,
    header: 52,
    segments_at: 28,
    sections_at: 32,
    counts: 42,
    section_flags: 8,
    segment_flags: 24,
    segment_fields: 4,
    entry_segment: 32,
    entry_section: 40,
};

const WIDE: Layout = Layout {
    word: 8,
    header: 64,
    segments_at: 32,
    sections_at: 40,
    counts: 54,
    section_flags: 8,
    segment_flags: 4,
    segment_fields: 8,
    entry_segment: 56,
    entry_section: 64,
};

impl<'a> Elf<'a> {
    /// Reads the headers; `None` if this is no ELF file.
    pub fn new(bytes: &'a dyn Bytes) -> Option<Self> {
        let header = read(bytes, Range { offset: 0, length: WIDE.header as u64 })?;
        let (ident, _) = header.split_at_checked(16)?;
        let layout = match ident {
            [0x7f, b'E', b'L', b'F', 1, ..] => &NARROW,
            [0x7f, b'E', b'L', b'F', 2, ..] => &WIDE,
            _ => return None,
        };
        let is_big_endian = ident.get(5) == Some(&2);
        let mut elf =
            Self { bytes, layout, is_big_endian, sections: Vec::new(), segments: Vec::new() };
        let half = |at: usize| elf.number(&header, layout.counts + 2 * at, 2);
        let (segment_size, segments) = (half(0)?, half(1)?);
        let (section_size, sections, names) = (half(2)?, half(3)?, half(4)?);
        let segments_at = elf.number(&header, layout.segments_at, layout.word)?;
        let sections_at = elf.number(&header, layout.sections_at, layout.word)?;
        if segment_size == layout.entry_segment as u64 {
            elf.segments = elf.read_segments(segments_at, segments.min(SEGMENTS_MAX));
        }
        if section_size == layout.entry_section as u64 {
            elf.sections = elf.read_sections(sections_at, sections.min(SECTIONS_MAX), names);
        }
        Some(elf)
    }

    /// A section by name, if it has bytes in the file. A stripped file may have no sections at all.
    pub fn section(&self, name: &str) -> Option<Range> {
        let mut sections = self.sections.iter();
        let found = sections.find(|section| section.name == name)?;
        (found.kind != TYPE_NO_BITS).then_some(found.range)
    }

    /// The libraries that the program was linked with.
    pub fn needed(&self) -> Vec<String> {
        let Some(dynamic) = self.segments.iter().find(|s| s.kind == TYPE_DYNAMIC) else {
            return Vec::new();
        };
        let word = self.layout.word;
        let entry = 2 * word as u64;
        let length = dynamic.range.length.min(DYNAMIC_MAX * entry);
        let table = read(self.bytes, Range { length, ..dynamic.range }).unwrap_or_default();
        let entries = table.chunks_exact(2 * word).map_while(|entry| {
            let tag = self.number(entry, 0, word).filter(|&tag| tag != TAG_NULL)?;
            Some((tag, self.number(entry, word, word)?))
        });
        let entries: Vec<(u64, u64)> = entries.collect();
        let strings = entries.iter().find(|(tag, _)| *tag == TAG_STRINGS);
        let Some(strings) = strings.and_then(|(_, address)| self.offset(*address)) else {
            return Vec::new();
        };
        let needed = entries.iter().filter(|(tag, _)| *tag == TAG_NEEDED);
        needed.filter_map(|(_, at)| self.text(strings.checked_add(*at)?)).collect()
    }

    /// Where constants stand: the section of that name, else every segment that is neither
    /// written nor run, else every segment that is not written.
    pub fn constants(&self) -> Vec<Range> {
        if let Some(range) = self.section(".rodata") {
            return vec![range];
        }
        let loaded = |refused: u64| {
            let segments = self.segments.iter();
            let chosen = segments.filter(|s| s.kind == TYPE_LOAD && s.flags & refused == 0);
            chosen.map(|segment| segment.range).collect::<Vec<_>>()
        };
        let constants = loaded(FLAG_WRITE | FLAG_EXECUTE);
        if constants.is_empty() { loaded(FLAG_WRITE) } else { constants }
    }

    /// The first segment of variables.
    pub fn variables(&self) -> Option<Range> {
        let mut segments = self.segments.iter();
        let found = segments.find(|s| s.kind == TYPE_LOAD && s.flags & FLAG_WRITE != 0)?;
        Some(found.range)
    }

    /// Where in the file the byte at an address of the program stands.
    pub fn offset(&self, address: u64) -> Option<u64> {
        self.segments.iter().filter(|s| s.kind == TYPE_LOAD).find_map(|segment| {
            let within = address.checked_sub(segment.address)?;
            (within < segment.range.length).then(|| segment.range.offset.checked_add(within))?
        })
    }

    /// Bytes of the file; fewer than asked for at its end.
    pub fn read(&self, range: Range) -> Option<Vec<u8>> {
        read(self.bytes, range)
    }

    /// A number of the program's byte order.
    pub fn number(&self, bytes: &[u8], at: usize, size: usize) -> Option<u64> {
        let bytes = bytes.get(at..at.checked_add(size)?)?;
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        Some(if self.is_big_endian {
            bytes.iter().fold(0, add)
        } else {
            bytes.iter().rev().fold(0, add)
        })
    }

    fn read_segments(&self, offset: u64, number: u64) -> Vec<Segment> {
        let Layout { word, entry_segment, segment_flags, segment_fields, .. } = *self.layout;
        let length = number * entry_segment as u64;
        let table = read(self.bytes, Range { offset, length }).unwrap_or_default();
        let segments = table.chunks_exact(entry_segment).filter_map(|entry| {
            let field = |at: usize| self.number(entry, segment_fields + at * word, word);
            Some(Segment {
                kind: self.number(entry, 0, 4)?,
                flags: self.number(entry, segment_flags, 4)?,
                address: field(1)?,
                range: Range { offset: field(0)?, length: field(3)? },
            })
        });
        segments.collect()
    }

    fn read_sections(&self, offset: u64, number: u64, names: u64) -> Vec<Section> {
        let Layout { word, entry_section, section_flags, .. } = *self.layout;
        let length = number * entry_section as u64;
        let table = read(self.bytes, Range { offset, length }).unwrap_or_default();
        let rows = table.chunks_exact(entry_section).filter_map(|entry| {
            let field = |at: usize| self.number(entry, section_flags + at * word, word);
            let range = Range { offset: field(2)?, length: field(3)? };
            Some((self.number(entry, 0, 4)?, self.number(entry, 4, 4)?, range))
        });
        let rows: Vec<(u64, u64, Range)> = rows.collect();
        let names = usize::try_from(names).ok().and_then(|at| rows.get(at)).map(|(_, _, r)| *r);
        let Some(names) = names else {
            return Vec::new();
        };
        let named = rows.iter().filter_map(|&(name, kind, range)| {
            let name = self.text(names.offset.checked_add(name)?)?;
            Some(Section { name, kind, range })
        });
        named.collect()
    }

    /// A string that ends with a NUL.
    fn text(&self, offset: u64) -> Option<String> {
        let bytes = read(self.bytes, Range { offset, length: NAME_BYTES_MAX as u64 })?;
        let text = bytes.split(|&byte| byte == 0).next()?;
        Some(String::from_utf8_lossy(text).into_owned())
    }
}

/// Callers bound the length: it is allocated before anything is read.
fn read(bytes: &dyn Bytes, range: Range) -> Option<Vec<u8>> {
    let mut buffer = vec![0; usize::try_from(range.length).ok()?];
    let length = bytes.read_at(&mut buffer, range.offset);
    buffer.truncate(length);
    Some(buffer)
}
