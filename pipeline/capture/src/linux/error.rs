//! What a machine may refuse, and what to do about it.

use std::path::PathBuf;

use super::machine;

/// How the system words EACCES; a missing right is EPERM.
const VERIFIER_REFUSES: &str = "(os error 13)";

/// Why a tap cannot run.
#[derive(Debug, thiserror::Error)]
pub enum TapError {
    /// The process lacks a right.
    #[error(
        "no permission to {what}: run as root, or grant CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON \
         (`redsight doctor` says how)"
    )]
    Permission {
        /// What was tried.
        what: String,
    },
    /// The kernel cannot do it.
    #[error(
        "this kernel cannot {what}: {why}; Linux 5.10 or later with CONFIG_CGROUP_BPF is needed"
    )]
    Unsupported {
        /// What was tried.
        what: String,
        /// What the kernel said.
        why: String,
    },
    /// There is no cgroup v2 file system.
    #[error("no cgroup v2 is mounted: mount one with `mount -t cgroup2 none /sys/fs/cgroup`")]
    NoCgroup,
    /// A path is not a cgroup v2 directory.
    #[error("{path} is not a cgroup v2 directory ({why}): give a directory below {root}")]
    NotACgroup {
        /// The path as given.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
        /// Where cgroup v2 is mounted.
        root: PathBuf,
    },
    /// Anything else.
    #[error("cannot {what}: {why}")]
    Failed {
        /// What was tried.
        what: String,
        /// What went wrong.
        why: String,
    },
}

impl TapError {
    /// Sorts an error of libbpf or the kernel by what a person can do about it.
    pub(crate) fn from_bpf(what: &str, error: &libbpf_rs::Error) -> Self {
        let what = what.to_owned();
        // The verifier answers with the same words as a missing right.
        let is_verifier =
            || format!("{error:#}").contains(VERIFIER_REFUSES) && machine::may_trace();
        match error.kind() {
            libbpf_rs::ErrorKind::PermissionDenied if is_verifier() => Self::Failed {
                what,
                why: "the verifier of this kernel refuses the program".to_owned(),
            },
            libbpf_rs::ErrorKind::PermissionDenied => Self::Permission { what },
            libbpf_rs::ErrorKind::InvalidInput
            | libbpf_rs::ErrorKind::Unsupported
            | libbpf_rs::ErrorKind::NotFound => Self::Unsupported { what, why: error.to_string() },
            _ => Self::Failed { what, why: error.to_string() },
        }
    }

    /// Exit code: 69 the platform lacks it, 77 no permission, 1 anything else.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Unsupported { .. } | Self::NoCgroup => 69,
            Self::Permission { .. } => 77,
            Self::NotACgroup { .. } | Self::Failed { .. } => 1,
        }
    }
}
