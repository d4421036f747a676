//! Finds the keys of sealed records in memory: key schedules that check themselves, proven on a
//! record by turning GCM around. Takes memory and [`Sample`]s, gives [`Found`]s; reads nothing
//! itself, and keeps nothing that opened nothing.

mod found;
mod material;
mod sample;

pub use found::{Found, Opens};
pub use material::KeyBytes;
pub use sample::{Sample, SampleKind, SealedRecord};
