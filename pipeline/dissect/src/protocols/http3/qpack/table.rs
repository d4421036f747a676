//! The static table (RFC 9204 Appendix A) and the dynamic one (§3.2).
//!
//! Only what somebody asks for is kept: the names in [`Name`], and their values.

use std::collections::VecDeque;

use super::Unread;
use crate::http::{Field, Name};

/// No table is kept longer than this, whatever the peer's has: servers allow 4 to 64 KiB.
const BYTES_MAX: u64 = 64 * 1024;
/// What an entry counts besides its name and value (§3.2.1).
const ENTRY_BYTES: u64 = 32;

const UNKNOWN: Field<'static> = (Name::Unknown, None);

/// An entry: the name, and the value if it is wanted and known.
#[derive(Clone, Debug)]
struct Entry {
    name: Name,
    value: Option<Box<[u8]>>,
    bytes: u64,
}

/// The dynamic table of one side's encoder.
///
/// Entries are counted from the first one on and never change, so a table that keeps *more* than
/// the peer's is right: entries may be counted too small. Entries from before a loss have no number
/// that we know, and neither have those after it.
#[derive(Debug)]
pub(super) struct Table {
    /// The newest last.
    entries: VecDeque<Entry>,
    bytes: u64,
    /// As large as we allow until the encoder says less: some never say.
    capacity: u64,
    /// How many were ever put in.
    inserted: u64,
    /// The most bytes that the other side allows, once it has said so.
    allowed: Option<u64>,
    /// Every insertion was seen.
    is_whole: bool,
}

impl Table {
    pub(super) const fn new(is_whole: bool) -> Self {
        let entries = VecDeque::new();
        Self { entries, bytes: 0, capacity: BYTES_MAX, inserted: 0, allowed: None, is_whole }
    }

    pub(super) const fn allow(&mut self, bytes: u64) {
        self.allowed = Some(bytes);
    }

    pub(super) const fn is_allowed(&self) -> bool {
        self.allowed.is_some()
    }

    /// How many entries must have come before a section is read (§4.5.1.1). `None`: some of those
    /// it refers to will never be known.
    pub(super) fn required(&self, encoded: u64) -> Result<Option<u64>, Unread> {
        match (encoded, self.is_whole, self.allowed) {
            (0, ..) => Ok(Some(0)),
            (_, false, _) => Ok(None),
            (_, true, None) => Err(Unread::Blocked),
            (encoded, true, Some(allowed)) => {
                let entries_max = allowed / ENTRY_BYTES;
                let full_range = 2 * entries_max;
                if encoded > full_range {
                    return Err(Unread::Malformed);
                }
                let highest = self.inserted + entries_max;
                let wrapped = highest / full_range * full_range;
                let required = match wrapped + encoded - 1 {
                    beyond if beyond > highest => {
                        beyond.checked_sub(full_range).ok_or(Unread::Malformed)?
                    }
                    required => required,
                };
                match required {
                    0 => Err(Unread::Malformed),
                    required if required > self.inserted => Err(Unread::Blocked),
                    required => Ok(Some(required)),
                }
            }
        }
    }

    /// The entry `index` places before the newest.
    pub(super) fn newest(&self, index: u64) -> Field<'_> {
        self.before(self.inserted, index)
    }

    /// The entry `index` places before the one that has the number `base`.
    pub(super) fn before(&self, base: u64, index: u64) -> Field<'_> {
        base.checked_sub(index).and_then(|n| n.checked_sub(1)).map_or(UNKNOWN, |n| self.get(n))
    }

    /// The entry `index` places after the last one before `base`.
    pub(super) fn after(&self, base: u64, index: u64) -> Field<'_> {
        base.checked_add(index).map_or(UNKNOWN, |n| self.get(n))
    }

    /// The entry of this number, from 0 on.
    fn get(&self, number: u64) -> Field<'_> {
        let first = self.inserted - self.entries.len() as u64;
        let entry = number.checked_sub(first).and_then(|at| self.entries.get(at as usize));
        match entry {
            Some(entry) if self.is_whole => (entry.name, entry.value.as_deref()),
            Some(_) | None => UNKNOWN,
        }
    }

    pub(super) fn insert(&mut self, name: Name, value: Option<&[u8]>) {
        let bytes = ENTRY_BYTES + value.map_or(0, <[u8]>::len) as u64;
        self.push(Entry { name, value: value.map(Box::from), bytes });
    }

    /// Puts the entry `index` places before the newest in once more (§4.3.4).
    pub(super) fn duplicate(&mut self, index: u64) {
        let (name, value) = self.newest(index);
        let bytes = ENTRY_BYTES + value.map_or(0, <[u8]>::len) as u64;
        self.push(Entry { name, value: value.map(Box::from), bytes });
    }

    fn push(&mut self, entry: Entry) {
        self.bytes += entry.bytes;
        self.inserted += 1;
        self.entries.push_back(entry);
        self.evict();
    }

    pub(super) fn resize(&mut self, capacity: u64) {
        self.capacity = capacity.min(BYTES_MAX);
        self.evict();
    }

    pub(super) fn lose(&mut self) {
        self.entries.clear();
        self.bytes = 0;
        self.is_whole = false;
    }

    fn evict(&mut self) {
        while self.bytes > self.capacity
            && let Some(oldest) = self.entries.pop_front()
        {
            self.bytes -= oldest.bytes;
        }
    }
}

/// The entries of interest of the static table.
pub(super) fn static_field(index: u64) -> Option<Field<'static>> {
    let (name, value): (Name, &'static [u8]) = match index {
        0 => (Name::Authority, b""),
        1 => (Name::Path, b"/"),
        15 => (Name::Method, b"CONNECT"),
        16 => (Name::Method, b"DELETE"),
        17 => (Name::Method, b"GET"),
        18 => (Name::Method, b"HEAD"),
        19 => (Name::Method, b"OPTIONS"),
        20 => (Name::Method, b"POST"),
        21 => (Name::Method, b"PUT"),
        22 => (Name::Scheme, b"http"),
        23 => (Name::Scheme, b"https"),
        24 => (Name::Status, b"103"),
        25 => (Name::Status, b"200"),
        26 => (Name::Status, b"304"),
        27 => (Name::Status, b"404"),
        28 => (Name::Status, b"503"),
        44 => (Name::ContentType, b"application/dns-message"),
        45 => (Name::ContentType, b"application/javascript"),
        46 => (Name::ContentType, b"application/json"),
        47 => (Name::ContentType, b"application/x-www-form-urlencoded"),
        48 => (Name::ContentType, b"image/gif"),
        49 => (Name::ContentType, b"image/jpeg"),
        50 => (Name::ContentType, b"image/png"),
        51 => (Name::ContentType, b"text/css"),
        52 => (Name::ContentType, b"text/html; charset=utf-8"),
        53 => (Name::ContentType, b"text/plain"),
        54 => (Name::ContentType, b"text/plain;charset=utf-8"),
        63 => (Name::Status, b"100"),
        64 => (Name::Status, b"204"),
        65 => (Name::Status, b"206"),
        66 => (Name::Status, b"302"),
        67 => (Name::Status, b"400"),
        68 => (Name::Status, b"403"),
        69 => (Name::Status, b"421"),
        70 => (Name::Status, b"425"),
        71 => (Name::Status, b"500"),
        2..=98 => (Name::Other, b""),
        _ => return None,
    };
    Some((name, Some(value)))
}
