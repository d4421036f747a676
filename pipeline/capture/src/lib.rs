//! Taps: where the bytes come from. Each gives [`model::TapEvent`]s and counts what it could not.

pub mod replay;
