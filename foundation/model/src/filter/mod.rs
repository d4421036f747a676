//! What people type to see less: `service=cart status>=500 latency>100ms`.
//!
//! [`Filter::parse`] reads the text or says what is wrong and where; [`Filter::keeps`] asks a row
//! through [`Fields`]. [`key::KEYS`] is the list of what can be asked. One grammar for `tail`,
//! `top` and `/api/v1`, described for people in `docs/filters.md`.

mod error;
mod fields;
mod grammar;
pub mod key;
mod nearest;
mod order;
mod pattern;
mod predicate;
mod term;
mod value;

pub use error::FilterError;
pub use fields::{EndpointOf, Field, Fields};
pub use key::{Key, Rows};
pub use nearest::nearest;
pub use order::Order;
pub use predicate::Filter;

#[cfg(test)]
mod tests;
