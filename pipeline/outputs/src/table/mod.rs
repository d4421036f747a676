//! What people read: the tables that `replay` and `top --once` print (rate, errors and duration per
//! service and endpoint, and where every byte went), the list of services, live exchanges as lines.

mod columns;
mod exchanges;
mod grid;
mod report;
mod services;
mod tls;
mod units;

pub use columns::{Align, Columns};
pub use exchanges::{Screen, exchange_line, exchange_titles};
pub use report::{ledger_table, red_table, report};
pub use services::services_table;
pub use tls::{tls_table, tls_terms_table};

#[cfg(test)]
mod tests;
