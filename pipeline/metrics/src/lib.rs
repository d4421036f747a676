//! Adds up rate, errors and duration.
//!
//! Takes exchanges with named ends, gives rollups, then views. [`Red`] is a worker's own table: the
//! hot path ends there, in a cell. Once a second it hands the window's [`model::Rollup`] to the one
//! [`Store`], which folds processes into services and answers surfaces and exporters.
#![forbid(unsafe_code)]

mod red;
#[cfg(test)]
mod samples;
mod store;
mod sums;

pub use red::{CellHint, Red, RedLimits};
pub use store::{Store, StoreLimits};
