//! Which parts of an address space may hold keys, in the order in which they are worth reading.

use std::ops::Range;

/// Arenas of glibc and of Go are 64 MiB; what is larger is a heap of its own, or a cache.
const SMALL_BYTES_MAX: u64 = 64 << 20;

/// A stretch of writable memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub addresses: Range<u64>,
    pub kind: Kind,
}

/// What it is, in order of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The program break: malloc's first arena.
    Heap,
    /// Anonymous memory and data of libraries.
    Small,
    /// Large anonymous memory.
    Big,
    /// Shared memory without a name on a disk: heaps of ZGC.
    Memfd,
    /// The stack of the first thread; those of others are anonymous.
    Stack,
}

/// What /proc/PID/maps says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Regions {
    /// In order of reading.
    pub readable: Vec<Region>,
    /// There is memory of memfd_secret.
    pub has_secret: bool,
}

impl Regions {
    /// Reads the text of /proc/PID/maps.
    pub(super) fn parse(maps: &str) -> Self {
        let mut regions = Self::default();
        for line in maps.lines() {
            regions.has_secret |= line.contains("/secretmem");
            regions.readable.extend(region(line));
        }
        regions.readable.sort_by_key(|region| (region.kind, region.addresses.start));
        regions
    }
}

/// `start-end perms offset device inode  name`.
fn region(line: &str) -> Option<Region> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let address = |text| u64::from_str_radix(text, 16).ok();
    let addresses = address(start)?..address(end)?;
    let permissions = fields.next()?;
    let name = fields.nth(3).unwrap_or("");
    if !permissions.starts_with("rw") || addresses.is_empty() {
        return None;
    }
    let is_small = addresses.end - addresses.start <= SMALL_BYTES_MAX;
    let is_shared = permissions.ends_with('s');
    let kind = match name {
        _ if is_shared && name.starts_with("/memfd:") => Kind::Memfd,
        // Other shared memory is of files and devices.
        _ if is_shared => return None,
        "[heap]" => Kind::Heap,
        "[stack]" => Kind::Stack,
        _ if name.starts_with("/dev/") && name != "/dev/zero" => return None,
        _ if is_small => Kind::Small,
        _ => Kind::Big,
    };
    Some(Region { addresses, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writable_private_memory_and_memfds_are_read_in_order() {
        let maps = "\
55d0c0a00000-55d0c0a21000 r-xp 00001000 08:01 1234  /usr/sbin/nginx
55d0c0b00000-55d0c0b10000 rw-p 00100000 08:01 1234  /usr/sbin/nginx
55d0c1000000-55d0c1100000 rw-p 00000000 00:00 0     [heap]
7f0000000000-7f0008000000 rw-p 00000000 00:00 0
7f0010000000-7f0010021000 rw-p 00000000 00:00 0
7f0020000000-7f0020100000 rw-s 00000000 00:05 99    /memfd:java_heap (deleted)
7f0030000000-7f0030100000 rw-s 00000000 00:05 98    /dev/shm/x
7f0040000000-7f0040100000 rw-p 00000000 00:05 97    /dev/gpu0
7f0050000000-7f0050001000 rw-s 00000000 00:0e 96    /secretmem (deleted)
7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0     [stack]
7ffd00100000-7ffd00104000 r--p 00000000 00:00 0     [vvar]
nonsense
";
        let regions = Regions::parse(maps);
        let kinds: Vec<_> = regions.readable.iter().map(|r| (r.kind, r.addresses.start)).collect();
        assert_eq!(
            kinds,
            [
                (Kind::Heap, 0x55d0_c100_0000),
                (Kind::Small, 0x55d0_c0b0_0000),
                (Kind::Small, 0x7f00_1000_0000),
                (Kind::Big, 0x7f00_0000_0000),
                (Kind::Memfd, 0x7f00_2000_0000),
                (Kind::Stack, 0x7ffd_0000_0000),
            ]
        );
        assert!(regions.has_secret);
    }

    #[test]
    fn any_text_is_read() {
        bolero::check!().with_type::<String>().for_each(|maps| {
            Regions::parse(maps);
        });
    }
}
