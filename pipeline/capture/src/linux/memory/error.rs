//! Why the memory of a process cannot be read, and what to do about it.

use std::io;

/// What a machine refuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum MemoryError {
    /// A right is missing.
    #[error("no permission to read the memory of process {pid}")]
    Permission {
        /// The process.
        pid: u32,
    },
    /// The kernel allows nobody to.
    #[error("kernel.yama.ptrace_scope is {scope}: nobody reads the memory of process {pid}")]
    Yama {
        /// The process.
        pid: u32,
        /// The value of the setting.
        scope: u8,
    },
    /// The process has ended.
    #[error("process {pid} has ended")]
    Vanished {
        /// The process.
        pid: u32,
    },
    /// All that could hold keys is memory that only the process itself can read (memfd_secret).
    #[error("process {pid} keeps secrets in memory that only itself can read")]
    Secret {
        /// The process.
        pid: u32,
    },
    /// Anything else.
    #[error("cannot read the memory of process {pid} (errno {errno})")]
    Failed {
        /// The process.
        pid: u32,
        /// What the kernel said.
        errno: i32,
    },
}

/// The scope in which attaching is off for everybody until the next boot.
const YAMA_NO_ATTACH: u8 = 3;

impl MemoryError {
    /// What a person can do about it; empty if nothing.
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::Permission { .. } => {
                "run as root, or grant CAP_SYS_PTRACE (SELinux: allow ptrace)"
            }
            Self::Yama { .. } => "boot with kernel.yama.ptrace_scope at most 2",
            Self::Vanished { .. } | Self::Secret { .. } | Self::Failed { .. } => "",
        }
    }

    /// Sorts what the kernel said by what can be done about it.
    pub(super) fn from_io(pid: u32, error: &io::Error) -> Self {
        let scope = std::fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope");
        Self::sorted(pid, error, scope.ok().and_then(|scope| scope.trim().parse().ok()))
    }

    fn sorted(pid: u32, error: &io::Error, yama: Option<u8>) -> Self {
        match error.raw_os_error() {
            Some(libc::EACCES | libc::EPERM) => match yama {
                Some(scope) if scope >= YAMA_NO_ATTACH => Self::Yama { pid, scope },
                _ => Self::Permission { pid },
            },
            Some(libc::ENOENT | libc::ESRCH) => Self::Vanished { pid },
            errno => Self::Failed { pid, errno: errno.unwrap_or(0) },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_sorted_by_what_can_be_done() {
        for (errno, yama, expected) in [
            (libc::EPERM, Some(1), MemoryError::Permission { pid: 7 }),
            (libc::EACCES, None, MemoryError::Permission { pid: 7 }),
            (libc::EPERM, Some(3), MemoryError::Yama { pid: 7, scope: 3 }),
            (libc::ENOENT, Some(3), MemoryError::Vanished { pid: 7 }),
            (libc::ESRCH, None, MemoryError::Vanished { pid: 7 }),
            (libc::EIO, None, MemoryError::Failed { pid: 7, errno: libc::EIO }),
        ] {
            let error = io::Error::from_raw_os_error(errno);
            assert_eq!(MemoryError::sorted(7, &error, yama), expected, "{errno}");
        }
    }
}
