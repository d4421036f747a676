//! One exchange as one line of JSON: `--json` of `run`, `replay` and `tail`.
//!
//! Written by hand: at full load a line is made for every exchange, and the shape is fixed. Times
//! are whole microseconds as packet timestamps in microseconds would give them; a number that is
//! not known is `null`, never 0.

mod line;
mod row;
mod text;

pub use line::{Line, Scope, write_exchange};
pub use row::exchange_row;

#[cfg(test)]
mod tests;
