//! Puts the bytes of every connection in order.
//!
//! Takes [`model::TapEvent`]s in the order a tap gives them; gives each direction's stream to a
//! [`Consumer`] as [`model::Chunk`]s: the next bytes, the news that some are missing, or the end.
//! Every stream byte is handed on exactly once, as bytes or as missing.
//!
//! It reads no clock, does no I/O, and never looks into the bytes. Time comes with the events and
//! with [`Table::tick`]. Everything it keeps is bounded by [`Limits`] and what it had to refuse or
//! ignore is in [`Counters`].
#![forbid(unsafe_code)]

mod closing;
mod connection;
mod consumer;
mod counters;
mod entry;
mod held;
mod limits;
mod run;
mod slots;
mod stream;
mod sweep;
mod table;

pub use connection::{Connection, ConnectionHealth, OwnedOwner};
pub use consumer::Consumer;
pub use counters::Counters;
pub use limits::Limits;
pub use table::Table;
