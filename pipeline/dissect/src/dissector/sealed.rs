//! TLS: handed over to whoever may open it. Else whom the client means stands in its first message,
//! and after that there is nothing to read.

use model::{Direction, Outcome, Timestamp};

use super::opening::OpeningBytes;
use super::{Dissector, Output, State};
use crate::sni::{Hello, hello};

/// The start of a connection that speaks TLS, in the order it came.
pub struct Handover {
    opening: Box<OpeningBytes>,
    /// What is within is seen from its first byte on.
    pub from_start: bool,
    /// The name it asks for is that of the connection's server: nothing was agreed on before, a
    /// tunnel perhaps, that leads to somebody else.
    pub names_server: bool,
}

impl Handover {
    /// The chunks as they came.
    pub fn pieces(&self) -> impl Iterator<Item = (Direction, &[u8], Timestamp)> {
        self.opening.pieces()
    }
}

impl Dissector {
    /// TLS will be taken, and shown in clear to another dissector if it can be opened.
    #[must_use]
    pub const fn handing_over(mut self) -> Self {
        self.hands_over = true;
        self
    }

    /// True if TLS waits to be taken; of a chunk of missing bytes, the taker is told then.
    pub const fn is_sealed(&self) -> bool {
        matches!(self.state, State::Sealed(_))
    }

    /// Takes what is sealed. What comes after it is not for this dissector.
    pub fn take_sealed(&mut self) -> Option<Handover> {
        match std::mem::replace(&mut self.state, State::Opaque(Outcome::Sealed)) {
            State::Sealed(opening) => {
                self.seen -= opening.held();
                let names_server = self.client.is_none();
                let from_start = self.from_start || opening.hello().is_some();
                Some(Handover { opening, from_start, names_server })
            }
            other => {
                self.state = other;
                None
            }
        }
    }

    /// Gives the connection up as sealed, once it is known or will not be known whom it is for.
    pub(super) fn seal(
        &mut self,
        direction: Direction,
        bytes: &[u8],
        at: Timestamp,
        output: &mut Output<'_>,
    ) {
        let State::Opening(slot) = &mut self.state else {
            return;
        };
        if let Some(opening) = slot {
            self.ledger.unknown += opening.drop_before_hello();
        }
        if self.hands_over {
            let opening = slot.take().unwrap_or_else(|| {
                let mut opening = Box::<OpeningBytes>::default();
                opening.push(direction, bytes, at);
                opening
            });
            self.state = State::Sealed(opening);
            return;
        }
        // What was agreed on before, a tunnel perhaps, leads to somebody else.
        if self.client.is_none() {
            let said = slot.as_ref().map_or(bytes, |opening| opening.both()[direction.index()]);
            match hello(said) {
                Hello::Names(name) => output.server_named(name, direction),
                Hello::Partial if slot.as_ref().is_none_or(|opening| !opening.is_full()) => {
                    if slot.is_none() {
                        slot.insert(Box::default()).push(direction, bytes, at);
                    }
                    return;
                }
                Hello::Partial | Hello::Nameless => {}
            }
        }
        self.give_up(Outcome::Sealed, bytes);
    }

    /// What is held of TLS will not be told more of: bytes are missing behind it.
    pub(super) fn seal_held(&mut self) {
        if let State::Opening(Some(opening)) = &mut self.state
            && opening.is_tls()
        {
            if self.hands_over {
                self.state = State::Sealed(std::mem::take(opening));
                return;
            }
            self.ledger.sealed += opening.held();
            self.state = State::Opaque(Outcome::Sealed);
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Chunk, CloseReason, Content, Exchange, MissingReason, Names};

    use super::*;
    use crate::dissector::Counters;
    use crate::protocol::Sink;
    use crate::sni::tests::{message, server_name};

    #[derive(Default)]
    struct Found(Vec<(String, Direction)>);

    impl Sink for Found {
        fn exchange(&mut self, exchange: &Exchange, _client: Direction, _names: &Names) {
            panic!("invented {exchange:?}");
        }

        fn server_named(&mut self, name: &str, client: Direction) {
            self.0.push((name.to_owned(), client));
        }
    }

    /// Plays the chunks of the client; gives who was meant. Every byte must be sealed.
    fn play(chunks: &[Content<'_>]) -> Vec<(String, Direction)> {
        let client = Direction::Backward;
        let mut dissector = Dissector::new(Some(client), [443, 40_000], true);
        let (mut names, mut counters, mut found) =
            (Names::new(8), Counters::default(), Found::default());
        let mut output = Output::new(&mut names, false, &mut found);
        for content in chunks {
            let chunk = Chunk { direction: client, at: Timestamp(1), content: *content };
            dissector.chunk(&chunk, &mut output, &mut counters);
        }
        dissector.close(CloseReason::Finished, Timestamp(2), &mut output);
        let ledger = dissector.take_ledger();
        assert_eq!(ledger.sealed, ledger.seen, "{ledger:?}");
        found.0
    }

    #[test]
    fn a_hello_after_words_of_nobody_is_handed_over_from_its_start() {
        let hello = message(&[(43, &[0; 9]), (0, &server_name(b"api.test"))]);
        let (client, server) = (Direction::Backward, Direction::Forward);
        let said: [&[(Direction, &[u8])]; 3] = [
            // POP3, LDAP (RFC 4511 §4.14), and SMTP.
            &[(server, b"+OK x\r\n"), (client, b"STLS\r\n"), (server, b"+OK\r\n")],
            &[
                (client, b"\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037"),
                (server, b"\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"),
            ],
            &[
                (server, b"220 x ESMTP\r\n"),
                (client, b"EHLO x\r\n"),
                (server, b"250 STARTTLS\r\n"),
                (client, b"STARTTLS\r\n"),
                (server, b"220 go\r\n"),
            ],
        ];
        for words in said {
            let mut dissector = Dissector::new(Some(client), [443, 40_000], true).handing_over();
            let (mut names, mut counters, mut found) =
                (Names::new(8), Counters::default(), Found::default());
            let mut output = Output::new(&mut names, false, &mut found);
            for (direction, bytes) in words.iter().chain(&[(client, &hello[..])]) {
                let at = Timestamp(1);
                let content = Content::Bytes(bytes);
                let chunk = Chunk { direction: *direction, at, content };
                dissector.chunk(&chunk, &mut output, &mut counters);
            }
            let handover = dissector.take_sealed().expect("TLS is handed over");
            assert!(handover.from_start);
            let pieces: Vec<_> = handover.pieces().map(|(way, bytes, _)| (way, bytes)).collect();
            assert_eq!(pieces, [(client, &hello[..])]);
            let unknown: usize = words.iter().map(|(_, bytes)| bytes.len()).sum();
            assert_eq!(dissector.take_ledger().unknown, unknown as u64);
        }
    }

    #[test]
    fn a_hello_names_the_server_however_it_is_cut() {
        let hello = message(&[(43, &[0; 9]), (0, &server_name(b"api.test"))]);
        let expected = [("api.test".to_owned(), Direction::Backward)];
        assert_eq!(play(&[Content::Bytes(&hello)]), expected);
        for at in 6..hello.len() {
            let (first, second) = hello.split_at(at);
            assert_eq!(play(&[Content::Bytes(first), Content::Bytes(second)]), expected);
            let missing = Content::Missing { bytes: 7, reason: MissingReason::Skipped };
            assert_eq!(play(&[Content::Bytes(first), missing]), []);
            assert_eq!(play(&[Content::Bytes(first)]), []);
        }
    }
}
