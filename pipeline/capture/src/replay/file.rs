//! Opens a capture file, says what kind it is, and undoes its compression.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, BufReader, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;
use model::TapEvent;

use super::blocks::{Blocks, End};
use super::decoder::Decoder;
use super::error::ReplayError;
use super::summary::ReplaySummary;
use super::{pcap, pcapng};

const GZIP_MAGIC: [u8; 2] = [0x1F, 0x8B];

/// Bytes of a file that are enough to say what it is, if it is no capture.
const RECOGNISE_BYTES: usize = 76;

/// A capture file, ready to be read from its first packet.
pub struct Replay {
    /// What messages call it.
    file: String,
    format: Format,
    blocks: Blocks,
    finished: bool,
}

/// The formats that are read.
enum Format {
    Pcap(pcap::Variant),
    Pcapng,
}

impl Replay {
    /// Opens a capture: pcap or pcapng, plain or gzip-compressed, whatever its name.
    pub fn open(path: &Path) -> Result<Self, ReplayError> {
        let file = path.display().to_string();
        match open_plain(path) {
            Ok(Some(reader)) => Self::from_reader(&file, reader),
            Ok(None) => Err(ReplayError::Directory { file }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(ReplayError::NotFound { file })
            }
            Err(source) => Err(ReplayError::Open { file, source }),
        }
    }

    /// The same from any source of bytes; `file` is what messages call it.
    pub fn from_reader(
        file: &str,
        reader: impl Read + Send + 'static,
    ) -> Result<Self, ReplayError> {
        let mut blocks = Blocks::new(Box::new(reader));
        let compressed = blocks.window(2) == Some(&GZIP_MAGIC[..]);
        if compressed {
            let reader = BufReader::new(blocks.into_reader());
            blocks = Blocks::new(Box::new(MultiGzDecoder::new(reader)));
        }
        let format = match blocks.window(4).and_then(|magic| magic.first_chunk()) {
            Some(magic) => Format::of(*magic),
            None => None,
        };
        match format {
            Some(format) => Ok(Self { file: file.to_owned(), format, blocks, finished: false }),
            None => Err(refusal(file.to_owned(), &mut blocks, compressed)),
        }
    }

    /// Gives every TCP segment and UDP datagram of the file to `sink`, in file order.
    ///
    /// A damaged or truncated file is no error: it gives the packets before the damage, and the
    /// summary has a warning with the place. A second call finds nothing left.
    pub fn read(
        &mut self,
        mut sink: impl FnMut(TapEvent<'_>),
    ) -> Result<ReplaySummary, ReplayError> {
        if std::mem::replace(&mut self.finished, true) {
            return Ok(ReplaySummary::default());
        }
        let mut decoder = Decoder::default();
        let ended = match self.format {
            Format::Pcap(variant) => pcap::read(variant, &mut self.blocks, &mut decoder, &mut sink),
            Format::Pcapng => pcapng::read(&mut self.blocks, &mut decoder, &mut sink),
        };
        match ended {
            Ok(()) => Ok(decoder.finish()),
            Err(source) => Err(ReplayError::Read {
                file: self.file.clone(),
                offset: self.blocks.offset(),
                source,
            }),
        }
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replay")
            .field("file", &self.file)
            .field("finished", &self.finished)
            .finish_non_exhaustive()
    }
}

impl Format {
    fn of(magic: [u8; 4]) -> Option<Self> {
        if u32::from_be_bytes(magic) == pcapng::SECTION_HEADER {
            return Some(Self::Pcapng);
        }
        pcap::Variant::of(magic).map(Self::Pcap)
    }
}

/// `None` for a directory: on some systems it can be opened and only reading it fails.
fn open_plain(path: &Path) -> io::Result<Option<File>> {
    if fs::metadata(path)?.is_dir() {
        return Ok(None);
    }
    File::open(path).map(Some)
}

/// Why a file without a capture's magic number is refused.
fn refusal(file: String, blocks: &mut Blocks, compressed: bool) -> ReplayError {
    // Asks for more than the four bytes that were no magic; a shorter file shows what it has.
    let _ = blocks.window(RECOGNISE_BYTES);
    let head = blocks.at_hand();
    if !head.is_empty() {
        let found = if head.starts_with(&GZIP_MAGIC) { "gzip inside gzip" } else { kind_of(head) };
        return ReplayError::OtherKind { file, found };
    }
    match blocks.end() {
        End::Failed(source) => ReplayError::Read { file, offset: 0, source },
        End::Compression => {
            ReplayError::OtherKind { file, found: "gzip data cut short or damaged from the start" }
        }
        End::Reached if compressed => ReplayError::OtherKind { file, found: "gzip of nothing" },
        End::Reached => ReplayError::Empty { file },
    }
}

/// What a file looks like that people mistake for a capture, by its first bytes.
fn kind_of(head: &[u8]) -> &'static str {
    const KINDS: [(&[u8], &str); 16] = [
        (&[0x28, 0xB5, 0x2F, 0xFD], "zstd-compressed (decompress it first)"),
        (&[0xFD, b'7', b'z', b'X', b'Z'], "xz-compressed (decompress it first)"),
        (b"BZh", "bzip2-compressed (decompress it first)"),
        (&[0x04, 0x22, 0x4D, 0x18], "lz4-compressed (decompress it first)"),
        (b"PK\x03\x04", "a zip archive (unpack it first)"),
        (b"snoop\0\0\0", "a snoop capture (convert it with editcap)"),
        (b"GMBU", "a Network Monitor capture (convert it with editcap)"),
        (b"RTSS", "a Network Monitor capture (convert it with editcap)"),
        (b"\x7FELF", "an ELF program"),
        (b"MZ", "a Windows program"),
        (b"CLIENT_", "a TLS key log (give it to --keylog)"),
        (b"SERVER_", "a TLS key log (give it to --keylog)"),
        (b"# SSL/TLS secrets", "a TLS key log (give it to --keylog)"),
        (b"{", "JSON or other text"),
        (b"[", "JSON or other text"),
        (b"SQLite format 3", "an SQLite database"),
    ];
    let known = KINDS.iter().find(|(magic, _)| head.starts_with(magic));
    match known {
        Some((_, kind)) => kind,
        None if is_etl(head) => "an ETW trace (.etl), which this version does not read yet",
        None if head.len() < 4 => "too short to be any capture",
        None if is_text(head) => "plain text",
        None => "a file of an unknown kind",
    }
}

/// An ETW trace starts with a buffer header of 72 bytes, which has no magic, and a system trace
/// header, whose bytes 2 and 3 are the header type (32 or 64 bit) and the marker 0xC0.
fn is_etl(head: &[u8]) -> bool {
    matches!(head.get(74..76), Some([1 | 2, 0xC0]))
}

fn is_text(head: &[u8]) -> bool {
    head.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7E))
}
