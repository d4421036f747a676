//! The HTTP surface over real loopback sockets.

mod client;
mod fake;
mod limits;
mod routes;
mod streams;
