//! Who listens where, and who owns the connections whose opening was not observed.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::process::Listen;

/// Listening addresses kept, over all network namespaces.
pub(crate) const LISTENERS_MAX: usize = 1 << 16;
/// Connections whose opening was not observed that are kept with their owner: both ends of as many
/// as the connections table takes, and some; 49 bytes each.
pub(crate) const OLD_SOCKETS_MAX: usize = 1 << 18;
/// Network namespaces whose cookie is known.
const NAMESPACES_MAX: usize = 4_096;

/// Both ends of a connection that was there first, seen from its owner. Without the padding of two
/// [`SocketAddr`]s: there may be hundreds of thousands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct OldSocket {
    protocol: u8,
    local: (IpAddr, u16),
    remote: (IpAddr, u16),
}

impl OldSocket {
    pub(crate) fn new(protocol: u8, local: SocketAddr, remote: SocketAddr) -> Self {
        let [local, remote] = [local, remote].map(|end| (end.ip().to_canonical(), end.port()));
        Self { protocol, local, remote }
    }
}

/// Addresses to process ids, apart for each network namespace.
#[derive(Debug, Default)]
pub(crate) struct Listening {
    /// By inode of the namespace, as `/proc` names it.
    namespaces: HashMap<u64, HashMap<Listen, u32>>,
    /// By inode of the namespace.
    old: HashMap<u64, HashMap<OldSocket, u32>>,
    /// From the cookie that the kernel tells the tap to the inode that `/proc` tells the scanner.
    /// Learned from processes of which both are known.
    inodes: HashMap<u64, u64>,
    /// How many addresses found no room.
    pub(crate) refused: u64,
}

impl Listening {
    /// Learns that `cookie` and `inode` name the same network namespace.
    pub(crate) fn learn(&mut self, cookie: u64, inode: u64) {
        let is_known = cookie != 0 && inode != 0;
        if is_known && self.inodes.len() < NAMESPACES_MAX {
            self.inodes.insert(cookie, inode);
        }
    }

    /// True if the cookie's inode is known, or never will be.
    pub(crate) fn knows(&self, cookie: u64) -> bool {
        cookie == 0 || self.inodes.contains_key(&cookie) || self.inodes.len() >= NAMESPACES_MAX
    }

    /// Replaces all listeners of a namespace.
    pub(crate) fn replace(&mut self, inode: u64, listeners: impl Iterator<Item = (Listen, u32)>) {
        self.namespaces.remove(&inode);
        let room = LISTENERS_MAX.saturating_sub(self.namespaces.values().map(HashMap::len).sum());
        let mut listeners = listeners.map(|(listen, pid)| (canonical(listen), pid));
        let kept: HashMap<_, _> = listeners.by_ref().take(room).collect();
        self.refused += listeners.count() as u64;
        if !kept.is_empty() {
            self.namespaces.insert(inode, kept);
        }
    }

    /// Forgets all connections that were adopted: those that are still there are about to be again.
    pub(crate) fn disown(&mut self) {
        self.old.clear();
    }

    /// Remembers a connection that was there before it was observed.
    pub(crate) fn adopt(&mut self, inode: u64, socket: OldSocket, pid: u32) {
        let count: usize = self.old.values().map(HashMap::len).sum();
        if count >= OLD_SOCKETS_MAX {
            self.refused += 1;
            return;
        }
        self.old.entry(inode).or_default().insert(socket, pid);
    }

    /// Forgets the connections of a process that is gone.
    pub(crate) fn forget(&mut self, pid: u32) {
        for sockets in self.old.values_mut() {
            sockets.retain(|_, &mut owner| owner != pid);
        }
        self.old.retain(|_, sockets| !sockets.is_empty());
    }

    /// Who listens on `local`: on the exact address, else on a wildcard.
    ///
    /// If the namespace is not known, the answer must be the same in all of them.
    pub(crate) fn listener(&self, cookie: u64, protocol: u8, local: SocketAddr) -> Option<u32> {
        let local = plain(local);
        let wildcards = match local.ip() {
            // A socket on `::` accepts IPv4 too, unless it was told not to; then there is another.
            IpAddr::V4(_) => [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)],
            IpAddr::V6(_) => [IpAddr::V6(Ipv6Addr::UNSPECIFIED); 2],
        };
        let [first, second] = wildcards;
        [local.ip(), first, second].into_iter().find_map(|ip| {
            let address = SocketAddr::new(ip, local.port());
            self.only(&self.namespaces, cookie, &Listen { protocol, address })
        })
    }

    /// Who owned this end of a connection when connections were last adopted.
    pub(crate) fn old(&self, cookie: u64, socket: OldSocket) -> Option<u32> {
        self.only(&self.old, cookie, &socket)
    }

    /// The value in the cookie's namespace; without it, the one value of all namespaces.
    fn only<K: std::hash::Hash + Eq>(
        &self,
        tables: &HashMap<u64, HashMap<K, u32>>,
        cookie: u64,
        key: &K,
    ) -> Option<u32> {
        // Where the kernel gives no cookies, the tap tells the inode itself; those are large.
        let is_inode = tables.contains_key(&cookie).then_some(&cookie);
        if let Some(inode) = self.inodes.get(&cookie).or(is_inode) {
            return tables.get(inode)?.get(key).copied();
        }
        let mut found = tables.values().filter_map(|table| table.get(key).copied());
        let first = found.next();
        if found.next().is_some() { None } else { first }
    }
}

/// IPv4 in IPv6 clothes is IPv4; flow labels and scopes say nothing about identity.
fn plain(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

fn canonical(listen: Listen) -> Listen {
    Listen { address: plain(listen.address), ..listen }
}

#[cfg(test)]
mod tests {
    use super::Listening;
    use crate::process::Listen;

    fn tcp(address: &str) -> Listen {
        Listen { protocol: Listen::TCP, address: address.parse().expect("an address") }
    }

    fn ask(listening: &Listening, cookie: u64, address: &str) -> Option<u32> {
        listening.listener(cookie, Listen::TCP, address.parse().expect("an address"))
    }

    #[test]
    fn the_exact_address_wins_over_the_wildcard() {
        let mut listening = Listening::default();
        let rows = [
            (tcp("0.0.0.0:80"), 1),
            (tcp("127.0.0.2:80"), 2),
            (tcp("[::]:443"), 3),
            (tcp("[::ffff:127.0.0.3]:80"), 4),
        ];
        listening.replace(7, rows.into_iter());
        assert_eq!(ask(&listening, 0, "127.0.0.1:80"), Some(1));
        assert_eq!(ask(&listening, 0, "127.0.0.2:80"), Some(2));
        assert_eq!(ask(&listening, 0, "10.0.0.1:443"), Some(3));
        assert_eq!(ask(&listening, 0, "[::ffff:10.0.0.1]:443"), Some(3));
        assert_eq!(ask(&listening, 0, "[::1]:443"), Some(3));
        assert_eq!(ask(&listening, 0, "127.0.0.3:80"), Some(4));
        assert_eq!(ask(&listening, 0, "[::1]:80"), None);
        assert_eq!(ask(&listening, 0, "127.0.0.1:81"), None);
    }

    #[test]
    fn equal_addresses_of_two_namespaces_are_told_apart_or_not_answered() {
        let mut listening = Listening::default();
        listening.replace(7, [(tcp("0.0.0.0:80"), 1)].into_iter());
        listening.replace(8, [(tcp("0.0.0.0:80"), 2)].into_iter());
        assert_eq!(ask(&listening, 100, "127.0.0.1:80"), None);
        // A tap without cookies tells the inode itself.
        assert_eq!(ask(&listening, 7, "127.0.0.1:80"), Some(1));
        listening.learn(100, 8);
        assert_eq!(ask(&listening, 100, "127.0.0.1:80"), Some(2));
        listening.replace(8, std::iter::empty());
        assert_eq!(ask(&listening, 100, "127.0.0.1:80"), None);
    }
}
