//! Keeps what this process knows out of files that others could read.

/// No core file is ever written of this process, and nobody without privileges may trace it or read
/// its memory (`PR_SET_DUMPABLE`, prctl(2)). False if the kernel refused.
#[expect(unsafe_code, reason = "prctl and setrlimit")]
pub fn forbid_dumps() -> bool {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a limit of ours.
    let is_limited = unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) } == 0;
    // SAFETY: the call takes numbers only.
    let is_hidden = unsafe { libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0) } == 0;
    is_limited && is_hidden
}
