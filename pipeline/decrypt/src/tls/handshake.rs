//! Handshake messages (RFC 8446 §4, RFC 5246 §7.4), as far as an onlooker needs them. Borrowed,
//! every length checked.

use super::reader::Reader;

pub(crate) const CLIENT_HELLO: u8 = 1;
pub(crate) const SERVER_HELLO: u8 = 2;
pub(crate) const END_OF_EARLY_DATA: u8 = 5;
pub(crate) const ENCRYPTED_EXTENSIONS: u8 = 8;
pub(crate) const CERTIFICATE: u8 = 11;
pub(crate) const FINISHED: u8 = 20;
pub(crate) const KEY_UPDATE: u8 = 24;

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;
const ENCRYPT_THEN_MAC: u16 = 22;
const EARLY_DATA: u16 = 42;
const SUPPORTED_VERSIONS: u16 = 43;

/// Extensions looked at; browsers send some twenty.
const EXTENSIONS_MAX: usize = 64;

/// The random of a server hello that asks for another client hello (RFC 8446 §4.1.3).
pub(crate) const RETRY: [u8; 32] = [
    0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8, 0x91,
    0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C,
];

/// RFC 8446 §4.1.2.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ClientHello<'a> {
    pub(crate) random: [u8; 32],
    pub(crate) server_name: Option<&'a [u8]>,
    /// The first protocol that is offered.
    pub(crate) alpn: Option<&'a [u8]>,
    pub(crate) sends_early_data: bool,
}

/// RFC 8446 §4.1.3.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ServerHello<'a> {
    pub(crate) random: [u8; 32],
    pub(crate) version: u16,
    pub(crate) suite: u16,
    pub(crate) alpn: Option<&'a [u8]>,
    pub(crate) encrypt_then_mac: bool,
    /// It asks for another client hello.
    pub(crate) is_retry: bool,
}

/// Reads the body of a client hello.
pub(crate) fn client_hello(body: &[u8]) -> Option<ClientHello<'_>> {
    let mut body = Reader(body);
    body.u16()?;
    let random = body.array()?;
    body.short()?;
    body.long()?;
    body.short()?;
    let mut hello = ClientHello { random, server_name: None, alpn: None, sends_early_data: false };
    for (kind, content) in extensions(body) {
        match kind {
            SERVER_NAME => hello.server_name = name(content),
            ALPN => hello.alpn = first_protocol(content),
            EARLY_DATA => hello.sends_early_data = true,
            _ => {}
        }
    }
    Some(hello)
}

/// Reads the body of a server hello.
pub(crate) fn server_hello(body: &[u8]) -> Option<ServerHello<'_>> {
    let mut body = Reader(body);
    let version = body.u16()?;
    let random = body.array()?;
    body.short()?;
    let suite = body.u16()?;
    body.u8()?;
    let is_retry = random == RETRY;
    let mut hello =
        ServerHello { random, version, suite, alpn: None, encrypt_then_mac: false, is_retry };
    for (kind, content) in extensions(body) {
        match kind {
            SUPPORTED_VERSIONS => hello.version = Reader(content).u16().unwrap_or(version),
            ALPN => hello.alpn = first_protocol(content),
            ENCRYPT_THEN_MAC => hello.encrypt_then_mac = true,
            _ => {}
        }
    }
    Some(hello)
}

/// The protocol agreed on in encrypted extensions (RFC 8446 §4.3.1).
pub(crate) fn agreed_protocol(body: &[u8]) -> Option<&[u8]> {
    let alpn = extensions(Reader(body)).find(|(kind, _)| *kind == ALPN);
    alpn.and_then(|(_, content)| first_protocol(content))
}

/// The name of an alert (RFC 8446 §6, RFC 5246 §7.2).
pub const fn alert_name(description: u8) -> &'static str {
    match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        22 => "record_overflow",
        40 => "handshake_failure",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => "alert",
    }
}

/// Every extension with its content, as far as they can be read.
fn extensions<'a>(mut body: Reader<'a>) -> impl Iterator<Item = (u16, &'a [u8])> {
    let mut list = Reader(body.long().unwrap_or_default());
    std::iter::from_fn(move || Some((list.u16()?, list.long()?))).take(EXTENSIONS_MAX)
}

/// A list of one: there is no other kind of name (RFC 6066 §3).
fn name(content: &[u8]) -> Option<&[u8]> {
    let mut list = Reader(Reader(content).long()?);
    if list.u8()? == 0 { list.long() } else { None }
}

/// RFC 7301 §3.1; what was agreed on is a list of one.
fn first_protocol(content: &[u8]) -> Option<&[u8]> {
    Reader(Reader(content).long()?).short()
}
