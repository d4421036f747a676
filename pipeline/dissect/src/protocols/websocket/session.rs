//! Frames of both sides → messages, pings, the closing handshake.
//!
//! ```text
//! each side:  idle ──data frame──▶ message ──last fragment──▶ idle
//!                                     │ control frames may stand between fragments
//!             CLOSE of one side, then of the other: closed
//! ```

use std::hash::{DefaultHasher, Hasher};

use model::{EndpointId, Exchange, Incomplete, Kind, ProtocolInfo, Side, Status, Timestamp};

use super::frame::{self, Head, Opcode, Read};
use super::operation;
use crate::protocol::{Input, Output, Session, Start, Step};

/// Pings of one side that wait for their pong.
const PINGS_MAX: usize = 16;

/// See the module.
pub(super) struct WebSocketSession {
    protocol: &'static ProtocolInfo,
    upgraded_by: Option<EndpointId>,
    client: Sending,
    server: Sending,
    close: Option<Closing>,
}

/// What one side is about.
#[derive(Default)]
struct Sending {
    message: Option<Told>,
    /// The data frame whose payload passes is the last of its message.
    is_last: bool,
    /// Its pings without a pong, and the hashes of their payloads.
    pings: Vec<(Told, u64)>,
    /// Pings of it may have been missed.
    has_gaps: bool,
}

/// What will be an exchange.
#[derive(Clone, Copy)]
struct Told {
    opcode: Opcode,
    is_compressed: bool,
    kind: Kind,
    status: Status,
    start: Timestamp,
    /// Sent by the client, by the server.
    bytes: [u64; 2],
}

/// A closing handshake that has begun.
struct Closing {
    by: Side,
    told: Told,
}

impl Told {
    fn new(head: &Head, kind: Kind, input: &Input<'_>, bytes: usize) -> Self {
        let mut told = Self {
            opcode: head.opcode,
            is_compressed: head.is_compressed,
            kind,
            status: Status::default(),
            start: input.first_at,
            bytes: [0; 2],
        };
        told.count(input.side, bytes as u64);
        told
    }

    fn count(&mut self, side: Side, bytes: u64) {
        match (side, &mut self.bytes) {
            (Side::Client, [sent, _]) | (Side::Server, [_, sent]) => *sent += bytes,
        }
    }
}

/// How an exchange ended.
#[derive(Clone, Copy)]
enum Ended {
    At(Timestamp),
    Not(Incomplete),
}

impl WebSocketSession {
    pub(super) fn new(protocol: &'static ProtocolInfo, start: Start) -> Self {
        let side = || Sending { has_gaps: !start.from_start, ..Sending::default() };
        let (client, server) = (side(), side());
        Self { protocol, upgraded_by: start.upgraded_by, client, server, close: None }
    }

    const fn sending(&mut self, side: Side) -> &mut Sending {
        match side {
            Side::Client => &mut self.client,
            Side::Server => &mut self.server,
        }
    }

    fn data(&mut self, head: &Head, length: usize, input: &Input<'_>) -> Step {
        let kind = if input.side == Side::Client { Kind::Oneway } else { Kind::Push };
        let sending = self.sending(input.side);
        if head.opcode == Opcode::Continuation {
            if let Some(message) = &mut sending.message {
                message.count(input.side, length as u64);
            }
        } else {
            // A message before it that never ended was broken off by its sender.
            sending.message = Some(Told::new(head, kind, input, length));
        }
        sending.is_last = head.is_last;
        Step::Skip { head: length, body: head.payload_bytes }
    }

    fn control(
        &mut self,
        head: &Head,
        length: usize,
        input: &Input<'_>,
        output: &mut Output<'_>,
    ) -> Step {
        let wanted = usize::try_from(head.payload_bytes).unwrap_or(usize::MAX);
        let payload = input.bytes.get(length..).unwrap_or_default();
        let Some((payload, _)) = payload.split_at_checked(wanted) else { return Step::Wait };
        let told = Told::new(head, Kind::Session, input, length + wanted);
        match head.opcode {
            Opcode::Ping => {
                let pings = &mut self.sending(input.side).pings;
                // Beyond the limit the oldest is one that nobody answers.
                if pings.len() == PINGS_MAX {
                    pings.remove(0);
                }
                pings.push((told, payload_hash(head, payload)));
            }
            Opcode::Pong => self.pong(told, payload_hash(head, payload), input, output),
            Opcode::Close => self.closing(told, frame::close_code(head, payload), input, output),
            Opcode::Text | Opcode::Binary | Opcode::Continuation => {}
        }
        Step::Took(length + wanted)
    }

    /// Answers the ping with the same payload and all that came before it (RFC 6455 §5.5.3).
    fn pong(&mut self, pong: Told, hash: u64, input: &Input<'_>, output: &mut Output<'_>) {
        let Sending { pings, has_gaps, .. } = self.sending(input.side.opposite());
        let Some(last) = pings.iter().position(|(_, asked)| *asked == hash) else {
            if !*has_gaps {
                self.emit(pong, Ended::At(input.at), output);
            }
            return;
        };
        let answered: Vec<_> = pings.drain(..=last).collect();
        for (mut ping, asked) in answered {
            ping.status = operation::answered();
            if asked == hash {
                let [client, server] = pong.bytes;
                ping.count(input.side, client + server);
            }
            self.emit(ping, Ended::At(input.at), output);
        }
    }

    fn closing(
        &mut self,
        mut told: Told,
        code: Option<u16>,
        input: &Input<'_>,
        output: &mut Output<'_>,
    ) {
        match self.close.take() {
            Some(mut first) if first.by != input.side => {
                let [client, server] = told.bytes;
                first.told.count(input.side, client + server);
                self.emit(first.told, Ended::At(input.at), output);
            }
            Some(first) => self.close = Some(first),
            None => {
                told.status = operation::closed(code, input.side == Side::Server);
                self.close = Some(Closing { by: input.side, told });
            }
        }
    }

    fn emit(&self, told: Told, ended: Ended, output: &mut Output<'_>) {
        let (duration_ns, incomplete) = match ended {
            Ended::At(at) => (Some(at.since_ns(told.start)), None),
            Ended::Not(reason) => (None, Some(reason)),
        };
        let [request_bytes, response_bytes] = told.bytes;
        let exchange = Exchange {
            protocol: self.protocol,
            version: operation::version(told.is_compressed),
            kind: told.kind,
            endpoint: operation::endpoint(told.opcode, self.upgraded_by, output),
            status: told.status,
            start: told.start,
            duration_ns,
            ttfb_ns: None,
            request_bytes,
            response_bytes,
            incomplete,
            wire: output.raw.then(|| operation::wire(told.opcode, &told.status)),
        };
        output.emit(&exchange);
    }

    /// Reports all that has begun.
    fn give_up(&mut self, reason: Incomplete, output: &mut Output<'_>) {
        for side in [Side::Client, Side::Server] {
            let Sending { message, pings, .. } = std::mem::take(self.sending(side));
            for told in message.into_iter().chain(pings.into_iter().map(|(ping, _)| ping)) {
                self.emit(told, Ended::Not(reason), output);
            }
        }
        if let Some(first) = self.close.take() {
            self.emit(first.told, Ended::Not(reason), output);
        }
    }
}

impl Session for WebSocketSession {
    fn step(&mut self, input: Input<'_>, output: &mut Output<'_>) -> Step {
        match frame::head(input.side, input.bytes) {
            Read::Whole(head, length) if head.opcode.is_control() => {
                self.control(&head, length, &input, output)
            }
            Read::Whole(head, length) => self.data(&head, length, &input),
            Read::Partial => Step::Wait,
            Read::Malformed => {
                self.gap(input.side, 0, input.at, output);
                Step::Desync
            }
        }
    }

    fn passed(&mut self, side: Side, bytes: u64, at: Timestamp, output: &mut Output<'_>) {
        let sending = self.sending(side);
        if let Some(message) = &mut sending.message {
            message.count(side, bytes);
        }
        if sending.is_last
            && let Some(message) = sending.message.take()
        {
            self.emit(message, Ended::At(at), output);
        }
    }

    fn gap(&mut self, side: Side, _bytes: u64, _at: Timestamp, output: &mut Output<'_>) {
        self.sending(side).has_gaps = true;
        if let Some(message) = self.sending(side).message.take() {
            self.emit(message, Ended::Not(Incomplete::Gap), output);
        }
        // Their pongs may be among what is missing.
        self.sending(side.opposite()).pings.clear();
    }

    /// Packets start with a frame nearly always; frames up to the end of the packet prove it.
    fn resync(&mut self, side: Side, bytes: &[u8]) -> Option<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let Read::Whole(head, length) = frame::head(side, rest) else { return None };
            let payload = usize::try_from(head.payload_bytes).ok().filter(|_| head.is_minimal)?;
            rest = rest.get(length + payload..)?;
        }
        Some(0)
    }

    fn end(&mut self, side: Side, _at: Timestamp, output: &mut Output<'_>) {
        if let Some(message) = self.sending(side).message.take() {
            self.emit(message, Ended::Not(Incomplete::Closed), output);
        }
    }

    fn close(&mut self, reason: Incomplete, _at: Timestamp, output: &mut Output<'_>) {
        self.give_up(reason, output);
    }

    fn expire(&mut self, before: Timestamp, output: &mut Output<'_>) {
        for side in [Side::Client, Side::Server] {
            let pings = &mut self.sending(side).pings;
            let late = pings.iter().take_while(|(ping, _)| ping.start < before).count();
            let late: Vec<_> = pings.drain(..late).collect();
            for (ping, _) in late {
                self.emit(ping, Ended::Not(Incomplete::Timeout), output);
            }
        }
    }

    /// Small messages travel many in a packet, and a server may push without end.
    fn wants_everything(&mut self) -> bool {
        true
    }
}

/// Tells pings apart; the payload is not kept.
fn payload_hash(head: &Head, payload: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for byte in frame::unmasked(head, payload) {
        hasher.write_u8(byte);
    }
    hasher.finish()
}
