//! Recorded conversations, played and compared with what is expected of each.
//!
//! Played as they are, with each datagram lost in turn, and without secrets: the last two must tell
//! of nothing that the first does not.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use model::{
    ConnectionId, Direction, Ledger, Secret, SecretLabel, StreamContent, StreamId, Timestamp,
};

use super::super::{Datagram, Flow, Handle, News, Opener};
use crate::keyring::{Keyring, Sources};

/// One line of a record: its kind and its bytes.
pub(super) type Row = (u8, Vec<u8>);

pub(super) fn records() -> Vec<(PathBuf, Vec<Row>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/quic/cases");
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("there are cases").flatten() {
        if entry.path().extension().is_some_and(|end| end == "rec") {
            let bytes = std::fs::read(entry.path()).expect("a case is readable");
            let (mut rest, mut rows) = (&bytes[..], Vec::new());
            while let [kind, high, low, behind @ ..] = rest {
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                rows.push((*kind, behind[..length].to_vec()));
                rest = &behind[length..];
            }
            found.push((entry.path(), rows));
        }
    }
    found.sort();
    found
}

/// What a played record told: lines of the connections, and bytes of their streams.
#[derive(Default)]
pub(super) struct Told {
    pub(super) lines: Vec<String>,
    streams: BTreeMap<(Handle, StreamId, bool), String>,
    pub(super) bytes: BTreeMap<(Handle, StreamId, bool), Vec<u8>>,
    handed_on: u64,
    clients: BTreeMap<Handle, Direction>,
}

impl Told {
    pub(super) fn take(&mut self, handle: Handle, news: News<'_>) {
        match news {
            News::Named(name, _) => self.lines.push(format!("{handle:?} named {name}")),
            News::Agreed { protocol, client, is_older, .. } => {
                self.clients.insert(handle, client);
                let since = if is_older { ", as before" } else { "" };
                self.lines.push(format!("{handle:?} speaks {protocol}{since}"));
            }
            News::Moved(client) => {
                self.clients.insert(handle, client);
                self.lines.push(format!("{handle:?} moved"));
            }
            News::Shaken(facts, handshake) => {
                let (version, outcome) = (facts.version_name(), handshake.outcome);
                let duration = handshake.end.map(|end| end.since_ns(handshake.start) / 1_000_000);
                let bytes = handshake.bytes;
                self.lines.push(format!(
                    "{handle:?} shaken {version} {:#06x} {outcome:?} {duration:?} ms {bytes:?}",
                    facts.suite
                ));
            }
            News::Closed { .. } => self.lines.push(format!("{handle:?} closed")),
            News::Chunk(chunk) => {
                let is_client = self.clients.get(&handle) == Some(&chunk.direction);
                let on = (handle, chunk.stream, is_client);
                let told = self.streams.entry(on).or_default();
                match chunk.content {
                    StreamContent::Bytes(bytes) => {
                        self.handed_on += bytes.len() as u64;
                        self.bytes.entry(on).or_default().extend_from_slice(bytes);
                    }
                    StreamContent::Missing { bytes, .. } => {
                        let all = self.bytes.entry(on).or_default();
                        all.resize(all.len() + bytes as usize, b'?');
                        let _ = write!(told, " -{bytes}");
                    }
                    StreamContent::End => told.push_str(" end"),
                    StreamContent::Reset(code) => {
                        let _ = write!(told, " reset {code:#x}");
                    }
                    StreamContent::Stopped(code) => {
                        let _ = write!(told, " stopped {code:#x}");
                    }
                }
            }
        }
    }

    fn text(&self, ledger: &Ledger) -> String {
        let mut text = String::new();
        for line in &self.lines {
            let _ = writeln!(text, "{line}");
        }
        for ((handle, stream, is_client), told) in &self.streams {
            let bytes = self.bytes.get(&(*handle, *stream, *is_client));
            let (length, start) = bytes.map_or((0, String::new()), |bytes| {
                let start = String::from_utf8_lossy(&bytes[..bytes.len().min(16)]).into_owned();
                (bytes.len(), start)
            });
            let side = if *is_client { "client" } else { "server" };
            let _ = writeln!(text, "{handle:?} {} {side} {length} {start:?}{told}", stream.0);
        }
        let Ledger { parsed, sealed, unknown, .. } = ledger;
        let _ = writeln!(text, "parsed {parsed}, sealed {sealed}, unknown {unknown}");
        text
    }
}

pub(super) fn play(rows: &[Row], sources: Sources) -> (Told, Ledger) {
    let (mut opener, mut keyring) = (Opener::default(), Keyring::new(sources));
    let mut flows: [(ConnectionId, Flow); 2] = [1, 2].map(|id| (ConnectionId(id), Flow::default()));
    let (mut told, mut given) = (Told::default(), 0);
    for (number, (kind, bytes)) in rows.iter().enumerate() {
        let at = Timestamp(1_000_000 * (1 + number as u64));
        let (flow, direction) = match kind {
            b'k' => {
                add(&mut keyring, bytes, at);
                continue;
            }
            b'>' => (0, Direction::Forward),
            b'<' => (0, Direction::Backward),
            // Between the other addresses the client's is the larger one.
            b')' => (1, Direction::Backward),
            _ => (1, Direction::Forward),
        };
        let (id, flow) = &mut flows[flow];
        let datagram = Datagram { flow: *id, direction, at, bytes, pids: [0; 2] };
        let mut tell = |handle: Handle, news: News<'_>| told.take(handle, news);
        if opener.datagram(flow, &datagram, &mut keyring, &mut tell) {
            given += bytes.len() as u64;
        }
        opener.tick(flow, *id, at, &mut keyring, &mut tell);
    }
    let mut ledger = Ledger::default();
    let end = Timestamp(1 << 50);
    for (id, flow) in &mut flows {
        opener.close(flow, *id, end, &mut keyring, &mut |handle, news| told.take(handle, news));
        ledger += flow.take_ledger();
    }
    assert!(ledger.adds_up());
    assert_eq!(ledger.seen + told.handed_on, given, "each byte once: {ledger:?}");
    assert_eq!(keyring.held, 0, "nothing waits any more");
    (told, ledger)
}

/// The secret of a record.
pub(super) fn secret(rows: &[Row], wanted: SecretLabel) -> Option<Vec<u8>> {
    let lines = rows.iter().filter(|(kind, _)| *kind == b'k').filter_map(|(_, line)| read(line));
    lines.filter(|(label, ..)| *label == wanted).map(|(_, _, secret)| secret).next()
}

/// Label, random and secret of a line of a key log file.
fn read(line: &[u8]) -> Option<(SecretLabel, Vec<u8>, Vec<u8>)> {
    let words: Vec<_> = line.split(|byte| *byte == b' ').collect();
    let [label, random, secret] = words[..] else { panic!("a line has three words") };
    let hex = |hex: &[u8]| -> Vec<u8> {
        let digit = |byte: u8| (byte as char).to_digit(16).expect("it is hex") as u8;
        hex.chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
    };
    Some((SecretLabel::named(label)?, hex(random), hex(secret)))
}

/// Takes such a line.
fn add(keyring: &mut Keyring, line: &[u8], at: Timestamp) {
    let Some((label, random, bytes)) = read(line) else { return };
    let client_random = random.first_chunk::<32>();
    keyring.add(&Secret { at, label, client_random, pid: 0, bytes: &bytes });
}

#[test]
fn conversations_give_what_is_expected() {
    let mut failures = Vec::new();
    for (path, rows) in records() {
        let (told, ledger) = play(&rows, Sources::Live);
        let (text, expect) = (told.text(&ledger), path.with_extension("expect"));
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&expect, &text).expect("the expectation can be written");
        }
        if text != std::fs::read_to_string(&expect).unwrap_or_default() {
            failures.push(format!("{}:\n{text}", path.display()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn what_is_lost_is_said_and_nothing_is_made_up() {
    for (path, rows) in records() {
        let (whole, _) = play(&rows, Sources::Live);
        for lost in 0..rows.len() {
            let mut rest = rows.clone();
            rest.remove(lost);
            let (told, _) = play(&rest, Sources::Live);
            for (on, bytes) in &told.bytes {
                // Without its first packet a connection is none, and the next one has its handle.
                let is_same = |(one, other): (&u8, &u8)| one == other || *one == b'?';
                let known = whole.bytes.iter().any(|((_, stream, is_client), expected)| {
                    (*stream, *is_client) == (on.1, on.2)
                        && bytes.len() <= expected.len()
                        && bytes.iter().zip(expected).all(is_same)
                });
                assert!(known, "{} without row {lost}: {on:?} is made up", path.display());
            }
        }
    }
}

/// The same, with datagrams of one size in one, as the kernel hands them on.
fn joined(rows: &[Row]) -> Vec<Row> {
    let mut joined: Vec<Row> = Vec::new();
    let mut size = 0;
    for (kind, bytes) in rows {
        let is_short = bytes.first().is_some_and(|first| first & 0x80 == 0);
        match joined.last_mut() {
            Some((last, run))
                if last == kind && size > 0 && run.len() % size == 0 && bytes.len() <= size =>
            {
                run.extend_from_slice(bytes);
            }
            _ => {
                size = if is_short && bytes.len() >= 1_200 { bytes.len() } else { 0 };
                joined.push((*kind, bytes.clone()));
            }
        }
    }
    joined
}

#[test]
fn datagrams_that_came_as_one_are_taken_apart() {
    let mut shorter = 0;
    for (path, rows) in records() {
        let (whole, ledger) = play(&rows, Sources::Live);
        let joined = joined(&rows);
        let (told, joined_ledger) = play(&joined, Sources::Live);
        assert_eq!(told.bytes, whole.bytes, "{}", path.display());
        assert_eq!(joined_ledger, ledger, "{}", path.display());
        shorter += rows.len() - joined.len();
    }
    assert!(shorter > 5, "some were joined");
}

#[test]
fn secrets_may_come_without_a_random_and_those_of_others_open_nothing() {
    for (path, rows) in records() {
        let (whole, _) = play(&rows, Sources::Live);
        let mut loose = rows.clone();
        for (_, line) in loose.iter_mut().filter(|(kind, _)| *kind == b'k') {
            let random = line.iter().position(|byte| *byte == b' ').expect("there is one") + 1;
            // Too short to be a random: `add` takes it for none.
            line.drain(random..random + 32);
        }
        let (told, _) = play(&loose, Sources::Live);
        assert_eq!(told.bytes, whole.bytes, "{}", path.display());
        let mut foreign = rows.clone();
        for (_, line) in foreign.iter_mut().filter(|(kind, _)| *kind == b'k') {
            let last = line.last_mut().expect("it is not empty");
            *last = if *last == b'0' { b'1' } else { b'0' };
        }
        let (told, _) = play(&foreign, Sources::Live);
        assert!(told.bytes.is_empty(), "{}", path.display());
        let (told, ledger) = play(&rows, Sources::None);
        assert!(told.lines.len() <= whole.lines.len() && ledger.adds_up());
    }
}

/// Both ends may go by ids that were told of in packets still sealed.
#[test]
fn secrets_that_come_last_open_all_that_waited() {
    for (path, rows) in records() {
        // Whether a connection has moved is seen by an opened packet.
        if path.ends_with("migration.rec") {
            continue;
        }
        let (whole, _) = play(&rows, Sources::Live);
        let (secrets, mut late): (Vec<Row>, _) = rows.into_iter().partition(|row| row.0 == b'k');
        late.extend(secrets);
        let (told, _) = play(&late, Sources::Live);
        assert_eq!(told.bytes, whole.bytes, "{}", path.display());
    }
}
