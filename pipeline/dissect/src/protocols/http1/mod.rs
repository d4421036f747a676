//! HTTP/0.9, 1.0 and 1.1.
//!
//! **An operation** is one request with its final answer. Its name is the method (`_OTHER` if it is
//! not a registered or widely used one) and the route of the target: `GET /user/{id}`. Query,
//! fragment and authority never leave the parser. `CONNECT` is named by the port alone.
//!
//! **Timing.** Starts at the first byte of the request line. First byte: of the final answer, not
//! of an interim one (100, 103). Ends at the last byte of the answer: of its `Content-Length`, of
//! the last chunk's trailer, or at the FIN of a close-delimited one. A request answered before its
//! own body is through is reported when the answer ends. After `101 … Upgrade: h2c` the answer is
//! the one on HTTP/2 stream 1, with its status.
//!
//! **An error** is a status of 500 or more. 4xx is the client's error. HTTP/0.9 has no status.
//! A request whose connection is closed or reset before the answer is whole is incomplete, with the
//! status if one was seen.
//!
//! **A session**: none. Interim answers, answers without request (408 from an idle server) and
//! lines that are no request (and their 400) are read and not reported. 101 and a 2xx to `CONNECT`
//! end HTTP/1; what follows is classified anew.
//!
//! **Not seen**: which proxy hop a request came from; requests with a `Content-Length` that lies;
//! answers after lost bytes, until the two sides are surely in step again: requests are reported as
//! `gap` until then. An h2c answer longer than 48 KiB has its status and no duration.
//!
//! Specification: RFC 9112 (messages), RFC 9110 (methods, status codes), RFC 1945 §4.1 (0.9),
//! RFC 7540 §3.2 (h2c).

use model::{Family, ProtocolInfo};

use crate::naming::http;
use crate::protocol::{Opening, Protocol, Session, Start, Verdict};
use frame::{Read, RequestLine, Version};
use session::Http1Session;

mod frame;
mod h2c;
mod session;
mod sync;

/// HTTP/1.
pub struct Http1;

/// The one value of [`Http1`].
pub static PROTOCOL: Http1 = Http1;

static INFO: ProtocolInfo = ProtocolInfo {
    name: "http1",
    family: Family::Http,
    system: "",
    specification: "https://www.rfc-editor.org/rfc/rfc9112",
    ports: &[80, 8080, 8000, 8008, 8081, 8888, 3000, 5000, 9090, 9200],
};

/// A request line that has not ended after so many bytes is judged by its start: a long URL.
const LONG_LINE_BYTES: usize = 512;

impl Protocol for Http1 {
    fn protocol(&self) -> &'static ProtocolInfo {
        &INFO
    }

    fn probe(&self, opening: Opening<'_>) -> Verdict {
        // Twelve bytes that nothing else says: enough, whatever the client sent.
        let answer = match frame::status_line(opening.server) {
            Read::Whole(..) => return Verdict::Match(Verdict::CERTAIN),
            Read::Partial if opening.server.len() >= b"HTTP/1.1 200".len() => {
                return Verdict::Match(Verdict::CERTAIN);
            }
            Read::Partial => Server::Unclear,
            Read::Malformed => Server::Other,
        };
        match request(opening.client, opening.from_start) {
            Verdict::Match(score) if score >= Verdict::CERTAIN => Verdict::Match(score),
            Verdict::Match(_) if answer == Server::Other && opening.from_start => {
                simple_answer(opening)
            }
            // What a server says before it has an answer is some other protocol's greeting.
            _ if answer == Server::Other && opening.from_start => Verdict::No,
            Verdict::No if !opening.server.is_empty() && answer == Server::Unclear => {
                Verdict::NotYet
            }
            Verdict::Match(score) if score < LONG => Verdict::NotYet,
            verdict @ (Verdict::No | Verdict::NotYet | Verdict::Match(_)) => verdict,
        }
    }

    fn open(&self, start: Start) -> Box<dyn Session> {
        Box::new(Http1Session::new(&INFO, start))
    }
}

/// What the server's bytes say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Server {
    /// None yet, or too few.
    Unclear,
    /// Not a status line.
    Other,
}

/// The score of a long URL whose end is not in sight, and of an HTTP/0.9 request.
const LONG: u8 = 75;
const SIMPLE: u8 = 60;

/// Judges the client's bytes alone.
fn request(client: &[u8], from_start: bool) -> Verdict {
    let said = client;
    let client = after_proxy_line(client);
    let client = client.get(frame::blank(client)..).unwrap_or_default();
    if !said.is_empty() && matches!(client, b"" | b"\r") {
        return Verdict::NotYet;
    }
    match frame::request_line(client) {
        Read::Whole(line, _) => judge_line(&line, from_start),
        Read::Malformed => Verdict::No,
        Read::Partial => {
            let method = client.split(|b| *b == b' ').next().unwrap_or_default();
            let rest = client.get(method.len() + 1..).unwrap_or_default();
            let is_path = rest.starts_with(b"/") || rest.starts_with(b"http");
            if is_path && client.len() >= LONG_LINE_BYTES && http::is_known_method(method) {
                return Verdict::Match(LONG);
            }
            if rest.is_empty() && !http::may_become_method(method) && !from_start {
                return Verdict::No;
            }
            Verdict::NotYet
        }
    }
}

fn judge_line(line: &RequestLine<'_>, from_start: bool) -> Verdict {
    // Only OPTIONS asks about the server as a whole; SSDP says `NOTIFY * HTTP/1.1` and is no HTTP.
    let is_ssdp = line.target == b"*" && line.method != b"OPTIONS";
    match line.version {
        _ if is_ssdp => Verdict::No,
        // In the middle of a stream any word may stand before a blank.
        Version::One(_) if from_start || http::is_known_method(line.method) => {
            Verdict::Match(Verdict::CERTAIN)
        }
        Version::Simple if from_start => Verdict::Match(SIMPLE),
        Version::One(_) | Version::Simple => Verdict::No,
    }
}

/// HTTP/0.9 answers with the document itself. Text protocols with a `GET` answer with a mark
/// (`$-1`, `-ERR`, `+OK`).
fn simple_answer(opening: Opening<'_>) -> Verdict {
    match opening.server.trim_ascii_start() {
        [b'<' | b'{' | b'[' | b'a'..=b'z' | b'A'..=b'Z', ..] => Verdict::Match(SIMPLE),
        _ => Verdict::No,
    }
}

/// What follows a PROXY protocol line (version 1), which balancers put before the first request.
fn after_proxy_line(client: &[u8]) -> &[u8] {
    if !client.starts_with(frame::PROXY_LINE) {
        return client;
    }
    memchr::memchr(b'\n', client).and_then(|end| client.get(end + 1..)).unwrap_or(client)
}
