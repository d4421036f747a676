//! The table of functions: which of a TLS library's are given plaintext or give it, and by which a
//! process sends and receives.

use abi::hooks::kind;

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// Its name in the file.
    pub(super) name: &'static str,
    /// See [`kind`].
    pub(super) kind: u64,
    /// Nothing is done with it in a file that has this one: it calls it.
    pub(super) unless: &'static str,
}

const fn row(name: &'static str, kind: u64) -> Row {
    Row { name, kind, unless: "" }
}

const WRITES: u64 = kind::WRITE | kind::LENGTH_AT_POINTER;
const READS: u64 = kind::READ | kind::LENGTH_AT_POINTER;

/// Every function. All are called by the System V convention: object or descriptor in RDI, buffer
/// in RSI, and where a length is left, its pointer in RCX.
pub(super) static FUNCTIONS: &[Row] = &[
    // OpenSSL and what is compatible with it: LibreSSL, BoringSSL, AWS-LC.
    row("SSL_write", kind::WRITE),
    row("SSL_read", kind::READ),
    row("SSL_write_ex", WRITES),
    row("SSL_read_ex", READS),
    row("SSL_free", kind::FORGET),
    row("SSL_clear", kind::FORGET),
    // GnuTLS.
    Row { name: "gnutls_record_send", kind: kind::WRITE, unless: "gnutls_record_send2" },
    row("gnutls_record_send2", kind::WRITE),
    row("gnutls_record_recv", kind::READ),
    row("gnutls_deinit", kind::FORGET),
    // The C library.
    row("write", kind::SOCKET),
    row("send", kind::SOCKET),
    row("sendto", kind::SOCKET),
    row("sendmsg", kind::SOCKET),
    row("writev", kind::SOCKET),
    row("read", kind::SOCKET),
    row("recv", kind::SOCKET),
    row("recvfrom", kind::SOCKET),
    row("recvmsg", kind::SOCKET),
    row("readv", kind::SOCKET),
];

/// How files of C libraries are called; glibc before 2.34 has them in libpthread as well. Other
/// libraries export functions of these names that are something else.
const C_LIBRARIES: [&str; 3] = ["libc.", "ld-musl-", "libpthread."];

/// True if the file at the path is a C library.
pub(super) fn is_c_library(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    C_LIBRARIES.iter().any(|start| name.starts_with(start)) || name.starts_with("libc-2.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_is_there_once_and_every_reader_has_its_writer() {
        for (number, row) in FUNCTIONS.iter().enumerate() {
            assert!(FUNCTIONS.iter().skip(number + 1).all(|other| other.name != row.name));
            assert!(
                row.unless.is_empty() || FUNCTIONS.iter().any(|other| other.name == row.unless)
            );
        }
        let of = |wanted| FUNCTIONS.iter().filter(|row| row.kind == wanted).count();
        assert_eq!(of(READS), of(WRITES));
    }

    #[test]
    fn c_libraries_are_known_by_their_names() {
        for (path, is) in [
            ("/usr/lib/x86_64-linux-gnu/libc.so.6", true),
            ("/lib/ld-musl-x86_64.so.1", true),
            ("/lib/libc-2.31.so", true),
            ("/usr/lib/libcrypto.so.3", false),
            ("/usr/lib/libcap.so.2", false),
        ] {
            assert_eq!(is_c_library(path), is, "{path}");
        }
    }
}
