//! Lines that end in CR LF, or in a bare LF.

/// The first line of `bytes` without its end, and the number of bytes it takes with its end.
/// `None` if there is no LF yet.
pub fn first_line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr::memchr(b'\n', bytes)?;
    let line = bytes.get(..end)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
}
