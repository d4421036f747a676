//! The key scan: looks for the keys of sealed connections in the memory of the processes that own
//! them. Capture reads memory, decrypt knows keys, and neither knows of the other.
//!
//! ```text
//! worker ─Report: samples─▶ plan ─due─▶ ProcessMemory ─pieces─▶ Search ─Verdict─▶ worker
//! ```
//! A thread of its own, at the lowest priority and a bounded rate. Of a process nothing is kept but
//! keys that have opened one of its records, and these go to the connection. Nothing but counts is
//! told of a scan.

mod desk;
#[cfg(target_os = "linux")]
mod plan;
#[cfg(target_os = "linux")]
mod scanner;

pub(crate) use desk::{KeyScan, Report, Verdict, key_scan};
#[cfg(target_os = "linux")]
pub(crate) use scanner::Scanner;
