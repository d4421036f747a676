//! A file read in windows: bounded memory, and no mapping that the file's owner could cut off.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// Bytes of one window: they stay in the processor's cache while several searches pass over them.
const WINDOW: usize = 256 * 1024;

/// Something with bytes at offsets.
pub trait Bytes {
    /// Fills `buffer` from `offset`; gives how many bytes there were.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize;

    /// How many there are.
    fn size(&self) -> u64;
}

impl Bytes for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let mut length = 0;
        while let Some(room) = buffer.get_mut(length..).filter(|room| !room.is_empty()) {
            match FileExt::read_at(self, room, offset.saturating_add(length as u64)) {
                Ok(0) | Err(_) => break,
                Ok(got) => length += got,
            }
        }
        length
    }

    fn size(&self) -> u64 {
        self.metadata().map_or(0, |metadata| metadata.len())
    }
}

impl Bytes for &[u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let rest = self.get(from..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        for (to, from) in buffer.iter_mut().zip(rest) {
            *to = *from;
        }
        length
    }

    fn size(&self) -> u64 {
        self.len() as u64
    }
}

impl Bytes for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> usize {
        Bytes::read_at(&self.as_slice(), buffer, offset)
    }

    fn size(&self) -> u64 {
        self.len() as u64
    }
}

/// At most `length` bytes from `offset`; fewer at the end of the file.
pub(super) fn read(bytes: &dyn Bytes, offset: u64, length: usize) -> Vec<u8> {
    let mut buffer = vec![0; length];
    let got = bytes.read_at(&mut buffer, offset);
    buffer.truncate(got);
    buffer
}

/// `N` bytes, or nothing.
pub(super) fn array<const N: usize>(bytes: &dyn Bytes, offset: u64) -> Option<[u8; N]> {
    let mut buffer = [0; N];
    (bytes.read_at(&mut buffer, offset) == N).then_some(buffer)
}

/// Shows the range window by window, each with the `overlap` bytes that follow it, so that what
/// begins in a window is whole. Of a hit that begins in the overlap the next window tells.
pub(super) fn windows(
    bytes: &dyn Bytes,
    offset: u64,
    length: u64,
    overlap: usize,
    mut sink: impl FnMut(u64, &[u8], usize),
) {
    let mut buffer = vec![0; WINDOW + overlap];
    let mut done = 0;
    while done < length {
        let rest = usize::try_from(length - done).unwrap_or(usize::MAX);
        let wanted = rest.min(WINDOW + overlap);
        let Some(room) = buffer.get_mut(..wanted) else { return };
        let at = offset.saturating_add(done);
        let got = bytes.read_at(room, at);
        let Some(window) = room.get(..got).filter(|window| !window.is_empty()) else { return };
        sink(at, window, got.min(WINDOW));
        done += WINDOW as u64;
    }
}

/// Reads small records that lie one after the other, with one call for many of them.
pub(super) struct Ahead<'a> {
    bytes: &'a dyn Bytes,
    at: u64,
    buffer: Vec<u8>,
}

impl<'a> Ahead<'a> {
    pub(super) const fn new(bytes: &'a dyn Bytes) -> Self {
        Self { bytes, at: 0, buffer: Vec::new() }
    }

    /// `N` bytes, or nothing.
    pub(super) fn array<const N: usize>(&mut self, offset: u64) -> Option<[u8; N]> {
        if let Some(found) = self.held(offset) {
            return Some(found);
        }
        self.buffer = read(self.bytes, offset, WINDOW);
        self.at = offset;
        self.held(offset)
    }

    fn held<const N: usize>(&self, offset: u64) -> Option<[u8; N]> {
        let from = usize::try_from(offset.checked_sub(self.at)?).ok()?;
        self.buffer.get(from..)?.first_chunk().copied()
    }
}
