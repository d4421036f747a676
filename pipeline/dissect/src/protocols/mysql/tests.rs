//! Rules of pairing that a transcript does not show.

use model::{Exchange, Incomplete, Names, Side, Timestamp};

use super::probe::{Chain, boundary, chain, probe};
use super::session::{Awaited, MySql, QUEUE_MAX};
use crate::pairing::Pending;
use crate::protocol::{Input, Opening, Output, Session, Start, Step, Transport, Verdict};

fn packet(sequence: u8, body: &[u8]) -> Vec<u8> {
    let [a, b, c, _] = (body.len() as u32).to_le_bytes();
    [&[a, b, c, sequence], body].concat()
}

fn query(text: &str) -> Vec<u8> {
    packet(0, &[b"\x03", text.as_bytes()].concat())
}

fn ok() -> Vec<u8> {
    packet(1, &[0, 0, 0, 2, 0, 0, 0])
}

/// One column, one row, in the form that has no EOF packets.
fn rows() -> Vec<u8> {
    let definition = b"\x03def\x02db\x01t\x01t\x01a\x01a\x0c!\0\xfc\0\0\0\xfd\0\0\0\0\0";
    let row = packet(3, b"\x05value");
    [packet(1, b"\x01"), packet(2, definition), row, packet(4, b"\xfe\0\0\x02\0\0\0")].concat()
}

/// A session, and what it emitted.
struct Play {
    session: MySql,
    names: Names,
    found: Vec<Exchange>,
}

impl Play {
    fn new(from_start: bool) -> Self {
        Self {
            session: MySql::new(Start {
                from_start,
                transport: Transport::Stream,
                upgraded_by: None,
            }),
            names: Names::new(Names::LIMIT),
            found: Vec::new(),
        }
    }

    fn with(&mut self, act: impl FnOnce(&mut MySql, &mut Output<'_>)) {
        let Self { session, names, found } = self;
        let mut sink = |exchange: &Exchange| found.push(exchange.clone());
        act(session, &mut Output::new(names, false, &mut sink));
    }

    fn step(&mut self, side: Side, bytes: &[u8], at: u64) -> Step {
        let mut given = None;
        self.with(|session, output| {
            let at = Timestamp(at);
            let input = Input { side, bytes, first_at: at, at };
            given = Some(session.step(input, output));
        });
        given.unwrap()
    }

    /// From mid-stream, but past the first exchange.
    fn certain() -> Self {
        let mut play = Self::new(false);
        play.step(Side::Client, &query("UPDATE t SET a = 1 WHERE b = 2"), 1);
        play.step(Side::Server, &ok(), 2);
        assert_eq!(play.found.len(), 1);
        play.found.clear();
        play
    }
}

fn ask(client: &[u8], server: &[u8], from_start: bool) -> Verdict {
    probe(Opening { client, server, from_start, transport: Transport::Stream })
}

#[test]
fn an_idle_connection_is_small() {
    let size = size_of::<MySql>();
    let pending = size_of::<Pending<Awaited>>();
    println!("{size} bytes a session, {pending} a pending request");
    assert!(size <= 200, "{size}");
}

#[test]
fn a_late_answer_to_an_expired_request_is_ignored() {
    let mut play = Play::certain();
    play.step(Side::Client, &query("SELECT SLEEP(9)"), 10);
    play.with(|session, output| session.expire(Timestamp(20), output));
    assert_eq!(play.found.len(), 1);
    assert_eq!(play.found[0].incomplete, Some(Incomplete::Timeout));
    play.step(Side::Server, &rows(), 30);
    assert_eq!(play.found.len(), 1);
    play.step(Side::Client, &query("COMMIT"), 40);
    play.step(Side::Server, &ok(), 50);
    assert_eq!(play.found[1].duration_ns, Some(10));
}

#[test]
fn an_answer_that_still_flows_does_not_expire() {
    let mut play = Play::certain();
    play.step(Side::Client, &query("SELECT a FROM t"), 10);
    let rows = rows();
    let (head, tail) = rows.split_at(rows.len() - 11);
    play.step(Side::Server, head, 30);
    play.with(|session, output| session.expire(Timestamp(20), output));
    assert_eq!(play.found.len(), 0);
    play.step(Side::Server, tail, 35);
    assert_eq!(play.found[0].duration_ns, Some(25));
}

#[test]
fn requests_that_find_no_room_are_told() {
    let mut play = Play::certain();
    for _ in 0..=QUEUE_MAX {
        play.step(Side::Client, &query("SELECT 1"), 10);
    }
    assert_eq!(play.found.len(), QUEUE_MAX + 1);
    assert!(play.found.iter().all(|one| one.incomplete == Some(Incomplete::Gap)));
}

#[test]
fn what_was_prepared_is_gone_with_the_user() {
    let mut play = Play::certain();
    play.step(Side::Client, &packet(0, b"\x16SELECT a FROM t"), 10);
    play.step(Side::Server, &packet(1, &[0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 11);
    let execute = packet(0, &[0x17, 7, 0, 0, 0, 0, 1, 0, 0, 0]);
    play.step(Side::Client, &execute, 12);
    play.step(Side::Server, &ok(), 13);
    play.step(Side::Client, &packet(0, b"\x11bob\0\0\0"), 14);
    play.step(Side::Server, &ok(), 15);
    play.step(Side::Client, &execute, 16);
    play.step(Side::Server, &ok(), 17);
    let named: Vec<_> = play.found.iter().map(|one| play.names.operation(one.endpoint)).collect();
    assert_eq!(named, ["PREPARE", "SELECT", "CHANGE_USER", "EXECUTE"]);
}

#[test]
fn either_side_alone_is_recognised_and_never_the_wrong_way_round() {
    let client = query("SELECT name FROM customers WHERE id = 1");
    let server = rows();
    let ask = |client: &[u8], server: &[u8]| ask(client, server, false);
    assert!(matches!(ask(&client, b""), Verdict::Match(90..)));
    assert!(matches!(ask(b"", &server), Verdict::Match(90..)));
    assert_eq!(ask(b"", &client), Verdict::No);
    assert_eq!(ask(&server, b""), Verdict::No);
    assert_eq!(ask(&server, &client), Verdict::No);
}

#[test]
fn little_is_not_enough_until_the_other_side_agrees() {
    let ask = |client: &[u8], server: &[u8]| ask(client, server, false);
    let ping = packet(0, &[0x0e]);
    assert_eq!(ask(&ping, b""), Verdict::NotYet);
    let execute = packet(0, &[0x17, 7, 0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(ask(&execute, b""), Verdict::NotYet);
    assert!(matches!(ask(&execute, &ok()), Verdict::Match(90..)));
}

#[test]
fn other_protocols_are_refused() {
    let ask = |client: &[u8], from_start| ask(client, b"", from_start);
    for from_start in [true, false] {
        assert_eq!(ask(b"GET / HTTP/1.1\r\n\r\n", from_start), Verdict::No);
        assert_eq!(ask(b"*1\r\n$4\r\nPING\r\n", from_start), Verdict::No);
        // MongoDB: a length with its little end first, and an OP_MSG.
        let mongo = b"\x2d\0\0\0\x03\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x18\0\0\0";
        assert_eq!(ask(mongo, from_start), Verdict::No);
    }
}

#[test]
fn a_boundary_is_found_behind_the_rest_of_a_row() {
    let rest = [&b"the tail of some row"[..], &rows()].concat();
    assert_eq!(boundary(Side::Server, &rest), Some(20));
    assert_eq!(chain(Side::Server, b"HTTP/1.1 200 OK\r\n"), Chain::Broken);
    assert_eq!(chain(Side::Client, b"POST / HTTP/1.1\r\n"), Chain::Broken);
}
