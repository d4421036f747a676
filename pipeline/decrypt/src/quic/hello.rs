//! What the handshake inside of CRYPTO frames says (RFC 9001 §4).

use model::{ShortText, StreamContent, Timestamp};

use super::assembly::Assembly;
use crate::crypto::CipherSuite;
use crate::tls::Facts;
use crate::tls::certificate::certificate;
use crate::tls::handshake::{self, CERTIFICATE, CLIENT_HELLO, ENCRYPTED_EXTENSIONS, SERVER_HELLO};
use crate::tls::messages::Messages;

/// TLS 1.3, the only version that QUIC has.
const TLS_1_3: u16 = 0x0304;

/// The handshake as far as it is known.
#[derive(Default)]
pub(super) struct Hello {
    pub(super) client_random: Option<[u8; 32]>,
    pub(super) facts: Facts,
    /// The first protocol that the client offered: what its early data is.
    offered: ShortText,
}

impl Hello {
    /// The suite agreed on, if it is known and one of ours.
    pub(super) fn suite(&self) -> Option<&'static CipherSuite> {
        CipherSuite::of(self.facts.suite)
    }

    /// The protocol agreed on, as far as that is known.
    pub(super) const fn protocol(&self) -> ShortText {
        if self.facts.alpn.is_empty() { self.offered } else { self.facts.alpn }
    }

    /// What was agreed on before anybody looked, as far as it is no secret.
    pub(super) fn assume(&mut self, version: u16, protocol: &[u8]) {
        self.facts.version = version;
        self.offered = ShortText::from_wire(protocol);
    }

    /// Takes a handshake message of the client or of the server.
    fn take(&mut self, kind: u8, body: &[u8]) {
        match kind {
            CLIENT_HELLO => {
                let Some(hello) = handshake::client_hello(body) else { return };
                self.client_random = Some(hello.random);
                self.facts.version = TLS_1_3;
                self.facts.server_name = hello.server_name.and_then(host).unwrap_or_default();
                self.offered = hello.alpn.map(ShortText::from_wire).unwrap_or_default();
            }
            SERVER_HELLO => {
                if let Some(hello) = handshake::server_hello(body) {
                    self.facts.suite = hello.suite;
                }
            }
            ENCRYPTED_EXTENSIONS => {
                let agreed = handshake::agreed_protocol(body);
                self.facts.alpn = agreed.map(ShortText::from_wire).unwrap_or_default();
            }
            CERTIFICATE if self.facts.certificate.is_none() => {
                self.facts.certificate = certificate(body, true).map(Box::new);
            }
            _ => {}
        }
    }
}

/// A name that a client may call a server by: letters, digits, `-`, `_` and dots.
fn host(name: &[u8]) -> Option<String> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let is_host = (1..=253).contains(&name.len()) && name.iter().all(is_plain);
    is_host.then(|| String::from_utf8_lossy(name).to_ascii_lowercase())
}

/// The handshake stream of one side at one level.
#[derive(Default)]
pub(super) struct Crypto {
    assembly: Assembly,
    messages: Messages,
}

impl Crypto {
    /// Takes a CRYPTO frame.
    pub(super) fn push(&mut self, offset: u64, bytes: &[u8], at: Timestamp, hello: &mut Hello) {
        let Self { assembly, messages } = self;
        assembly.push(offset, bytes, false, at, &mut |content| match content {
            StreamContent::Bytes(bytes) => {
                messages.push(bytes, |kind, body| hello.take(kind, body));
            }
            StreamContent::Missing { bytes, .. } => {
                messages.missing(usize::try_from(bytes).unwrap_or(usize::MAX));
            }
            StreamContent::End | StreamContent::Reset(_) | StreamContent::Stopped(_) => {}
        });
    }
}
