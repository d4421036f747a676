//! Messages → exchanges, paired by id and question.
//!
//! ```text
//!              question                     answer, last message of a transfer
//!   (none) ──────────────▶ open ──────────────────────────────────────────────▶ answered
//!                          │  ▲ the same question again │ too old, closed
//!                          └──┘                         ▼
//!                                             timeout; gap if its answer may have been lost
//! ```

use std::collections::VecDeque;
use std::net::IpAddr;

use model::{Exchange, Incomplete, Kind, ShortText, Side, Status, Timestamp, Wire};

use super::INFO;
use super::frame::{Message, Question};
use super::operation::{self, HostName};
use super::probe::{self, PREFIX_BYTES};
use super::transfer::Transfer;
use crate::pairing::Pending;
use crate::protocol::{AddressNamed, Input, Output, Session, Step, Transport};

/// Open questions kept between two addresses: resolvers ask some hundred at once from one port.
const OPEN_MAX: usize = 1_024;
/// More open questions than this are a pipeline: many answers travel in one packet.
const PIPELINE_MIN: usize = 8;
/// Addresses of one answer that are named: more than fit into a datagram of the usual size.
const ADDRESSES_MAX: usize = 64;

const A: u16 = 1;
const CNAME: u16 = 5;
const AAAA: u16 = 28;
const INTERNET: u16 = 1;

/// One pair of addresses, or one connection.
#[derive(Debug)]
pub(super) struct Dns {
    transport: Transport,
    open: VecDeque<Pending<Asked>>,
    is_outrun: bool,
    has_answered: bool,
}

/// What must be remembered of a question.
#[derive(Clone, Copy, Debug)]
struct Asked {
    id: u16,
    question: u64,
    /// Who asked. Servers that ask each other may do so from port to port.
    side: Side,
    transfer: Option<Transfer>,
    /// Its answer may have been lost on its way to us.
    is_unsure: bool,
}

impl Dns {
    pub(super) const fn new(transport: Transport) -> Self {
        Self { transport, open: VecDeque::new(), is_outrun: false, has_answered: false }
    }

    /// Reads one message; false if it is none.
    fn message(&mut self, bytes: &[u8], input: &Input<'_>, output: &mut Output<'_>) -> bool {
        let Some(message) = Message::read(bytes) else {
            return false;
        };
        if self.transport == Transport::Multicast {
            return true;
        }
        let header = message.header;
        let usual = if header.is_response() { Side::Server } else { Side::Client };
        if !probe::is_plausible(header, message.question.as_ref(), usual) {
            return false;
        }
        if header.is_response() {
            self.answer(&message, input, output);
        } else if let Some(question) = message.question {
            self.ask(&message, &question, input, output);
        }
        true
    }

    fn ask(
        &mut self,
        message: &Message<'_>,
        question: &Question<'_>,
        input: &Input<'_>,
        output: &mut Output<'_>,
    ) {
        let asked = Asked {
            id: message.header.id,
            question: question.fingerprint(),
            side: input.side,
            transfer: Transfer::asked(message, question),
            is_unsure: false,
        };
        let is_same = |tag: &Asked| {
            (tag.id, tag.question, tag.side) == (asked.id, asked.question, asked.side)
        };
        if let Some(again) = self.open.iter_mut().find(|pending| is_same(&pending.tag)) {
            again.request_bytes += input.bytes.len() as u64;
            return;
        }
        if self.open.len() >= OPEN_MAX
            && let Some(oldest) = self.open.pop_front()
        {
            report(oldest, Incomplete::Gap, output);
        }
        let wire = output.raw.then(|| {
            let (mut operation, mut target) = (String::new(), String::new());
            operation::kind(question.kind, &mut operation);
            operation::as_on_the_wire(question.name, &mut target);
            Box::new(Wire { operation, target: Some(target), status: None })
        });
        let endpoint = operation::endpoint(output.names, message.header.opcode(), question);
        let bytes = input.bytes.len() as u64;
        let pending = Pending::new(Kind::Request, endpoint, input.first_at, bytes, asked);
        self.open.push_back(Pending { wire, ..pending });
        self.is_outrun |= self.open.len() > PIPELINE_MIN;
    }

    fn answer(&mut self, message: &Message<'_>, input: &Input<'_>, output: &mut Output<'_>) {
        let question = message.question.map(|question| question.fingerprint());
        let fits = |tag: &Asked| {
            tag.id == message.header.id
                && tag.side != input.side
                && question.is_none_or(|question| question == tag.question)
        };
        let Some(at) = self.open.iter().position(|pending| fits(&pending.tag)) else {
            return;
        };
        let code = message.response_code();
        let Some(pending) = self.open.get_mut(at) else { return };
        pending.answer_bytes(input.bytes.len() as u64, input.first_at);
        let transfer = pending.tag.transfer.as_mut().filter(|_| code == 0);
        if transfer.is_some_and(|transfer| !transfer.takes(message)) {
            return;
        }
        let Some(mut pending) = self.open.remove(at) else { return };
        self.has_answered = true;
        if let Some(wire) = pending.wire.as_deref_mut() {
            wire.status = Some(code.to_string());
        }
        let asker = pending.tag.side;
        if code == 0 && asker == Side::Client {
            name_addresses(message, input.at, output);
        }
        let status = operation::status(code);
        let exchange = pending.answered(&INFO, ShortText::default(), status, input.at);
        emit(&exchange, asker, output);
    }

    /// Emits those that fit, the oldest first.
    fn report_if(
        &mut self,
        fits: impl Fn(&Pending<Asked>) -> bool,
        reason: Incomplete,
        output: &mut Output<'_>,
    ) {
        let mut at = 0;
        while let Some(pending) = self.open.get(at) {
            if !fits(pending) {
                at += 1;
            } else if let Some(pending) = self.open.remove(at) {
                report(pending, reason, output);
            }
        }
    }
}

/// Emits a question without its answer.
fn report(pending: Pending<Asked>, reason: Incomplete, output: &mut Output<'_>) {
    let asker = pending.tag.side;
    let reason = if pending.tag.is_unsure { Incomplete::Gap } else { reason };
    let exchange =
        pending.unanswered(&INFO, ShortText::default(), Status::default(), reason);
    emit(&exchange, asker, output);
}

fn emit(exchange: &Exchange, asker: Side, output: &mut Output<'_>) {
    match asker {
        Side::Client => output.emit(exchange),
        Side::Server => output.emit_from_server(exchange),
    }
}

/// Says by which name the addresses in an answer were asked for.
fn name_addresses(message: &Message<'_>, at: Timestamp, output: &mut Output<'_>) {
    let Some(question) = message.question else { return };
    if question.class != INTERNET || !matches!(question.kind, A | AAAA) {
        return;
    }
    let Some(host) = HostName::new(question.name) else { return };
    // Aliases come before what they stand for (RFC 1034 §4.3.2).
    let mut name = question.name;
    for record in message.answers().take(ADDRESSES_MAX) {
        if record.class != INTERNET || !record.name.is(name) {
            continue;
        }
        if record.kind == CNAME {
            name = record.target().unwrap_or(name);
        } else if record.kind == question.kind
            && let Some(address) = address(record.data)
        {
            let (name, ttl_s) = (host.as_str(), record.ttl);
            output.address_named(&AddressNamed { name, address, ttl_s, at });
        }
    }
}

/// An address as records hold it (RFC 1035 §3.4.1, RFC 3596 §2.2).
fn address(data: &[u8]) -> Option<IpAddr> {
    if let Ok(bytes) = <[u8; 4]>::try_from(data) {
        return Some(IpAddr::from(bytes));
    }
    Some(IpAddr::from(<[u8; 16]>::try_from(data).ok()?))
}

impl Session for Dns {
    fn step(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        if self.transport != Transport::Stream {
            let is_read = self.message(input.bytes, &input, output);
            return if is_read { Step::Took(input.bytes.len()) } else { Step::Desync };
        }
        let Some((prefix, rest)) = input.bytes.split_first_chunk::<PREFIX_BYTES>() else {
            return Step::Wait;
        };
        let length = usize::from(u16::from_be_bytes(*prefix));
        let taken = PREFIX_BYTES + length;
        let Some(bytes) = input.bytes.get(..taken) else {
            let is_hopeless = probe::is_hopeless(input.bytes);
            return if is_hopeless { Step::Desync } else { Step::Wait };
        };
        let own = Input { bytes, ..input };
        let is_read = self.message(rest.get(..length).unwrap_or_default(), &own, output);
        if is_read { Step::Took(taken) } else { Step::Desync }
    }

    fn passed(&mut self, _side: Side, _bytes: u64, _at: Timestamp, _output: &mut Output<'_>) {}

    /// Answers are found by their id again; which were lost is not known.
    fn gap(&mut self, side: Side, _bytes: u64, _at: Timestamp, _output: &mut Output<'_>) {
        for pending in self.open.iter_mut().filter(|pending| pending.tag.side != side) {
            pending.tag.is_unsure = true;
        }
    }

    fn resync(&mut self, side: Side, bytes: &[u8]) -> Option<usize> {
        probe::is_boundary(bytes, side).then_some(0)
    }

    fn end(&mut self, side: Side, _at: Timestamp, output: &mut Output<'_>) {
        self.report_if(|pending| pending.tag.side != side, Incomplete::Closed, output);
    }

    fn close(&mut self, reason: Incomplete, _at: Timestamp, output: &mut Output<'_>) {
        self.report_if(|_| true, reason, output);
    }

    fn expire(&mut self, before: Timestamp, output: &mut Output<'_>) {
        let is_late = |pending: &Pending<Asked>| {
            pending.start < before && pending.first_answer.is_none()
        };
        self.report_if(is_late, Incomplete::Timeout, output);
        if self.open.is_empty() {
            self.open = VecDeque::new();
        }
    }

    fn wants_everything(&mut self) -> bool {
        self.is_outrun |= self.open.iter().any(|pending| pending.tag.transfer.is_some());
        self.is_outrun
    }

    fn is_at_rest(&self) -> bool {
        self.has_answered && self.open.is_empty()
    }
}
