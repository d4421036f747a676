//! One request and its answer.

use crate::names::EndpointId;
use crate::short_text::ShortText;
use crate::time::Timestamp;

/// What a protocol is, for every later stage: they read these fields and never match on a protocol.
#[derive(Debug, PartialEq, Eq)]
pub struct ProtocolInfo {
    /// The id in the contract: `http1`, `redis`, `postgresql`, …
    pub name: &'static str,
    /// Which metric family its exchanges belong to.
    pub family: Family,
    /// The OpenTelemetry system name (`db.system.name`, `messaging.system`, `rpc.system.name`);
    /// empty for HTTP and DNS.
    pub system: &'static str,
    /// Where the protocol is specified.
    pub specification: &'static str,
    /// Ports it is usually found on: they order the classifier's questions and never answer them.
    pub ports: &'static [u16],
}

impl ProtocolInfo {
    /// True if both are the same protocol; nearly always one comparison of addresses.
    pub fn is(&self, other: &Self) -> bool {
        std::ptr::eq(self, other) || self.name == other.name
    }
}

/// Metric family, after the OpenTelemetry semantic conventions 1.44.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// `http.{server,client}.request.duration`.
    Http,
    /// `rpc.{server,client}.call.duration`.
    Rpc,
    /// `db.client.operation.duration`.
    Database,
    /// `messaging.client.operation.duration`.
    Messaging,
    /// `dns.lookup.duration`.
    Dns,
    /// `redsight_request_duration_seconds`.
    Other,
}

/// What sort of exchange it is. RED counts `Request` and `Oneway`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Has an answer by protocol.
    Request,
    /// Set-up and upkeep: login, handshake, ping, teardown.
    Session,
    /// Has no answer by protocol: fire and forget.
    Oneway,
    /// Comes from the server unasked.
    Push,
}

impl Kind {
    /// All, in index order.
    pub const ALL: [Self; 4] = [Self::Request, Self::Session, Self::Oneway, Self::Push];

    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Session => "session",
            Self::Oneway => "oneway",
            Self::Push => "push",
        }
    }

    /// True for the kinds that rate, errors and duration count.
    pub const fn counts(self) -> bool {
        matches!(self, Self::Request | Self::Oneway)
    }
}

/// Why an exchange is not whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Incomplete {
    /// The connection was reset before the answer was whole.
    Reset,
    /// No answer within the limit.
    Timeout,
    /// The connection was closed, or the capture ended, before the answer was whole.
    Closed,
    /// Bytes that were needed are missing.
    Gap,
    /// The start of the exchange lies before the start of the observation.
    MidStream,
}

impl Incomplete {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::Closed => "closed",
            Self::Gap => "gap",
            Self::MidStream => "mid-stream",
        }
    }

    /// The value of `error.type` if this is the service's failure; `None` if it is only our lack of
    /// sight.
    pub const fn error_type(self) -> Option<&'static str> {
        match self {
            Self::Reset => Some("connection_reset"),
            Self::Timeout => Some("timeout"),
            Self::Closed => Some("connection_closed"),
            Self::Gap | Self::MidStream => None,
        }
    }
}

/// How an exchange ended, in the words of its protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct Status {
    /// Status code or error name (`200`, `23505`, `WRONGTYPE`, `OK`); empty if not known.
    pub code: ShortText,
    /// The service failed. HTTP: 5xx only.
    pub error: bool,
    /// The request was at fault. HTTP: 4xx.
    pub client_error: bool,
}

/// The wire's own words, kept only on request (`--raw`): the one place literals may pass.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Wire {
    /// As on the wire, before any naming.
    pub operation: String,
    /// As on the wire; `None` if the operation has no target.
    pub target: Option<String>,
    /// As on the wire; `None` if there was no answer.
    pub status: Option<String>,
}

/// One request and its answer.
///
/// Plain data of fixed size unless `wire` is asked for; names are interned in [`crate::Names`].
#[derive(Clone, Debug)]
pub struct Exchange {
    /// Of which protocol.
    pub protocol: &'static ProtocolInfo,
    /// Protocol version as said on the wire, such as `1.1`; may be empty.
    pub version: ShortText,
    /// See [`Kind`].
    pub kind: Kind,
    /// Operation and target, interned.
    pub endpoint: EndpointId,
    /// Outcome.
    pub status: Status,
    /// First byte of the request. For a push, first byte of the push.
    pub start: Timestamp,
    /// From the first byte of the request to the last byte of the answer; `None` if not known.
    pub duration_ns: Option<u64>,
    /// From the first byte of the request to the first byte of the answer; `None` if not known.
    pub ttfb_ns: Option<u64>,
    /// Bytes of the request on the wire, heads included.
    pub request_bytes: u64,
    /// Bytes of the answer on the wire, heads included.
    pub response_bytes: u64,
    /// Set if the exchange is not whole.
    pub incomplete: Option<Incomplete>,
    /// Present only with `--raw`.
    pub wire: Option<Box<Wire>>,
}

impl Exchange {
    /// The `error_type` label: absent on success. An incomplete exchange's reason wins over its
    /// status.
    pub fn error_type(&self) -> Option<ShortText> {
        if let Some(reason) = self.incomplete.and_then(Incomplete::error_type) {
            return Some(ShortText::new(reason));
        }
        let failed = self.status.error || self.status.client_error;
        failed.then_some(self.status.code)
    }

    /// True if RED counts it as failed: the service's error, or no whole answer by its or the
    /// network's fault.
    pub fn failed(&self) -> bool {
        self.status.error || self.incomplete.and_then(Incomplete::error_type).is_some()
    }
}
