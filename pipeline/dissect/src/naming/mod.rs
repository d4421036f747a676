//! Names of low cardinality from what stands on the wire: no literal, id or secret goes further.

pub mod http;
pub mod key;
pub mod route;
pub mod sql;
pub(crate) mod statement;
