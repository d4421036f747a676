//! Datagrams: each is a whole message, read by itself. Nothing is held and no boundary is searched.

use model::{Chunk, Direction, Incomplete, MissingReason, Outcome, Timestamp};

use super::reading::Reading;
use super::{Counters, Dissector, Input, Output, State, Step, side_of};
use crate::classify::{Clues, Decision, classify};

impl Dissector {
    /// Takes one datagram.
    pub(super) fn datagram(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        at: Timestamp,
        output: &mut Output<'_>,
        counters: &mut Counters,
    ) {
        self.shown = Some((direction, at));
        if let State::Opening(_) = &self.state {
            self.recognise(direction, bytes);
        }
        let is_understood = match &mut self.state {
            State::Reading(reading) => {
                reading.datagram(direction, bytes, at, &mut self.ledger, output)
            }
            State::Opening(_) => {
                self.ledger.unknown += bytes.len() as u64;
                false
            }
            State::Sealed(opening) => {
                opening.push(direction, bytes, at);
                return;
            }
            State::Opaque(outcome) => {
                self.ledger.book(*outcome, bytes.len() as u64);
                return;
            }
        };
        self.attempts = if is_understood { 0 } else { self.attempts + 1 };
        if self.attempts >= Self::ATTEMPTS_MAX {
            self.give_up_datagrams(at, output, counters);
        }
    }

    /// Part of a datagram is missing, or all of one.
    pub(super) fn missing_datagram(
        &mut self,
        chunk: &Chunk<'_>,
        bytes: u64,
        reason: MissingReason,
        output: &mut Output<'_>,
    ) {
        let State::Reading(reading) = &mut self.state else {
            return;
        };
        match reason {
            MissingReason::Skipped => self.ledger.skipped += bytes,
            MissingReason::Lost => self.ledger.lost += bytes,
        }
        // The session has made of a message without its tail what could be made of it.
        if self.shown.take() != Some((chunk.direction, chunk.at)) {
            output.client = reading.client;
            let side = side_of(chunk.direction, reading.client);
            reading.session.gap(side, bytes, chunk.at, output);
        }
    }

    fn recognise(&mut self, direction: Direction, bytes: &[u8]) {
        let mut both: [&[u8]; 2] = [&[], &[]];
        both[direction.index()] = bytes;
        let clues = Clues {
            initiator: self.initiator,
            ports: self.ports,
            from_start: self.from_start,
            transport: self.transport,
            last_try: true,
        };
        if let Decision::Take(protocol, client) = classify(both, &clues) {
            self.read(protocol, client, None);
        }
    }

    fn give_up_datagrams(
        &mut self,
        at: Timestamp,
        output: &mut Output<'_>,
        counters: &mut Counters,
    ) {
        let unknown = State::Opaque(Outcome::Unknown);
        if let State::Reading(mut reading) = std::mem::replace(&mut self.state, unknown) {
            output.client = reading.client;
            reading.session.close(Incomplete::Gap, at, output);
            counters.desyncs += 1;
        }
        counters.given_up += 1;
    }
}

impl Reading {
    /// Shows the session one datagram. False if some of it made no sense.
    fn datagram(
        &mut self,
        direction: Direction,
        mut bytes: &[u8],
        at: Timestamp,
        ledger: &mut model::Ledger,
        output: &mut Output<'_>,
    ) -> bool {
        output.client = self.client;
        let side = side_of(direction, self.client);
        while !bytes.is_empty() {
            let input = Input { side, bytes, first_at: at, at };
            let taken = match self.session.step(input, output) {
                Step::Took(taken) => taken,
                Step::Skip { head, body } => {
                    let rest = bytes.len().saturating_sub(head) as u64;
                    self.session.passed(side, body.min(rest), at, output);
                    head + body.min(rest) as usize
                }
                Step::Wait | Step::Desync | Step::Becomes(_) | Step::Upgrades(..) => 0,
            };
            let Some(rest) = bytes.get(taken..).filter(|_| taken > 0) else {
                ledger.unknown += bytes.len() as u64;
                return false;
            };
            ledger.parsed += taken as u64;
            bytes = rest;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use model::{Content, Ledger, Names};

    use super::*;
    use crate::protocol::Transport;

    #[test]
    fn datagrams_of_nothing_known_are_unknown_and_soon_not_asked_about() {
        let ends = Some(Direction::Forward);
        let mut dissector = Dissector::datagrams(Transport::Datagram, ends, [40_000, 40_001]);
        let (mut names, mut counters) = (Names::new(8), Counters::default());
        let mut sink = |exchange: &model::Exchange| panic!("invented {exchange:?}");
        let mut output = Output::new(&mut names, false, &mut sink);
        for number in 0..40 {
            let at = Timestamp(1 + number);
            let missing = Content::Missing { bytes: 5, reason: MissingReason::Skipped };
            for content in [Content::Bytes(b"nothing known"), missing] {
                let chunk = Chunk { direction: Direction::Backward, at, content };
                dissector.chunk(&chunk, &mut output, &mut counters);
            }
        }
        let bytes = 40 * (13 + 5);
        let expected = Ledger { seen: bytes, unknown: bytes, ..Ledger::default() };
        assert_eq!(dissector.take_ledger(), expected);
        assert_eq!(counters, Counters { given_up: 1, desyncs: 0 });
    }
}
