//! The table of TLS engines: how each hands a secret to its key log, and how it is recognised.
//!
//! All contain the words of the key log format (RFC 9850), and load the address of one right before
//! the call that would log a secret. That call is made whether or not anyone asked for a key log:
//! the check is inside. Where the words are loaded to, and what else is passed, is the convention.

use super::anchor::{Engine, Gap, Register};

/// How the words stand in the file, and the call they are passed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// To one function, from every place: the probe is in the function.
    Function,
    /// Through a pointer: the probes are at the calls.
    Pointer,
}

/// Which register holds what when the call is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Convention {
    pub(super) call: Call,
    /// The pointer to the word.
    pub(super) label: Register,
    /// The pointer to the secret.
    pub(super) secret: Register,
    /// The secret's length; on the stack if `None`.
    pub(super) length: Option<Register>,
    /// The connection's object, in which the client's random is.
    pub(super) object: Option<Register>,
    /// The pointer to the client's random, if it is passed.
    pub(super) random: Option<Register>,
}

/// `log(connection, label, secret, length)`, by the System V convention: OpenSSL's and BoringSSL's
/// `ssl_log_secret`, GnuTLS's `_gnutls_nss_keylog_write`, NSS's `ssl3_RecordKeyLog`.
pub(super) const C: Convention = Convention {
    call: Call::Function,
    label: Register::Rsi,
    secret: Register::Rdx,
    length: Some(Register::Rcx),
    object: Some(Register::Rdi),
    random: None,
};

/// Go's `(*Config).writeKeyLog(label string, clientRandom, secret []byte)`, by Go's own convention:
/// RAX, RBX, RCX, RDI, RSI, R8, R9, R10, R11.
pub(super) const GO: Convention = Convention {
    call: Call::Function,
    label: Register::Rbx,
    secret: Register::R9,
    length: Some(Register::R10),
    object: None,
    random: Some(Register::Rdi),
};

/// rustls's `KeyLog::log(&self, label: &str, client_random: &[u8], secret: &[u8])`, through the
/// table of methods: the last length is the seventh argument and lies on the stack.
pub(super) const RUST: Convention = Convention {
    call: Call::Pointer,
    label: Register::Rsi,
    secret: Register::R9,
    length: None,
    object: None,
    random: Some(Register::Rcx),
};

pub(super) const CONVENTIONS: [Convention; 3] = [C, GO, RUST];

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) convention: Convention,
    /// Text that only its code brings into a file.
    pub(super) mark: &'static [u8],
    /// Text right before its version.
    pub(super) version_after: &'static [u8],
    /// An exported function that gives the client's random of the object passed to it.
    pub(super) random_of: &'static [u8],
    /// What no probe of this engine can reach.
    pub(super) gap: Option<Gap>,
    /// Words that must lead to the same place before it is believed.
    pub(super) words_min: usize,
}

const ROW: Row = Row {
    name: "",
    convention: C,
    mark: b"",
    version_after: b"",
    random_of: b"",
    gap: None,
    words_min: 2,
};

/// Every engine, the more particular mark first: the first row of a convention whose mark is in the
/// file names what was found.
pub(super) static ENGINES: &[Row] = &[
    Row {
        name: "GnuTLS",
        mark: b"Enabled GnuTLS ",
        version_after: b"Enabled GnuTLS ",
        random_of: b"gnutls_session_get_random",
        ..ROW
    },
    Row {
        name: "NSS",
        mark: b"NSS_CmpCertChainWCANames",
        gap: Some(Gap::KeyObject),
        words_min: 1,
        ..ROW
    },
    Row { name: "AWS-LC", mark: b"aws-lc/ssl/ssl_lib.cc", ..ROW },
    Row { name: "BoringSSL", mark: b"ssl_lib.cc\0", ..ROW },
    Row {
        name: "OpenSSL",
        mark: b"ssl_lib.c\0",
        version_after: b"OpenSSL ",
        random_of: b"SSL_get_client_random",
        ..ROW
    },
    Row { name: "Go crypto/tls", convention: GO, mark: b"\xff Go buildinf:", ..ROW },
    Row {
        name: "rustls",
        convention: RUST,
        mark: b"/rustls-",
        version_after: b"/rustls-",
        gap: Some(Gap::OnlyTls12),
        words_min: 1,
        ..ROW
    },
];

/// What a file is called whose code follows the convention and bears no mark: stripped of the names
/// of its sources.
pub(super) const UNNAMED: Row = Row { name: "OpenSSL or BoringSSL", ..ROW };

/// Engines without a key log in machine code, which nothing in a file's constants tells: by how the
/// name of their file begins. A library's own version is what follows `.so.`, if it is that.
static BY_FILE: &[(&str, &str, bool)] = &[
    ("beam.smp", "Erlang ssl", false),
    ("libjvm.so", "JSSE", false),
    ("libmbedtls.so", "Mbed TLS", true),
    ("libwolfssl.so", "wolfSSL", false),
];

/// The engine that a file of this name is.
pub(super) fn by_file(path: &str) -> Option<Engine> {
    let file = path.rsplit('/').next()?;
    let (_, engine, is_version) = BY_FILE.iter().find(|(name, ..)| file.starts_with(name))?;
    let version = file.split_once(".so.").filter(|_| *is_version);
    Some(Engine {
        name: (*engine).to_owned(),
        version: version.map(|(_, version)| version.to_owned()).unwrap_or_default(),
        anchors: Vec::new(),
        gap: Some(Gap::NoKeyLog),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_engine_has_a_name_and_a_mark() {
        for row in ENGINES {
            assert!(!row.name.is_empty() && !row.mark.is_empty());
            assert!(CONVENTIONS.contains(&row.convention), "{}", row.name);
            assert!(row.words_min > 0);
        }
    }

    #[test]
    fn some_engines_are_known_by_their_file() {
        let cases = [
            ("/usr/lib/x86_64-linux-gnu/libmbedtls.so.2.28.3", Some(("Mbed TLS", "2.28.3"))),
            ("/usr/lib/x86_64-linux-gnu/libwolfssl.so.35.3.0", Some(("wolfSSL", ""))),
            ("/opt/jdk/lib/server/libjvm.so", Some(("JSSE", ""))),
            ("/usr/lib/erlang/erts-13.1.5/bin/beam.smp", Some(("Erlang ssl", ""))),
            ("/usr/lib/libmbedcrypto.so.2.28.3", None),
            ("", None),
        ];
        for (path, engine) in cases {
            let found = by_file(path).map(|engine| (engine.name, engine.version));
            let engine = engine.map(|(name, version)| (name.to_owned(), version.to_owned()));
            assert_eq!(found, engine, "{path}");
        }
    }
}
