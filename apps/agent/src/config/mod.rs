//! Configuration: one table of settings, and the four places their values come from.
//!
//! ```text
//! flags ─▶ environment ─▶ file ─▶ defaults      the first that says something wins
//!          └──────────── Effective ───────────┘  each value with its origin ─▶ Settings
//! ```
//! `table.rs` is the source of defaults, names of flags and variables, help texts, the JSON
//! Schema and `docs/configuration.md`.

mod document;
mod effective;
mod environment;
mod flags;
mod kind;
#[cfg(test)]
mod page;
mod problem;
mod schema;
mod settings;
mod substitute;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use effective::{Effective, Found, check};
pub(crate) use environment::{Environment, strangers};
pub(crate) use flags::RunArgs;
pub(crate) use problem::Problems;
pub(crate) use schema::schema;
pub(crate) use settings::Settings;
#[cfg(test)]
pub(crate) use tests::committed;
