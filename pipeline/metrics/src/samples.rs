//! Exchanges, rollups and a directory made up for tests.

use std::sync::Arc;

use model::{
    Directory, EndpointId, Entity, EntityId, Exchange, Family, Kind, ProtocolInfo, ShortText,
    Status, Timestamp,
};

pub(crate) static HTTP: ProtocolInfo = ProtocolInfo {
    name: "http1",
    family: Family::Http,
    system: "",
    specification: "RFC 9112",
    ports: &[80],
};

pub(crate) const SECOND: u64 = 1_000_000_000;

/// A request for `endpoint`, answered in `duration_ns` with `status`; 5xx fails.
pub(crate) fn exchange(endpoint: EndpointId, status: &str, duration_ns: u64) -> Exchange {
    Exchange {
        protocol: &HTTP,
        version: ShortText::new("1.1"),
        kind: Kind::Request,
        endpoint,
        status: Status {
            code: ShortText::new(status),
            error: status.starts_with('5'),
            client_error: status.starts_with('4'),
        },
        start: Timestamp(100 * SECOND),
        duration_ns: Some(duration_ns),
        ttfb_ns: Some(duration_ns / 2),
        request_bytes: 10,
        response_bytes: 100,
        incomplete: None,
        wire: None,
    }
}

/// Entity n is called `service-n`; even ones run here, odd ones are peers. `gone` have no process.
#[derive(Default)]
pub(crate) struct Town {
    pub(crate) gone: Vec<u32>,
}

impl Directory for Town {
    fn entity(&self, id: EntityId) -> Arc<Entity> {
        let local = id.0.is_multiple_of(2);
        let alive = local && !self.gone.contains(&id.0);
        Arc::new(Entity {
            name: format!("service-{}", id.0),
            pids: if alive { vec![id.0 + 1] } else { Vec::new() },
            local,
            ..Entity::default()
        })
    }
}
