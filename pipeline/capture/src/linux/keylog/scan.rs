//! The two passes over a file: its constants for words and marks, its code for references to words.

use memchr::{memchr_iter, memmem};

use super::anchor::{Label, Register};
use super::bytes::{read, windows};
use super::engines::ENGINES;
use super::golang;
use super::image::{Image, Segment};

/// The words of the key log format that are looked for. Exporters open no record, but their
/// references lead to the same place.
const WORDS: [&[u8]; 7] = [
    b"CLIENT_RANDOM",
    b"CLIENT_EARLY_TRAFFIC_SECRET",
    b"CLIENT_HANDSHAKE_TRAFFIC_SECRET",
    b"SERVER_HANDSHAKE_TRAFFIC_SECRET",
    b"CLIENT_TRAFFIC_SECRET_0",
    b"SERVER_TRAFFIC_SECRET_0",
    b"EXPORTER_SECRET",
];
/// Longer than any text looked for, with what is read behind it.
const OVERLAP: usize = 64;
/// Occurrences of words kept; a file with two engines has about twenty.
const WORDS_MAX: usize = 256;
/// References kept; a file with four copies of an engine has about fifty.
const REFERENCES_MAX: usize = 1024;
/// Bytes read where a version is told.
const VERSION_BYTES: usize = 24;
/// Bytes of a file that are looked at; the largest programs have some hundred million.
const BYTES_MAX: u64 = 1 << 30;
/// `lea r64, [rip + disp32]` with REX.W: its length.
const LEA_LENGTH: u64 = 7;

/// A word in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Word {
    pub(super) address: u64,
    /// Which of [`WORDS`].
    pub(super) which: usize,
    /// A NUL follows: C ends its strings so, Go and Rust pass their lengths.
    pub(super) is_ended: bool,
}

impl Word {
    /// The label, if it opens records.
    pub(super) fn label(&self) -> Option<Label> {
        WORDS.get(self.which).and_then(|word| Label::named(word))
    }

    /// Its length, which Rust and Go pass.
    pub(super) fn length(&self) -> usize {
        WORDS.get(self.which).map_or(0, |word| word.len())
    }
}

/// An instruction that loads the address of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) address: u64,
    pub(super) register: Register,
    pub(super) word: Word,
}

/// What the constants of a file tell.
#[derive(Debug, Default)]
pub(super) struct Constants {
    pub(super) words: Vec<Word>,
    /// Which rows of [`ENGINES`] have their mark in the file.
    pub(super) marked: Vec<bool>,
    /// What follows the text before a version, row by row.
    pub(super) versions: Vec<String>,
    /// Where tables of Go's functions may begin: offsets in the file.
    pub(super) go_tables: Vec<u64>,
}

/// Looks through everything that is mapped.
pub(super) fn constants(image: &Image<'_>) -> Constants {
    let marks: Vec<_> = ENGINES.iter().map(|row| memmem::Finder::new(row.mark)).collect();
    let before: Vec<_> = ENGINES.iter().map(|row| memmem::Finder::new(row.version_after)).collect();
    let words: Vec<_> = WORDS.iter().map(memmem::Finder::new).collect();
    let mut found = Constants {
        marked: vec![false; ENGINES.len()],
        versions: vec![String::new(); ENGINES.len()],
        ..Constants::default()
    };
    for segment in parts(image) {
        let address_of = |offset: u64| segment.address.wrapping_add(offset - segment.offset);
        windows(image.bytes, segment.offset, segment.length, OVERLAP, |offset, window, own| {
            for (which, finder) in words.iter().enumerate() {
                for at in finder.find_iter(window).filter(|at| *at < own) {
                    let next = WORDS.get(which).and_then(|word| window.get(at + word.len()));
                    let address = address_of(offset + at as u64);
                    if found.words.len() < WORDS_MAX {
                        found.words.push(Word { address, which, is_ended: next == Some(&0) });
                    }
                }
            }
            for (at, finder) in marks.iter().enumerate() {
                if let Some(marked) = found.marked.get_mut(at).filter(|marked| !**marked) {
                    *marked = finder.find(window).is_some();
                }
            }
            for (finder, version) in before.iter().zip(&mut found.versions) {
                if version.is_empty() && !finder.needle().is_empty() {
                    *version = version_in(window, finder);
                }
            }
            golang::tables(window, own, |at| found.go_tables.push(offset + at as u64));
        });
    }
    found.words.sort_by_key(|word| word.address);
    found
}

/// Looks through the code for what loads one of the words.
pub(super) fn references(image: &Image<'_>, words: &[Word]) -> Vec<Reference> {
    let mut found = Vec::new();
    let word_at = |address: u64| {
        let at = words.binary_search_by_key(&address, |word| word.address).ok()?;
        words.get(at).copied()
    };
    let registers = [(Register::Rsi, 0x35, 0xbe), (Register::Rbx, 0x1d, 0xbb)];
    for segment in parts(image).filter(|segment| segment.is_code) {
        let address_of = |offset: u64| segment.address.wrapping_add(offset - segment.offset);
        for (register, lea, mov) in registers {
            let lea = [0x48, 0x8d, lea];
            let lea = memmem::Finder::new(&lea);
            let mut keep = |address: u64, word: Option<Word>| {
                if let Some(word) = word
                    && found.len() < REFERENCES_MAX
                {
                    found.push(Reference { address, register, word });
                }
            };
            windows(image.bytes, segment.offset, segment.length, OVERLAP, |offset, window, own| {
                for at in lea.find_iter(window).filter(|at| *at < own) {
                    let Some(distance) = number(window, at + 3) else { continue };
                    let address = address_of(offset + at as u64);
                    let next = address.wrapping_add(LEA_LENGTH);
                    keep(address, word_at(next.wrapping_add_signed(i64::from(distance as i32))));
                }
                if image.is_fixed {
                    for at in memchr_iter(mov, window).filter(|at| *at < own) {
                        let Some(absolute) = number(window, at + 1) else { continue };
                        keep(address_of(offset + at as u64), word_at(u64::from(absolute)));
                    }
                }
            });
        }
    }
    found
}

fn parts<'a>(image: &'a Image<'_>) -> impl Iterator<Item = Segment> + 'a {
    let mut rest = BYTES_MAX;
    image.segments.iter().map(move |segment| {
        let length = segment.length.min(rest);
        rest -= length;
        Segment { length, ..*segment }
    })
}

fn number(window: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*window.get(at..)?.first_chunk()?))
}

/// A version behind one of the places where the text stands: a number, a dot, more of both.
fn version_in(window: &[u8], before: &memmem::Finder<'_>) -> String {
    let from = |at: usize| window.get(at + before.needle().len()..).unwrap_or_default();
    let versions = before.find_iter(window).map(|at| {
        let text = from(at).iter().take(VERSION_BYTES);
        let word = text.take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'.');
        word.map(|byte| char::from(*byte)).collect::<String>()
    });
    let mut whole = versions.filter(|version| {
        let mut parts = version.split('.');
        let is_number = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        parts.next().is_some_and(is_number)
            && parts.next().is_some_and(is_number)
            && parts.next().is_some()
    });
    whole.next().unwrap_or_default()
}

/// The file's bytes at an address of its code, to know it again.
pub(super) fn code_at(image: &Image<'_>, address: u64, length: usize) -> Vec<u8> {
    image.offset_of(address).map(|offset| read(image.bytes, offset, length)).unwrap_or_default()
}
