//! What HTTP/2 and HTTP/3 have in common: field names, coded strings, heads, and the requests that
//! are open at once on one connection.
//!
//! How fields are compressed and how frames are cut differs, and stands in their folders.

mod answers;
mod head;
pub(crate) mod huffman;
mod name;
mod requests;
mod text;

pub(crate) use answers::Part;
pub(crate) use head::Head;
pub(crate) use name::{Field, Name};
pub(crate) use requests::{Requests, Version};
pub(crate) use text::{Broken, NAME_BYTES_MAX, integer, string};
