//! Memory shared with the kernel.

use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use super::TapError;

/// A mapping of a BPF map into our memory, unmapped on drop.
#[derive(Debug)]
pub(super) struct Mapping {
    start: NonNull<u8>,
    length: usize,
}

impl Mapping {
    /// Maps `length` bytes of `map` from `offset`.
    #[expect(unsafe_code, reason = "mmap of a BPF map")]
    pub(super) fn new(
        map: BorrowedFd<'_>,
        offset: usize,
        length: usize,
        writable: bool,
    ) -> Result<Self, TapError> {
        let protection =
            if writable { libc::PROT_READ | libc::PROT_WRITE } else { libc::PROT_READ };
        let (flags, fd) = (libc::MAP_SHARED, map.as_raw_fd());
        // SAFETY: the kernel picks the address, so no memory of ours is replaced.
        let start = unsafe {
            libc::mmap(std::ptr::null_mut(), length, protection, flags, fd, offset as libc::off_t)
        };
        if start == libc::MAP_FAILED {
            let why = std::io::Error::last_os_error().to_string();
            return Err(TapError::Failed { what: "map the tap's memory".to_owned(), why });
        }
        let start = NonNull::new(start.cast()).expect("mmap never maps the null page here");
        Ok(Self { start, length })
    }

    /// The whole mapping as shared 64-bit words.
    #[expect(unsafe_code, reason = "the kernel writes this memory while we read it")]
    pub(super) fn words(&self) -> &[AtomicU64] {
        let words = self.start.as_ptr().cast::<AtomicU64>();
        // SAFETY: the mapping is page-aligned, lives as long as `self`, and atomics may be shared
        // with the kernel.
        unsafe { std::slice::from_raw_parts(words, self.length / 8) }
    }

    /// `length` bytes from `offset`, which the caller knows the kernel has finished writing.
    #[expect(unsafe_code, reason = "hands out a part of the mapping")]
    pub(super) fn bytes(&self, offset: usize, length: usize) -> &[u8] {
        let end = offset.checked_add(length).filter(|end| *end <= self.length);
        assert!(end.is_some(), "a record lies within the ring");
        // SAFETY: the range lies inside the mapping.
        let start = unsafe { self.start.as_ptr().add(offset) };
        // SAFETY: as above, and the ring protocol forbids the kernel to write what it has submitted
        // until the consumer position has passed it.
        unsafe { std::slice::from_raw_parts(start, length) }
    }
}

impl Drop for Mapping {
    #[expect(unsafe_code, reason = "munmap of what was mapped")]
    fn drop(&mut self) {
        // SAFETY: start and length are those of the mapping, and no borrow outlives `self`.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.length) };
    }
}

// SAFETY: the memory is shared with the kernel anyway, and is read through atomics or after them.
#[expect(unsafe_code, reason = "a mapping may move to the worker's thread")]
unsafe impl Send for Mapping {}
