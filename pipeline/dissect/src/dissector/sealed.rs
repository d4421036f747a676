//! TLS: whom the client means stands in its first message; after that there is nothing to read.

use model::{Direction, Outcome, Timestamp};

use super::{Dissector, Output, State};
use crate::sni::{Hello, hello};

impl Dissector {
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
        if let State::Opening(Some(opening)) = &self.state
            && opening.is_tls()
        {
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
