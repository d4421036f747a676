//! The replay tap on files built byte by byte, damaged files, random bytes and real captures.

mod captures;
mod damage;
mod formats;
mod fuzz;
mod layers;
mod seen;
mod speed;
