//! What cases cannot show: another implementation as the oracle, names given to addresses, bounds.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bolero::TypeGenerator;
use hickory_proto::op::{Edns, Message as Theirs, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, TXT};
use hickory_proto::rr::{Name as TheirName, RData, Record, RecordType};
use model::{Direction, Exchange, Incomplete, Names, Side, Timestamp};

use super::frame::Message;
use super::operation;
use super::session::Dns;
use crate::protocol::{
    AddressNamed, Input, Opening, Output, Session, Sink, Step, Transport, Verdict,
};

/// A message for the oracle to write.
#[derive(Clone, Debug, TypeGenerator)]
struct Draft {
    id: u16,
    labels: Vec<Vec<u8>>,
    kind: u16,
    code: u16,
    has_options: bool,
    answers: Vec<Answer>,
    is_request: bool,
}

#[derive(Clone, Debug, TypeGenerator)]
enum Answer {
    V4(u32),
    V6(u128),
    Alias(u8),
    Text(u8),
}

impl Draft {
    fn name(&self) -> TheirName {
        let letter = |byte: &u8| char::from(b'a' + byte % 26);
        let label = |bytes: &Vec<u8>| -> String { bytes.iter().take(63).map(letter).collect() };
        let labels = self.labels.iter().filter(|label| !label.is_empty()).take(3).map(label);
        TheirName::from_labels(labels.map(String::into_bytes)).expect("letters make a name")
    }

    fn write(&self) -> Theirs {
        let mut message = Theirs::new();
        message.set_id(self.id).set_op_code(OpCode::Query).set_recursion_desired(true);
        let kind = RecordType::from(self.kind.max(1));
        message.add_query(Query::query(self.name(), kind));
        if self.has_options {
            message.set_edns(Edns::new());
        }
        if !self.is_request {
            message.set_message_type(MessageType::Response);
            let code = if self.has_options { self.code % 24 } else { self.code % 11 };
            message.set_response_code(ResponseCode::from((code >> 4) as u8, (code & 15) as u8));
            for answer in self.answers.iter().take(20) {
                let data = match answer {
                    Answer::V4(bits) => RData::A(A(Ipv4Addr::from(*bits))),
                    Answer::V6(bits) => RData::AAAA(AAAA(Ipv6Addr::from(*bits))),
                    Answer::Alias(_) => RData::CNAME(CNAME(self.name())),
                    Answer::Text(n) => RData::TXT(TXT::new(vec!["t".repeat(usize::from(*n))])),
                };
                message.add_answer(Record::from_rdata(self.name(), 60, data));
            }
        }
        message
    }
}

#[test]
fn another_implementation_reads_the_same() {
    bolero::check!().with_type::<Draft>().for_each(|draft| {
        let theirs = draft.write();
        let Ok(bytes) = theirs.to_vec() else { return };
        let ours = Message::read(&bytes).expect("what they write can be read");
        assert!(ours.is_whole());
        assert_eq!(ours.header.id, theirs.id());
        assert_eq!(ours.header.is_response(), !draft.is_request);
        assert_eq!(ours.response_code(), u16::from(theirs.response_code()));
        let (question, asked) = (ours.question.expect("one question"), &theirs.queries()[0]);
        assert_eq!(question.kind, u16::from(asked.query_type()));
        let mut name = String::new();
        operation::as_on_the_wire(question.name, &mut name);
        let expected = asked.name().to_ascii().trim_end_matches('.').to_owned();
        assert_eq!(name, if expected.is_empty() { "<Root>" } else { &expected });
        assert_eq!(ours.answers().count(), theirs.answers().len());
        for (own, their) in ours.answers().zip(theirs.answers()) {
            assert_eq!(own.kind, u16::from(their.record_type()));
            assert_eq!(own.ttl, their.ttl());
            assert!(own.name.is(question.name));
            match their.data() {
                RData::A(A(ip)) => assert_eq!(own.data, ip.octets()),
                RData::AAAA(AAAA(ip)) => assert_eq!(own.data, ip.octets()),
                RData::CNAME(_) => assert!(own.target().is_some_and(|n| n.is(question.name))),
                _ => {}
            }
        }
        let [client, server] = if draft.is_request { [&*bytes, b""] } else { [b"", &*bytes] };
        let opening =
            Opening { client, server, from_start: true, transport: Transport::Datagram };
        assert_eq!(super::probe::probe(opening), Verdict::Match(Verdict::CERTAIN));
        let swapped = Opening { client: server, server: client, ..opening };
        assert_eq!(super::probe::probe(swapped), Verdict::No);
    });
}

#[test]
fn bytes_that_are_no_message_are_survived() {
    bolero::check!().with_type::<(Draft, Vec<(u16, u8)>)>().for_each(|(draft, changes)| {
        let Ok(mut bytes) = draft.write().to_vec() else { return };
        for (at, with) in changes {
            let at = usize::from(*at) % bytes.len();
            bytes[at] ^= with;
        }
        if let Some(message) = Message::read(&bytes) {
            let mut text = String::new();
            for record in message.records() {
                operation::as_on_the_wire(record.name, &mut text);
                std::hint::black_box((record.target(), record.serial()));
            }
            std::hint::black_box((message.is_whole(), message.response_code()));
        }
    });
}

/// Keeps what was found, and which addresses were named.
#[derive(Default)]
struct Found {
    exchanges: Vec<Exchange>,
    named: Vec<(String, IpAddr, u32)>,
}

impl Sink for Found {
    fn exchange(&mut self, exchange: &Exchange, _client: Direction, _names: &Names) {
        self.exchanges.push(exchange.clone());
    }

    fn address_named(&mut self, named: &AddressNamed<'_>, _client: Direction) {
        self.named.push((named.name.to_owned(), named.address, named.ttl_s));
    }
}

fn take(session: &mut Dns, side: Side, message: &Theirs, found: &mut Found) {
    let bytes = message.to_vec().expect("it can be written");
    let mut names = Names::new(Names::LIMIT);
    let at = Timestamp(1_000);
    let input = Input { side, bytes: &bytes, first_at: at, at };
    let step = session.step(input, &mut Output::new(&mut names, false, found));
    assert_eq!(step, Step::Took(bytes.len()));
}

fn question(id: u16, name: &str, kind: RecordType) -> Theirs {
    let mut message = Theirs::new();
    message.set_id(id).add_query(Query::query(their_name(name), kind));
    message
}

fn their_name(name: &str) -> TheirName {
    TheirName::from_ascii(name).expect("a name")
}

fn answered(question: &Theirs, records: &[(&str, u32, RData)]) -> Theirs {
    let mut message = question.clone();
    message.set_message_type(MessageType::Response);
    for (name, ttl, data) in records {
        message.add_answer(Record::from_rdata(their_name(name), *ttl, data.clone()));
    }
    message
}

fn v4(last: u8) -> RData {
    RData::A(A::new(10, 0, 0, last))
}

fn alias(name: &str) -> RData {
    RData::CNAME(CNAME(their_name(name)))
}

#[test]
fn addresses_behind_aliases_have_the_name_that_was_asked_for() {
    let mut session = Dns::new(Transport::Datagram);
    let mut found = Found::default();
    let asked = question(1, "API.shop.test.", RecordType::A);
    let records = [
        ("api.shop.test.", 60, alias("lb.cloud.test.")),
        ("lb.cloud.test.", 30, v4(1)),
        ("lb.cloud.test.", 30, v4(2)),
        // Of somebody nobody asked for.
        ("other.test.", 30, v4(3)),
    ];
    // Nobody asked yet.
    take(&mut session, Side::Server, &answered(&asked, &records), &mut found);
    assert_eq!(found.named, []);
    take(&mut session, Side::Client, &asked, &mut found);
    take(&mut session, Side::Server, &answered(&asked, &records), &mut found);
    let named = |last| ("api.shop.test".to_owned(), IpAddr::from([10, 0, 0, last]), 30);
    let expected = [named(1), named(2)];
    assert_eq!(found.named, expected);
    assert!(session.is_at_rest());
}

#[test]
fn neither_a_refusal_nor_a_name_asked_for_backwards_names_anybody() {
    let mut session = Dns::new(Transport::Datagram);
    let mut found = Found::default();
    let kinds = [RecordType::PTR, RecordType::ANY, RecordType::AAAA];
    for (id, kind) in (1..).zip(kinds) {
        let asked = question(id, "a.test.", kind);
        take(&mut session, Side::Client, &asked, &mut found);
        take(&mut session, Side::Server, &answered(&asked, &[("a.test.", 60, v4(1))]), &mut found);
    }
    let asked = question(9, "a.test.", RecordType::A);
    let mut refused = answered(&asked, &[("a.test.", 60, v4(1))]);
    refused.set_response_code(ResponseCode::Refused);
    take(&mut session, Side::Client, &asked, &mut found);
    take(&mut session, Side::Server, &refused, &mut found);
    assert_eq!(found.exchanges.len(), 4);
    assert_eq!(found.named, []);
}

#[test]
fn too_many_open_questions_are_reported_without_their_answers() {
    let mut session = Dns::new(Transport::Datagram);
    let mut found = Found::default();
    for id in 0..1_100 {
        take(&mut session, Side::Client, &question(id, "a.test.", RecordType::A), &mut found);
    }
    assert_eq!(found.exchanges.len(), 1_100 - 1_024);
    assert!(found.exchanges.iter().all(|e| e.incomplete == Some(Incomplete::Gap)));
    assert!(session.wants_everything() && !session.is_at_rest());
}

#[test]
fn a_late_answer_to_an_expired_question_is_ignored() {
    let mut session = Dns::new(Transport::Datagram);
    let mut found = Found::default();
    let asked = question(1, "a.test.", RecordType::A);
    take(&mut session, Side::Client, &asked, &mut found);
    let mut names = Names::new(8);
    session.expire(Timestamp(2_000), &mut Output::new(&mut names, false, &mut found));
    take(&mut session, Side::Server, &answered(&asked, &[]), &mut found);
    let [only] = &found.exchanges[..] else { panic!("one exchange") };
    assert_eq!(only.incomplete, Some(Incomplete::Timeout));
}
