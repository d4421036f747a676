//! Runs of pages, read into one buffer that is wiped, and shown piece by piece.

use std::fs::File;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt;

use zeroize::Zeroize;

use super::pages::Run;
use super::process::MemoryRead;

/// What is read at once: large enough for the call not to matter, so small that it is searched
/// while it lies in the cache, and that the target's map is locked for some microseconds only.
pub(super) const PIECE_BYTES: usize = 256 << 10;
/// Pieces overlap by this much, more than anything looked for is long.
const OVERLAP_BYTES: usize = 1024;
/// Where a piece lies in the buffer, behind the end of the one before. Processors copy to where the
/// page begins as it does at the source three times as fast as to elsewhere.
const ALIGNMENT: usize = 4096;

/// Where pieces lie while they are looked at; wiped after each scan and on drop.
pub struct MemoryBuffer(Vec<u8>);

impl MemoryBuffer {
    /// Room for one piece.
    pub fn new() -> Self {
        Self(vec![0; PIECE_BYTES + 2 * ALIGNMENT])
    }

    pub(super) fn wipe(&mut self) {
        self.0.as_mut_slice().zeroize();
    }

    /// From where on pieces lie, with room for the overlap before.
    fn start(&self) -> usize {
        self.0.as_ptr().align_offset(ALIGNMENT).min(ALIGNMENT - 1) + ALIGNMENT
    }

    #[cfg(test)]
    pub(super) fn is_wiped(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }
}

impl Default for MemoryBuffer {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for MemoryBuffer {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// One walk through the memory of a process.
pub(super) struct Pieces<'a> {
    pid: u32,
    memory: &'a File,
    buffer: &'a mut MemoryBuffer,
    bytes_max: u64,
    /// Where the piece ends that lies in the buffer.
    end: u64,
    pub(super) read: MemoryRead,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(
        pid: u32,
        memory: &'a File,
        buffer: &'a mut MemoryBuffer,
        bytes_max: u64,
    ) -> Self {
        Self { pid, memory, buffer, bytes_max, end: 0, read: MemoryRead::default() }
    }

    /// Shows one run of pages; what lies behind the run before is shown with the end of that.
    pub(super) fn show(
        &mut self,
        run: &Run,
        visit: &mut impl FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let start = self.buffer.start();
        for at in run.addresses.clone().step_by(PIECE_BYTES) {
            if self.read.bytes >= self.bytes_max {
                self.read.is_cut = true;
                return ControlFlow::Break(());
            }
            let length = (run.addresses.end - at).min(PIECE_BYTES as u64) as usize;
            let piece = self.buffer.0.get_mut(start..start + length).unwrap_or_default();
            let bytes = fetch(self.pid, self.memory, at, piece, run.may_be_pinned);
            self.read.bytes += bytes as u64;
            self.read.unreadable += (length - bytes) as u64;
            let overlap = if self.end == at { OVERLAP_BYTES } else { 0 };
            self.end = at + bytes as u64;
            let shown = self.buffer.0.get(start - overlap..start + bytes).unwrap_or_default();
            if bytes > 0 {
                visit(at - overlap as u64, shown)?;
            }
            if let Some(tail) = bytes.checked_sub(OVERLAP_BYTES) {
                let tail = start + tail..start + bytes;
                self.buffer.0.copy_within(tail, start - OVERLAP_BYTES);
            } else {
                self.end = 0;
            }
        }
        ControlFlow::Continue(())
    }
}

/// Reads what is there; gives how many bytes that is. /proc/PID/mem locks the target's map page by
/// page and pins none; where pinning changes nothing there is a cheaper way, if the kernel has it.
/// It goes by the id of the process: that its page map, which is of the memory that was opened, has
/// just shown these pages says that it is still the same one.
fn fetch(pid: u32, memory: &File, at: u64, to: &mut [u8], may_be_pinned: bool) -> usize {
    let pinned = if may_be_pinned { read_pinned(pid, at, to) } else { 0 };
    if pinned == to.len() {
        return pinned;
    }
    memory.read_at(to, at).unwrap_or(0)
}

/// process_vm_readv(2): 0 if it is refused.
#[expect(unsafe_code, reason = "process_vm_readv")]
fn read_pinned(pid: u32, at: u64, to: &mut [u8]) -> usize {
    let (Ok(pid), Ok(address)) = (libc::pid_t::try_from(pid), usize::try_from(at)) else {
        return 0;
    };
    let local = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    let remote =
        libc::iovec { iov_base: std::ptr::without_provenance_mut(address), iov_len: to.len() };
    // SAFETY: the kernel writes at most `iov_len` bytes to `to`, which is borrowed for the call;
    // the other address is of another process, and checked there.
    let read = unsafe { libc::process_vm_readv(pid, &raw const local, 1, &raw const remote, 1, 0) };
    usize::try_from(read).unwrap_or(0)
}

/// What of `addresses` lies within the ranges.
pub(super) fn cut(addresses: &Range<u64>, within: Option<&[Range<u64>]>) -> Vec<Range<u64>> {
    let Some(within) = within else { return std::iter::once(addresses.clone()).collect() };
    let overlap =
        |wanted: &Range<u64>| wanted.start.max(addresses.start)..wanted.end.min(addresses.end);
    within.iter().map(overlap).filter(|range| !range.is_empty()).collect()
}
