//! Rules of pairing and of recognition that a transcript does not show.

use model::{Exchange, Incomplete, Names, Side, Timestamp};

use super::probe::probe;
use super::session::{OPEN_MAX, Redis};
use crate::protocol::{Input, Opening, Output, Session, Start, Step, Transport, Verdict};

const GET: &[u8] = b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n";
const BLPOP: &[u8] = b"*3\r\n$5\r\nBLPOP\r\n$1\r\nq\r\n$1\r\n0\r\n";

/// A session, and what it emitted.
struct Play {
    session: Redis,
    names: Names,
    found: Vec<Exchange>,
}

impl Play {
    fn new() -> Self {
        Self {
            session: Redis::new(Start {
                from_start: true,
                transport: Transport::Stream,
                upgraded_by: None,
            }),
            names: Names::new(Names::LIMIT),
            found: Vec::new(),
        }
    }

    fn with(&mut self, act: impl FnOnce(&mut Redis, &mut Output<'_>)) {
        let Self { session, names, found } = self;
        let mut sink = |exchange: &Exchange| found.push(exchange.clone());
        act(session, &mut Output::new(names, false, &mut sink));
    }

    fn step(&mut self, side: Side, bytes: &[u8], at: u64) {
        self.with(|session, output| {
            let at = Timestamp(at);
            let step = session.step(Input { side, bytes, first_at: at, at }, output);
            assert_eq!(step, Step::Took(bytes.len()));
        });
    }

    fn expire(&mut self, before: u64) {
        self.with(|session, output| session.expire(Timestamp(before), output));
    }
}

#[test]
fn an_idle_connection_is_small() {
    let size = size_of::<Redis>();
    println!("{size} bytes a session");
    assert!(size <= 400, "{size}");
}

#[test]
fn a_late_answer_to_an_expired_request_is_ignored() {
    let mut play = Play::new();
    play.step(Side::Client, GET, 10);
    play.expire(20);
    assert_eq!(play.found.len(), 1);
    assert_eq!(play.found[0].incomplete, Some(Incomplete::Timeout));
    play.step(Side::Client, GET, 30);
    play.step(Side::Server, b"$-1\r\n", 40);
    assert_eq!(play.found.len(), 1);
    play.step(Side::Server, b":7\r\n", 50);
    assert_eq!(play.found[1].duration_ns, Some(20));
    assert_eq!(play.found[1].status.code.as_str(), "int");
}

#[test]
fn a_command_that_blocks_does_not_expire_and_neither_do_those_behind_it() {
    let mut play = Play::new();
    play.step(Side::Client, BLPOP, 10);
    play.step(Side::Client, GET, 11);
    play.expire(1_000);
    assert_eq!(play.found.len(), 0);
    play.step(Side::Server, b"*-1\r\n$-1\r\n", 2_000);
    assert_eq!(play.found.len(), 2);
    assert!(play.found.iter().all(|exchange| exchange.incomplete.is_none()));
}

#[test]
fn an_answer_under_way_does_not_expire() {
    let mut play = Play::new();
    play.step(Side::Client, GET, 10);
    play.step(Side::Server, b"*2\r\n:1\r\n", 20);
    play.expire(1_000);
    assert_eq!(play.found.len(), 0);
    play.step(Side::Server, b":2\r\n", 2_000);
    assert_eq!(play.found[0].duration_ns, Some(1_990));
}

#[test]
fn requests_that_find_no_room_are_told_and_their_answers_passed_over() {
    let mut play = Play::new();
    for _ in 0..OPEN_MAX + 3 {
        play.step(Side::Client, GET, 10);
    }
    assert_eq!(play.found.len(), 3);
    for _ in 0..OPEN_MAX + 3 {
        play.step(Side::Server, b"$-1\r\n", 20);
    }
    assert_eq!(play.found.len(), 3 + OPEN_MAX);
    play.step(Side::Client, GET, 30);
    play.step(Side::Server, b"$-1\r\n", 37);
    assert_eq!(play.found.last().unwrap().duration_ns, Some(7));
}

fn ask(client: &[u8], server: &[u8], from_start: bool) -> Verdict {
    probe(Opening { client, server, from_start, transport: Transport::Stream })
}

#[test]
fn commands_are_recognised_alone_and_never_the_wrong_way_round() {
    for server in
        [&b""[..], b"$-1\r\n", b"$1\r\nx\r\n", b"+OK\r\n", b"*2\r\n$1\r\na\r\n$1\r\nb\r\n"]
    {
        for from_start in [true, false] {
            let verdict = ask(GET, server, from_start);
            assert_eq!(verdict, Verdict::Match(Verdict::CERTAIN), "{}", server.escape_ascii());
        }
        assert!(!matches!(ask(server, GET, false), Verdict::Match(_)));
    }
    assert_eq!(ask(b"", GET, false), Verdict::No);
}

#[test]
fn messages_are_recognised_alone() {
    let message = b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nx\r\n";
    assert!(matches!(ask(b"", message, false), Verdict::Match(_)));
    assert_eq!(ask(message, b"", false), Verdict::No);
}

#[test]
fn a_command_is_never_refused_for_lack_of_bytes() {
    for end in 1..GET.len() {
        for from_start in [true, false] {
            let start = GET.get(..end).unwrap();
            assert_ne!(ask(start, b"", from_start), Verdict::No, "{}", start.escape_ascii());
        }
    }
}

#[test]
fn lines_that_others_use_too_decide_nothing() {
    let others: [(&[u8], &[u8]); 10] = [
        (b"QUIT\r\n", b"+OK bye\r\n"),
        (b"AUTH PLAIN\r\n", b"+OK\r\n"),
        (b"PING\r\n", b"PONG\r\n"),
        (b"PING\r\n", b"+OK\r\n"),
        (b"PING :irc.example\r\n", b":irc.example PONG irc.example\r\n"),
        (b"get foo\r\n", b"END\r\n"),
        (b"set foo 0 0 1\r\nx\r\n", b"STORED\r\n"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
        (b"SUBSCRIBE\nid:0\n\n\0", b"MESSAGE\n"),
        (b"LIST\r\n", b"+OK 2 messages\r\n"),
    ];
    for (client, server) in others {
        for from_start in [true, false] {
            let verdict = ask(client, server, from_start);
            assert!(!matches!(verdict, Verdict::Match(_)), "{}", client.escape_ascii());
            let verdict = ask(server, client, from_start);
            assert!(!matches!(verdict, Verdict::Match(_)), "{}", server.escape_ascii());
        }
    }
}

#[test]
fn a_command_said_again_counts_like_the_first() {
    let set: &[u8] = b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n";
    let longer: &[u8] = b"*2\r\n$3\r\nGET\r\n$2\r\nab\r\n";
    let mut play = Play::new();
    play.step(Side::Client, &[GET, GET, set, GET, longer, GET].concat(), 10);
    play.step(Side::Server, b"$-1\r\n$-1\r\n+OK\r\n$1\r\n1\r\n$-1\r\n-ERR no\r\n", 30);
    let names = &play.names;
    let found: Vec<_> = play
        .found
        .iter()
        .map(|e| (names.operation(e.endpoint), e.status.code.as_str(), e.request_bytes))
        .collect();
    let (get, set, longer) = (GET.len() as u64, set.len() as u64, longer.len() as u64);
    let expected = [
        ("GET", "bulk", get),
        ("GET", "bulk", get),
        ("SET", "OK", set),
        ("GET", "bulk", get),
        ("GET", "bulk", longer),
        ("GET", "ERR", get),
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_command_with_another_number_in_its_key_is_named_like_the_last() {
    let commands = [
        ("*2\r\n$3\r\nGET\r\n$7\r\nuser:42\r\n", "user:{id}"),
        ("*2\r\n$3\r\nGET\r\n$7\r\nuser:43\r\n", "user:{id}"),
        ("*2\r\n$3\r\nGET\r\n$7\r\nuser:99\r\n", "user:{id}"),
        ("*2\r\n$3\r\nGET\r\n$7\r\nuser:ab\r\n", "user:ab"),
        ("*2\r\n$3\r\nGET\r\n$7\r\nuser:42\r\n", "user:{id}"),
        ("*2\r\n$3\r\nGET\r\n$7\r\ncart:42\r\n", "cart:{id}"),
        ("*2\r\n$3\r\nGET\r\n$7\r\ncart:v2\r\n", "cart:v2"),
        ("*2\r\n$3\r\nGET\r\n$7\r\ncart:v3\r\n", "cart:v3"),
    ];
    let mut play = Play::new();
    let text: String = commands.iter().map(|(text, _)| *text).collect();
    play.step(Side::Client, text.as_bytes(), 10);
    play.step(Side::Server, &b"$-1\r\n".repeat(commands.len()), 30);
    let names = &play.names;
    let found: Vec<_> = play.found.iter().map(|e| names.target(e.endpoint)).collect();
    assert_eq!(found, commands.map(|(_, target)| target));
}

#[test]
fn an_answer_said_again_counts_like_the_first() {
    let answers = [
        ("*1\r\n$1\r\na\r\n", "array"),
        ("+OK\r\n", "OK"),
        ("+OK\r\n", "OK"),
        ("$1\r\na\r\n", "bulk"),
        ("$1\r\na\r\n", "bulk"),
        ("*2\r\n$1\r\na\r\n+OK\r\n", "array"),
        ("+OK\r\n", "OK"),
        ("-ERR no\r\n", "ERR"),
        ("-ERR no\r\n", "ERR"),
        ("$1\r\nb\r\n", "bulk"),
    ];
    let mut play = Play::new();
    play.step(Side::Client, &GET.repeat(answers.len()), 10);
    let text: String = answers.iter().map(|(text, _)| *text).collect();
    play.step(Side::Server, text.as_bytes(), 30);
    let found: Vec<_> = play
        .found
        .iter()
        .map(|e| (e.status.code.as_str(), e.status.error, e.response_bytes, e.duration_ns))
        .collect();
    let expected: Vec<_> = answers
        .iter()
        .map(|(text, code)| (*code, *code == "ERR", text.len() as u64, Some(20)))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_command_said_again_in_pieces_is_read_once() {
    let mut play = Play::new();
    play.step(Side::Client, GET, 10);
    for at in 1..GET.len() {
        play.with(|session, output| {
            let time = Timestamp(20);
            let input = |bytes| Input { side: Side::Client, bytes, first_at: time, at: time };
            let taken = match session.step(input(&GET[..at]), output) {
                Step::Took(n) => n,
                Step::Wait => 0,
                Step::Skip { head, body } => {
                    let passed = head + body as usize;
                    assert!(passed <= GET.len());
                    session.passed(Side::Client, body, time, output);
                    passed
                }
                other => panic!("{other:?} at {at}"),
            };
            if taken < GET.len() {
                assert_eq!(session.step(input(&GET[taken..]), output), {
                    Step::Took(GET.len() - taken)
                });
            }
        });
    }
    let answers = b"$-1\r\n".repeat(GET.len());
    play.step(Side::Server, &answers, 30);
    assert_eq!(play.found.len(), GET.len());
}

#[test]
fn everything_is_wanted_until_values_are_long_and_after_a_pipeline_again() {
    let mut play = Play::new();
    assert!(play.session.wants_everything(), "a pipeline may come at any time");
    for (bytes, is_wanted) in [(60_000, true), (70_000, false), (5, false)] {
        play.step(Side::Client, GET, 10);
        play.with(|session, output| {
            let (head, at) = (format!("${bytes}\r\n"), Timestamp(20));
            let bytes = head.as_bytes();
            let input = Input { side: Side::Server, bytes, first_at: at, at };
            let Step::Skip { body, .. } = session.step(input, output) else { panic!("a body") };
            session.passed(Side::Server, body, at, output);
        });
        assert_eq!(play.session.wants_everything(), is_wanted, "{bytes}");
    }
    play.step(Side::Client, &GET.repeat(2), 30);
    assert!(play.session.wants_everything(), "that is a pipeline");
    play.step(Side::Server, b"$1\r\na\r\n$1\r\na\r\n", 40);
    assert!(play.session.wants_everything(), "and another one may come");
    assert_eq!(play.found.len(), 5);
}
