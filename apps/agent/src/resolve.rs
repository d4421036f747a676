//! Who is at the ends of a connection.

use std::net::SocketAddr;
use std::sync::Arc;

use connections::Connection;
use dissect::AddressNamed;
use entities::Directory;
use model::{Direction, Endpoints, Entity, EntityId, Owner};

/// How often the ends of a connection are looked up again while an owner is missing.
const ATTEMPTS_MAX: u8 = 5;

/// Asks the directory, once per connection.
pub(crate) struct Resolver {
    directory: Arc<Directory>,
    live: bool,
}

/// One end. An end without a known owner is called by the name it was asked for by if it serves,
/// else by its address: with the port if it serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct End {
    /// Its name if it asks.
    pub as_client: EntityId,
    /// Its name if it answers.
    pub as_server: EntityId,
    /// True if it is a process in scope.
    pub is_local: bool,
}

impl Resolver {
    /// `live`: sockets of this host are behind the addresses.
    pub(crate) const fn new(directory: Arc<Directory>, live: bool) -> Self {
        Self { directory, live }
    }

    /// The end that sends in `way`.
    pub(crate) fn end(&self, connection: &Connection, way: Direction) -> End {
        let local = |id| End { as_client: id, as_server: id, is_local: true };
        let owner = connection.owners[way.index()];
        if let Some(owner) = owner.filter(|owner| owner.pid != 0) {
            return local(self.directory.process(Owner {
                pid: owner.pid,
                command: owner.command.as_str(),
                cgroup: owner.cgroup,
                network_namespace: owner.network_namespace,
            }));
        }
        let Some(endpoints) = connection.endpoints else {
            let other = EntityId::OTHER;
            return End { as_client: other, as_server: other, is_local: false };
        };
        let (own, peer) = addresses(endpoints, way);
        if self.live {
            let netns = connection.owners.iter().flatten().map(|o| o.network_namespace).max();
            let netns = owner.map(|o| o.network_namespace).or(netns).unwrap_or(0);
            let protocol = connection.protocol;
            let known = self.directory.socket(netns, protocol, own, peer);
            let known = known.or_else(|| self.directory.listener(netns, protocol, own));
            if let Some(id) = known {
                return local(id);
            }
        }
        let as_client = self.directory.address(own.ip());
        // The end that opened the connection does not serve, and of its ports there is no end. The
        // first datagram seen may be an answer.
        let is_tcp = connection.protocol == 6;
        let only_asks = connection.initiator == Some(way) && (is_tcp || own.port() > peer.port());
        let as_server =
            if only_asks { as_client } else { self.directory.server(own, connection.opened_at) };
        End { as_client, as_server, is_local: false }
    }

    /// The process behind the end that sends in `way`, if it is in scope and known.
    pub(crate) fn process(&self, connection: &Connection, way: Direction) -> Option<u32> {
        let owner = connection.owners[way.index()];
        if let Some(owner) = owner.filter(|owner| owner.pid != 0) {
            return Some(owner.pid);
        }
        let (own, peer) = addresses(connection.endpoints.filter(|_| self.live)?, way);
        let netns = connection.owners.iter().flatten().map(|o| o.network_namespace).max();
        let netns = owner.map(|o| o.network_namespace).or(netns).unwrap_or(0);
        self.directory.socket_process(netns, connection.protocol, own, peer)
    }

    /// The processes behind both ends, by direction of sending; 0 if not known.
    pub(crate) fn owners(&self, connection: &Connection) -> [u32; 2] {
        Direction::BOTH.map(|way| self.process(connection, way).unwrap_or(0))
    }

    /// Both ends looked up again. What is known by name or address stays so: names that were told
    /// since are for others.
    pub(crate) fn again(&self, connection: &Connection, ends: [End; 2]) -> [End; 2] {
        Direction::BOTH.map(|way| {
            let known = ends[way.index()];
            let found = self.end(connection, way);
            if found.is_local || known.as_client == EntityId::OTHER { found } else { known }
        })
    }

    /// The end that serves in `way`, which its client means by `name`. A process of the scope is
    /// called by its own name, and a name that was asked for says more.
    pub(crate) fn server_named(
        &self,
        connection: &Connection,
        way: Direction,
        end: End,
        name: &str,
    ) -> End {
        let Some(endpoints) = connection.endpoints.filter(|_| !end.is_local) else {
            return end;
        };
        let (own, _) = addresses(endpoints, way);
        if self.directory.server_address(own) != end.as_server {
            return end;
        }
        let as_server = self.directory.server_meant(name, own.port()).unwrap_or(end.as_server);
        End { as_server, ..end }
    }

    /// A client of the connection asked for a name and was told an address.
    pub(crate) fn address_named(&self, named: &AddressNamed<'_>, asker: End) {
        if asker.is_local || !self.live {
            self.directory.address_named(named.address, named.name, named.ttl_s, named.at);
        }
    }

    /// True if it is worth asking again: an owner may have been found since.
    pub(crate) const fn is_unsure(&self, ends: [End; 2], attempts: u8) -> bool {
        self.live && attempts < ATTEMPTS_MAX && !(ends[0].is_local && ends[1].is_local)
    }

    /// No end of the connection is known, but one is of this host: the owner is to be looked for.
    pub(crate) fn met_stranger(&self) {
        if self.live {
            self.directory.met_stranger();
        }
    }

    /// The entity as it is known now.
    pub(crate) fn entity(&self, id: EntityId) -> Arc<Entity> {
        self.directory.entity(id)
    }
}

/// The addresses of the end that sends in `way`, and of its peer.
const fn addresses(endpoints: Endpoints, way: Direction) -> (SocketAddr, SocketAddr) {
    match way {
        Direction::Forward => (endpoints.source, endpoints.destination),
        Direction::Backward => (endpoints.destination, endpoints.source),
    }
}
