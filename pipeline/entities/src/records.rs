//! From [`EntityId`] to [`Entity`]: dense, append-only, bounded, and able to learn.
//!
//! An id never changes what it stands for, but what is known about it may grow: a placeholder made
//! from a command name becomes the service once the process was read. Then its id is pointed at
//! the service's record, so that whatever was counted under it is the service's too.

use std::collections::HashMap;
use std::sync::Arc;

use model::{Entity, EntityId};

/// Ids ever made: 4 bytes each. A process that is read before it speaks takes none of its own.
pub(crate) const IDS_MAX: usize = 1 << 20;
/// Records alive at once: services, placeholders and addresses.
pub(crate) const RECORDS_MAX: usize = 1 << 16;

/// What makes two processes one service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) instance: String,
}

impl Key {
    pub(crate) fn of(entity: &Entity) -> Self {
        Self {
            name: entity.name.clone(),
            namespace: entity.namespace.clone(),
            instance: entity.instance.clone(),
        }
    }
}

/// One service, placeholder or address.
#[derive(Debug)]
struct Record {
    entity: Arc<Entity>,
    /// The id new connections get.
    id: EntityId,
    /// Other ids that turned out to be the same.
    aliases: Vec<EntityId>,
    /// Process groups that ever were of this service; 0 for placeholders and addresses.
    groups: u32,
}

/// See the module's documentation.
#[derive(Debug)]
pub(crate) struct Records {
    slots: Vec<u32>,
    records: Vec<Record>,
    free: Vec<u32>,
    services: HashMap<Key, u32>,
    other: Arc<Entity>,
    empty: Arc<Entity>,
    /// Counts the moments at which an id that was handed out changed its name.
    pub(crate) renamed: u64,
    /// How often an id was refused.
    pub(crate) refused: u64,
}

impl Records {
    pub(crate) fn new() -> Self {
        let other =
            Entity { name: "_other".into(), reason: "limit reached".into(), ..Entity::default() };
        Self {
            slots: Vec::new(),
            records: Vec::new(),
            free: Vec::new(),
            services: HashMap::new(),
            other: Arc::new(other),
            empty: Arc::default(),
            renamed: 0,
            refused: 0,
        }
    }

    /// What `id` stands for now; an empty entity for an id that was never made here.
    pub(crate) fn entity(&self, id: EntityId) -> &Arc<Entity> {
        match self.record(id) {
            Some(record) => &record.entity,
            None if id == EntityId::OTHER => &self.other,
            None => &self.empty,
        }
    }

    /// Every record that is a service of this host.
    pub(crate) fn services(&self) -> impl Iterator<Item = (EntityId, &Arc<Entity>)> {
        let records = self.services.values();
        let records = records.filter_map(|&at| self.records.get(at as usize));
        records.map(|record| (record.id, &record.entity))
    }

    /// A new id for someone who has no service yet; [`EntityId::OTHER`] if there is no room.
    pub(crate) fn placeholder(&mut self, entity: Entity) -> EntityId {
        if self.slots.len() >= IDS_MAX || self.live() >= RECORDS_MAX {
            self.refused += 1;
            return EntityId::OTHER;
        }
        let id = EntityId(self.slots.len() as u32);
        let record = Record { entity: Arc::new(entity), id, aliases: Vec::new(), groups: 0 };
        let at = match self.free.pop() {
            Some(at) => {
                if let Some(slot) = self.records.get_mut(at as usize) {
                    *slot = record;
                }
                at
            }
            None => {
                self.records.push(record);
                self.records.len() as u32 - 1
            }
        };
        self.slots.push(at);
        id
    }

    /// The service a process group belongs to, made if new, with its content replaced by `entity`.
    ///
    /// `current` is the group's service so far. If the group was the only one it ever had, the
    /// service itself takes the new name; else the group moves and leaves its past behind.
    pub(crate) fn place(&mut self, current: Option<EntityId>, entity: Entity) -> EntityId {
        let key = Key::of(&entity);
        let current = current.filter(|&id| self.record(id).is_some());
        if let Some(id) = current
            && self.services.get(&key) == self.slots.get(id.0 as usize)
        {
            return self.replace(id, entity);
        }
        let sole = current.filter(|&id| self.record(id).is_some_and(|r| r.groups <= 1));
        let found = self.services.get(&key).copied();
        let found = found.and_then(|at| Some(self.records.get(at as usize)?.id));
        let id = match (found, sole) {
            (Some(id), Some(old)) => {
                self.alias(old, id);
                id
            }
            (Some(id), None) => id,
            (None, Some(id)) => {
                self.rename(id, key);
                return self.replace(id, entity);
            }
            (None, None) => {
                let id = self.placeholder(Entity::default());
                if let Some(&at) = self.slots.get(id.0 as usize) {
                    self.services.insert(key, at);
                }
                id
            }
        };
        if let Some(record) = self.record_mut(id) {
            record.groups = record.groups.saturating_add(1);
        }
        self.replace(id, entity)
    }

    /// A service without a living process: someone of whom only the name is known.
    pub(crate) fn named(&mut self, entity: Entity) -> EntityId {
        match self.services.get(&Key::of(&entity)) {
            Some(&at) => self.records.get(at as usize).map_or(EntityId::OTHER, |record| record.id),
            None => self.place(None, entity),
        }
    }

    /// From now on `id` and all its aliases stand for what `service` stands for.
    pub(crate) fn alias(&mut self, id: EntityId, service: EntityId) {
        let at = |id: EntityId| self.slots.get(id.0 as usize).copied();
        let (Some(old), Some(new)) = (at(id), at(service)) else {
            return;
        };
        if old == new {
            return;
        }
        let Some(record) = self.records.get_mut(old as usize) else {
            return;
        };
        let mut ids = std::mem::take(&mut record.aliases);
        ids.push(record.id);
        record.groups = 0;
        let key = Key::of(&record.entity);
        if self.services.get(&key) == Some(&old) {
            self.services.remove(&key);
        }
        for id in &ids {
            if let Some(slot) = self.slots.get_mut(id.0 as usize) {
                *slot = new;
            }
        }
        let Some(record) = self.records.get_mut(new as usize) else {
            return;
        };
        record.aliases.append(&mut ids);
        if Key::of(&record.entity) != key {
            self.renamed += 1;
        }
        self.free.push(old);
    }

    fn rename(&mut self, id: EntityId, key: Key) {
        let Some(old) = self.record(id).map(|record| Key::of(&record.entity)) else {
            return;
        };
        if let Some(at) = self.services.remove(&old) {
            self.services.insert(key, at);
        }
    }

    /// Replaces the content; counts it if the name changed under someone who knew the id.
    fn replace(&mut self, id: EntityId, entity: Entity) -> EntityId {
        let Some(record) = self.record_mut(id) else {
            return EntityId::OTHER;
        };
        if *record.entity == entity {
            return id;
        }
        let is_new = record.entity.name.is_empty();
        let renamed = !is_new && Key::of(&record.entity) != Key::of(&entity);
        record.entity = Arc::new(entity);
        self.renamed += u64::from(renamed);
        id
    }

    fn live(&self) -> usize {
        self.records.len() - self.free.len()
    }

    fn record(&self, id: EntityId) -> Option<&Record> {
        self.records.get(*self.slots.get(id.0 as usize)? as usize)
    }

    fn record_mut(&mut self, id: EntityId) -> Option<&mut Record> {
        let at = *self.slots.get(id.0 as usize)?;
        self.records.get_mut(at as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::{EntityId, Records};
    use model::Entity;

    fn entity(name: &str, instance: &str) -> Entity {
        Entity { name: name.into(), instance: instance.into(), ..Entity::default() }
    }

    #[test]
    fn a_placeholder_becomes_the_service_it_was() {
        let mut records = Records::new();
        let guess = records.placeholder(entity("python3", ""));
        let service = records.place(None, entity("shop", "h"));
        records.alias(guess, service);
        assert_eq!(records.entity(guess).name, "shop");
        assert_eq!(records.renamed, 1);
    }

    #[test]
    fn the_only_group_takes_its_past_along_when_its_instance_becomes_known() {
        let mut records = Records::new();
        let id = records.place(None, entity("shop", "h"));
        assert_eq!(records.place(Some(id), entity("shop", "h:80")), id);
        assert_eq!(records.entity(id).instance, "h:80");
        // A later client of the same name is someone else.
        assert_ne!(records.place(None, entity("shop", "h")), id);
    }

    #[test]
    fn one_of_several_groups_leaves_its_past_behind() {
        let mut records = Records::new();
        let first = records.place(None, entity("curl", "h"));
        let second = records.place(None, entity("curl", "h"));
        assert_eq!(first, second);
        let moved = records.place(Some(first), entity("curl", "h:80"));
        assert_ne!(moved, first);
        assert_eq!(records.entity(first).instance, "h");
    }

    #[test]
    fn a_merged_service_keeps_all_its_ids() {
        let mut records = Records::new();
        let old = records.place(None, entity("shop", "h:80"));
        let guess = records.placeholder(entity("python3", ""));
        let new = records.place(None, entity("shop", "h"));
        records.alias(guess, new);
        assert_eq!(records.place(Some(new), entity("shop", "h:80")), old);
        for id in [old, guess, new] {
            assert_eq!(records.entity(id).instance, "h:80");
        }
        // The freed record serves the next newcomer and nobody else's id.
        let next = records.placeholder(entity("x", ""));
        assert_eq!(records.entity(next).name, "x");
        assert_eq!(records.entity(guess).name, "shop");
    }

    #[test]
    fn a_full_table_answers_other() {
        let mut records = Records::new();
        for _ in 0..super::RECORDS_MAX {
            records.placeholder(Entity::default());
        }
        assert_eq!(records.placeholder(entity("x", "")), EntityId::OTHER);
        assert_eq!(records.entity(EntityId::OTHER).name, "_other");
        assert_eq!(records.refused, 1);
    }
}
