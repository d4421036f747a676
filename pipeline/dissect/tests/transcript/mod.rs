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
//! ```
//! Escapes: `\r \n \t \0 \\ \xHH`, and `\*N` repeats the byte before it up to N times.

use std::fs;
use std::path::{Path, PathBuf};

use dissect::{PROTOCOLS, Transport};
use model::{Direction, MissingReason};

/// One line of a case, with its time in milliseconds. Pieces of a cut line share its time.
#[derive(Clone, Debug)]
pub(crate) struct Move {
    pub(crate) at: u64,
    pub(crate) what: What,
}

/// What happens in one line.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Bytes(Direction, Vec<u8>),
    Missing(Direction, u64, MissingReason),
    End(Direction),
    Reset(Direction),
}

/// A transcript and how it begins.
pub(crate) struct Case {
    pub(crate) path: PathBuf,
    pub(crate) moves: Vec<Move>,
    pub(crate) mid_stream: bool,
    pub(crate) transport: Transport,
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
    let (mut moves, mut mid_stream, mut transport) = (Vec::new(), false, Transport::Stream);
    for (number, line) in text.lines().enumerate() {
        let wrong = || -> ! { panic!("{}:{}: cannot read {line}", path.display(), number + 1) };
        let mut words = line.splitn(3, ' ');
        let (mark, second, third) = (words.next(), words.next(), words.next());
        let way = |mark: Option<&str>| match mark {
            Some(">") => Direction::Forward,
            Some("<") => Direction::Backward,
            _ => wrong(),
        };
        let at = number as u64;
        let mut push = |what| moves.push(Move { at, what });
        match mark {
            None | Some("" | "#") => {}
            Some("@") => match second {
                Some("mid-stream") => mid_stream = true,
                Some("datagrams") => transport = Transport::Datagram,
                Some("multicast") => transport = Transport::Multicast,
                _ => wrong(),
            },
            Some(">" | "<") => {
                let bytes = unescape(line.get(2..).unwrap_or_default());
                push(What::Bytes(way(mark), bytes));
            }
            Some(kind @ ("!" | "~")) => {
                let Some(bytes) = third.and_then(|n| n.trim().parse().ok()) else { wrong() };
                let reason = if kind == "!" { MissingReason::Lost } else { MissingReason::Skipped };
                push(What::Missing(way(second), bytes, reason));
            }
            Some(".") => push(What::End(way(second))),
            Some("x") => push(What::Reset(way(second))),
            Some(_) => wrong(),
        }
    }
    Case { path: path.to_owned(), moves, mid_stream, transport }
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
