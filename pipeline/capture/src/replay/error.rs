//! Why a file cannot be replayed at all. Damage inside a capture is not one of these: it is a
//! [`super::Warning`].

use std::io;

/// The file cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Nothing of that name.
    #[error("{file}: no such file")]
    NotFound {
        /// The name asked for.
        file: String,
    },
    /// A directory was named.
    #[error("{file}: is a directory, not a capture file")]
    Directory {
        /// The name asked for.
        file: String,
    },
    /// The system refused to open the file.
    #[error("{file}: cannot be opened: {source}")]
    Open {
        /// The name asked for.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// Not one byte in it.
    #[error("{file}: the file is empty")]
    Empty {
        /// The name asked for.
        file: String,
    },
    /// A file, but not a capture.
    #[error("{file}: is {found}, not a capture; accepted are pcap and pcapng, plain or gzip")]
    OtherKind {
        /// The name asked for.
        file: String,
        /// What it looks like.
        found: &'static str,
    },
    /// The system failed to read on. A file that merely ends too soon is no error.
    #[error("{file}: cannot be read past byte {offset}: {source}")]
    Read {
        /// The name asked for.
        file: String,
        /// How far it could be read.
        offset: u64,
        /// What the system said.
        source: io::Error,
    },
}
