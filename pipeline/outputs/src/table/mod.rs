//! The tables that `replay` and `top --once` print: rate, errors and duration per service and
//! endpoint, and where every byte went. Plain text without colour, clean in 80 columns.

mod grid;
mod report;
mod units;

pub use report::{ledger_table, red_table, report};

#[cfg(test)]
mod tests;
