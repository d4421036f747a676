//! Bytes → request line, status line, header fields, chunk line.
//!
//! Stateless but for [`Fields`], which adds up what the fields read so far say about the body.
//!
//! Tolerant where servers and clients are (RFC 9112 §2.2): a bare LF ends a line, a target may hold
//! blanks, a field name may be followed by blanks. Strict about the version: `HTTP/1.x` and nothing
//! else.

use model::ProtocolInfo;

use crate::protocol::Protocol;
use crate::protocols;

/// The longest method taken: the longest registered one has 17 letters.
const METHOD_BYTES_MAX: usize = 32;

/// How a PROXY protocol line (version 1) starts, which balancers put before the first request.
pub(super) const PROXY_LINE: &[u8] = b"PROXY ";

/// The answer of every reader here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read<T> {
    /// A whole element and the bytes it takes.
    Whole(T, usize),
    /// It may become one; more bytes are needed.
    Partial,
    /// It is none.
    Malformed,
}

/// `GET /cart HTTP/1.1`, or `GET /cart` of HTTP/0.9.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestLine<'a> {
    /// As sent; compared with case (RFC 9110 §9.1).
    pub(super) method: &'a [u8],
    /// Everything between method and version.
    pub(super) target: &'a [u8],
    /// As said.
    pub(super) version: Version,
}

/// What stands at the end of a request line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Nothing: HTTP/0.9.
    Simple,
    /// `HTTP/1.` and this digit.
    One(u8),
}

/// Reads a request line. A line without version is taken only from `GET`, and only with a path.
#[inline]
pub(super) fn request_line(bytes: &[u8]) -> Read<RequestLine<'_>> {
    let Some(end) = memchr::memchr(b'\n', bytes) else {
        return if may_be_request_line(bytes) { Read::Partial } else { Read::Malformed };
    };
    let line = without_end(bytes.get(..end).unwrap_or_default());
    match split_request(line) {
        Some(request) => Read::Whole(request, end + 1),
        None => Read::Malformed,
    }
}

#[inline]
fn split_request(line: &[u8]) -> Option<RequestLine<'_>> {
    let space = line.iter().take(METHOD_BYTES_MAX + 1).position(|b| !is_token(*b))?;
    let (method, rest) = line.split_at_checked(space)?;
    let rest = rest.strip_prefix(b" ")?;
    if method.is_empty() {
        return None;
    }
    let (target, version) = match rest.split_last_chunk::<9>() {
        Some((target, [b' ', b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor])) => {
            (target, Version::One(*minor))
        }
        _ if method == b"GET" && rest.first() == Some(&b'/') => (rest, Version::Simple),
        _ => return None,
    };
    let is_fit = match version {
        Version::One(minor) => minor.is_ascii_digit() && !target.is_empty(),
        Version::Simple => !target.contains(&b' '),
    };
    is_fit.then_some(RequestLine { method, target, version })
}

/// True if `bytes`, which hold no line end, may be the start of a request line.
fn may_be_request_line(bytes: &[u8]) -> bool {
    let method = bytes.iter().take_while(|b| is_token(**b)).count();
    if method == 0 || method > METHOD_BYTES_MAX {
        return false;
    }
    match bytes.get(method) {
        None => true,
        Some(b' ') => bytes
            .get(method + 1..)
            .is_none_or(|target| !target.iter().any(u8::is_ascii_control) || ends_in_cr(target)),
        Some(_) => false,
    }
}

fn ends_in_cr(bytes: &[u8]) -> bool {
    bytes
        .split_last()
        .is_some_and(|(last, rest)| *last == b'\r' && !rest.iter().any(u8::is_ascii_control))
}

/// `HTTP/1.1 200 OK`. The reason may be missing; the minor version is of no use to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StatusLine {
    /// Three digits.
    pub(super) code: [u8; 3],
}

/// Reads a status line.
#[inline]
pub(super) fn status_line(bytes: &[u8]) -> Read<StatusLine> {
    let Some(start) = bytes.first_chunk::<12>() else {
        return if is_status_prefix(bytes) { Read::Partial } else { Read::Malformed };
    };
    let [b'H', b'T', b'T', b'P', b'/', b'1', b'.', minor, b' ', a, b, c] = start else {
        return Read::Malformed;
    };
    let code = [*a, *b, *c];
    let ends_there = matches!(bytes.get(12), None | Some(b' ' | b'\r' | b'\n'));
    if !minor.is_ascii_digit() || !code.iter().all(u8::is_ascii_digit) || !ends_there {
        return Read::Malformed;
    }
    let rest = bytes.get(12..).unwrap_or_default();
    match memchr::memchr(b'\n', rest) {
        Some(end) => Read::Whole(StatusLine { code }, 12 + end + 1),
        None => Read::Partial,
    }
}

/// True if `bytes` (fewer than twelve) may be the start of a status line.
fn is_status_prefix(bytes: &[u8]) -> bool {
    const SHAPE: &[u8; 12] = b"HTTP/1.0 000";
    bytes.iter().zip(SHAPE).all(|(byte, shape)| match shape {
        b'0' => byte.is_ascii_digit(),
        _ => byte == shape,
    })
}

/// Where a body ends, by the fields read so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Coding {
    /// No `Transfer-Encoding`.
    #[default]
    Absent,
    /// Ends in `chunked`.
    Chunked,
    /// Ends in something else: up to the end of the stream.
    Other,
}

/// The few fields that say where a message ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields {
    /// `Content-Length`; `u64::MAX` (up to the end of the stream) if it makes no sense. Of several,
    /// the largest: who believes the smaller one takes body bytes for messages.
    pub(super) length: Option<u64>,
    /// `Transfer-Encoding`, which wins over the length.
    pub(super) coding: Coding,
    /// `Expect: 100-continue`: the body may never come.
    pub(super) expects: bool,
    /// `Upgrade: h2c`.
    pub(super) upgrades_to_h2c: bool,
    /// `Upgrade` to a protocol of that name.
    pub(super) upgrades_to: Option<&'static ProtocolInfo>,
    /// The field a folded line would continue.
    last: Field,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Field {
    #[default]
    Unknown,
    Length,
    Coding,
    Expect,
    Upgrade,
}

impl Fields {
    /// Reads whole lines up to and with the empty one. Gives the bytes read, and true if the
    /// empty line was among them.
    #[inline]
    pub(super) fn read(&mut self, bytes: &[u8]) -> (usize, bool) {
        let mut taken = 0;
        let mut rest = bytes;
        while let Some(end) = memchr::memchr(b'\n', rest) {
            let (line, after) = rest.split_at_checked(end + 1).unwrap_or((rest, &[]));
            taken += line.len();
            // One letter decides for nearly all lines.
            match line.first() {
                Some(b'\r' | b'\n') if is_blank(line) => return (taken, true),
                Some(b'c' | b'C') => self.field(line, b"content-length", Field::Length),
                Some(b't' | b'T') => self.field(line, b"transfer-encoding", Field::Coding),
                Some(b'e' | b'E') => self.field(line, b"expect", Field::Expect),
                Some(b'u' | b'U') => self.field(line, b"upgrade", Field::Upgrade),
                Some(b' ' | b'\t') => self.value(line),
                _ => self.last = Field::Unknown,
            }
            rest = after;
        }
        (taken, false)
    }

    #[inline]
    fn field(&mut self, line: &[u8], name: &[u8], field: Field) {
        self.last = Field::Unknown;
        // The byte behind the name tells most fields of the same letter apart.
        if !matches!(line.get(name.len()), Some(b':' | b' ' | b'\t')) {
            return;
        }
        let (start, value) = line.split_at_checked(name.len()).unwrap_or_default();
        if start.eq_ignore_ascii_case(name)
            && let Some(value) = value.trim_ascii_start().strip_prefix(b":")
        {
            self.last = field;
            self.value(value);
        }
    }

    fn value(&mut self, value: &[u8]) {
        let value = value.trim_ascii();
        if value.is_empty() {
            return;
        }
        match self.last {
            Field::Unknown => {}
            Field::Length => {
                for one in value.split(|b| *b == b',') {
                    let length = decimal(one.trim_ascii()).unwrap_or(u64::MAX);
                    self.length = Some(self.length.unwrap_or(0).max(length));
                }
            }
            Field::Coding => {
                let last = value.rsplit(|b| *b == b',').next().unwrap_or_default();
                let last = last.trim_ascii();
                if last.eq_ignore_ascii_case(b"chunked") {
                    self.coding = Coding::Chunked;
                } else if !last.eq_ignore_ascii_case(b"identity") {
                    self.coding = Coding::Other;
                }
            }
            Field::Expect => self.expects |= value.eq_ignore_ascii_case(b"100-continue"),
            Field::Upgrade => {
                self.upgrades_to_h2c |= value.eq_ignore_ascii_case(b"h2c");
                self.upgrades_to = protocols::named(value).map(Protocol::protocol);
            }
        }
    }
}

/// Reads trailer fields up to and with the empty line; what they say does not matter any more.
pub(super) fn trailers(bytes: &[u8]) -> (usize, bool) {
    Fields::default().read(bytes)
}

/// Reads `1a;name=value` and, before it, the line end of the chunk before. Gives the size.
pub(super) fn chunk_line(bytes: &[u8]) -> Read<u64> {
    let start = blank(bytes);
    let rest = bytes.get(start..).unwrap_or_default();
    let digits = rest.iter().take_while(|b| b.is_ascii_hexdigit()).count();
    // More digits than a u64 holds are a lie.
    if digits > 16 {
        return Read::Malformed;
    }
    let Some(next) = rest.get(digits) else {
        return Read::Partial;
    };
    if digits == 0 || !matches!(next, b'\r' | b'\n' | b';' | b' ' | b'\t') {
        return if rest == b"\r" { Read::Partial } else { Read::Malformed };
    }
    let Some(end) = memchr::memchr(b'\n', rest) else {
        return Read::Partial;
    };
    let size = rest.iter().take(digits).fold(0_u64, |size, digit| {
        size << 4 | u64::from(char::from(*digit).to_digit(16).unwrap_or(0))
    });
    Read::Whole(size, start + end + 1)
}

/// The length of the line ends at the start of `bytes`; a lone CR at their end is not one yet.
#[inline]
pub(super) fn blank(bytes: &[u8]) -> usize {
    let mut length = 0;
    loop {
        length += match bytes.get(length..) {
            Some([b'\r', b'\n', ..]) => 2,
            Some([b'\n', ..]) => 1,
            _ => return length,
        };
    }
}

fn is_blank(line: &[u8]) -> bool {
    matches!(line, b"\r\n" | b"\n")
}

fn without_end(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| {
        let digit = char::from(*digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// The token characters of RFC 9110 §5.6.2, one bit each.
const TOKEN: [u64; 4] = {
    let mut bits = [0_u64; 4];
    let mut byte = 0_u8;
    while byte < 128 {
        let is_mark = matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        );
        if byte.is_ascii_alphanumeric() || is_mark {
            bits[(byte >> 6) as usize] |= 1 << (byte & 63);
        }
        byte += 1;
    }
    bits
};

#[inline]
fn is_token(byte: u8) -> bool {
    let word = TOKEN.get(usize::from(byte >> 6)).copied().unwrap_or(0);
    word >> (byte & 63) & 1 == 1
}
