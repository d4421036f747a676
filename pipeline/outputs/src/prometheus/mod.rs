//! Everything counted since the start, as Prometheus metrics.
//!
//! `series` says what a family of series is; `calls`, `edges` and `agent` make the families from
//! [`model::Totals`]; an `Encoder` writes them. `text_format` is the text format 0.0.4 and
//! OpenMetrics 1.0, `protobuf_format` is protobuf with native histograms.
//!
//! Where both ends of an exchange run here it is counted in a server series and in a client series;
//! where one does, only in that end's. Families without a role count each exchange once.

mod agent;
mod calls;
mod edges;
mod exposition;
mod protobuf_format;
mod series;
mod text_format;

pub use exposition::{metrics, text};

#[cfg(test)]
mod checker;
#[cfg(test)]
mod tests;
