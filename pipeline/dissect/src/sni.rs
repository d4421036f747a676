//! The server's name in the first message of a TLS client, which is sent in clear
//! (RFC 8446 §4.1.2, RFC 6066 §3). Borrowed, every length checked; nothing else is looked at.

use crate::bytes::cursor::Cursor;

/// Handshake records (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;
/// Bytes of a record's head.
const RECORD_HEAD_BYTES: usize = 5;
const CLIENT_HELLO: u8 = 1;
/// Legacy version and random.
const FIXED_BYTES: usize = 34;
const SERVER_NAME: u16 = 0;
/// Extensions looked at; browsers send some twenty.
const EXTENSIONS_MAX: usize = 64;
/// Bytes of the longest host name (RFC 1035 §2.3.4).
const NAME_BYTES_MAX: usize = 253;

/// What the first bytes of a side say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hello<'a> {
    /// It begins a connection to this host.
    Names(&'a str),
    /// It may; more bytes would tell.
    Partial,
    /// It does not, or without a name.
    Nameless,
}

/// Reads what stands at the start of `bytes`.
pub(crate) fn hello(bytes: &[u8]) -> Hello<'_> {
    let Some((head, body)) = bytes.split_at_checked(RECORD_HEAD_BYTES) else {
        return Hello::Partial;
    };
    let (Some(HANDSHAKE), Some(CLIENT_HELLO)) = (head.first().copied(), body.first().copied())
    else {
        return if body.is_empty() { Hello::Partial } else { Hello::Nameless };
    };
    let length = Cursor::new(head.get(3..).unwrap_or_default()).u16_be().map_or(0, usize::from);
    // A message that goes on in another record is rare, and its name is nearly always in the first.
    let record = body.get(..length).unwrap_or(body);
    match name(record) {
        Some(name) if is_host(name) => {
            std::str::from_utf8(name).map_or(Hello::Nameless, Hello::Names)
        }
        Some(_) => Hello::Nameless,
        None if body.len() < length => Hello::Partial,
        None => Hello::Nameless,
    }
}

/// The name, as far as the message is there. `None`: not in here.
fn name(record: &[u8]) -> Option<&[u8]> {
    let mut hello = Cursor::new(record.get(4..)?);
    hello.take(FIXED_BYTES)?;
    let session_id = usize::from(hello.u8()?);
    hello.take(session_id)?;
    let ciphers = usize::from(hello.u16_be()?);
    hello.take(ciphers)?;
    let compressions = usize::from(hello.u8()?);
    hello.take(compressions)?;
    hello.u16_be()?;
    for _ in 0..EXTENSIONS_MAX {
        let (kind, length) = (hello.u16_be()?, usize::from(hello.u16_be()?));
        let content = hello.take(length)?;
        if kind == SERVER_NAME {
            let mut list = Cursor::new(content);
            list.u16_be()?;
            // A list of one: there is no other kind of name.
            let (0, length) = (list.u8()?, usize::from(list.u16_be()?)) else {
                return Some(&[]);
            };
            return list.take(length).or(Some(&[]));
        }
    }
    None
}

/// Letters, digits, `-`, `_` and dots, and not an address.
fn is_host(name: &[u8]) -> bool {
    let is_fit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_named = name.iter().any(u8::is_ascii_alphabetic);
    (1..=NAME_BYTES_MAX).contains(&name.len()) && is_named && name.iter().all(is_fit)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A hello with these extensions.
    pub(crate) fn message(extensions: &[(u16, &[u8])]) -> Vec<u8> {
        let sized = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes(), bytes].concat();
        let all: Vec<u8> = extensions
            .iter()
            .flat_map(|(kind, content)| [&kind.to_be_bytes()[..], &sized(content)].concat())
            .collect();
        let mut hello = vec![3, 3];
        hello.extend([7; 32]);
        hello.extend([0, 0, 2, 0x13, 1, 1, 0]);
        hello.extend(sized(&all));
        let mut handshake = vec![CLIENT_HELLO, 0];
        handshake.extend(sized(&hello));
        [&[HANDSHAKE, 3, 1][..], &sized(&handshake)].concat()
    }

    /// The content of the extension.
    pub(crate) fn server_name(name: &[u8]) -> Vec<u8> {
        let length = name.len() as u8;
        [&[0, length + 3, 0, 0, length][..], name].concat()
    }

    #[test]
    fn the_name_is_found_among_others_and_waited_for() {
        let name = server_name(b"api.test");
        let whole = message(&[(43, &[2, 3, 4]), (SERVER_NAME, &name), (51, &[0; 100])]);
        assert_eq!(hello(&whole), Hello::Names("api.test"));
        let behind = whole.len() - 104;
        for end in 0..whole.len() {
            let expected = if end < behind { Hello::Partial } else { Hello::Names("api.test") };
            assert_eq!(hello(&whole[..end]), expected, "{end}");
        }
    }

    #[test]
    fn what_is_no_host_names_nobody() {
        for name in [&b"192.0.2.1"[..], b"", b"a b", b"caf\xc3\xa9.test", b"\0"] {
            assert_eq!(hello(&message(&[(SERVER_NAME, &server_name(name))])), Hello::Nameless);
        }
        assert_eq!(hello(&message(&[(43, &[])])), Hello::Nameless);
        assert_eq!(hello(&[HANDSHAKE, 3, 3, 0, 90, 2, 0]), Hello::Nameless);
        assert_eq!(hello(&[23, 3, 3, 0, 90, 1, 0]), Hello::Nameless);
    }

    #[test]
    fn mangled_hellos_are_survived() {
        let whole = message(&[(SERVER_NAME, &server_name(b"api.test")), (51, &[0; 20])]);
        bolero::check!().with_type::<Vec<(u8, u8)>>().for_each(|changes| {
            let mut bytes = whole.clone();
            for (at, with) in changes {
                let at = usize::from(*at) % bytes.len();
                bytes[at] ^= with;
            }
            for end in 0..=bytes.len() {
                std::hint::black_box(hello(&bytes[..end]));
            }
        });
    }
}
