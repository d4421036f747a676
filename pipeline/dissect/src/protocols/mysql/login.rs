//! The first packets: the server's greeting and the client's answer to it.

use super::frame::{HEAD, Head, lenenc};
use crate::bytes::cursor::Cursor;

/// The client says `SSLRequest` or speaks the protocol of 4.1 and later.
const PROTOCOL_41: u64 = 1 << 9;
const CONNECT_WITH_DB: u64 = 1 << 3;
const SECURE_CONNECTION: u64 = 1 << 15;
const AUTH_LENENC: u64 = 1 << 21;
const SSL: u64 = 1 << 11;

/// Frames are compressed after the login.
pub(super) const COMPRESS: u64 = 1 << 5;
/// Rows end with an OK packet.
pub(super) const DEPRECATE_EOF: u64 = 1 << 24;
/// The compression is zstd if it is not zlib.
pub(super) const ZSTD: u64 = 1 << 26;
/// Values may stand before the text of a query.
pub(super) const QUERY_ATTRIBUTES: u64 = 1 << 27;

/// Bytes of an `SSLRequest`, and of what a login begins with.
const FIXED: usize = 32;
/// Longest greeting: version strings of proxies included.
const GREETING_MAX: usize = 512;
/// Longest login: user, database, 256 bytes of proof, 64 KiB of attributes.
pub(super) const LOGIN_MAX: usize = 70_000;
/// Bytes of a login in which user and database stand.
pub(super) const LOGIN_WINDOW: usize = 4_096;
/// Numbers of errors that servers know.
pub(super) const ERRORS: std::ops::RangeInclusive<u16> = 1_000..=20_000;

/// What the first bytes of a side may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen<T> {
    /// Not all there, and nothing speaks against it.
    Short,
    /// Something else.
    No,
    /// It is.
    Yes(T),
}

/// How a connection begins on the server's side.
pub(super) fn greeting(bytes: &[u8]) -> Seen<()> {
    let Some(head) = super::frame::head(bytes) else {
        let plausible = bytes.get(1).is_none_or(|b| *b < 2) && bytes.get(2).is_none_or(|b| *b == 0);
        return if plausible { Seen::Short } else { Seen::No };
    };
    if head.sequence != 0 || !(30..=GREETING_MAX).contains(&head.length) {
        return Seen::No;
    }
    let visible = bytes.get(HEAD..).unwrap_or_default();
    let version = visible.get(1..).unwrap_or_default();
    let version = version.split(|b| *b == 0).next().unwrap_or_default();
    let is_text = version.iter().all(|b| (b' '..0x7f).contains(b));
    if visible.first().is_some_and(|b| *b != 10) || !is_text {
        return Seen::No;
    }
    match visible.get(..head.length) {
        None => Seen::Short,
        Some(body) if is_greeting(body) => Seen::Yes(()),
        Some(_) => Seen::No,
    }
}

/// Protocol 10: a version, a connection id, 8 bytes and a NUL of challenge, capabilities, a status
/// and, since 4.1, zeros of which MariaDB uses the last four.
fn is_greeting(body: &[u8]) -> bool {
    let read = || {
        let mut cursor = Cursor::new(body);
        cursor.u8().filter(|version| *version == 10)?;
        let version = cursor.c_string().filter(|v| !v.is_empty())?;
        cursor.u32_le()?;
        cursor.take(8)?;
        cursor.u8().filter(|filler| *filler == 0)?;
        let low = cursor.u16_le()?;
        cursor.take(6)?;
        let zeros = cursor.take(6.min(cursor.rest().len().saturating_sub(1)))?;
        let has_digit = version.iter().any(u8::is_ascii_digit);
        let fits = u64::from(low) & PROTOCOL_41 != 0 && zeros.iter().skip(1).all(|b| *b == 0);
        (has_digit && fits).then_some(())
    };
    read().is_some()
}

/// What the server of a greeting can do: in two halves, and MariaDB's own behind them where it does
/// not say that it is Oracle's.
pub(super) fn offered(body: &[u8]) -> Option<u64> {
    let mut cursor = Cursor::new(body);
    cursor.u8()?;
    cursor.c_string()?;
    cursor.take(4 + 8 + 1)?;
    let low = u64::from(cursor.u16_le()?);
    cursor.take(3)?;
    let all = low | u64::from(cursor.u16_le()?) << 16;
    cursor.take(7)?;
    let extended = u64::from(cursor.u32_le()?);
    Some(if low & 1 == 0 { all | extended << 32 } else { all })
}

/// An error in place of a greeting: the number and a text, with or without a SQLSTATE.
pub(super) fn refusal(head: Head, body: &[u8]) -> Option<u16> {
    let number = super::frame::error_number(body).filter(|n| ERRORS.contains(n))?;
    let text = body.get(3..)?;
    let is_text = text.iter().all(|b| *b >= b' ') && text.len() >= 10;
    (head.sequence <= 1 && body.len() == head.length && is_text).then_some(number)
}

/// What a client answers to a greeting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Login<'a> {
    /// It wants TLS first.
    Ssl,
    /// User and database; the password stays where it is.
    User { user: &'a [u8], database: &'a [u8], capabilities: u64 },
}

/// The client's answer to a greeting. `body` may be cut at [`LOGIN_WINDOW`].
pub(super) fn login(head: Head, body: &[u8]) -> Seen<Login<'_>> {
    if !matches!(head.sequence, 1 | 2) || !(9..=LOGIN_MAX).contains(&head.length) {
        return Seen::No;
    }
    let Some(low) = body.first_chunk::<2>() else {
        return Seen::Short;
    };
    if u64::from(u16::from_le_bytes(*low)) & PROTOCOL_41 == 0 {
        return login_320(head, body);
    }
    // A charset and the upper half of the packet size are known by their zeros; then 19 of them.
    let filler = body.iter().skip(9).take(19);
    if head.length < FIXED || !filler.clone().all(|b| *b == 0) {
        return Seen::No;
    }
    if body.len() < FIXED.min(head.length) {
        return Seen::Short;
    }
    login_41(head, body).unwrap_or(if body.len() < head.length.min(LOGIN_WINDOW) {
        Seen::Short
    } else {
        Seen::No
    })
}

fn login_41(head: Head, body: &[u8]) -> Option<Seen<Login<'_>>> {
    let mut cursor = Cursor::new(body);
    let low = u64::from(cursor.u32_le()?);
    cursor.take(24)?;
    // MariaDB's own capabilities stand in the filler of those that are not Oracle's.
    let extended = u64::from(cursor.u32_le()?);
    let capabilities = if low & 1 == 0 { low | extended << 32 } else { low };
    if head.length == FIXED {
        return Some(if low & SSL != 0 { Seen::Yes(Login::Ssl) } else { Seen::No });
    }
    let user = cursor.c_string()?;
    let proof = if low & AUTH_LENENC != 0 {
        lenenc(&mut cursor)?
    } else if low & SECURE_CONNECTION != 0 {
        u64::from(cursor.u8()?)
    } else {
        cursor.c_string()?;
        0
    };
    cursor.take(usize::try_from(proof).ok()?)?;
    let database = if low & CONNECT_WITH_DB != 0 && !cursor.rest().is_empty() {
        cursor.c_string()?
    } else {
        b""
    };
    let fits = is_name(user) && is_name(database);
    Some(if fits { Seen::Yes(Login::User { user, database, capabilities }) } else { Seen::No })
}

/// The form before 4.1: capabilities in two bytes, the packet size in three, user and proof.
fn login_320(head: Head, body: &[u8]) -> Seen<Login<'_>> {
    let read = || {
        let mut cursor = Cursor::new(body);
        let capabilities = u64::from(cursor.u16_le()?);
        cursor.take(3)?;
        let user = cursor.c_string().filter(|user| is_name(user) && !user.is_empty())?;
        let proof = cursor.rest().split(|b| *b == 0).next()?;
        let database = cursor.rest().get(proof.len() + 1..).unwrap_or_default();
        let database = database.split(|b| *b == 0).next().unwrap_or_default();
        let fits = is_name(database) && matches!(proof.len(), 0 | 8);
        fits.then_some(Login::User { user, database, capabilities })
    };
    match read() {
        _ if head.length > 256 => Seen::No,
        _ if body.len() < head.length => Seen::Short,
        Some(login) => Seen::Yes(login),
        None => Seen::No,
    }
}

/// The user of a `COM_CHANGE_USER`, and its database, behind the command byte. It is of the time
/// since 4.1: the proof has a length.
pub(super) fn change_user(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut cursor = Cursor::new(body);
    let user = cursor.c_string()?;
    let length = cursor.u8()?;
    cursor.take(usize::from(length))?;
    Some((user, cursor.c_string()?))
}

/// True for what may name a user or a database.
pub(super) fn is_name(name: &[u8]) -> bool {
    name.len() <= 320 && name.iter().all(|b| *b >= b' ' && *b != 0x7f)
}
