//! The client's side: what it asks fills the queue.

use std::sync::Arc;

use model::{EndpointId, Kind, ShortText, Timestamp};

use super::frame::{self, HEAD, Head, Packet};
use super::operation;
use super::prepared::Prepared;
use super::session::{Awaited, Forming, Parsed, Phase, Postgres, QUEUE_MAX, What};
use crate::naming::statement::{self, NAMING_BYTES_MAX, RAW_BYTES_MAX};
use crate::prepared::Statement;
use crate::pairing::Pending;
use crate::protocol::{Input, Output, Step};

/// Bytes of a message in which the names of statements and portals stand; PostgreSQL cuts
/// identifiers at 63.
const NAMES_BYTES_MAX: usize = 512;

/// A message of the client as far as it is looked at.
struct Message<'a> {
    kind: u8,
    /// All of it, head included.
    length: usize,
    /// What is visible of the body.
    body: &'a [u8],
    /// First byte.
    began: Timestamp,
}

impl Postgres {
    /// Reads whole messages until one is cut.
    pub(super) fn requests(&mut self, input: &Input<'_>, output: &mut Output<'_>) -> Step {
        let mut at = 0;
        loop {
            let rest = input.bytes.get(at..).unwrap_or_default();
            let stop = if at == 0 { Step::Wait } else { Step::Took(at) };
            let Some(first) = rest.first() else {
                return stop;
            };
            let began = if at == 0 { input.first_at } else { input.at };
            let opens = matches!(self.phase, Phase::Opening | Phase::Unknown) && *first == 0;
            if opens {
                match self.packet(rest, began, output) {
                    Some(0) => return stop,
                    Some(length) => at += length,
                    None => return if at == 0 { Step::Desync } else { stop },
                }
                continue;
            }
            let (kind, length) = match frame::head(rest) {
                Head::Short => return stop,
                Head::Message { kind, length } if self.phase != Phase::Opening => (kind, length),
                Head::Message { .. } | Head::Bad => {
                    return if at == 0 { Step::Desync } else { stop };
                }
            };
            let Some(window) = window(kind, length, output.raw) else {
                return if at == 0 { Step::Desync } else { stop };
            };
            let Some(body) = rest.get(HEAD..window) else {
                return stop;
            };
            self.request(&Message { kind, length, body, began }, output);
            if rest.len() < length {
                return Step::Skip { head: at + window, body: (length - window) as u64 };
            }
            at += length;
        }
    }

    /// A packet without a type byte: its length, 0 if it is not whole, `None` if it is none.
    fn packet(&mut self, bytes: &[u8], began: Timestamp, output: &mut Output<'_>) -> Option<usize> {
        let session = Kind::Session;
        // Before it the server has said nothing, whether the SYN was seen or not.
        self.aligned = [true; 2];
        match frame::packet(bytes) {
            Packet::Short => Some(0),
            Packet::Bad => None,
            Packet::Ssl | Packet::Gss => {
                let is_ssl = frame::packet(bytes) == Packet::Ssl;
                let name = if is_ssl { "SSLRequest" } else { "GSSENCRequest" };
                let endpoint = output.names.intern(name, "");
                let mut pending = pending(What::Encryption, session, endpoint, began, 8);
                pending.wire = statement::wire(name, None, output);
                self.phase = Phase::Opening;
                self.push(pending, output);
                Some(8)
            }
            Packet::Cancel { length } => {
                self.phase = Phase::Opening;
                self.last_word("CancelRequest", began, length, output);
                Some(length)
            }
            Packet::Startup { minor, parameters, length } => {
                let named = |name| frame::parameter(parameters, name).filter(|v| !v.is_empty());
                let database = named(b"database").or_else(|| named(b"user")).unwrap_or_default();
                let target = String::from_utf8_lossy(database);
                let endpoint = output.names.intern("Startup", &target);
                let mut pending = pending(What::Startup, session, endpoint, began, length);
                pending.wire = statement::wire("Startup", Some(&target), output);
                self.version = ShortText::new(&format!("3.{minor}"));
                self.phase = Phase::Messages;
                self.is_uncertain = false;
                self.push(pending, output);
                Some(length)
            }
        }
    }

    fn request(&mut self, message: &Message<'_>, output: &mut Output<'_>) {
        let bytes = message.length as u64;
        if self.phase == Phase::Unknown {
            self.phase = Phase::Messages;
        }
        match message.kind {
            b'Q' => self.query(message, output),
            b'P' => self.parse(message, output),
            b'B' => {
                self.lead(message);
                if let Some((portal, statement)) = frame::bind(message.body) {
                    self.prepared().bind(portal, statement);
                }
            }
            b'D' => self.lead(message),
            b'E' => self.execute(message, output),
            b'C' => {
                if let Some((kind, name)) = frame::subject(message.body) {
                    self.prepared().close(kind, name);
                }
            }
            b'S' => self.sync(message, output),
            // What was flushed is answered before the next message: an Execute begins anew.
            b'H' => self.forming.start = Timestamp::UNKNOWN,
            b'F' => {
                let endpoint = output.names.intern("FunctionCall", "");
                let mut pending =
                    pending(What::Call, Kind::Request, endpoint, message.began, message.length);
                pending.wire = statement::wire("FunctionCall", None, output);
                self.push(pending, output);
            }
            b'X' => {
                self.last_word("Terminate", message.began, message.length, output);
            }
            b'p' => {
                if let Some(startup) = self.queue.back_mut() {
                    startup.request_bytes += bytes;
                }
            }
            // COPY data, its end, its failure.
            _ => {
                if let Some(copy) = self.queue.front_mut() {
                    copy.request_bytes += bytes;
                }
                self.is_copying &= message.kind == b'd';
            }
        }
    }

    fn query(&mut self, message: &Message<'_>, output: &mut Output<'_>) {
        let text = frame::text(message.body);
        let endpoint = operation::sql(text, output);
        let length = message.length;
        let mut pending = pending(What::Query, Kind::Request, endpoint, message.began, length);
        if output.raw {
            let text = statement::raw(text);
            pending.wire = statement::wire("Query", Some(&text), output);
        }
        self.forming = Forming::default();
        self.push(pending, output);
    }

    fn parse(&mut self, message: &Message<'_>, output: &mut Output<'_>) {
        self.lead(message);
        let Some((name, text)) = frame::parse(message.body) else {
            return;
        };
        let endpoint = operation::sql(text, output);
        let text: Option<Arc<str>> = output.raw.then(|| statement::raw(text).into());
        self.prepared().parse(name, Statement { endpoint: Some(endpoint), text: text.clone() });
        self.forming.parse =
            Some(Parsed { endpoint, start: message.began, bytes: message.length as u64, text });
    }

    /// A message that leads up to an Execute.
    fn lead(&mut self, message: &Message<'_>) {
        if self.forming.start.is_unknown() {
            self.forming.start = message.began;
            self.forming.bytes = 0;
        }
        self.forming.bytes += message.length as u64;
    }

    fn execute(&mut self, message: &Message<'_>, output: &mut Output<'_>) {
        self.lead(message);
        let portal = frame::text(message.body);
        let statement = self.prepared().portal(portal);
        let forming = std::mem::take(&mut self.forming);
        let endpoint = match statement.endpoint {
            Some(endpoint) => endpoint,
            None => output.names.intern("EXECUTE", ""),
        };
        let length = forming.bytes as usize;
        let mut pending = pending(What::Execute, Kind::Request, endpoint, forming.start, length);
        pending.wire = statement::wire("Execute", statement.text.as_deref(), output);
        self.push(pending, output);
    }

    fn sync(&mut self, message: &Message<'_>, output: &mut Output<'_>) {
        if self.is_copying {
            return;
        }
        let forming = std::mem::take(&mut self.forming);
        if self.phase == Phase::Skipping {
            self.phase = Phase::Messages;
        }
        if let Some(last) = self.queue.back_mut().filter(|p| p.tag.what == What::Execute) {
            last.request_bytes += message.length as u64;
        }
        let mut pending = match forming.parse {
            Some(parsed) => failing(&parsed, true, output),
            None => pending(
                What::Sync { prepares: false },
                Kind::Session,
                EndpointId::OTHER,
                message.began,
                0,
            ),
        };
        pending.request_bytes += message.length as u64;
        self.push(pending, output);
    }

    /// Appends a request; one that finds no room, or cannot be paired, is told at once.
    fn push(&mut self, pending: Pending<Awaited>, output: &mut Output<'_>) {
        if matches!(self.phase, Phase::Skipping | Phase::Streaming) {
            return self.discarded(pending, output);
        }
        // The answer with the gap may or may not have ended in it.
        if self.is_gapped {
            let same_batch = self.queue.back().is_some_and(|p| !p.tag.what.ends_ready());
            if !(same_batch && matches!(pending.tag.what, What::Sync { .. })) {
                self.lose_count(output);
            }
        }
        if self.refused > 0 || self.is_refusing || self.queue.len() >= QUEUE_MAX {
            self.is_refusing = !pending.tag.what.ends_ready();
            self.refused += u32::from(!self.is_refusing);
            return self.unanswered(pending, model::Incomplete::Gap, output);
        }
        self.queue.push_back(pending);
        if self.is_uncertain && self.outstanding() > 1 {
            self.lose_count(output);
        }
    }

    /// A message of the client that has no answer by protocol.
    fn last_word(&self, operation: &str, began: Timestamp, length: usize, output: &mut Output<'_>) {
        let endpoint = output.names.intern(operation, "");
        let mut pending = pending(What::Call, Kind::Session, endpoint, began, length);
        pending.wire = statement::wire(operation, None, output);
        self.discarded(pending, output);
    }

    fn prepared(&mut self) -> &mut Prepared {
        self.prepared.get_or_insert_default()
    }
}

/// Bytes of a message that are looked at; `None` if the client sends no such message.
fn window(kind: u8, length: usize, raw: bool) -> Option<usize> {
    let most = match kind {
        b'Q' | b'P' if raw => RAW_BYTES_MAX,
        b'Q' | b'P' => HEAD + NAMES_BYTES_MAX + NAMING_BYTES_MAX,
        b'B' => HEAD + NAMES_BYTES_MAX,
        b'E' | b'D' | b'C' if length <= NAMING_BYTES_MAX => HEAD + NAMES_BYTES_MAX,
        b'H' | b'S' | b'X' | b'c' if length == HEAD => HEAD,
        b'p' | b'd' | b'f' | b'F' => HEAD,
        _ => return None,
    };
    Some(most.min(length))
}

/// A request.
pub(super) fn pending(
    what: What,
    kind: Kind,
    endpoint: EndpointId,
    start: Timestamp,
    length: usize,
) -> Pending<Awaited> {
    let tag = Awaited { what, is_out: false, done: None };
    Pending::new(kind, endpoint, start, length as u64, tag)
}

/// A preparation: an exchange only if it fails.
pub(super) fn failing(parsed: &Parsed, prepares: bool, output: &Output<'_>) -> Pending<Awaited> {
    let what = What::Sync { prepares };
    let length = parsed.bytes as usize;
    let mut pending = pending(what, Kind::Request, parsed.endpoint, parsed.start, length);
    pending.wire = statement::wire("Parse", parsed.text.as_deref(), output);
    pending
}
