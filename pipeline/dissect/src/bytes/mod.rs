//! Reading bytes without ever reading past them.

pub mod cursor;
pub mod line;
