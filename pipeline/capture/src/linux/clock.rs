//! The clock of the kernel's records against the one of people.

use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds to add to CLOCK_MONOTONIC to get the time since the epoch.
#[expect(unsafe_code, reason = "clock_gettime: std does not give the monotonic clock's own number")]
pub(super) fn epoch_offset_ns() -> u64 {
    let mut monotonic = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a timespec of ours.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut monotonic) };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let monotonic_ns = monotonic.tv_sec as u64 * 1_000_000_000 + monotonic.tv_nsec as u64;
    (now.as_nanos() as u64).wrapping_sub(monotonic_ns)
}
