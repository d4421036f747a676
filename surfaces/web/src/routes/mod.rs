//! What is served. One file per resource; [`router`] is the table of contents.

pub(crate) mod edges;
pub(crate) mod endpoints;
pub(crate) mod exchanges;
mod health;
mod index;
pub(crate) mod ledger;
mod livez;
mod metrics;
mod openapi;
mod readyz;
pub(crate) mod router;
pub(crate) mod services;
mod snapshot;
mod tls;
