//! Connections of which no beginning was seen: keys from memory open what comes after the samples.

use std::ops::ControlFlow;

use model::{ConnectionId, Direction, Ledger, SecretLabel, Timestamp};

use super::super::version::{VERSIONS, Version};
use super::super::{Datagram, Flow, Opener};
use super::cases::{Row, Told, play, records, secret};
use crate::crypto::{Hash, expand_label};
use crate::keyring::{Keyring, Sources};
use crate::search::{Found, Search, SearchLimits, Wanted, schedule_for_tests};

const FLOW: ConnectionId = ConnectionId(1);

/// Memory with the keys of both sides, and with their secrets if they are kept.
fn memory(rows: &[Row], version: &Version, has_secrets: bool) -> Vec<u8> {
    let mut memory = vec![0; 64];
    for label in [SecretLabel::ClientTraffic, SecretLabel::ServerTraffic] {
        let secret = secret(rows, label).expect("it is in the record");
        let (hash, length) =
            if secret.len() == 48 { (Hash::Sha384, 32) } else { (Hash::Sha256, 16) };
        for label in [version.key, version.header] {
            let key = expand_label(hash, &secret, label, &[], length).expect("a key");
            memory.extend(schedule_for_tests(key.as_slice()));
            memory.extend([0; 40]);
        }
        if has_secrets {
            memory.extend(secret);
        }
    }
    memory.resize(memory.len() + 4096, 0);
    memory
}

fn search(opener: &Opener, flow: &Flow, memory: &[u8]) -> Vec<Found> {
    let mut search = Search::new(opener.samples(flow, FLOW), SearchLimits::default());
    while let Some(wanted) = search.wanted() {
        let ranges = match wanted {
            Wanted::All => std::iter::once(0..memory.len() as u64).collect(),
            Wanted::Ranges(ranges) => ranges,
        };
        for range in ranges {
            let end = (range.end as usize).min(memory.len());
            if search.memory(range.start, &memory[range.start as usize..end])
                == ControlFlow::Break(())
            {
                break;
            }
        }
        search.end_pass();
    }
    search.finish().found
}

/// Plays what has short headers, and says what was told, and how many datagrams were opened of how
/// many that came after the keys.
fn resume(rows: &[Row], memory: &[u8]) -> (Told, Ledger, [usize; 2]) {
    let (mut opener, mut keyring) = (Opener::default(), Keyring::new(Sources::Live));
    let (mut flow, mut told, mut opened) = (Flow::default(), Told::default(), [0; 2]);
    let short = rows.iter().filter(|(kind, bytes)| b"<>".contains(kind) && bytes[0] & 0x80 == 0);
    for (number, (kind, bytes)) in short.enumerate() {
        let at = Timestamp(1_000_000 * (1 + number as u64));
        let direction = if *kind == b'>' { Direction::Forward } else { Direction::Backward };
        let datagram = Datagram { flow: FLOW, direction, at, bytes, pids: [0; 2] };
        let is_opened =
            opener.datagram(&mut flow, &datagram, &mut keyring, &mut |h, news| told.take(h, news));
        if flow.is_quic() {
            opened[0] += usize::from(is_opened);
            opened[1] += 1;
            continue;
        }
        assert!(!is_opened, "nothing is known of it");
        opener.suspect(&mut flow, &datagram);
        if opener.samples(&flow, FLOW).len() == 2 {
            for found in search(&opener, &flow, memory) {
                let tell = &mut |handle, news: super::super::News<'_>| told.take(handle, news);
                opener.accept(&mut flow, &found, Direction::Forward, &mut keyring, tell);
            }
        }
    }
    let end = Timestamp(1 << 50);
    opener.close(&mut flow, FLOW, end, &mut keyring, &mut |h, news| told.take(h, news));
    let ledger = flow.take_ledger();
    (told, ledger, opened)
}

#[test]
fn keys_from_memory_open_connections_of_which_no_beginning_was_seen() {
    let mut all = 0;
    for (path, rows) in records() {
        let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
        let version = match &*name {
            "plain" | "aes128" | "reordered" | "reset" | "key-update" => &VERSIONS[0],
            "version2" => &VERSIONS[1],
            _ => continue,
        };
        let (whole, _) = play(&rows, Sources::Live);
        for has_secrets in [true, false] {
            let (told, ledger, [opened, came]) =
                resume(&rows, &memory(&rows, version, has_secrets));
            assert!(told.lines.iter().any(|line| line.ends_with("as before")), "{:?}", told.lines);
            // Keys without their secret are not updated.
            if has_secrets || name != "key-update" {
                assert_eq!((opened, ledger.sealed), (came, 0), "{name} {has_secrets}");
            }
            all += opened;
            for ((_, stream, is_client), bytes) in &told.bytes {
                let known = whole
                    .bytes
                    .iter()
                    .find(|((_, other, side), _)| (other, side) == (stream, is_client));
                let (_, known) = known.expect("the stream is one of the conversation");
                let is_same = |(one, other): (&u8, &u8)| one == other || *one == b'?';
                assert!(bytes.iter().zip(known).all(is_same), "{name}: {stream:?} is made up");
            }
        }
        let (told, _, [opened, _]) = resume(&rows, &[0; 4096]);
        assert!(opened == 0 && told.lines.is_empty(), "{name}: without keys there is none");
    }
    assert!(all > 20, "{all}");
}

#[test]
fn what_waited_for_both_keys_is_opened_in_the_order_in_which_it_came() {
    for (path, rows) in records() {
        let name = path.file_stem().expect("it has a name").to_string_lossy().into_owned();
        if !["plain", "new-ids", "reordered"].contains(&&*name) {
            continue;
        }
        let (whole, _) = play(&rows, Sources::Live);
        let (mut opener, mut keyring) = (Opener::default(), Keyring::new(Sources::Live));
        let (mut flow, mut told) = (Flow::default(), Told::default());
        for (number, (kind, bytes)) in rows.iter().filter(|(kind, _)| *kind != b'k').enumerate() {
            let at = Timestamp(1_000_000 * (1 + number as u64));
            let direction = if *kind == b'>' { Direction::Forward } else { Direction::Backward };
            let datagram = Datagram { flow: FLOW, direction, at, bytes, pids: [0; 2] };
            let tell = &mut |handle, news: super::super::News<'_>| told.take(handle, news);
            assert!(opener.datagram(&mut flow, &datagram, &mut keyring, tell), "{name}");
        }
        let mut found = search(&opener, &flow, &memory(&rows, &VERSIONS[0], true));
        // The server's first.
        found.sort_by_key(|found| found.direction == Direction::Forward);
        assert_eq!(found.len(), 2, "{name}");
        for (turn, found) in found.iter().enumerate() {
            assert!(told.bytes.is_empty(), "{name}: told after {turn} keys");
            let tell = &mut |handle, news: super::super::News<'_>| told.take(handle, news);
            opener.accept(&mut flow, found, Direction::Forward, &mut keyring, tell);
        }
        assert_eq!(told.bytes, whole.bytes, "{name}");
    }
}
