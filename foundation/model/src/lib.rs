//! The nouns every stage shares: plain data, no I/O, no clock, no threads.
//!
//! One file per noun, in the order the pipeline uses them. Stages share these types and never
//! each other's code; a type belongs here only if two stages or surfaces name it.
#![forbid(unsafe_code)]

pub mod address;
pub mod chunk;
pub mod connection;
pub mod entity;
pub mod exchange;
pub mod filter;
pub mod framing;
pub mod health;
pub mod histogram;
pub mod ledger;
pub mod names;
mod plaintext;
pub mod rollup;
pub mod sealed;
pub mod secret;
pub mod short_text;
pub mod stream;
pub mod tap;
pub mod time;
pub mod totals;
pub mod view;

pub use address::Endpoints;
pub use chunk::{Chunk, Content, MissingReason};
pub use connection::{CloseReason, ConnectionId, Direction, Side};
pub use entity::{Directory, Entity, EntityId, Owner};
pub use exchange::{Exchange, Family, Incomplete, Kind, ProtocolInfo, Status, Wire};
pub use filter::Filter;
pub use framing::Framing;
pub use health::{TapHealth, TapState};
pub use histogram::Histogram;
pub use ledger::{Ledger, Outcome};
pub use names::{EndpointId, Names};
pub use plaintext::Plaintext;
pub use rollup::{Cell, CellKey, EdgeHealth, KindCounts, Rollup};
pub use sealed::{Sealed, SealedBytes};
pub use secret::{Secret, SecretLabel};
pub use short_text::ShortText;
pub use stream::{StreamChunk, StreamContent, StreamId};
pub use tap::{Closed, Datagram, LossCounters, Opened, Passed, Segment};
pub use tap::{TapEvent, TcpFlags, TcpHealth};
pub use time::Timestamp;
pub use totals::{CallTotal, EdgeTotal, Totals};
