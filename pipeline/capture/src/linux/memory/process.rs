//! The memory of one process, piece by piece.

use std::fs::{self, File};
use std::ops::{ControlFlow, Range};

use super::error::MemoryError;
use super::pages::Pages;
use super::pieces::{MemoryBuffer, Pieces, cut};
use super::regions::{Kind, Regions};

/// What was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemoryRead {
    /// Bytes shown.
    pub bytes: u64,
    /// Bytes that are present and could not be read.
    pub unreadable: u64,
    /// The maximum was reached before the end of memory.
    pub is_cut: bool,
}

/// An open process.
pub struct ProcessMemory {
    pid: u32,
    memory: File,
    pages: Pages,
}

impl ProcessMemory {
    /// Opens the memory of a process; later calls are of the same process, or fail.
    ///
    /// # Errors
    /// If the process is gone, or may not be read.
    pub fn open(pid: u32) -> Result<Self, MemoryError> {
        let open = |name: &str| {
            File::open(format!("/proc/{pid}/{name}"))
                .map_err(|error| MemoryError::from_io(pid, &error))
        };
        let memory = open("mem")?;
        let pages = Pages::new(open("pagemap")?, page_bytes());
        Ok(Self { pid, memory, pages })
    }

    /// Shows what is present of its writable memory, at most `bytes_max`, piece by piece until
    /// `visit` breaks. With `within`, in order, only what lies there.
    ///
    /// # Errors
    /// If the process has ended, or nothing of it can be read.
    pub fn read(
        &mut self,
        buffer: &mut MemoryBuffer,
        within: Option<&[Range<u64>]>,
        bytes_max: u64,
        mut visit: impl FnMut(u64, &[u8]) -> ControlFlow<()>,
    ) -> Result<MemoryRead, MemoryError> {
        let regions = self.regions()?;
        let (pid, pages) = (self.pid, &mut self.pages);
        let mut pieces = Pieces::new(pid, &self.memory, buffer, bytes_max);
        let mut walk = || {
            for region in &regions.readable {
                for wanted in cut(&region.addresses, within) {
                    let is_private = region.kind != Kind::Memfd;
                    let flow =
                        pages.runs(wanted, is_private, |run| pieces.show(&run, &mut visit))?;
                    if flow.is_break() {
                        return Ok(());
                    }
                }
            }
            Ok(())
        };
        let walked = walk().map_err(|error| MemoryError::from_io(pid, &error));
        let read = pieces.read;
        buffer.wipe();
        walked?;
        if read.bytes == 0 && within.is_none() {
            return Err(match regions.has_secret {
                true => MemoryError::Secret { pid },
                false => MemoryError::Vanished { pid },
            });
        }
        Ok(read)
    }

    fn regions(&self) -> Result<Regions, MemoryError> {
        let maps = fs::read(format!("/proc/{}/maps", self.pid))
            .map_err(|error| MemoryError::from_io(self.pid, &error))?;
        Ok(Regions::parse(&String::from_utf8_lossy(&maps)))
    }
}

/// Gives the calling thread the lowest priority that still gets its turn on a busy machine: beside
/// one that computes all the time 1.4 % of a core, of which a search of 10 MB needs some
/// milliseconds. `SCHED_IDLE` has a fifth of that, and who wants a key within two seconds would
/// wait for it.
#[expect(unsafe_code, reason = "setpriority")]
pub fn yield_to_others() {
    const LOWEST: i32 = 19;
    // SAFETY: changes a number of the calling thread alone; a refusal leaves it as it was.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, LOWEST) };
}

#[expect(unsafe_code, reason = "sysconf")]
fn page_bytes() -> u64 {
    // SAFETY: sysconf reads a constant of the system.
    let bytes = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    u64::try_from(bytes).unwrap_or(4096)
}

#[cfg(test)]
mod tests {
    use super::super::pieces::PIECE_BYTES;
    use super::*;

    #[test]
    fn own_memory_is_found_in_pieces_that_overlap() {
        // Three pieces and a bit, with a mark in the overlap of each two.
        let mut memory = vec![1u8; 3 * PIECE_BYTES + 12_345];
        let mark: Vec<u8> = (0..64u8).map(|n| n.wrapping_mul(37) ^ 0x5a).collect();
        for at in (PIECE_BYTES - 32..memory.len() - 64).step_by(PIECE_BYTES) {
            memory[at..at + 64].copy_from_slice(&mark);
        }
        let start = memory.as_ptr() as u64;
        let range = start..start + memory.len() as u64;
        let pages = range.start & !4095..range.end.next_multiple_of(4096);
        let mut process = ProcessMemory::open(std::process::id()).expect("our own memory");
        let mut buffer = MemoryBuffer::new();
        let mut shown = Vec::new();
        let mut marks = std::collections::HashSet::new();
        let read = process
            .read(&mut buffer, Some(&[pages]), u64::MAX, |address, bytes| {
                shown.push((address, bytes.len()));
                let hits = bytes.windows(64).enumerate().filter(|(_, window)| *window == mark);
                marks.extend(hits.map(|(at, _)| address + at as u64));
                ControlFlow::Continue(())
            })
            .expect("read");
        marks.retain(|at| range.contains(at));
        assert_eq!(marks.len(), 3, "{shown:?}");
        assert!(read.bytes >= memory.len() as u64 && read.unreadable == 0, "{read:?}");
        assert!(buffer.is_wiped());
        let again = process.read(&mut buffer, None, 1 << 20, |_, _| ControlFlow::Continue(()));
        assert!(again.is_ok_and(|read| read.bytes > 0), "the buffer is there still");
    }

    #[test]
    fn a_maximum_cuts_the_read() {
        let mut process = ProcessMemory::open(std::process::id()).expect("our own memory");
        let read =
            process.read(&mut MemoryBuffer::new(), None, 1, |_, _| ControlFlow::Continue(()));
        assert!(read.is_ok_and(|read| read.is_cut));
    }

    #[test]
    fn a_process_that_is_gone_is_said_to_be() {
        // Above the largest id a kernel gives (include/linux/threads.h).
        let pid = (1 << 22) + 1;
        assert_eq!(ProcessMemory::open(pid).err(), Some(MemoryError::Vanished { pid }));
    }
}
