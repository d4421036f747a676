//! Taps of a live Linux host. All of them attach to cgroups v2, so that nothing outside of the
//! scope asked for is touched.

mod cgroup;
mod clock;
mod error;
mod kernel_tls;
pub mod keylog;
mod machine;
mod mapping;
mod maps;
pub mod memory;
mod secrecy;
pub mod wire;

pub use cgroup::{cgroup_directories, cgroup_root, process_is_within};
pub use error::TapError;
pub use kernel_tls::kernel_tls;
pub use machine::machine;
pub use secrecy::forbid_dumps;
