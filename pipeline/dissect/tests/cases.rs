//! Plays every `.case` of every protocol in six ways and compares with its `.expect`.
//!
//! `transcript/mod.rs` says how a case is written.
//!
//! Whole, cut once at every byte, and byte by byte must give exactly the `.expect`. With gaps, from
//! mid-stream and with unknown sides nothing may be reported that the whole run lacks.
//! `BLESS=1 cargo test -p redsight-dissect --test cases` rewrites the `.expect` files;
//! `BLESS=redis` only those with `redis` in their path.

use std::collections::HashMap;
use std::fs;

use dissect::{Counters, Output};
use model::{CloseReason, Direction, Exchange, Ledger, MissingReason, Names, Timestamp};

mod subject;
mod transcript;

use subject::Subject;
use transcript::{Carrier, Case, Move, What, all_cases};

impl Case {
    /// How it is played as it stands.
    fn play(&self) -> Play<'_> {
        let normal = Play { carrier: &self.carrier, ..NORMAL };
        if self.mid_stream { Play { initiator: None, from_start: false, ..normal } } else { normal }
    }
}

/// How a case is played.
#[derive(Clone, Copy)]
struct Play<'a> {
    initiator: Option<Direction>,
    swapped: bool,
    from_start: bool,
    carrier: &'a Carrier,
    /// The words of the wire are wanted, too: some short cuts are not taken then.
    is_raw: bool,
}

const NORMAL: Play<'static> = Play {
    initiator: Some(Direction::Forward),
    swapped: false,
    from_start: true,
    carrier: &Carrier::Stream,
    is_raw: true,
};

#[test]
fn cases_give_what_is_expected_however_they_are_cut() {
    let cases = all_cases();
    assert!(cases.len() >= 3, "no cases found");
    let mut failures = Vec::new();
    for case in &cases {
        let play = case.play();
        let whole = run(&case.moves, play);
        let expect = case.path.with_extension("expect");
        let bless = std::env::var("BLESS").unwrap_or_default();
        if bless == "1" || !bless.is_empty() && case.path.to_string_lossy().contains(&bless) {
            let text: String = whole.iter().map(|line| format!("{line}\n")).collect();
            fs::write(&expect, text).expect("the expectation can be written");
        }
        let expected = fs::read_to_string(&expect).unwrap_or_default();
        let expected: Vec<&str> = expected.lines().collect();
        if whole != expected {
            failures.push(format!("{}: whole\n{}", case.path.display(), whole.join("\n")));
            continue;
        }
        // A datagram is whole.
        let is_whole = matches!(case.carrier, Carrier::Datagrams(_));
        let mut ways = vec![("whole".to_owned(), case.moves.clone())];
        ways.extend(if is_whole { vec![] } else { cuts(&case.moves) });
        for (how, moves) in ways {
            let got = run(&moves, play);
            if got != whole {
                let text = got.join("\n");
                failures.push(format!("{}: {how}\n{text}", case.path.display()));
                break;
            }
            let bare = run(&moves, Play { is_raw: false, ..play });
            if bare.iter().map(|l| without_wire(l)).ne(whole.iter().map(|l| without_wire(l))) {
                let text = bare.join("\n");
                failures.push(format!("{}: {how}, not raw\n{text}", case.path.display()));
                break;
            }
        }
    }
    println!("{} cases", cases.len());
    assert!(failures.is_empty(), "\n{}", failures.join("\n\n"));
}

#[test]
fn gaps_late_starts_and_unknown_sides_never_invent_an_operation() {
    let mut failures = Vec::new();
    for case in &all_cases() {
        let whole = run(&case.moves, case.play());
        for (how, moves, play) in hardships(&case.moves, case.play()) {
            let got = run(&moves, play);
            if let Some(line) = invented(&got, &whole) {
                failures.push(format!("{}: {how}: invented {line}", case.path.display()));
                break;
            }
        }
    }
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// Names that say less than the whole run's: the text behind a prepared statement, or the request
/// that upgraded the connection, was not seen.
const NAMELESS: &[&str] = &[
    "mysql oneway STMT_CLOSE -",
    "mysql oneway STMT_SEND_LONG_DATA -",
    "mysql request EXECUTE -",
    "mysql request FETCH -",
    "mysql request STMT_RESET -",
    "postgresql request EXECUTE -",
    "websocket oneway TEXT -",
    "websocket oneway BINARY -",
    "websocket push TEXT -",
    "websocket push BINARY -",
    "websocket session PING -",
    "websocket session PONG -",
    "websocket session CLOSE -",
];

/// True for a name that says less than the whole run's: what it stands for was not seen.
fn says_less(line: &str) -> bool {
    let name = line.split(" | ").next().unwrap_or_default();
    // A field in an entry of a table: the path, the method, or that a POST is another protocol's.
    let has_tables = ["http2 ", "http3 ", "grpc "].iter().any(|start| name.starts_with(start));
    let lacks_word = name.ends_with(" -") || name.contains("  ");
    let is_marked = line.contains(" gap |") || line.contains(" mid-stream |");
    let is_post = name.contains(" request POST ");
    let may_be_call = is_marked && is_post;
    NAMELESS.contains(&name) || has_tables && (lacks_word || may_be_call)
}

/// The first line whose operation and target `got` has more often than `whole`.
fn invented(got: &[String], whole: &[String]) -> Option<String> {
    let operation = |line: &str| line.split(" | ").next().unwrap_or_default().to_owned();
    let mut left: HashMap<String, i64> = HashMap::new();
    for line in whole {
        *left.entry(operation(line)).or_default() += 1;
    }
    if let Some(line) = got.get(whole.len()) {
        return Some(line.clone());
    }
    got.iter()
        .filter(|line| !says_less(line))
        .find(|line| {
            let count = left.entry(operation(line)).or_default();
            *count -= 1;
            *count < 0
        })
        .cloned()
}

/// The same moves, cut once at every byte (long ones at 200 places), and byte by byte.
fn cuts(moves: &[Move]) -> Vec<(String, Vec<Move>)> {
    let mut all = Vec::new();
    for (i, one) in moves.iter().enumerate() {
        let What::Bytes(direction, bytes) = &one.what else {
            continue;
        };
        let step = (bytes.len() / 200).max(1);
        for at in (1..bytes.len()).step_by(step) {
            let mut cut = moves.to_vec();
            cut[i].what = What::Bytes(*direction, bytes[..at].to_vec());
            let rest = What::Bytes(*direction, bytes[at..].to_vec());
            cut.insert(i + 1, Move { what: rest, ..*one });
            all.push((format!("move {i} cut at {at}"), cut));
        }
    }
    if moves.iter().map(length).sum::<usize>() < 100_000 {
        let mut single = Vec::new();
        for one in moves {
            if let What::Bytes(direction, bytes) = &one.what {
                let byte = |b: &u8| Move { what: What::Bytes(*direction, vec![*b]), ..*one };
                single.extend(bytes.iter().map(byte));
            } else {
                single.push(one.clone());
            }
        }
        all.push(("byte by byte".to_owned(), single));
    }
    all
}

fn length(one: &Move) -> usize {
    if let What::Bytes(_, bytes) = &one.what { bytes.len() } else { 0 }
}

/// Gaps in place of each chunk, starts at each chunk, no SYN, sides swapped.
fn hardships<'a>(moves: &[Move], normal: Play<'a>) -> Vec<(String, Vec<Move>, Play<'a>)> {
    let unknown = Play { initiator: None, from_start: false, ..normal };
    let mut all = Vec::new();
    for (i, one) in moves.iter().enumerate() {
        if let What::Bytes(direction, bytes) = &one.what {
            for reason in [MissingReason::Lost, MissingReason::Skipped] {
                let mut gapped = moves.to_vec();
                gapped[i].what = What::Missing(*direction, bytes.len() as u64, reason);
                all.push((format!("move {i} {reason:?}"), gapped, normal));
            }
            let half = bytes.len() / 2;
            if half > 0 {
                let mut tail = moves.to_vec();
                let rest = (bytes.len() - half) as u64;
                tail[i].what = What::Bytes(*direction, bytes[..half].to_vec());
                let missing = What::Missing(*direction, rest, MissingReason::Lost);
                tail.insert(i + 1, Move { what: missing, ..*one });
                all.push((format!("move {i} loses its tail"), tail, normal));
                let mut late = moves[i..].to_vec();
                late[0].what = What::Bytes(*direction, bytes[half..].to_vec());
                all.push((format!("starts inside move {i}"), late, unknown));
            }
        }
        all.push((format!("starts at move {i}"), moves[i..].to_vec(), unknown));
    }
    all.push(("sides swapped".to_owned(), moves.to_vec(), Play { swapped: true, ..unknown }));
    all
}

/// Plays the moves and gives one line an exchange, in order of emission.
fn run(moves: &[Move], play: Play<'_>) -> Vec<String> {
    let mut names = Names::new(Names::LIMIT);
    let mut subject = Subject::new(play.carrier, play.initiator, play.from_start);
    let mut counters = Counters::default();
    let (mut at, mut total, mut ledger) = (0, 0_u64, Ledger::default());
    let mut closing = CloseReason::Finished;
    let mut found: Vec<Exchange> = Vec::new();
    for one in moves {
        at = 1_000 + one.at;
        let way = |d: Direction| if play.swapped { d.opposite() } else { d };
        if let (What::Reset(d, _), Carrier::Stream) = (&one.what, play.carrier) {
            closing = CloseReason::Reset(way(*d));
            break;
        }
        let mut sink = |exchange: &Exchange| found.push(exchange.clone());
        let mut output = Output::new(&mut names, play.is_raw, &mut sink);
        let now = Timestamp(at * 1_000_000);
        total += subject.take(one.stream, &one.what, way, now, (&mut output, &mut counters));
        ledger += subject.take_ledger();
    }
    let mut sink = |exchange: &Exchange| found.push(exchange.clone());
    let end = Timestamp((at + 1) * 1_000_000);
    subject.close(closing, end, &mut Output::new(&mut names, play.is_raw, &mut sink));
    ledger += subject.take_ledger();
    assert_eq!(ledger.seen, total, "the ledger has every byte: {ledger:?}");
    assert!(ledger.adds_up());
    assert_eq!(subject.held(), 0, "nothing is kept behind");
    found.iter().map(|exchange| describe(exchange, &names)).collect()
}

/// A line without the words of the wire.
fn without_wire(line: &str) -> &str {
    line.split("| wire:").next().unwrap_or_default()
}

fn describe(exchange: &Exchange, names: &Names) -> String {
    let ms = |ns: Option<u64>| ns.map_or("-".to_owned(), |ns| (ns / 1_000_000).to_string());
    let wire = exchange.wire.as_deref();
    format!(
        "{} {} {} {} | {} {}{}| {} ms, first byte {} ms | {} -> {} bytes | {}| wire: {} {} {}",
        exchange.protocol.name,
        exchange.kind.as_str(),
        names.operation(exchange.endpoint),
        Some(names.target(exchange.endpoint)).filter(|t| !t.is_empty()).unwrap_or("-"),
        exchange.version,
        Some(exchange.status.code.as_str()).filter(|s| !s.is_empty()).unwrap_or("-"),
        match (exchange.status.error, exchange.status.client_error) {
            (true, _) => " error ",
            (_, true) => " client error ",
            _ => " ",
        },
        ms(exchange.duration_ns),
        ms(exchange.ttfb_ns),
        exchange.request_bytes,
        exchange.response_bytes,
        exchange.incomplete.map_or(String::new(), |reason| format!("{} ", reason.as_str())),
        wire.map_or("-", |w| &w.operation),
        wire.and_then(|w| w.target.as_deref()).unwrap_or("-"),
        wire.and_then(|w| w.status.as_deref()).unwrap_or("-"),
    )
}
