//! Finds the keys of sealed records in memory: key schedules that check themselves, proven on a
//! record by turning GCM around. Takes memory and [`Sample`]s, gives [`Found`]s; reads nothing
//! itself, and keeps nothing that opened nothing.

mod cbc;
mod ccm;
mod chacha;
mod contexts;
mod found;
mod gcm;
mod limits;
mod passes;
mod prefilter;
mod quic;
mod resident;
mod sample;
mod schedule;
mod secrets;
mod target;
mod tls;
mod window;

pub use found::{Found, Opens};
pub use limits::{SearchCounters, SearchLimits};
pub use passes::{Outcome, Search, StillSealed, Wanted};
pub use sample::{Sample, SampleKind, SealedRecord};

#[cfg(test)]
mod tests;

/// A key as it lies in memory.
#[cfg(test)]
pub(crate) fn schedule_for_tests(key: &[u8]) -> Vec<u8> {
    schedule::expand(key).iter().flat_map(|word| word.to_be_bytes()).collect()
}
