//! What is on the screen, one file a thing. Panels read the [`crate::App`] and change nothing.

mod detail;
mod edges;
mod empty;
mod endpoints;
mod exchange;
mod exchanges;
mod footer;
mod header;
mod help;
mod pieces;
pub(crate) mod screen;
mod services;
mod table;
