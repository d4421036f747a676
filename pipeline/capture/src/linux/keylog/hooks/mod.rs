//! The plaintext probes: what TLS libraries are given to seal, and what they have opened.
//!
//! The last way into TLS, for single processes and only if asked: it costs two traps a call, and
//! another one for each time such a process sends or receives. It takes processes, and gives
//! [`model::Plaintext`]s with the connections they belong to.

mod functions;
mod place;
mod probe;
mod told;
mod watch;

pub use place::{Spot, spots};
pub use told::{HookCounters, Told};
pub use watch::{Hooked, Hooks, trap_cost};

#[cfg(test)]
mod tests;
