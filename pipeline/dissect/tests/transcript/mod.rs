//! Cases: transcripts of conversations, one chunk a line, one millisecond apart.
//!
//! ```text
//! # a comment
//! > GET / HTTP/1.1\r\n\r\n        bytes from the client
//! < HTTP/1.1 204 OK\r\n\r\n       bytes from the server
//! ! > 100                         100 bytes from the client are lost
//! ~ < 100                         100 bytes from the server were skipped on purpose
//! . >                             the client sends no more (FIN)
//! x <                             the server resets the connection
//! @ mid-stream                    (first line) no SYN was seen
//! @ datagrams                     (first line) each line is one datagram, not a piece of a stream
//! @ multicast                     (first line) the same, to a group
//! @ streams h3                    (first line) many streams, by the protocol of this name
//! ```
//! Of many streams each line says which: `> 4 bytes`, `! > 4 100`, `. > 4`, `x < 4 256` (the server
//! breaks off, with this code), `s > 4 268` (the client wants no more of the other side).
//! Escapes: `\r \n \t \0 \\ \xHH`, and `\*N` repeats the byte before it up to N times.

use std::fs;
use std::path::{Path, PathBuf};

use dissect::{PROTOCOLS, Transport};
use model::{Direction, MissingReason};

/// One line of a case, with its time in milliseconds. Pieces of a cut line share its time.
#[derive(Clone, Debug)]
pub(crate) struct Move {
    pub(crate) at: u64,
    /// On which of many streams.
    pub(crate) stream: u64,
    pub(crate) what: What,
}

/// What happens in one line.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Bytes(Direction, Vec<u8>),
    Missing(Direction, u64, MissingReason),
    End(Direction),
    /// With a code, on one of many streams.
    Reset(Direction, u64),
    /// The other side's part of one of many streams is not wanted.
    Stopped(Direction, u64),
}

/// What carries the bytes of a case.
#[derive(Clone, Debug)]
pub(crate) enum Carrier {
    Stream,
    Datagrams(Transport),
    /// By the protocol of this name.
    Streams(String),
}

/// A transcript and how it begins.
pub(crate) struct Case {
    pub(crate) path: PathBuf,
    pub(crate) moves: Vec<Move>,
    pub(crate) mid_stream: bool,
    pub(crate) carrier: Carrier,
}

/// The cases of every protocol, by path. The template is compiled only into the unit tests of the
/// crate: they play its cases alone, the others are played from outside.
pub(crate) fn all_cases() -> Vec<Case> {
    let is_listed = |name: &str| PROTOCOLS.iter().any(|p| p.protocol().name == name);
    let in_unit_tests = is_listed(TEMPLATE);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/protocols");
    let mut cases = Vec::new();
    for protocol in fs::read_dir(root).expect("the protocols are there").flatten() {
        let is_template = protocol.file_name() == TEMPLATE;
        let Ok(files) = fs::read_dir(protocol.path().join("cases")) else {
            continue;
        };
        if is_template != in_unit_tests {
            continue;
        }
        for file in files.flatten().map(|f| f.path()) {
            if file.extension().is_some_and(|e| e == "case") {
                cases.push(parse(&file));
            }
        }
    }
    cases.sort_by(|a, b| a.path.cmp(&b.path));
    cases
}

/// The toy protocol that new ones are copied from.
const TEMPLATE: &str = "template";

fn parse(path: &Path) -> Case {
    let text = fs::read_to_string(path).expect("a case is readable");
    let (mut moves, mut mid_stream, mut carrier) = (Vec::new(), false, Carrier::Stream);
    for (number, line) in text.lines().enumerate() {
        let is_many = matches!(carrier, Carrier::Streams(_));
        match line.split(' ').next() {
            None | Some("" | "#") => {}
            Some("@") => match line.get(2..) {
                Some("mid-stream") => mid_stream = true,
                Some("datagrams") => carrier = Carrier::Datagrams(Transport::Datagram),
                Some("multicast") => carrier = Carrier::Datagrams(Transport::Multicast),
                Some(other) if other.starts_with("streams ") => {
                    carrier = Carrier::Streams(other["streams ".len()..].to_owned());
                }
                _ => panic!("{}:{}: cannot read {line}", path.display(), number + 1),
            },
            Some(_) => match parse_move(line, is_many) {
                Some((stream, what)) => moves.push(Move { at: number as u64, stream, what }),
                None => panic!("{}:{}: cannot read {line}", path.display(), number + 1),
            },
        }
    }
    Case { path: path.to_owned(), moves, mid_stream, carrier }
}

/// What happens in a line, and on which of many streams.
fn parse_move(line: &str, is_many: bool) -> Option<(u64, What)> {
    let (kind, rest) = match line.split_at_checked(2)? {
        (mark @ ("! " | "~ " | ". " | "x " | "s "), rest) => (mark.as_bytes()[0], rest),
        _ => (b' ', line),
    };
    let way = match rest.as_bytes().first()? {
        b'>' => Direction::Forward,
        b'<' => Direction::Backward,
        _ => return None,
    };
    let rest = rest.get(2..).unwrap_or_default();
    let (stream, rest) = if is_many {
        let (stream, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        (stream.parse().ok()?, rest)
    } else {
        (0, rest)
    };
    let number = || rest.trim().parse().ok();
    let what = match kind {
        b'!' => What::Missing(way, number()?, MissingReason::Lost),
        b'~' => What::Missing(way, number()?, MissingReason::Skipped),
        b'.' => What::End(way),
        b'x' => What::Reset(way, number().unwrap_or(0)),
        b's' => What::Stopped(way, number()?),
        _ => What::Bytes(way, unescape(rest)),
    };
    Some((stream, what))
}

fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c != '\\' {
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            continue;
        }
        let escape = rest.chars().next().expect("a backslash is followed by something");
        rest = &rest[1..];
        match escape {
            'r' => bytes.push(b'\r'),
            'n' => bytes.push(b'\n'),
            't' => bytes.push(b'\t'),
            '0' => bytes.push(0),
            'x' => {
                bytes.push(u8::from_str_radix(&rest[..2], 16).expect("two hex digits"));
                rest = &rest[2..];
            }
            '*' => {
                let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                let times: usize = rest[..end].parse().expect("a count");
                let last = *bytes.last().expect("a byte to repeat");
                bytes.resize(bytes.len() + times - 1, last);
                rest = &rest[end..];
            }
            other => bytes.push(other as u8),
        }
    }
    bytes
}
