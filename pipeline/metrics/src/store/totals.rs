//! The store as exporters see it.

use model::rollup::KindCounts;
use model::{CallTotal, EdgeTotal, Entity, Ledger, Totals};

use super::Store;

impl Totals for Store {
    fn calls<'a>(&'a self) -> Box<dyn Iterator<Item = CallTotal<'a>> + 'a> {
        Box::new(self.series.iter().map(|(_, key, series)| CallTotal {
            client: self.services.entity(key.client),
            server: self.services.entity(key.row.server),
            protocol: key.row.protocol.0,
            version: key.version.as_str(),
            operation: self.names.operation(key.row.endpoint),
            target: self.names.target(key.row.endpoint),
            status: key.status.as_str(),
            error_type: key.error_type.as_str(),
            failed: key.failed,
            cell: &series.cell,
        }))
    }

    fn edges<'a>(&'a self) -> Box<dyn Iterator<Item = EdgeTotal<'a>> + 'a> {
        Box::new(self.edges.iter().map(|(_, key, edge)| EdgeTotal {
            client: self.services.entity(key.client),
            server: self.services.entity(key.server),
            health: &edge.health,
        }))
    }

    fn ledgers<'a>(&'a self) -> Box<dyn Iterator<Item = (&'a Entity, &'a Ledger)> + 'a> {
        let services = self.services.slab.iter();
        Box::new(services.map(|(_, _, service)| (&*service.entity, &service.served)))
    }

    fn kinds(&self) -> KindCounts {
        self.kinds
    }

    fn overflow(&self) -> u64 {
        Self::overflow(self)
    }
}
