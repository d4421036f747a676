//! Broken conversations of every protocol: nothing panics, every byte is booked, memory is bounded.
//!
//! A run starts from one of the cases and does things to it: cuts, flips, foreign bytes, pieces of
//! other cases, gaps, ends, time-outs, swapped sides. Mutations of valid traffic reach states that
//! random bytes never do. `make fuzz` runs the same target under libFuzzer.

use std::sync::LazyLock;
use std::time::Duration;

use bolero::TypeGenerator;
use dissect::{Counters, Dissector, Output, Transport};
use model::{
    Chunk, CloseReason, Content, Direction, Exchange, Ledger, MissingReason, Names, Timestamp,
};

mod transcript;

use transcript::{Case, What, all_cases};

/// How long a plain test run looks for trouble.
const TEST_TIME: Duration = Duration::from_secs(4);
/// Things done to one conversation.
const ACTS_MAX: usize = 40;
/// Bytes one connection may hold: both sides' unfinished frames, or its opening.
const HELD_MAX: u64 = 2 * Dissector::HELD_MAX as u64;

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
    let mut connection = Connection::new(opening, CASES[line.case].transport);
    for act in acts.iter().take(ACTS_MAX) {
        apply(act, &mut line, &mut connection);
    }
    while let Some(what) = line.next() {
        connection.take(&what);
    }
    connection.close(opening.is_reset);
}

fn apply(act: &Act, line: &mut Line, connection: &mut Connection) {
    match act {
        Act::Play(lines) => {
            for what in std::iter::from_fn(|| line.next()).take(usize::from(lines % 8)) {
                connection.take(&what);
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
            if let Some(What::Bytes(direction, bytes)) = line.next() {
                let keep = usize::from(*keep) % (bytes.len() + 1);
                let missing = (bytes.len() - keep) as u64;
                connection.take(&What::Bytes(direction, bytes[..keep].to_vec()));
                connection.take(&What::Missing(direction, missing, reason(*is_lost)));
            }
        }
        Act::Repeat => line.bytes(connection, |bytes| vec![bytes.to_vec(); 2]),
        Act::Drop => {
            line.next();
        }
        Act::Insert { is_client, bytes } => {
            connection.take(&What::Bytes(way(*is_client), bytes.clone()));
        }
        Act::Gap { is_client, bytes, is_lost } => {
            let bytes = u64::from(*bytes);
            connection.take(&What::Missing(way(*is_client), bytes, reason(*is_lost)));
        }
        Act::Swap => connection.is_swapped = !connection.is_swapped,
        Act::Jump { case, line: start } => {
            *line = Line::new(usize::from(*case));
            line.at = usize::from(*start) % CASES[line.case].moves.len().max(1);
        }
        Act::End { is_client } => connection.take(&What::End(way(*is_client))),
        Act::Expire(age) => connection.expire(u64::from(*age)),
    }
}

/// A place in a case.
struct Line {
    case: usize,
    at: usize,
}

impl Line {
    fn new(case: usize) -> Self {
        Self { case: case % CASES.len(), at: 0 }
    }

    fn next(&mut self) -> Option<What> {
        let next = CASES[self.case].moves.get(self.at)?;
        self.at += 1;
        // Gaps and ends come at times of their own, which `Connection` does not need.
        debug_assert!(next.at < 1_000_000);
        Some(next.what.clone())
    }

    /// Gives the next line's bytes to `change`, and what comes back to the connection.
    fn bytes(&mut self, connection: &mut Connection, change: impl Fn(&[u8]) -> Vec<Vec<u8>>) {
        match self.next() {
            Some(What::Bytes(direction, bytes)) => {
                for piece in change(&bytes) {
                    connection.take(&What::Bytes(direction, piece));
                }
            }
            Some(other) => connection.take(&other),
            None => {}
        }
    }
}

/// The dissector with everything that is checked around it.
struct Connection {
    dissector: Dissector,
    names: Names,
    counters: Counters,
    is_raw: bool,
    is_swapped: bool,
    at_ms: u64,
    sent: u64,
    ledger: Ledger,
}

impl Connection {
    fn new(opening: &Opening, transport: Transport) -> Self {
        let initiator = opening.knows_initiator.then_some(Direction::Forward);
        let ports = [40_000, 40_001];
        let dissector = match transport {
            Transport::Stream => Dissector::new(initiator, ports, opening.from_start),
            datagrams => Dissector::datagrams(datagrams, initiator, ports),
        };
        Self {
            dissector,
            names: Names::new(Names::LIMIT),
            counters: Counters::default(),
            is_raw: opening.is_raw,
            is_swapped: false,
            at_ms: 1_000,
            sent: 0,
            ledger: Ledger::default(),
        }
    }

    fn take(&mut self, what: &What) {
        let swap = |d: Direction| if self.is_swapped { d.opposite() } else { d };
        let (direction, content) = match what {
            // The connections stage gives no empty chunks.
            What::Bytes(_, bytes) if bytes.is_empty() => return,
            What::Bytes(d, bytes) => (swap(*d), Content::Bytes(bytes)),
            What::Missing(_, 0, _) => return,
            What::Missing(d, bytes, reason) => {
                (swap(*d), Content::Missing { bytes: *bytes, reason: *reason })
            }
            // A reset closes for good; here it leaves room for what still comes.
            What::End(d) | What::Reset(d) => (swap(*d), Content::End),
        };
        self.sent += match content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Missing { bytes, .. } => bytes,
            Content::End => 0,
        };
        self.at_ms += 1;
        let at = self.now();
        let mut sink = |exchange: &Exchange| check(exchange, at);
        let mut output = Output::new(&mut self.names, self.is_raw, &mut sink);
        let chunk = Chunk { direction, at, content };
        self.dissector.chunk(&chunk, &mut output, &mut self.counters);
        for direction in Direction::BOTH {
            std::hint::black_box(self.dissector.wants(direction));
        }
        self.account();
        assert!(self.dissector.held() <= HELD_MAX, "held {}", self.dissector.held());
    }

    fn expire(&mut self, age_ms: u64) {
        let at = self.now();
        let before = Timestamp(at.0.saturating_sub(age_ms * 1_000_000));
        let mut sink = |exchange: &Exchange| check(exchange, at);
        let mut output = Output::new(&mut self.names, self.is_raw, &mut sink);
        self.dissector.expire(before, &mut output);
    }

    fn close(mut self, is_reset: bool) {
        self.at_ms += 1;
        let at = self.now();
        let reset = CloseReason::Reset(Direction::Backward);
        let reason = if is_reset { reset } else { CloseReason::Finished };
        let mut sink = |exchange: &Exchange| check(exchange, at);
        let mut output = Output::new(&mut self.names, self.is_raw, &mut sink);
        self.dissector.close(reason, at, &mut output);
        self.account();
        assert_eq!(self.dissector.held(), 0, "nothing is kept behind");
        assert_eq!(self.ledger.seen, self.sent, "every byte is booked: {:?}", self.ledger);
    }

    fn account(&mut self) {
        let ledger = self.dissector.take_ledger();
        assert!(ledger.adds_up(), "{ledger:?}");
        self.ledger += ledger;
        let known = self.ledger.seen + self.dissector.held();
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
