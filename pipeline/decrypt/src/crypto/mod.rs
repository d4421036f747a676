//! Cryptography of TLS and QUIC as an onlooker needs it: keys from secrets, records from keys.
//!
//! Opens only, seals nothing. The primitives are RustCrypto's; what stands here is how the RFCs put
//! them together. Every key is wiped when it is dropped.

mod aead;
mod cbc;
mod derive;
mod hash;
mod header;
mod key;
mod suites;

pub use aead::Aead;
pub use cbc::Cbc;
pub use derive::{Prf, expand_label, extract};
pub use hash::{Hash, hmac};
pub use header::HeaderKey;
pub use key::KeyBytes;
pub use suites::{Cipher, CipherSuite, SUITES};

#[cfg(test)]
mod tests;
