//! Which pages of a region are present (Documentation/admin-guide/mm/pagemap.rst): what is swapped
//! out or was never touched stays so.

use std::fs::File;
use std::io;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt;

/// Bytes of an entry.
const ENTRY_BYTES: usize = 8;
/// The page is in memory.
const PRESENT: u64 = 1 << 63;
/// It is a page of a file, or of shared memory.
const OF_FILE: u64 = 1 << 61;
/// It is mapped once.
const MAPPED_ONCE: u64 = 1 << 56;
/// Entries read at once: 32 MiB of address space with pages of 4 KiB.
const ENTRIES: usize = 8192;

/// The page map of a process.
pub(super) struct Pages {
    file: File,
    page_bytes: u64,
    entries: Vec<u8>,
}

/// Pages that lie behind each other and are read in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub addresses: Range<u64>,
    /// Pinning them changes nothing: they are of one process, or of a file. What a process shares
    /// with its parent is copied for it when it is pinned (`gup_must_unshare` of the kernel).
    pub may_be_pinned: bool,
}

impl Pages {
    /// `file` is /proc/PID/pagemap.
    pub(super) fn new(file: File, page_bytes: u64) -> Self {
        Self { file, page_bytes, entries: vec![0; ENTRIES * ENTRY_BYTES] }
    }

    /// Calls `visit` with each run of present pages within `addresses`; of private memory without
    /// the pages that are still those of a file.
    pub(super) fn runs(
        &mut self,
        addresses: Range<u64>,
        is_private: bool,
        mut visit: impl FnMut(Run) -> ControlFlow<()>,
    ) -> io::Result<ControlFlow<()>> {
        let page_bytes = self.page_bytes;
        let mut runs = Runs::new(page_bytes);
        let mut page = addresses.start / page_bytes;
        let end = addresses.end.div_ceil(page_bytes);
        while page < end {
            let wanted = usize::try_from(end - page).unwrap_or(ENTRIES).min(ENTRIES);
            let Some(buffer) = self.entries.get_mut(..wanted * ENTRY_BYTES) else { break };
            let read = self.file.read_at(buffer, page * ENTRY_BYTES as u64)?;
            let entries = buffer.get(..read).unwrap_or_default().as_chunks::<ENTRY_BYTES>().0;
            if entries.is_empty() {
                // The region is gone.
                break;
            }
            for entry in entries {
                let entry = u64::from_ne_bytes(*entry);
                let is_wanted = entry & PRESENT != 0 && !(is_private && entry & OF_FILE != 0);
                let may_be_pinned = is_wanted.then_some(entry & (OF_FILE | MAPPED_ONCE) != 0);
                if let Some(run) = runs.page(page, may_be_pinned)
                    && visit(run).is_break()
                {
                    return Ok(ControlFlow::Break(()));
                }
                page += 1;
            }
        }
        Ok(runs.end().map_or(ControlFlow::Continue(()), visit))
    }
}

/// Present pages put together.
struct Runs {
    page_bytes: u64,
    /// Pages so far.
    run: Option<(Range<u64>, bool)>,
}

impl Runs {
    const fn new(page_bytes: u64) -> Self {
        Self { page_bytes, run: None }
    }

    /// The run that ends before this page, if one does. `None` is a page that is not wanted.
    fn page(&mut self, page: u64, may_be_pinned: Option<bool>) -> Option<Run> {
        match (&mut self.run, may_be_pinned) {
            (Some((pages, of_run)), Some(of_page)) if pages.end == page && *of_run == of_page => {
                pages.end = page + 1;
                None
            }
            (_, of_page) => {
                let before = self.end();
                self.run = of_page.map(|of_page| (page..page + 1, of_page));
                before
            }
        }
    }

    fn end(&mut self) -> Option<Run> {
        let (pages, may_be_pinned) = self.run.take()?;
        let addresses = pages.start * self.page_bytes..pages.end * self.page_bytes;
        Some(Run { addresses, may_be_pinned })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    /// Each run as its pages and how it is read.
    fn runs(pages: &mut Pages, within: Range<u64>, is_private: bool, most: usize) -> Vec<String> {
        let mut found = Vec::new();
        let flow = pages.runs(within.start * 4096..within.end * 4096, is_private, |run| {
            let at = run.addresses.start / 4096..run.addresses.end / 4096;
            found.push(format!("{at:?}{}", if run.may_be_pinned { "" } else { " shared" }));
            if found.len() < most { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        });
        assert!(flow.is_ok());
        found
    }

    #[test]
    fn runs_are_of_present_pages_only() {
        let mut file = tempfile::tempfile().expect("a file");
        let (gone, alone, shared) = (1 << 62, PRESENT | MAPPED_ONCE | 1, PRESENT | 1);
        let entries = [alone, gone, alone, alone, shared, PRESENT | OF_FILE, gone, alone];
        for entry in entries {
            file.write_all(&u64::to_ne_bytes(entry)).expect("written");
        }
        let mut pages = Pages::new(file, 4096);
        assert_eq!(runs(&mut pages, 0..10, true, 9), ["0..1", "2..4", "4..5 shared", "7..8"]);
        let with_files = ["0..1", "2..4", "4..5 shared", "5..6", "7..8"];
        assert_eq!(runs(&mut pages, 0..10, false, 9), with_files);
        assert_eq!(runs(&mut pages, 3..6, true, 1), ["3..4"]);
    }
}
