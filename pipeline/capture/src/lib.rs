//! Taps: where the bytes come from. Each gives [`model::TapEvent`]s and counts what it could not.

#[cfg(target_os = "linux")]
pub mod linux;
pub mod replay;
