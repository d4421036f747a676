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
/// Entries read at once: 32 MiB of address space with pages of 4 KiB.
const ENTRIES: usize = 8192;

/// The page map of a process.
pub(super) struct Pages {
    file: File,
    page_bytes: u64,
    entries: Vec<u8>,
}

impl Pages {
    /// `file` is /proc/PID/pagemap.
    pub(super) fn new(file: File, page_bytes: u64) -> Self {
        Self { file, page_bytes, entries: vec![0; ENTRIES * ENTRY_BYTES] }
    }

    /// Calls `visit` with each run of present pages within `addresses`.
    pub(super) fn runs(
        &mut self,
        addresses: Range<u64>,
        mut visit: impl FnMut(Range<u64>) -> ControlFlow<()>,
    ) -> io::Result<ControlFlow<()>> {
        let page_bytes = self.page_bytes;
        let bytes = |pages: Range<u64>| pages.start * page_bytes..pages.end * page_bytes;
        let mut runs = Runs::default();
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
                let is_present = u64::from_ne_bytes(*entry) & PRESENT != 0;
                if let Some(run) = runs.page(page, is_present)
                    && visit(bytes(run)).is_break()
                {
                    return Ok(ControlFlow::Break(()));
                }
                page += 1;
            }
        }
        Ok(runs.end().map_or(ControlFlow::Continue(()), |run| visit(bytes(run))))
    }
}

/// Present pages put together.
#[derive(Default)]
struct Runs(Option<Range<u64>>);

impl Runs {
    /// The run that ends before this page, if one does.
    fn page(&mut self, page: u64, is_present: bool) -> Option<Range<u64>> {
        match &mut self.0 {
            Some(run) if is_present && run.end == page => {
                run.end = page + 1;
                None
            }
            run if is_present => run.replace(page..page + 1),
            run => run.take(),
        }
    }

    fn end(&mut self) -> Option<Range<u64>> {
        self.0.take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn runs_are_of_present_pages_only() {
        let mut file = tempfile::tempfile().expect("a file");
        for is_present in [true, false, true, true, true, false, false, true] {
            let entry: u64 = if is_present { PRESENT | 1 } else { 1 << 62 };
            file.write_all(&entry.to_ne_bytes()).expect("written");
        }
        let mut pages = Pages::new(file, 4096);
        let mut runs = Vec::new();
        let flow = pages.runs(0..10 * 4096, |run| {
            runs.push(run.start / 4096..run.end / 4096);
            ControlFlow::Continue(())
        });
        assert!(matches!(flow, Ok(ControlFlow::Continue(()))));
        assert_eq!(runs, [0..1, 2..5, 7..8]);
        runs.clear();
        let _ = pages.runs(3 * 4096..6 * 4096, |run| {
            runs.push(run.start / 4096..run.end / 4096);
            ControlFlow::Break(())
        });
        assert_eq!(runs, std::iter::once(3..5).collect::<Vec<_>>());
    }
}
