//! The HTTP surface: health, metrics and `/api/v1`, answered from a [`model::view::Query`].
//!
//! One thread of its own runs everything, so that no client, however slow, touches the data path.
//! Read [`server`] for the life of a connection and [`routes`] for what is served. Deliberately
//! absent: writes of any kind, logins, TLS and CORS. Reads from foreign pages are refused by the
//! `Host` check in [`host`].
#![forbid(unsafe_code)]

mod accept;
mod ask;
mod events;
mod host;
mod limits;
mod listing;
#[cfg(test)]
mod openapi;
mod parameters;
mod problem;
mod routes;
mod server;
mod stall;
mod window;

pub use server::{Server, WebError, serve};
