//! Letting go of series that nobody feeds any more.

use model::{Directory, EntityId, Timestamp};

use super::Store;
use super::services::ServiceSlot;

/// How often the tables are walked.
const EVERY_NS: u64 = 30_000_000_000;

impl Store {
    /// Drops what had no update for [`super::StoreLimits::idle_s`] and has an end that is gone.
    ///
    /// A service is gone when none of its entities has a process. The byte account of a dropped
    /// service passes to `_other`, so that all accounts together still hold every byte seen.
    pub(super) fn expire(&mut self, directory: &dyn Directory) {
        self.next_expiry = Timestamp(self.latest.0.saturating_add(EVERY_NS));
        let idle_ns = self.limits.idle_s.saturating_mul(1_000_000_000);
        let latest = self.latest;
        let stale = |updated: Timestamp| latest.since_ns(updated) >= idle_ns;
        let alive = self.alive(directory);
        let lives = |slot: ServiceSlot| alive.get(slot.index()).copied().unwrap_or(false);

        let series = self.series.iter();
        let dropped: Vec<u32> = series
            .filter(|(_, key, series)| {
                stale(series.updated) && !(lives(key.client) && lives(key.row.server))
            })
            .map(|(slot, _, _)| slot)
            .collect();
        for slot in &dropped {
            self.drop_series(*slot);
        }
        self.expired += dropped.len() as u64;

        let edges = self.edges.iter();
        let dropped: Vec<u32> = edges
            .filter(|(_, key, edge)| {
                edge.series == 0 && stale(edge.updated) && !(lives(key.client) && lives(key.server))
            })
            .map(|(slot, _, _)| slot)
            .collect();
        for slot in dropped {
            if let Some((key, _)) = self.edges.remove(slot) {
                self.services.release(key.client);
                self.services.release(key.server);
            }
        }
        self.drop_services(idle_ns, &alive);
    }

    /// For each service slot: is a process of it alive? `_other` always is.
    fn alive(&self, directory: &dyn Directory) -> Vec<bool> {
        let mut alive = vec![false; self.services.slab.slots()];
        for (slot, key, service) in self.services.slab.iter() {
            let is_alive = |id: &EntityId| {
                let entity = directory.entity(*id);
                key.fits(&entity) && !entity.pids.is_empty()
            };
            alive[slot as usize] =
                ServiceSlot(slot) == ServiceSlot::OTHER || service.entities.iter().any(is_alive);
        }
        alive
    }

    fn drop_series(&mut self, slot: u32) {
        let Some((key, series)) = self.series.remove(slot) else {
            return;
        };
        self.edges.value_mut(series.edge).series -= 1;
        let row = self.rows.value_mut(series.row);
        row.series -= 1;
        if row.series == 0 {
            self.rows.remove(series.row);
            *self.services.rows_mut(key.row.server) -= 1;
        }
    }

    fn drop_services(&mut self, idle_ns: u64, alive: &[bool]) {
        let services = self.services.slab.iter();
        let dropped: Vec<u32> = services
            .filter(|(slot, _, service)| {
                !alive[*slot as usize]
                    && service.edges == 0
                    && self.latest.since_ns(service.updated) >= idle_ns
            })
            .map(|(slot, _, _)| slot)
            .collect();
        for slot in dropped {
            if let Some((_, service)) = self.services.slab.remove(slot) {
                let other = self.services.slab.value_mut(ServiceSlot::OTHER.0);
                other.served += service.served;
                other.asked += service.asked;
            }
        }
    }
}
