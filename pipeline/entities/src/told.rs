//! By which name an address was asked for: what name services told the applications of this host.
//!
//! A name speaks for an address from the moment it was told until it is out of date, and only for
//! connections that begin in between. If several names lead to one address, the one asked for last
//! is the one a connection that follows is most likely meant for.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use model::Timestamp;

use crate::process::NAME_BYTES_MAX;

/// Addresses that have a name; the oldest make room for new ones.
pub(crate) const TOLD_MAX: usize = 16_384;
/// Programs keep what they were told for longer than they were told they may: pools reconnect,
/// runtimes cache for half a minute or for ever.
const TTL_MIN_S: u32 = 300;
/// A day, after which nearly everybody has asked again.
const TTL_MAX_S: u32 = 86_400;
const SECOND_NS: u64 = 1_000_000_000;

/// Addresses and the names they were asked for by.
#[derive(Debug, Default)]
pub(crate) struct Told {
    names: HashMap<IpAddr, Asked>,
    /// In the order in which they came in.
    order: VecDeque<IpAddr>,
    /// How many made room, and how many names were too long.
    pub(crate) refused: u64,
}

#[derive(Debug)]
struct Asked {
    name: Arc<str>,
    at: Timestamp,
    until: Timestamp,
}

impl Told {
    /// True if nothing would change but how long it is believed, and that by little.
    pub(crate) fn knows(&self, address: IpAddr, name: &str, at: Timestamp) -> bool {
        self.names.get(&address.to_canonical()).is_some_and(|known| {
            let is_fresh = at.since_ns(known.at) < u64::from(TTL_MIN_S) * SECOND_NS / 2;
            *known.name == *name && known.at <= at && is_fresh
        })
    }

    /// An application asked for `name` and was told `address`.
    pub(crate) fn learn(&mut self, address: IpAddr, name: &str, ttl_s: u32, at: Timestamp) {
        let address = address.to_canonical();
        // Blocked names lead there, and groups: nobody in particular answers.
        if address.is_unspecified() || address.is_multicast() {
            return;
        }
        if name.is_empty() || name.len() > NAME_BYTES_MAX {
            self.refused += 1;
            return;
        }
        let believed_ns = u64::from(ttl_s.clamp(TTL_MIN_S, TTL_MAX_S)) * SECOND_NS;
        let until = Timestamp(at.0.saturating_add(believed_ns));
        if let Some(known) = self.names.get_mut(&address) {
            if *known.name != *name {
                known.name = name.into();
            }
            (known.at, known.until) = (at, until);
            return;
        }
        if self.names.len() >= TOLD_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.names.remove(&oldest);
            self.refused += 1;
        }
        self.order.push_back(address);
        self.names.insert(address, Asked { name: name.into(), at, until });
    }

    /// The name for a connection to `address` that began at `at`.
    pub(crate) fn name(&self, address: IpAddr, at: Timestamp) -> Option<Arc<str>> {
        let known = self.names.get(&address.to_canonical())?;
        (known.at <= at && at <= known.until).then(|| Arc::clone(&known.name))
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn seconds(seconds: u64) -> Timestamp {
        Timestamp(seconds * SECOND_NS)
    }

    #[test]
    fn a_name_speaks_from_when_it_was_told_until_it_is_out_of_date() {
        let mut told = Told::default();
        told.learn(ADDRESS, "a.test", 1, seconds(1_000));
        let name = |at| told.name(ADDRESS, seconds(at)).map(|name| name.to_string());
        assert_eq!(name(999), None);
        assert_eq!(name(1_000).as_deref(), Some("a.test"));
        assert_eq!(name(1_300).as_deref(), Some("a.test"));
        assert_eq!(name(1_301), None);
        told.learn(ADDRESS, "a.test", u32::MAX, seconds(2_000));
        assert!(told.name(ADDRESS, seconds(2_000 + 86_400)).is_some());
        assert!(told.name(ADDRESS, seconds(2_001 + 86_400)).is_none());
    }

    #[test]
    fn the_name_asked_for_last_wins_and_nobody_answers_at_no_address() {
        let mut told = Told::default();
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().expect("an address");
        told.learn(ADDRESS, "a.test", 60, seconds(10));
        assert!(told.knows(ADDRESS, "a.test", seconds(11)));
        assert!(!told.knows(ADDRESS, "b.test", seconds(11)));
        told.learn(mapped, "b.test", 60, seconds(11));
        assert_eq!(told.name(ADDRESS, seconds(12)).as_deref(), Some("b.test"));
        for nobody in ["0.0.0.0", "::", "224.0.0.251"] {
            let nobody = nobody.parse().expect("an address");
            told.learn(nobody, "blocked.test", 60, seconds(10));
            assert!(told.name(nobody, seconds(10)).is_none());
        }
    }

    #[test]
    fn the_oldest_make_room_and_are_counted() {
        let mut told = Told::default();
        let address = |n: usize| IpAddr::from((n as u32 + 1).to_be_bytes());
        for number in 0..TOLD_MAX + 3 {
            told.learn(address(number), "a.test", 60, seconds(10));
        }
        assert_eq!((told.names.len(), told.order.len(), told.refused), (TOLD_MAX, TOLD_MAX, 3));
        assert!(told.name(address(2), seconds(10)).is_none());
        assert!(told.name(address(3), seconds(10)).is_some());
    }
}
