//! Peers outside of the scope: by the name they were asked for, else by their address.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLockReadGuard};

use model::{Entity, EntityId, Timestamp};

use super::Directory;
use crate::process::NAME_BYTES_MAX;
use crate::told::Told;

/// Peers known by name or address only; further ones are one entity, `_other`.
const PEERS_MAX: usize = 16_384;

/// The ids that were given to peers.
#[derive(Debug, Default)]
pub(super) struct Peers {
    /// Port 0 stands for a peer that only asks.
    by_address: HashMap<(IpAddr, u16), EntityId>,
    by_name: HashMap<(Arc<str>, u16), EntityId>,
}

impl Peers {
    fn is_full(&self) -> bool {
        self.by_address.len() + self.by_name.len() >= PEERS_MAX
    }
}

impl Directory {
    /// An application asked for `name` and was told `address`, to be believed for `ttl_s` seconds.
    pub fn address_named(&self, address: IpAddr, name: &str, ttl_s: u32, at: Timestamp) {
        // Most answers say what is known.
        if !self.told().knows(address, name, at) {
            let mut told = self.told.write().unwrap_or_else(PoisonError::into_inner);
            told.learn(address, name, ttl_s, at);
        }
    }

    /// The id for a peer that asks and is known by its address only. Its port says nothing.
    pub fn address(&self, ip: IpAddr) -> EntityId {
        self.by_address(ip.to_canonical(), 0)
    }

    /// The id for a peer that answers, for a connection that began at `at`: by the name that was
    /// asked for before, else by its address.
    pub fn server(&self, address: SocketAddr, at: Timestamp) -> EntityId {
        match self.told().name(address.ip(), at) {
            Some(name) => self.by_name(name, address.port(), "DNS answer"),
            None => self.server_address(address),
        }
    }

    /// The id for a peer that its client means by `name`, which nobody was seen to ask for; `None`
    /// if that is no name to call it by.
    pub fn server_meant(&self, name: &str, port: u16) -> Option<EntityId> {
        let is_fit = !name.is_empty() && name.len() <= NAME_BYTES_MAX;
        is_fit.then(|| self.by_name(name.to_ascii_lowercase().into(), port, "TLS SNI"))
    }

    /// The id for a peer that answers on an address and is known by that only.
    pub fn server_address(&self, address: SocketAddr) -> EntityId {
        self.by_address(address.ip().to_canonical(), address.port())
    }

    pub(super) fn told(&self) -> RwLockReadGuard<'_, Told> {
        self.told.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn by_address(&self, ip: IpAddr, port: u16) -> EntityId {
        if let Some(&id) = self.read().peers.by_address.get(&(ip, port)) {
            return id;
        }
        let name = if port == 0 { ip.to_string() } else { SocketAddr::new(ip, port).to_string() };
        let entity = Entity { name, reason: "address".into(), ..Entity::default() };
        self.peer(entity, |peers| peers.by_address.entry((ip, port)).or_insert(EntityId::OTHER))
    }

    fn by_name(&self, name: Arc<str>, port: u16, reason: &str) -> EntityId {
        let key = (name, port);
        if let Some(&id) = self.read().peers.by_name.get(&key) {
            return id;
        }
        let entity = Entity {
            name: key.0.to_string(),
            reason: reason.into(),
            // What answers on two ports is two services, and one with many addresses is one.
            instance: format!("{}:{port}", key.0),
            ..Entity::default()
        };
        self.peer(entity, |peers| peers.by_name.entry(key).or_insert(EntityId::OTHER))
    }

    /// A new peer, in the place that `slot` finds for it.
    fn peer(&self, entity: Entity, slot: impl FnOnce(&mut Peers) -> &mut EntityId) -> EntityId {
        let mut guard = self.write();
        let book = &mut *guard;
        if book.peers.is_full() {
            book.refused.addresses += 1;
            return EntityId::OTHER;
        }
        let slot = slot(&mut book.peers);
        // Another worker may have been faster; a place without a record is tried again.
        if *slot == EntityId::OTHER {
            *slot = book.records.placeholder(entity);
        }
        *slot
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(text: &str) -> SocketAddr {
        text.parse().expect("an address and a port")
    }

    #[test]
    fn a_peer_has_the_name_asked_for_before_the_connection_and_its_address_otherwise() {
        let directory = Directory::new("h");
        let [old, api, cache] = ["192.0.2.1:443", "192.0.2.2:443", "192.0.2.2:6379"].map(end);
        directory.address_named(api.ip(), "api.test", 60, Timestamp(5));
        let before = directory.server(api, Timestamp(4));
        assert_eq!(directory.entity(before).reason, "address");
        let named = directory.server(api, Timestamp(6));
        let entity = directory.entity(named);
        assert_eq!((&*entity.name, &*entity.reason), ("api.test", "DNS answer"));
        assert!(!entity.local);
        assert_ne!(directory.server(cache, Timestamp(6)), named);
        assert_eq!(directory.entity(directory.server(old, Timestamp(6))).name, "192.0.2.1:443");
        // Another address of the same name is the same service.
        directory.address_named(old.ip(), "api.test", 60, Timestamp(7));
        assert_eq!(directory.server(old, Timestamp(8)), named);
        // Meant by the same name it is the same; by another it has the reason that it was meant.
        assert_eq!(directory.server_meant("API.test", 443), Some(named));
        let meant = directory.server_meant("www.test", 443).expect("a name");
        assert_eq!(directory.entity(meant).reason, "TLS SNI");
        assert_eq!(directory.server_meant("", 443), None);
        // Who asks is not known by what others asked for.
        assert_eq!(directory.entity(directory.address(api.ip())).name, "192.0.2.2");
    }

    #[test]
    fn peers_are_bounded_and_what_finds_no_room_is_counted() {
        let directory = Directory::new("h");
        for number in 0..PEERS_MAX as u32 {
            directory.address(IpAddr::from((number + 1).to_be_bytes()));
        }
        assert_eq!(directory.address(IpAddr::from([255, 1, 1, 1])), EntityId::OTHER);
        assert_ne!(directory.address(IpAddr::from([0, 0, 0, 1])), EntityId::OTHER);
        assert_eq!(directory.refused().addresses, 1);
    }
}
