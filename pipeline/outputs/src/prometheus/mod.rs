//! Everything counted since the start, as Prometheus metrics.
//!
//! `series` says what a family of series is; `calls`, `edges` and `agent` make the families from
//! [`model::Totals`]; an `Encoder` writes them. `text_format` is the text format 0.0.4; a further
//! format is one more encoder over the same walk.
//!
//! Where both ends of an exchange run here it is counted in a server series and in a client series;
//! where one does, only in that end's. Families without a role count each exchange once.

mod agent;
mod calls;
mod edges;
mod exposition;
mod series;
mod text_format;

pub use exposition::{TEXT_CONTENT_TYPE, text};

#[cfg(test)]
mod checker;
#[cfg(test)]
mod tests;
