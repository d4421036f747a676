//! Rules of pairing that a transcript does not show.

use model::{Exchange, Incomplete, Names, Side, Timestamp};

use super::probe::{Chain, boundary, chain, probe};
use super::session::{Awaited, Postgres, QUEUE_MAX};
use crate::pairing::Pending;
use crate::protocol::{Input, Opening, Output, Session, Start, Step, Transport, Verdict};

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32 + 4;
    [&[kind], &length.to_be_bytes()[..], body].concat()
}

fn query(text: &str) -> Vec<u8> {
    message(b'Q', &[text.as_bytes(), b"\0"].concat())
}

fn done(tag: &str) -> Vec<u8> {
    let tag = message(b'C', &[tag.as_bytes(), b"\0"].concat());
    [tag, message(b'Z', b"I")].concat()
}

/// A session, and what it emitted.
struct Play {
    session: Postgres,
    names: Names,
    found: Vec<Exchange>,
}

impl Play {
    fn new(from_start: bool) -> Self {
        Self {
            session: Postgres::new(Start {
                from_start,
                transport: Transport::Stream,
                upgraded_by: None,
            }),
            names: Names::new(Names::LIMIT),
            found: Vec::new(),
        }
    }

    fn with(&mut self, act: impl FnOnce(&mut Postgres, &mut Output<'_>)) {
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
}

#[test]
fn an_idle_connection_is_small() {
    let size = size_of::<Postgres>();
    let pending = size_of::<Pending<Awaited>>();
    println!("{size} bytes a session, {pending} a pending request");
    assert!(size <= 400, "{size}");
}

#[test]
fn a_late_answer_to_an_expired_request_is_ignored() {
    let mut play = Play::new(false);
    play.step(Side::Client, &query("SELECT 1 FROM a"), 10);
    play.with(|session, output| session.expire(Timestamp(20), output));
    assert_eq!(play.found.len(), 1);
    assert_eq!(play.found[0].incomplete, Some(Incomplete::Timeout));
    play.step(Side::Server, &done("SELECT 1"), 30);
    assert_eq!(play.found.len(), 1);
    play.step(Side::Client, &query("SELECT 1 FROM b"), 40);
    play.step(Side::Server, &done("SELECT 1"), 50);
    assert_eq!(play.found[1].duration_ns, Some(10));
}

#[test]
fn an_answer_that_still_flows_does_not_expire() {
    let mut play = Play::new(false);
    play.step(Side::Client, &query("COPY t TO STDOUT"), 10);
    play.step(Side::Server, &message(b'H', &[0, 0, 0]), 11);
    play.step(Side::Server, &message(b'd', b"row"), 30);
    play.with(|session, output| session.expire(Timestamp(20), output));
    assert_eq!(play.found.len(), 0);
    play.with(|session, output| session.expire(Timestamp(40), output));
    assert_eq!(play.found.len(), 1);
}

#[test]
fn requests_that_find_no_room_are_told_and_their_answers_passed_over() {
    let mut play = Play::new(false);
    play.step(Side::Client, &query("SELECT 1"), 1);
    play.step(Side::Server, &done("SELECT 1"), 2);
    for _ in 0..QUEUE_MAX + 3 {
        play.step(Side::Client, &query("SELECT 1"), 10);
    }
    assert_eq!(play.found.len(), 1 + 3);
    for _ in 0..QUEUE_MAX + 3 {
        play.step(Side::Server, &done("SELECT 1"), 20);
    }
    assert_eq!(play.found.len(), 1 + 3 + QUEUE_MAX);
    play.step(Side::Client, &query("SELECT 1"), 30);
    play.step(Side::Server, &done("SELECT 1"), 37);
    assert_eq!(play.found.last().unwrap().duration_ns, Some(7));
}

#[test]
fn either_side_alone_is_recognised_and_never_the_wrong_way_round() {
    let client = query("SELECT name FROM customers WHERE id = 1");
    let server = [message(b'D', &[0, 1, 0, 0, 0, 1, b'x']), done("SELECT 1")].concat();
    let ask = |client: &[u8], server: &[u8]| {
        probe(Opening { client, server, from_start: false, transport: Transport::Stream })
    };
    assert!(matches!(ask(&client, b""), Verdict::Match(90..)));
    assert!(matches!(ask(b"", &server), Verdict::Match(90..)));
    assert_eq!(ask(b"", &client), Verdict::No);
    assert_eq!(ask(&server, b""), Verdict::No);
    assert_eq!(ask(&server, &client), Verdict::No);
}

#[test]
fn protocol_2_is_refused() {
    let mut start = vec![0, 0, 1, 40, 0, 2, 0, 0];
    start.resize(296, 0);
    let transport = Transport::Stream;
    let opening = Opening { client: &start, server: b"", from_start: true, transport };
    assert_eq!(probe(opening), Verdict::No);
}

#[test]
fn a_boundary_is_found_behind_the_rest_of_a_row() {
    let rest = [&b"the tail of some row"[..], &done("SELECT 5")].concat();
    assert_eq!(boundary(Side::Server, &rest), Some(20));
    assert_eq!(chain(Side::Server, b"HTTP/1.1 200 OK\r\n"), Chain::Broken);
    assert_eq!(chain(Side::Client, b"POST / HTTP/1.1\r\n"), Chain::Broken);
}

/// Bytes changed, cut and repeated at random: nothing panics, and every step makes progress.
#[test]
fn mangled_conversations_are_survived() {
    let client =
        [query("SELECT 1 FROM a"), message(b'P', b"\0SELECT 2\0\0\0"), message(b'B', &[0; 8])];
    let client = [client.concat(), message(b'E', &[0; 5]), message(b'S', b"")].concat();
    let server = [message(b'T', &[0, 0]), message(b'G', &[0; 3]), done("SELECT 1")].concat();
    let server = [server, message(b'1', b""), message(b'E', b"C42P01\0\0"), done("X")].concat();
    let mut seed = 1_u64;
    let mut random = move |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as usize % below
    };
    for turn in 0..20_000 {
        let mut play = Play::new(turn % 2 == 0);
        for _ in 0..8 {
            let (side, bytes) = match random(2) {
                0 => (Side::Client, &client),
                _ => (Side::Server, &server),
            };
            let mut bytes = bytes[random(bytes.len())..].to_vec();
            for _ in 0..random(4) {
                let at = random(bytes.len());
                bytes[at] = random(256) as u8;
            }
            play.session.resync(side, &bytes);
            let mut rest = &bytes[..];
            while !rest.is_empty() {
                match play.step(side, rest, turn) {
                    Step::Took(0) => panic!("no progress"),
                    Step::Took(n) | Step::Skip { head: n, .. } => rest = &rest[n..],
                    Step::Wait | Step::Desync | Step::Becomes(_) | Step::Upgrades(..) => break,
                }
            }
            play.with(|session, output| session.gap(side, 1, Timestamp(turn), output));
        }
        play.with(|session, output| session.close(Incomplete::Closed, Timestamp(9), output));
    }
}
