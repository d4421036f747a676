//! Plays every `cases/*.case` and compares what the table says.
//!
//! A case is what a tap sees, then `---`, then what the consumer is told. `>` and `<` are the two
//! directions. Each case is played with its sequence numbers as written and moved to several places
//! around the wrap, and with the directions swapped: the answer must be the same.
//!
//! ```text
//! limit held_bytes=100          a field of Limits, before the first event
//! > seq=1 ack=7 fin "text"      a segment; also syn rst len=N lost=N at=MS in_order begins
//!                               live other health=RTT_US/RETRANSMITS; len beyond the text: cut
//!                               by the capture
//! > datagram len=9 "text"       a UDP datagram
//! > passed bytes=9              datagrams that a live tap was told not to copy
//! > opened connected pid=7      a live tap got to know an end; also accepted, udp
//! > closed unreported=5 lost=2  the kernel closed the socket of that end
//! tick 1500                     time passes, in ms
//! finish                        the capture ends (added at the end if not there)
//! ---
//! counter gaps=1                a field of Counters
//! ```

mod transcript;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;

use connections::{Counters, Limits, Table};
use model::{Closed, ConnectionId, Datagram, Direction, Endpoints, Opened, Owner, Passed};
use model::{Segment, TapEvent, TcpFlags, TcpHealth, Timestamp};
use transcript::Transcript;

/// How one case is played.
#[derive(Clone, Copy, Debug)]
struct Play {
    /// Added to every sequence number of `>` and, plus one, of `<`.
    shift: u32,
    swapped: bool,
}

/// As written, with the wrap in the first bytes of most cases, and around the sign bit.
const SHIFTS: [u32; 4] = [0, 0u32.wrapping_sub(1_003), 0u32.wrapping_sub(1_006), 0x7fff_fc12];

/// One line of input, taken apart.
struct Line<'a> {
    words: Vec<&'a str>,
    values: HashMap<&'a str, &'a str>,
    text: String,
}

impl<'a> Line<'a> {
    fn parse(line: &'a str) -> Self {
        let mut parts = line.splitn(3, '"');
        let (head, text) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
        let tail = parts.next().unwrap_or("");
        let mut words = Vec::new();
        let mut values = HashMap::new();
        for word in head.split_whitespace().chain(tail.split_whitespace()) {
            match word.split_once('=') {
                Some((key, value)) => _ = values.insert(key, value),
                None => words.push(word),
            }
        }
        Self { words, values, text: text.to_owned() }
    }

    fn has(&self, word: &str) -> bool {
        self.words.contains(&word)
    }

    fn number(&self, key: &str) -> Option<u64> {
        self.values.get(key).map(|v| v.parse().expect("a number"))
    }
}

struct Player {
    table: Table<Transcript>,
    transcript: Transcript,
    play: Play,
    now_ms: u64,
}

impl Player {
    fn line(&mut self, line: &str) {
        let line = Line::parse(line);
        match line.words.first().copied() {
            Some("tick") => {
                self.now_ms = line.words[1].parse().expect("a number");
                let now = self.now();
                self.table.tick(now, &mut self.transcript);
            }
            Some("ticks") => self.transcript.ticks = true,
            Some("rests") => self.transcript.rests = true,
            Some("finish") => self.finish(),
            Some(">") => self.event(&line, true),
            Some("<") => self.event(&line, false),
            other => panic!("unknown line {other:?}"),
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp(1_000_000_000_000 + self.now_ms * 1_000_000)
    }

    fn finish(&mut self) {
        let now = self.now();
        self.table.finish(now, &mut self.transcript);
    }

    fn event(&mut self, line: &Line<'_>, forth: bool) {
        if let Some(at) = line.number("at") {
            self.now_ms = at;
        }
        let direction =
            if forth == self.play.swapped { Direction::Backward } else { Direction::Forward };
        let connection = ConnectionId(line.number("id").unwrap_or(7));
        let port = if line.has("other") { 9999 } else { 80 };
        let ends =
            [SocketAddr::from(([10, 0, 0, 1], 40_000)), SocketAddr::from(([10, 0, 0, 2], port))];
        let endpoints = Endpoints {
            source: ends[direction.index()],
            destination: ends[direction.opposite().index()],
        };
        let length = line.number("len").unwrap_or(line.text.len() as u64) as u32;
        let at = self.now();
        let event = if line.has("opened") {
            TapEvent::Opened(Opened {
                connection,
                direction,
                endpoints,
                protocol: if line.has("udp") { 17 } else { 6 },
                at,
                initiator: (line.has("connected") || line.has("accepted"))
                    .then(|| line.has("connected")),
                owner: Owner { pid: line.number("pid").unwrap_or(0) as u32, ..Owner::default() },
            })
        } else if line.has("closed") {
            TapEvent::Closed(Closed {
                connection,
                direction,
                at,
                unreported: line.number("unreported").unwrap_or(0),
                lost: line.number("lost").unwrap_or(0),
                health: None,
            })
        } else if line.has("datagram") {
            TapEvent::Datagram(Datagram {
                connection,
                direction,
                endpoints: Some(endpoints),
                at,
                length,
                payload: line.text.as_bytes(),
            })
        } else if line.has("passed") {
            let bytes = line.number("bytes").unwrap_or(0);
            TapEvent::Passed(Passed { connection, direction, at, bytes })
        } else {
            TapEvent::Segment(self.segment(line, connection, direction, endpoints, length, forth))
        };
        self.table.event(event, &mut self.transcript);
    }

    fn segment<'a>(
        &self,
        line: &'a Line<'_>,
        connection: ConnectionId,
        direction: Direction,
        endpoints: Endpoints,
        length: u32,
        forth: bool,
    ) -> Segment<'a> {
        let shift = |number: Option<u64>, forth: bool| {
            let own = self.play.shift.wrapping_add(u32::from(!forth));
            number.map_or(0, |number| (number as u32).wrapping_add(own))
        };
        let mut flags = 0;
        for (word, flag) in [("syn", TcpFlags::SYN), ("fin", TcpFlags::FIN), ("rst", TcpFlags::RST)]
        {
            flags |= if line.has(word) { flag } else { 0 };
        }
        if line.values.contains_key("ack") {
            flags |= TcpFlags::ACK;
        }
        let live = line.has("live") || line.has("in_order");
        Segment {
            connection,
            direction,
            endpoints: (!live).then_some(endpoints),
            at: self.now(),
            sequence: shift(line.number("seq"), forth),
            acknowledgment: shift(line.number("ack"), !forth),
            flags: TcpFlags(flags),
            length,
            payload: line.text.as_bytes(),
            lost_before: line.number("lost").unwrap_or(0) as u32,
            in_order: line.has("in_order"),
            begins: line.has("begins"),
            health: line.values.get("health").and_then(|sample| {
                let (rtt, retransmits) = sample.split_once('/')?;
                Some(TcpHealth {
                    rtt_us: rtt.parse().ok()?,
                    retransmits: retransmits.parse().ok()?,
                })
            }),
        }
    }
}

/// Lines that say something.
fn meaningful(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'))
}

fn set_limit(limits: &mut Limits, line: &str) {
    let (name, value) = line.split_once('=').expect("limit NAME=VALUE");
    let value: u64 = value.parse().expect("a number");
    match name {
        "connections" => limits.connections = value as usize,
        "closing" => limits.closing = value as usize,
        "held_bytes" => limits.held_bytes = value,
        "held_segments" => limits.held_segments = value as usize,
        "held_bytes_total" => limits.held_bytes_total = value,
        other => panic!("unknown limit {other}"),
    }
}

fn counter(counters: &Counters, name: &str) -> u64 {
    let text = format!("{counters:?}");
    let (_, rest) = text.split_once(&format!(" {name}: ")).expect("a counter");
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next();
    digits.and_then(|d| d.parse().ok()).expect("a number")
}

fn play(input: &str, expected: &str, play: Play) -> Result<(), String> {
    let mut limits = Limits::default();
    for line in meaningful(input).filter_map(|line| line.strip_prefix("limit ")) {
        set_limit(&mut limits, line);
    }
    let mut player = Player {
        table: Table::new(limits),
        transcript: Transcript { swapped: play.swapped, ..Transcript::default() },
        play,
        now_ms: 0,
    };
    for line in meaningful(input).filter(|line| !line.starts_with("limit ")) {
        player.line(line);
    }
    player.finish();
    let counters = player.table.counters();
    let mut wanted = Vec::new();
    for line in meaningful(expected) {
        let Some(check) = line.strip_prefix("counter ") else {
            wanted.push(line);
            continue;
        };
        let (name, value) = check.split_once('=').expect("counter NAME=VALUE");
        let found = counter(counters, name);
        if found.to_string() != value {
            return Err(format!("counter {name} is {found}, not {value}"));
        }
    }
    let sorted = |lines: &[&str]| lines.iter().map(|l| order_arrows(l)).collect::<Vec<_>>();
    let found: Vec<&str> = player.transcript.lines.iter().map(String::as_str).collect();
    if sorted(&found) != sorted(&wanted) {
        return Err(format!("found\n  {}", found.join("\n  ")));
    }
    if counters.held_bytes != 0 || counters.opened != counters.closed {
        return Err(format!("something stayed behind: {counters:?}"));
    }
    Ok(())
}

/// The words of a line that come in direction order, in one order.
fn order_arrows(line: &str) -> String {
    if line.contains('"') {
        return line.to_owned();
    }
    let mut words: Vec<&str> = line.split_whitespace().collect();
    if words.first().is_some_and(|w| w.len() > 1) {
        words[1..].sort_unstable();
    }
    words.join(" ")
}

#[test]
fn every_case_comes_out_as_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder of cases")
        .map(|entry| entry.expect("a file").path())
        .collect();
    paths.sort();
    let mut failures = Vec::new();
    for path in &paths {
        let text = std::fs::read_to_string(path).expect("a text file");
        let (input, expected) = text.split_once("\n---\n").expect("a line ---");
        let plays = SHIFTS
            .into_iter()
            .flat_map(|shift| [false, true].map(|swapped| Play { shift, swapped }));
        let failed = plays.map(|how| (how, play(input, expected, how))).find(|(_, r)| r.is_err());
        if let Some((how, Err(why))) = failed {
            failures.push(format!("{} {how:?}: {why}", path.display()));
        }
    }
    assert!(paths.len() >= 25, "the cases are there");
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
