//! Broken conversations of every protocol: nothing panics, every byte is booked, memory is bounded.
//!
//! A run starts from one of the cases and does things to it: cuts, flips, foreign bytes, pieces of
//! other cases, gaps, ends, time-outs, swapped sides. Mutations of valid traffic reach states that
//! random bytes never do. `make fuzz` runs the same target under libFuzzer.

use std::sync::LazyLock;
use std::time::Duration;

use bolero::TypeGenerator;
use dissect::{Counters, Dissector, Output, Streams};
use model::{CloseReason, Direction, Exchange, Ledger, MissingReason, Names, Timestamp};

mod subject;
mod transcript;

use subject::Subject;
use transcript::{Carrier, Case, Move, What, all_cases};

/// How long a plain test run looks for trouble.
const TEST_TIME: Duration = Duration::from_secs(4);
/// Things done to one conversation.
const ACTS_MAX: usize = 40;
/// Bytes one connection may hold: its streams' unfinished frames, or its opening.
const HELD_MAX: u64 = Streams::HELD_MAX + Dissector::HELD_MAX as u64;

static CASES: LazyLock<Vec<Case>> = LazyLock::new(all_cases);

/// One thing done to a conversation.
#[derive(Clone, Debug, TypeGenerator)]
enum Act {
    /// So many lines as they are.
    Play(u8),
    /// The next line, cut into pieces of at most this many bytes.
    Cut(u8),
    /// The next line, with one byte changed.
    Flip { at: u16, with: u8 },
    /// The next line, with one decimal digit changed: a length or a code that lies.
    Lie { digit: u8, to: u8 },
    /// The next line without its tail, which is lost or was skipped.
    Tear { keep: u16, is_lost: bool },
    /// The next line twice.
    Repeat,
    /// The next line is never seen, not even as a gap.
    Drop,
    /// Bytes of nobody.
    Insert { is_client: bool, bytes: Vec<u8> },
    /// Bytes are missing.
    Gap { is_client: bool, bytes: u32, is_lost: bool },
    /// The sides change places.
    Swap,
    /// From here on another conversation, on the same connection.
    Jump { case: u16, line: u8 },
    /// One side sends no more.
    End { is_client: bool },
    /// Requests older than so many milliseconds are given up.
    Expire(u8),
}

/// How the conversation begins.
#[derive(Clone, Debug, TypeGenerator)]
struct Opening {
    case: u16,
    knows_initiator: bool,
    from_start: bool,
    is_raw: bool,
    is_reset: bool,
}

#[test]
fn broken_conversations_never_panic_and_every_byte_is_booked() {
    assert!(!CASES.is_empty(), "there are cases to start from");
    bolero::check!()
        .with_type::<(Opening, Vec<Act>)>()
        .with_test_time(TEST_TIME)
        .for_each(|(opening, acts)| play(opening, acts));
}

/// Every case as it is, so that the target is known to reach whole exchanges.
#[test]
fn unbroken_conversations_pass_through_the_same_checks() {
    for number in 0..CASES.len() {
        let opening = Opening {
            case: u16::try_from(number).expect("fewer cases than that"),
            knows_initiator: !CASES[number].mid_stream,
            from_start: !CASES[number].mid_stream,
            is_raw: true,
            is_reset: false,
        };
        println!("{}", CASES[number].path.display());
        play(&opening, &[]);
    }
}

fn play(opening: &Opening, acts: &[Act]) {
    let mut line = Line::new(usize::from(opening.case));
    let mut connection = Connection::new(opening, &CASES[line.case].carrier);
    for act in acts.iter().take(ACTS_MAX) {
        apply(act, &mut line, &mut connection);
    }
    while let Some(next) = line.next() {
        connection.take(next.stream, &next.what);
    }
    connection.close(opening.is_reset);
}

fn apply(act: &Act, line: &mut Line, connection: &mut Connection) {
    match act {
        Act::Play(lines) => {
            for next in std::iter::from_fn(|| line.next()).take(usize::from(lines % 8)) {
                connection.take(next.stream, &next.what);
            }
        }
        Act::Cut(most) => line.bytes(connection, |bytes| {
            bytes.chunks(usize::from(*most).max(1)).map(<[u8]>::to_vec).collect()
        }),
        Act::Flip { at, with } => line.bytes(connection, |bytes| {
            let mut bytes = bytes.to_vec();
            let at = usize::from(*at) % bytes.len().max(1);
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= with;
            }
            vec![bytes]
        }),
        Act::Lie { digit, to } => line.bytes(connection, |bytes| {
            let mut bytes = bytes.to_vec();
            let digits = bytes.iter_mut().filter(|b| b.is_ascii_digit());
            if let Some(byte) = digits.into_iter().nth(usize::from(*digit)) {
                *byte = b'0' + to % 10;
            }
            vec![bytes]
        }),
        Act::Tear { keep, is_lost } => {
            if let Some(Move { stream, what: What::Bytes(direction, bytes), .. }) = line.next() {
                let keep = usize::from(*keep) % (bytes.len() + 1);
                let missing = (bytes.len() - keep) as u64;
                connection.take(stream, &What::Bytes(direction, bytes[..keep].to_vec()));
                connection.take(stream, &What::Missing(direction, missing, reason(*is_lost)));
            }
        }
        Act::Repeat => line.bytes(connection, |bytes| vec![bytes.to_vec(); 2]),
        Act::Drop => {
            line.next();
        }
        Act::Insert { is_client, bytes } => {
            connection.take(line.stream, &What::Bytes(way(*is_client), bytes.clone()));
        }
        Act::Gap { is_client, bytes, is_lost } => {
            let bytes = u64::from(*bytes);
            connection.take(line.stream, &What::Missing(way(*is_client), bytes, reason(*is_lost)));
        }
        Act::Swap => connection.is_swapped = !connection.is_swapped,
        Act::Jump { case, line: start } => {
            *line = Line::new(usize::from(*case));
            line.at = usize::from(*start) % CASES[line.case].moves.len().max(1);
        }
        Act::End { is_client } => connection.take(line.stream, &What::End(way(*is_client))),
        Act::Expire(age) => connection.expire(u64::from(*age)),
    }
}

/// A place in a case.
struct Line {
    case: usize,
    at: usize,
    /// That of the line before.
    stream: u64,
}

impl Line {
    fn new(case: usize) -> Self {
        Self { case: case % CASES.len(), at: 0, stream: 0 }
    }

    fn next(&mut self) -> Option<Move> {
        let next = CASES[self.case].moves.get(self.at)?;
        self.at += 1;
        self.stream = next.stream;
        // Gaps and ends come at times of their own, which `Connection` does not need.
        debug_assert!(next.at < 1_000_000);
        Some(next.clone())
    }

    /// Gives the next line's bytes to `change`, and what comes back to the connection.
    fn bytes(&mut self, connection: &mut Connection, change: impl Fn(&[u8]) -> Vec<Vec<u8>>) {
        match self.next() {
            Some(Move { stream, what: What::Bytes(direction, bytes), .. }) => {
                for piece in change(&bytes) {
                    connection.take(stream, &What::Bytes(direction, piece));
                }
            }
            Some(other) => connection.take(other.stream, &other.what),
            None => {}
        }
    }
}

/// The dissector with everything that is checked around it.
struct Connection {
    subject: Subject,
    names: Names,
    counters: Counters,
    is_raw: bool,
    is_swapped: bool,
    at_ms: u64,
    sent: u64,
    ledger: Ledger,
}

impl Connection {
    fn new(opening: &Opening, carrier: &Carrier) -> Self {
        let initiator = opening.knows_initiator.then_some(Direction::Forward);
        Self {
            subject: Subject::new(carrier, initiator, opening.from_start),
            names: Names::new(Names::LIMIT),
            counters: Counters::default(),
            is_raw: opening.is_raw,
            is_swapped: false,
            at_ms: 1_000,
            sent: 0,
            ledger: Ledger::default(),
        }
    }

    fn take(&mut self, stream: u64, what: &What) {
        // The stages before give no empty chunks.
        match what {
            What::Bytes(_, bytes) if bytes.is_empty() => return,
            What::Missing(_, 0, _) => return,
            _ => {}
        }
        self.at_ms += 1;
        let (at, is_swapped) = (self.now(), self.is_swapped);
        let swap = |d: Direction| if is_swapped { d.opposite() } else { d };
        let mut sink = |exchange: &Exchange| check(exchange, at);
        let mut output = Output::new(&mut self.names, self.is_raw, &mut sink);
        let into = (&mut output, &mut self.counters);
        self.sent += self.subject.take(stream, what, swap, at, into);
        self.account();
        assert!(self.subject.held() <= HELD_MAX, "held {}", self.subject.held());
    }

    fn expire(&mut self, age_ms: u64) {
        let at = self.now();
        let before = Timestamp(at.0.saturating_sub(age_ms * 1_000_000));
        let mut sink = |exchange: &Exchange| check(exchange, at);
        let mut output = Output::new(&mut self.names, self.is_raw, &mut sink);
        match &mut self.subject {
            Subject::One(dissector) => dissector.expire(before, &mut output),
            Subject::Many(streams) => streams.expire(before, &mut output),
        }
    }

    fn close(mut self, is_reset: bool) {
        self.at_ms += 1;
        let at = self.now();
        let reset = CloseReason::Reset(Direction::Backward);
        let reason = if is_reset { reset } else { CloseReason::Finished };
        let mut sink = |exchange: &Exchange| check(exchange, at);
        let mut output = Output::new(&mut self.names, self.is_raw, &mut sink);
        self.subject.close(reason, at, &mut output);
        self.account();
        assert_eq!(self.subject.held(), 0, "nothing is kept behind");
        assert_eq!(self.ledger.seen, self.sent, "every byte is booked: {:?}", self.ledger);
    }

    fn account(&mut self) {
        let ledger = self.subject.take_ledger();
        assert!(ledger.adds_up(), "{ledger:?}");
        self.ledger += ledger;
        let known = self.ledger.seen + self.subject.held();
        assert_eq!(known, self.sent, "booked or held: {:?}", self.ledger);
    }

    const fn now(&self) -> Timestamp {
        Timestamp(self.at_ms * 1_000_000)
    }
}

/// What holds of every exchange, however it came about.
fn check(exchange: &Exchange, now: Timestamp) {
    let age = now.since_ns(exchange.start);
    assert!(exchange.start <= now, "begins before it is reported");
    assert!(exchange.duration_ns.is_none_or(|ns| ns <= age), "ends before it is reported");
    if let (Some(first), Some(last)) = (exchange.ttfb_ns, exchange.duration_ns) {
        assert!(first <= last, "the first byte comes before the last");
    }
}

const fn way(is_client: bool) -> Direction {
    if is_client { Direction::Forward } else { Direction::Backward }
}

const fn reason(is_lost: bool) -> MissingReason {
    if is_lost { MissingReason::Lost } else { MissingReason::Skipped }
}
