//! Hands results on: as Prometheus text, as one JSON line an exchange, as a table for people.
//!
//! Takes exchanges, [`model::Totals`] and [`model::view::Snapshot`]; gives bytes and text. Opens no
//! file and no socket: the caller does.
#![forbid(unsafe_code)]

pub mod jsonl;
pub mod prometheus;
pub mod table;
