//! Reading the memory of another process, as far as it is present: it is not stopped, nothing is
//! paged in for it, nothing is written.
//!
//! Gives pieces of it, one after the other in one buffer that is wiped, to whoever looks for keys.
//! What is in them is not this module's business, and nothing of it is kept.

mod error;
mod pages;
mod pieces;
mod process;
mod regions;

pub use error::MemoryError;
pub use pieces::MemoryBuffer;
pub use process::{MemoryRead, ProcessMemory, yield_to_others};
