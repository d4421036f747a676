//! Bytes → one line. Stateless, borrows from its input, never panics.
//!
//! ```text
//! client: TEMPLATE/1            server: TEMPLATE/1
//!         ASK topic text                YES length, then so many bytes
//!                                       NO reason
//!         PING                          PONG
//! ```

use crate::bytes::line::first_line;

/// A line longer than this is none of ours.
const LINE_BYTES_MAX: usize = 1_024;

/// The greeting of both sides.
pub(super) const HELLO: &[u8] = b"TEMPLATE/1";

/// What a reader here says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Read<'a> {
    /// A frame, and the bytes it takes.
    Whole(Frame<'a>, usize),
    /// More bytes are needed.
    Partial,
    /// No frame starts here.
    Malformed,
}

/// One line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame<'a> {
    /// The greeting.
    Hello,
    /// `PING` or `PONG`.
    Upkeep,
    /// A question about a topic.
    Ask(&'a [u8]),
    /// An answer, and the length of its body.
    Yes(u64),
    /// A refusal, and why.
    No(&'a [u8]),
}

/// Reads a line of the client.
pub(super) fn request(bytes: &[u8]) -> Read<'_> {
    read(bytes, &[HELLO, b"PING", b"ASK "], |line| {
        if line == HELLO {
            return Some(Frame::Hello);
        }
        if line == b"PING" {
            return Some(Frame::Upkeep);
        }
        let question = line.strip_prefix(b"ASK ")?;
        let topic = question.split(|b| *b == b' ').next()?;
        (!topic.is_empty()).then_some(Frame::Ask(topic))
    })
}

/// Reads a line of the server.
pub(super) fn answer(bytes: &[u8]) -> Read<'_> {
    read(bytes, &[HELLO, b"PONG", b"YES ", b"NO "], |line| {
        if line == HELLO {
            return Some(Frame::Hello);
        }
        if line == b"PONG" {
            return Some(Frame::Upkeep);
        }
        if let Some(reason) = line.strip_prefix(b"NO ") {
            return Some(Frame::No(reason));
        }
        let length = std::str::from_utf8(line.strip_prefix(b"YES ")?).ok()?;
        length.parse().ok().map(Frame::Yes)
    })
}

fn read<'a>(
    bytes: &'a [u8],
    starts: &[&[u8]],
    frame: impl FnOnce(&'a [u8]) -> Option<Frame<'a>>,
) -> Read<'a> {
    match first_line(bytes) {
        Some((line, length)) => {
            frame(line).map_or(Read::Malformed, |frame| Read::Whole(frame, length))
        }
        None => {
            let fits = |start: &&[u8]| bytes.starts_with(start) || start.starts_with(bytes);
            let may_become_one = bytes.len() <= LINE_BYTES_MAX && starts.iter().any(fits);
            if may_become_one { Read::Partial } else { Read::Malformed }
        }
    }
}
