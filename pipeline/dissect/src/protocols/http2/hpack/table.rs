//! The static table (RFC 7541 Appendix A) and the dynamic one (§2.3.2).
//!
//! Only what somebody asks for is kept: the names in [`Name`], and their values.

use std::collections::VecDeque;

use crate::http::{Field, Name};

/// The size a dynamic table begins with (RFC 9113 §6.5.2).
const BYTES_START: usize = 4 * 1024;
/// No table is kept longer than this, whatever the peer's has: browsers and proxies use 64 KiB.
const BYTES_MAX: usize = 64 * 1024;
/// What an entry counts besides its name and value (RFC 7541 §4.1).
const ENTRY_BYTES: usize = 32;
/// Index of the first entry of the dynamic table.
const DYNAMIC_FIRST: usize = 62;

/// An entry: the name, and the value if it is wanted and known.
#[derive(Debug)]
struct Entry {
    name: Name,
    value: Option<Box<[u8]>>,
    bytes: usize,
}

/// The dynamic table of one side.
///
/// The peer's table is always the newest part of all that was ever put into it. So an index that
/// counts from the newest entry is right in a table that keeps *more* than the peer's, and entries
/// may be counted too small; and after a start in the middle or a gap the entries that came since
/// are known by their index for certain, and those from before are not.
#[derive(Debug)]
pub(super) struct Table {
    /// The newest first.
    entries: VecDeque<Entry>,
    bytes: usize,
    bytes_max: usize,
    /// Everything the peer may refer to is here.
    is_whole: bool,
}

impl Table {
    /// An empty table; `is_whole` if the peer's is surely empty too.
    pub(super) const fn new(is_whole: bool) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, bytes_max: BYTES_START, is_whole }
    }

    /// The field at `index`. `None` if there can be none. A name of [`Name::Unknown`] stands where
    /// an entry is that we did not see.
    pub(super) fn get(&self, index: usize) -> Option<Field<'_>> {
        if let Some(field) = static_field(index) {
            return Some(field);
        }
        match self.entries.get(index.checked_sub(DYNAMIC_FIRST)?) {
            Some(entry) => Some((entry.name, entry.value.as_deref())),
            None if self.is_whole => None,
            None => Some((Name::Unknown, None)),
        }
    }

    /// Puts an entry in front, and lets go of the oldest ones.
    pub(super) fn insert(&mut self, name: Name, value: Option<&[u8]>) {
        let bytes = ENTRY_BYTES + value.map_or(0, <[u8]>::len);
        self.bytes += bytes;
        self.entries.push_front(Entry { name, value: value.map(Box::from), bytes });
        self.evict();
    }

    /// A dynamic table size update (§6.3).
    pub(super) fn resize(&mut self, bytes_max: usize) {
        self.bytes_max = bytes_max.min(BYTES_MAX);
        self.evict();
        if bytes_max == 0 {
            // Empty for sure, whatever was before.
            self.is_whole = true;
        } else if bytes_max > BYTES_MAX {
            self.is_whole = false;
        }
    }

    /// Entries may have been put in that we did not see.
    pub(super) fn lose(&mut self) {
        self.entries.clear();
        self.bytes = 0;
        self.is_whole = false;
    }

    fn evict(&mut self) {
        while self.bytes > self.bytes_max
            && let Some(oldest) = self.entries.pop_back()
        {
            self.bytes -= oldest.bytes;
        }
    }
}

fn static_field(index: usize) -> Option<Field<'static>> {
    let (name, value): (Name, &'static [u8]) = match index {
        1 => (Name::Authority, b""),
        2 => (Name::Method, b"GET"),
        3 => (Name::Method, b"POST"),
        4 => (Name::Path, b"/"),
        5 => (Name::Path, b"/index.html"),
        6 => (Name::Scheme, b"http"),
        7 => (Name::Scheme, b"https"),
        8 => (Name::Status, b"200"),
        9 => (Name::Status, b"204"),
        10 => (Name::Status, b"206"),
        11 => (Name::Status, b"304"),
        12 => (Name::Status, b"400"),
        13 => (Name::Status, b"404"),
        14 => (Name::Status, b"500"),
        31 => (Name::ContentType, b""),
        _ if (1..DYNAMIC_FIRST).contains(&index) => (Name::Other, b""),
        _ => return None,
    };
    Some((name, Some(value)))
}
