//! What is served. One file per resource; [`router`] is the table of contents.

mod edges;
mod endpoints;
mod exchanges;
mod health;
mod index;
mod ledger;
mod livez;
mod metrics;
mod readyz;
pub(crate) mod router;
mod services;
mod snapshot;
