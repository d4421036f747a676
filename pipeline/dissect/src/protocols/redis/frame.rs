//! RESP2 and RESP3 bytes → borrowed frames. Stateless; `Partial` asks for more bytes.
//!
//! A server's value is read head by head, so that nothing nested or large is ever held. Of a
//! command only the start is read as one piece: the word and the arguments that naming needs.

/// Digits of a length or count: Redis allows 512 MiB a string and 2³¹ arguments.
const DIGITS_MAX: usize = 10;
/// A command is named by what stands in its first bytes; a longer key or script is cut there.
pub(super) const FRONT_BYTES_MAX: usize = 4 * 1024;
/// Redis refuses longer inline commands.
const INLINE_BYTES_MAX: usize = 64 * 1024;

/// What stands at the start of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read<T> {
    /// This, and it takes so many bytes.
    Whole(T, usize),
    /// More bytes would tell.
    Partial,
    /// It is no RESP.
    Malformed,
}

/// The type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Simple,
    Error,
    Integer,
    Bulk,
    Array,
    Null,
    Bool,
    Double,
    BigNumber,
    BulkError,
    Verbatim,
    Map,
    Set,
    Attribute,
    Push,
}

impl Type {
    /// True for types that only RESP3 has.
    pub(super) const fn is_resp3(self) -> bool {
        !matches!(self, Self::Simple | Self::Error | Self::Integer | Self::Bulk | Self::Array)
    }
}

/// The head of a value, or what ends a streamed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Head<'a> {
    /// All of a value without parts: the text of its line. Nulls of any type have no text.
    Line(Type, &'a [u8]),
    /// A string of so many bytes and CRLF follows.
    Body(Type, u64),
    /// So many values follow. A map of `n` pairs has `2n`.
    Values(Type, u64),
    /// Values follow up to [`Head::End`].
    Streamed(Type),
    /// Chunks follow up to an empty one.
    Chunks(Type),
    /// A chunk of so many bytes (and CRLF, unless there are none).
    Chunk(u64),
    /// The end of a streamed aggregate.
    End,
}

/// Reads the head at the start of `bytes`.
#[inline]
pub(super) fn head(bytes: &[u8]) -> Read<Head<'_>> {
    let Some((marker, rest)) = bytes.split_first() else {
        return Read::Partial;
    };
    match marker {
        b'$' => body(Type::Bulk, rest),
        b'*' => values(Type::Array, 1, rest),
        b'+' => line(Type::Simple, rest, |_| true),
        b':' => line(Type::Integer, rest, is_integer),
        b'-' => line(Type::Error, rest, |text| !text.is_empty()),
        b'_' => line(Type::Null, rest, <[u8]>::is_empty),
        b'#' => line(Type::Bool, rest, |text| matches!(text, b"t" | b"f")),
        b',' => line(Type::Double, rest, is_double),
        b'(' => line(Type::BigNumber, rest, is_integer),
        b'!' => body(Type::BulkError, rest),
        b'=' => body(Type::Verbatim, rest),
        b'%' => values(Type::Map, 2, rest),
        b'~' => values(Type::Set, 1, rest),
        b'|' => values(Type::Attribute, 2, rest),
        b'>' => values(Type::Push, 1, rest),
        b';' => match length(rest) {
            Read::Whole(Length::Of(bytes), n) => Read::Whole(Head::Chunk(bytes), n + 1),
            Read::Whole(..) | Read::Malformed => Read::Malformed,
            Read::Partial => Read::Partial,
        },
        b'.' => line(Type::Null, rest, <[u8]>::is_empty).map(|_| Head::End),
        _ => Read::Malformed,
    }
}

impl<T> Read<T> {
    fn map<U>(self, change: impl FnOnce(T) -> U) -> Read<U> {
        match self {
            Self::Whole(value, n) => Read::Whole(change(value), n),
            Self::Partial => Read::Partial,
            Self::Malformed => Read::Malformed,
        }
    }

    fn after_marker(self) -> Self {
        match self {
            Self::Whole(value, n) => Self::Whole(value, n + 1),
            Self::Partial | Self::Malformed => self,
        }
    }
}

#[inline]
fn body(kind: Type, rest: &[u8]) -> Read<Head<'_>> {
    length(rest)
        .map(|length| match length {
            Length::Of(bytes) => Head::Body(kind, bytes),
            Length::Null => Head::Line(kind, b""),
            Length::Streamed => Head::Chunks(kind),
        })
        .after_marker()
}

fn values(kind: Type, each: u64, rest: &[u8]) -> Read<Head<'_>> {
    length(rest)
        .map(|length| match length {
            Length::Of(count) => Head::Values(kind, count * each),
            Length::Null => Head::Line(kind, b""),
            Length::Streamed => Head::Streamed(kind),
        })
        .after_marker()
}

/// A line up to CRLF. A CR or LF inside is an error.
#[inline]
fn line(kind: Type, rest: &[u8], is_sound: fn(&[u8]) -> bool) -> Read<Head<'_>> {
    let Some(end) = memchr::memchr2(b'\r', b'\n', rest) else {
        return Read::Partial;
    };
    match rest.get(end..) {
        Some([b'\r', b'\n', ..]) => {}
        Some([b'\r']) => return Read::Partial,
        _ => return Read::Malformed,
    }
    let text = rest.get(..end).unwrap_or_default();
    if is_sound(text) { Read::Whole(Head::Line(kind, text), end + 3) } else { Read::Malformed }
}

fn is_integer(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").or_else(|| text.strip_prefix(b"+")).unwrap_or(text);
    !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
}

fn is_double(text: &[u8]) -> bool {
    let is_part = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.');
    (1..=64).contains(&text.len()) && text.iter().all(is_part)
}

/// A length or count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Of(u64),
    /// `-1`: RESP2 has no other null.
    Null,
    /// `?`: not known in advance.
    Streamed,
}

/// A length and its CRLF.
#[inline]
fn length(bytes: &[u8]) -> Read<Length> {
    let mut value = 0_u64;
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'0'..=b'9' if at < DIGITS_MAX => value = value * 10 + u64::from(byte - b'0'),
            b'\r' if at > 0 => {
                return match bytes.get(at + 1) {
                    Some(b'\n') => Read::Whole(Length::Of(value), at + 2),
                    Some(_) => Read::Malformed,
                    None => Read::Partial,
                };
            }
            _ if at == 0 => return unusual_length(bytes),
            _ => return Read::Malformed,
        }
    }
    Read::Partial
}

fn unusual_length(bytes: &[u8]) -> Read<Length> {
    for (text, length) in [(&b"-1\r\n"[..], Length::Null), (b"?\r\n", Length::Streamed)] {
        if bytes.starts_with(text) {
            return Read::Whole(length, text.len());
        }
        if text.starts_with(bytes) {
            return Read::Partial;
        }
    }
    Read::Malformed
}

/// A string that is all there: its bytes. Its CRLF is checked.
#[inline]
fn string(bytes: &[u8]) -> Read<&[u8]> {
    let Some((b'$', rest)) = bytes.split_first() else {
        return if bytes.is_empty() { Read::Partial } else { Read::Malformed };
    };
    let (length, start) = match length(rest) {
        Read::Whole(Length::Of(length), n) => (length as usize, n + 1),
        Read::Whole(..) | Read::Malformed => return Read::Malformed,
        Read::Partial => return Read::Partial,
    };
    let end = start.saturating_add(length);
    match bytes.get(end..) {
        Some([b'\r', b'\n', ..]) => Read::Whole(bytes.get(start..end).unwrap_or_default(), end + 2),
        Some([] | [b'\r']) | None => Read::Partial,
        Some(_) => Read::Malformed,
    }
}

/// Bytes of a short string that is all there: head, text and CRLF. `None` says nothing.
#[inline]
pub(super) fn short_string(bytes: &[u8]) -> Option<usize> {
    let (digits, length) = match bytes {
        [b'$', a @ b'0'..=b'9', b'\r', b'\n', ..] => (1, a - b'0'),
        [b'$', a @ b'1'..=b'9', b @ b'0'..=b'9', b'\r', b'\n', ..] => {
            (2, (a - b'0') * 10 + (b - b'0'))
        }
        _ => return None,
    };
    let end = digits + 3 + usize::from(length);
    matches!(bytes.get(end..), Some([b'\r', b'\n', ..])).then_some(end + 2)
}

/// True if `bytes` has a string's CRLF at `at`, or ends before it.
#[inline]
pub(super) fn may_end_at(bytes: &[u8], at: usize) -> bool {
    matches!(bytes.get(at..), None | Some([] | [b'\r'] | [b'\r', b'\n', ..]))
}

/// The start of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Front<'a> {
    /// The command's name, as written.
    pub(super) word: &'a [u8],
    /// The argument after it; cut if it does not fit into [`FRONT_BYTES_MAX`].
    pub(super) first: Option<&'a [u8]>,
    /// All arguments that may be looked at.
    pub(super) arguments: Arguments<'a>,
    /// Arguments after the word, whether seen or not.
    pub(super) count: u64,
    /// Of these, how many are still to be read after the front.
    pub(super) left: u64,
}

/// Reads the front of a command: word and as many arguments as `needs` says for the word.
///
/// What it gives depends on the command's first [`FRONT_BYTES_MAX`] bytes alone, however many are
/// shown. `None`: an empty command, which servers pass over.
#[inline]
pub(super) fn front(bytes: &[u8], needs: impl Fn(&[u8]) -> u64) -> Read<Option<Front<'_>>> {
    let Some((marker, rest)) = bytes.split_first() else {
        return Read::Partial;
    };
    if *marker != b'*' {
        return inline(bytes);
    }
    let (count, start) = match length(rest) {
        Read::Whole(Length::Of(0) | Length::Null, n) => return Read::Whole(None, n + 1),
        Read::Whole(Length::Of(count), n) => (count - 1, n + 1),
        Read::Whole(Length::Streamed, _) | Read::Malformed => return Read::Malformed,
        Read::Partial => return Read::Partial,
    };
    let is_all = bytes.len() >= FRONT_BYTES_MAX;
    let view = bytes.get(..FRONT_BYTES_MAX).unwrap_or(bytes);
    let after_head = view.get(start..).unwrap_or_default();
    let (word, n) = match string(after_head) {
        Read::Whole(word, n) => (word, n),
        // No command is so long.
        Read::Partial if is_all => return Read::Malformed,
        Read::Partial => return Read::Partial,
        Read::Malformed => return Read::Malformed,
    };
    let behind_word = after_head.get(n..).unwrap_or_default();
    let (mut end, mut left) = (start + n, count);
    let mut first = None;
    let wanted = needs(word).min(count);
    while count - left < wanted {
        match string(view.get(end..).unwrap_or_default()) {
            Read::Whole(argument, n) => {
                first.get_or_insert(argument);
                end += n;
                left -= 1;
            }
            Read::Partial if is_all => {
                first.get_or_insert(cut(view.get(end..).unwrap_or_default()));
                break;
            }
            Read::Partial => return Read::Partial,
            Read::Malformed => return Read::Malformed,
        }
    }
    let arguments = Arguments::Strings(behind_word);
    Read::Whole(Some(Front { word, first, arguments, count, left }), end)
}

/// The bytes of a string as far as they are there.
fn cut(bytes: &[u8]) -> &[u8] {
    match head(bytes) {
        Read::Whole(Head::Body(..), n) => bytes.get(n..).unwrap_or_default(),
        _ => b"",
    }
}

/// A command as a person types it: words on a line.
fn inline(bytes: &[u8]) -> Read<Option<Front<'_>>> {
    let Some((line, taken)) = crate::bytes::line::first_line(bytes) else {
        let is_too_long = bytes.len() > INLINE_BYTES_MAX;
        return if is_too_long || !is_text(bytes) { Read::Malformed } else { Read::Partial };
    };
    if !is_text(line) {
        return Read::Malformed;
    }
    let mut arguments = Arguments::Words(line);
    let Some(word) = arguments.next() else {
        return Read::Whole(None, taken);
    };
    let first = { arguments }.next();
    let count = arguments.count() as u64;
    Read::Whole(Some(Front { word, first, arguments, count, left: 0 }), taken)
}

fn is_text(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    line.iter().all(|b| *b >= b' ' || *b == b'\t') && !line.contains(&0x7f)
}

/// The arguments of a command, in order, as far as they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arguments<'a> {
    /// `$3\r\nfoo\r\n$3\r\nbar\r\n`.
    Strings(&'a [u8]),
    /// `foo "bar"`.
    Words(&'a [u8]),
}

impl<'a> Iterator for Arguments<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        match self {
            Self::Strings(rest) => {
                let Read::Whole(argument, n) = string(rest) else { return None };
                *rest = rest.get(n..).unwrap_or_default();
                Some(argument)
            }
            Self::Words(rest) => {
                let line = rest.trim_ascii_start();
                let (word, after) = match line.split_first()? {
                    (quote @ (b'"' | b'\''), quoted) => {
                        let end = memchr::memchr(*quote, quoted).unwrap_or(quoted.len());
                        (quoted.get(..end)?, quoted.get(end + 1..).unwrap_or_default())
                    }
                    _ => {
                        let end = line.iter().position(u8::is_ascii_whitespace);
                        line.split_at_checked(end.unwrap_or(line.len()))?
                    }
                };
                *rest = after;
                Some(word)
            }
        }
    }
}

/// The first values of something that may come unasked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// Its first value: `message`, `subscribe`, `invalidate`.
    pub(super) word: &'a [u8],
    /// Its second value, if that is a string.
    pub(super) channel: Option<&'a [u8]>,
    /// Its third value, if that is a number.
    pub(super) count: Option<u64>,
    /// How many values it has.
    pub(super) values: u64,
}

/// Reads the first values of an array or push. What it gives depends on its first
/// [`FRONT_BYTES_MAX`] bytes alone. `None`: it does not start with a string.
pub(super) fn message(bytes: &[u8]) -> Read<Option<Message<'_>>> {
    let is_all = bytes.len() >= FRONT_BYTES_MAX;
    let view = bytes.get(..FRONT_BYTES_MAX).unwrap_or(bytes);
    let (values, mut end) = match head(view) {
        Read::Whole(Head::Values(_, values), n) => (values, n),
        Read::Whole(_, n) => return Read::Whole(None, n),
        Read::Partial => return Read::Partial,
        Read::Malformed => return Read::Malformed,
    };
    if values < 2 {
        return Read::Whole(None, end);
    }
    let after = |end: usize| view.get(end..).unwrap_or_default();
    let word = match string(after(end)) {
        Read::Whole(word, n) => {
            end += n;
            word
        }
        Read::Partial if !is_all => return Read::Partial,
        Read::Partial | Read::Malformed => return Read::Whole(None, end),
    };
    let mut message = Message { word, channel: None, count: None, values };
    match string(after(end)) {
        Read::Whole(channel, n) => {
            message.channel = Some(channel);
            end += n;
        }
        Read::Partial if is_all => message.channel = Some(cut(after(end))),
        Read::Partial => return Read::Partial,
        Read::Malformed => match head(after(end)) {
            Read::Whole(Head::Line(..), n) => end += n,
            Read::Partial => return Read::Partial,
            Read::Whole(..) | Read::Malformed => return Read::Whole(Some(message), end),
        },
    }
    if message.is_confirmation() {
        match head(after(end)) {
            Read::Whole(Head::Line(Type::Integer, text), _) => {
                message.count = std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
            }
            Read::Partial if !is_all => return Read::Partial,
            Read::Whole(..) | Read::Partial | Read::Malformed => {}
        }
    }
    Read::Whole(Some(message), end)
}

impl Message<'_> {
    /// Answers (un)subscribing.
    pub(super) fn is_confirmation(&self) -> bool {
        self.values == 3
            && matches!(
                self.word,
                b"subscribe"
                    | b"psubscribe"
                    | b"ssubscribe"
                    | b"unsubscribe"
                    | b"punsubscribe"
                    | b"sunsubscribe"
            )
    }

    /// Something published.
    pub(super) fn is_message(&self) -> bool {
        matches!((self.word, self.values), (b"message" | b"smessage", 3) | (b"pmessage", 4))
    }
}
