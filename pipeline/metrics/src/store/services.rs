//! The services that entities fold into, and what each has in sum.

use std::sync::Arc;

use model::{Directory, EdgeHealth, Entity, EntityId, Ledger, ProtocolInfo, Timestamp};

use super::slab::Slab;

/// Entities remembered per service; of more, the oldest is forgotten. Only their process ids and
/// listening addresses are asked of them.
const ENTITIES_MAX: usize = 64;

/// The number of a service in this store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ServiceSlot(pub(super) u32);

impl ServiceSlot {
    /// All that found no room: the first service, always there.
    pub(super) const OTHER: Self = Self(0);

    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// What makes two entities one service.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ServiceKey {
    name: String,
    namespace: String,
    instance: String,
}

impl ServiceKey {
    fn of(entity: &Entity) -> Self {
        Self {
            name: entity.name.clone(),
            namespace: entity.namespace.clone(),
            instance: entity.instance.clone(),
        }
    }

    pub(super) fn fits(&self, entity: &Entity) -> bool {
        self.name == entity.name
            && self.namespace == entity.namespace
            && self.instance == entity.instance
    }
}

#[derive(Debug, Default)]
pub(super) struct Service {
    /// As the directory last described it.
    pub(super) entity: Arc<Entity>,
    /// The entities that folded into it lately.
    pub(super) entities: Vec<EntityId>,
    pub(super) protocols: Vec<&'static ProtocolInfo>,
    /// Bytes of its connections as server.
    pub(super) served: Ledger,
    /// Bytes of its connections as client.
    pub(super) asked: Ledger,
    /// Connections as server now open.
    pub(super) open: u64,
    pub(super) updated: Timestamp,
    /// Endpoints it has as server.
    pub(super) rows: u32,
    /// Edges that name it; it stays while there are any.
    pub(super) edges: u32,
}

/// All services, `_other` first.
#[derive(Debug)]
pub(super) struct Services {
    pub(super) slab: Slab<ServiceKey, Service>,
    limit: usize,
    refused: u64,
}

impl Services {
    pub(super) fn new(limit: usize) -> Self {
        let entity = Entity {
            name: "_other".into(),
            reason: "a limit was reached".into(),
            ..Entity::default()
        };
        let mut slab = Slab::new();
        let key = ServiceKey::of(&entity);
        let entity = Arc::new(entity);
        let other = Service { entity, ..Service::default() };
        slab.insert(key, other);
        Self { slab, limit: limit.max(1), refused: 0 }
    }

    /// The service of an entity, made if new.
    pub(super) fn resolve(
        &mut self,
        id: EntityId,
        now: Timestamp,
        directory: &dyn Directory,
    ) -> ServiceSlot {
        if id == EntityId::OTHER {
            return ServiceSlot::OTHER;
        }
        let entity = directory.entity(id);
        // Hashes as a ServiceKey does: the same three texts in the same order.
        let likeness = (&entity.name, &entity.namespace, &entity.instance);
        let slot = match self.slab.find_by(&likeness, |key| key.fits(&entity)) {
            Some(slot) => slot,
            None if self.slab.len() >= self.limit => {
                self.refused += 1;
                return ServiceSlot::OTHER;
            }
            None => self.slab.insert(ServiceKey::of(&entity), Service::default()),
        };
        let service = self.slab.value_mut(slot);
        service.entity = entity;
        service.updated = now;
        if !service.entities.contains(&id) {
            if service.entities.len() >= ENTITIES_MAX {
                service.entities.remove(0);
            }
            service.entities.push(id);
        }
        ServiceSlot(slot)
    }

    /// How often a service was refused because there were too many.
    pub(super) const fn refused(&self) -> u64 {
        self.refused
    }

    /// Counts the connections of one edge with both of its ends.
    pub(super) fn add_connections(
        &mut self,
        client: ServiceSlot,
        server: ServiceSlot,
        health: &EdgeHealth,
    ) {
        self.slab.value_mut(client.0).asked += health.ledger;
        let server = self.slab.value_mut(server.0);
        server.served += health.ledger;
        server.open = (server.open + health.opened).saturating_sub(health.closed);
    }

    /// Notes that a service speaks a protocol.
    pub(super) fn speak(&mut self, slot: ServiceSlot, protocol: &'static ProtocolInfo) {
        let protocols = &mut self.slab.value_mut(slot.0).protocols;
        if !protocols.iter().any(|known| known.is(protocol)) {
            protocols.push(protocol);
        }
    }

    /// One more edge names this service.
    pub(super) fn hold(&mut self, slot: ServiceSlot) {
        self.slab.value_mut(slot.0).edges += 1;
    }

    /// One edge less names this service.
    pub(super) fn release(&mut self, slot: ServiceSlot) {
        self.slab.value_mut(slot.0).edges -= 1;
    }

    pub(super) fn rows(&self, slot: ServiceSlot) -> u32 {
        self.slab.value(slot.0).rows
    }

    pub(super) fn rows_mut(&mut self, slot: ServiceSlot) -> &mut u32 {
        &mut self.slab.value_mut(slot.0).rows
    }

    pub(super) fn entity(&self, slot: ServiceSlot) -> &Entity {
        &self.slab.value(slot.0).entity
    }
}
