//! How rows answer a filter's questions.

use super::key::Key;
use crate::entity::Entity;
use crate::view::{EdgeRow, EndpointRow, ExchangeRow, Red, ServiceRow};

/// What a row has under a key.
#[derive(Clone, Copy, Debug)]
pub enum Field<'a> {
    /// A text; empty if not known.
    Text(&'a str),
    /// Several texts.
    Texts(&'a [String]),
    /// A number in the base unit: microseconds, bytes, a count, a share.
    Number(f64),
    /// True or false.
    Flag(bool),
    /// The row has it and does not know its value.
    Unknown,
    /// Such rows do not have it.
    Absent,
}

impl Field<'_> {
    /// True if it is text and one of its texts is as asked.
    pub(super) fn any_text(&self, is_it: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Text(text) => is_it(text),
            Self::Texts(texts) => texts.iter().any(|text| is_it(text)),
            Self::Number(_) | Self::Flag(_) | Self::Unknown | Self::Absent => false,
        }
    }

    fn number(value: Option<f64>) -> Self {
        value.map_or(Self::Unknown, Self::Number)
    }
}

/// A row that a filter can look at.
pub trait Fields {
    /// What it has under the key.
    fn field(&self, key: Key) -> Field<'_>;
}

/// An endpoint with the service it belongs to.
#[derive(Clone, Copy, Debug)]
pub struct EndpointOf<'a> {
    /// The service.
    pub service: &'a Entity,
    /// Its endpoint.
    pub row: &'a EndpointRow,
}

impl Fields for ExchangeRow {
    fn field(&self, key: Key) -> Field<'_> {
        let whole = |value: Option<u64>| Field::number(value.map(|value| value as f64));
        match key {
            Key::Service => Field::Text(&self.service),
            Key::Peer => Field::Text(&self.peer),
            Key::Protocol => Field::Text(&self.protocol),
            Key::Version => Field::Text(&self.version),
            Key::Operation => Field::Text(&self.operation),
            Key::Target => Field::Text(&self.target),
            Key::Status => Field::Text(&self.status),
            Key::Error => Field::Flag(self.error || self.is_broken_off()),
            Key::ClientError => Field::Flag(self.client_error),
            Key::Incomplete => Field::Text(self.incomplete.as_deref().unwrap_or_default()),
            Key::Kind => Field::Text(&self.kind),
            Key::Side => Field::Text(&self.side),
            Key::Client => Field::Text(&self.client),
            Key::Server => Field::Text(&self.server),
            Key::Latency => whole(self.duration_us),
            Key::Ttfb => whole(self.ttfb_us),
            Key::RequestBytes => Field::Number(self.request_bytes as f64),
            Key::ResponseBytes => Field::Number(self.response_bytes as f64),
            _ => Field::Absent,
        }
    }
}

impl Fields for ServiceRow {
    fn field(&self, key: Key) -> Field<'_> {
        let entity = &self.entity;
        match key {
            Key::Service => Field::Text(&entity.name),
            Key::Namespace => Field::Text(&entity.namespace),
            Key::Instance => Field::Text(&entity.instance),
            Key::Protocol => Field::Texts(&self.protocols),
            Key::Coverage => Field::Number(self.coverage),
            Key::Connections => Field::Number(self.connections as f64),
            Key::Bytes => Field::Number(self.ledger.seen as f64),
            Key::Reason => Field::Text(&entity.reason),
            Key::Executable => Field::Text(&entity.executable),
            Key::Container => Field::Text(&entity.container),
            Key::Unit => Field::Text(&entity.unit),
            Key::Language => Field::Text(&entity.language),
            Key::Runtime => Field::Text(&entity.runtime),
            Key::Image => Field::Text(&entity.image),
            Key::Pod => Field::Text(&entity.pod),
            Key::Listens => Field::Texts(&entity.listens),
            // What it served; of a mere client, what it asked.
            _ if self.served.count > 0 => self.served.field(key),
            _ => self.asked.field(key),
        }
    }
}

impl Fields for EdgeRow {
    fn field(&self, key: Key) -> Field<'_> {
        match key {
            Key::Service | Key::Server => Field::Text(&self.server),
            Key::Peer | Key::Client => Field::Text(&self.client),
            Key::Protocol => Field::Texts(&self.protocols),
            Key::Connections => Field::Number(self.opened as f64),
            Key::Bytes => Field::Number(self.bytes as f64),
            Key::Rtt => Field::number(self.rtt_us),
            Key::Connect => Field::number(self.connect_us),
            Key::Retransmits => Field::Number(self.retransmits as f64),
            Key::Resets => Field::Number(self.resets as f64),
            _ => self.red.field(key),
        }
    }
}

impl Fields for EndpointRow {
    fn field(&self, key: Key) -> Field<'_> {
        match key {
            Key::Protocol => Field::Text(&self.protocol),
            Key::Operation => Field::Text(&self.operation),
            Key::Target => Field::Text(&self.target),
            _ => self.red.field(key),
        }
    }
}

impl Fields for EndpointOf<'_> {
    fn field(&self, key: Key) -> Field<'_> {
        match key {
            Key::Service => Field::Text(&self.service.name),
            Key::Namespace => Field::Text(&self.service.namespace),
            Key::Instance => Field::Text(&self.service.instance),
            _ => self.row.field(key),
        }
    }
}

impl Fields for Red {
    fn field(&self, key: Key) -> Field<'_> {
        match key {
            Key::Error => Field::Flag(self.errors > 0),
            Key::Latency | Key::P99 => Field::number(self.p99_us),
            Key::Count => Field::Number(self.count as f64),
            Key::Errors => Field::Number(self.errors as f64),
            Key::Rate => Field::Number(self.rate),
            Key::ErrorRatio => Field::Number(self.error_ratio),
            Key::P50 => Field::number(self.p50_us),
            Key::P95 => Field::number(self.p95_us),
            _ => Field::Absent,
        }
    }
}
