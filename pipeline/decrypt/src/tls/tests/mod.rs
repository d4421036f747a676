//! Conversations of every kind, played in every way: whole, cut anywhere, with keys before and
//! after, with bytes missing, and mangled.

mod samples;
mod talk;

use model::{
    Chunk, ConnectionId, Content, Direction, Ledger, MissingReason, Sealed, Secret, SecretLabel,
    Timestamp,
};
use talk::{CLIENT, CLIENT_RANDOM, SERVER, Talk, encrypted_extensions, message};

use super::*;
use crate::{Keyring, Sources};

const REQUEST: &[u8] = b"GET /orders HTTP/1.1\r\nHost: api.test\r\n\r\n";
const REPLY: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const ID: ConnectionId = ConnectionId(7);

/// How a conversation is played.
#[derive(Clone, Copy)]
enum Keys {
    /// All there are before the first byte, by random.
    Before,
    /// All after everything else, by random.
    After,
    /// All before, but nobody says of which handshake they are.
    Loose,
    /// The same, after everything else.
    LooseAfter,
    /// None.
    Never,
}

/// What came out: contents with their place, and the rest.
struct Played {
    opener: Opener,
    keyring: Keyring,
    clear: [Vec<u8>; 2],
    /// Places and lengths of missing content.
    missing: Vec<(Direction, usize, u64)>,
    position: [usize; 2],
    times: Vec<Timestamp>,
    ledger: Ledger,
    given: u64,
}

impl Played {
    fn new(sources: Sources) -> Self {
        Self {
            opener: Opener::new(ID),
            keyring: Keyring::new(sources),
            clear: Default::default(),
            missing: Vec::new(),
            position: [0; 2],
            times: Vec::new(),
            ledger: Ledger::default(),
            given: 0,
        }
    }

    fn with(&mut self, run: impl FnOnce(&mut Opener, &mut Keyring, &mut Clear<'_>)) {
        let Self { opener, keyring, clear, missing, position, times, given, .. } = self;
        run(opener, keyring, &mut |_, chunk: &Chunk<'_>| {
            let way = chunk.direction.index();
            match chunk.content {
                Content::Bytes(bytes) => {
                    clear[way].extend_from_slice(bytes);
                    times.push(chunk.at);
                    position[way] += bytes.len();
                    *given += bytes.len() as u64;
                }
                Content::Missing { bytes, .. } => {
                    missing.push((chunk.direction, position[way], bytes));
                    position[way] += bytes as usize;
                    *given += bytes;
                }
                Content::End => {}
            }
        });
    }

    fn chunk(&mut self, direction: Direction, content: Content<'_>, at: u64) {
        let chunk = Chunk { direction, at: Timestamp(at), content };
        self.with(|opener, keyring, clear| opener.chunk(&chunk, keyring, clear));
    }

    fn secrets(&mut self, talk: &Talk, is_loose: bool) {
        for label in SecretLabel::ALL {
            let bytes = talk.secret(label);
            let client_random = (!is_loose).then_some(&talk.client_random);
            let at = Timestamp::UNKNOWN;
            self.keyring.add(&Secret { at, label, client_random, pid: 9, bytes: &bytes });
        }
    }

    fn close(&mut self) {
        self.with(|opener, keyring, clear| opener.tick(Timestamp(1_000), keyring, clear));
        self.with(|opener, keyring, clear| opener.close(keyring, clear));
        self.ledger += self.opener.take_ledger();
        assert!(self.ledger.adds_up(), "{:?}", self.ledger);
        assert_eq!(self.keyring.held, 0);
    }
}

/// Plays a conversation in chunks of `size` bytes.
fn play(talk: &Talk, keys: Keys, size: usize) -> Played {
    let mut played = Played::new(Sources::Live);
    if let Keys::Before | Keys::Loose = keys {
        played.secrets(talk, matches!(keys, Keys::Loose));
    }
    let mut seen = 0;
    for (number, (way, record)) in talk.wire.iter().enumerate() {
        for part in record.chunks(size) {
            played.chunk(*way, Content::Bytes(part), number as u64 + 1);
            seen += part.len() as u64;
        }
    }
    if let Keys::After | Keys::LooseAfter = keys {
        played.secrets(talk, matches!(keys, Keys::LooseAfter));
    }
    played.close();
    assert_eq!(played.ledger.seen + played.given, seen);
    played
}

/// A conversation of TLS 1.3 up to the first request.
fn shaken13(suite: u16) -> Talk {
    let mut talk = Talk::new(0x0304, suite);
    let (hello, answer) = (talk.client_hello(false), talk.server_hello(false));
    talk.message(CLIENT, 1, &hello).message(SERVER, 2, &answer);
    talk.record(SERVER, 20, &[1]).seal_with(SERVER, SecretLabel::ServerHandshakeTraffic);
    // A long certificate, cut in two, and coalesced with what is around it.
    let certificate = message(11, &[0x30; 3_000]);
    let (first, rest) = certificate.split_at(1_000);
    talk.record(SERVER, 22, &[&encrypted_extensions(), first].concat());
    talk.record(SERVER, 22, &[rest, &message(20, &[1; 32])].concat());
    talk.seal_with(SERVER, SecretLabel::ServerTraffic);
    talk.record(CLIENT, 20, &[1]).seal_with(CLIENT, SecretLabel::ClientHandshakeTraffic);
    talk.message(CLIENT, 20, &[2; 32]).seal_with(CLIENT, SecretLabel::ClientTraffic);
    talk.message(SERVER, 4, &[4; 200]);
    talk
}

/// The same before TLS 1.3.
fn shaken12(version: u16, suite: u16, outside: bool) -> Talk {
    let mut talk = Talk::new(version, suite);
    talk.outside = outside;
    shake12(&mut talk);
    talk
}

fn shake12(talk: &mut Talk) {
    let (hello, answer) = (talk.client_hello(false), talk.server_hello(false));
    talk.message(CLIENT, 1, &hello);
    let answer = [message(2, &answer), message(11, &[0x30; 2_000]), message(14, &[])].concat();
    talk.record(SERVER, 22, &answer[..500]).record(SERVER, 22, &answer[500..]);
    talk.message(CLIENT, 16, &[7; 66]).change_cipher(CLIENT).message(CLIENT, 20, &[1; 12]);
    talk.change_cipher(SERVER).message(SERVER, 20, &[2; 12]);
}

/// Requests and answers, some of them long.
fn ask(talk: &mut Talk) {
    talk.data(CLIENT, REQUEST).data(SERVER, REPLY);
    talk.data(CLIENT, REQUEST).data(SERVER, &[0x61; 5_000]).data(SERVER, &[0x62; 3]);
}

/// Every conversation that can be opened, with its name.
fn talks() -> Vec<(String, Talk)> {
    let mut all: Vec<(String, Talk)> = [0x1301, 0x1302, 0x1303, 0x1304, 0x1305]
        .map(|suite| (format!("1.3 {suite:x}"), shaken13(suite)))
        .into();
    for (version, suite, outside) in [
        (0x0303, 0xC02F, false),
        (0x0303, 0xC030, false),
        (0x0303, 0xCCA8, false),
        (0x0303, 0xC09E, false),
        (0x0303, 0xC0A2, false),
        (0x0303, 0xC027, false),
        (0x0303, 0xC028, true),
        (0x0303, 0xC013, false),
        (0x0302, 0xC014, true),
        (0x0301, 0x002F, false),
        (0x0301, 0x0035, true),
    ] {
        let name = format!("{version:x} {suite:x} {outside}");
        all.push((name, shaken12(version, suite, outside)));
    }
    all.iter_mut().for_each(|(_, talk)| ask(talk));
    let mut updated = shaken13(0x1301);
    for _ in 0..3 {
        updated.update_keys(CLIENT).data(CLIENT, REQUEST).update_keys(SERVER).data(SERVER, REPLY);
    }
    all.push(("updates".to_owned(), updated));
    let mut padded = shaken13(0x1302);
    padded.padding = 40;
    ask(&mut padded);
    all.push(("padding".to_owned(), padded));
    let mut renegotiated = shaken12(0x0303, 0xC02F, false);
    ask(&mut renegotiated);
    renegotiated.client_random = [0xC2; 32];
    shake12(&mut renegotiated);
    ask(&mut renegotiated);
    all.push(("renegotiation".to_owned(), renegotiated));
    all.push(("retry".to_owned(), retried()));
    all.push(("early data".to_owned(), early(true)));
    all.push(("early data refused".to_owned(), early(false)));
    all
}

fn retried() -> Talk {
    let mut talk = Talk::new(0x0304, 0x1301);
    let (hello, retry) = (talk.client_hello(true), talk.server_hello(true));
    let again = talk.client_hello(false);
    talk.message(CLIENT, 1, &hello).message(SERVER, 2, &retry).message(CLIENT, 1, &again);
    let rest = shaken13(0x1301);
    let mut talk_rest = rest;
    ask(&mut talk_rest);
    talk_rest.wire.splice(0..1, talk.wire);
    talk_rest
}

fn early(accepted: bool) -> Talk {
    let mut talk = Talk::new(0x0304, 0x1301);
    let (hello, answer) = (talk.client_hello(true), talk.server_hello(false));
    talk.message(CLIENT, 1, &hello).record(CLIENT, 20, &[1]);
    talk.seal_with(CLIENT, SecretLabel::ClientEarlyTraffic).data(CLIENT, REQUEST);
    talk.message(SERVER, 2, &answer).seal_with(SERVER, SecretLabel::ServerHandshakeTraffic);
    let flight = [encrypted_extensions(), message(20, &[1; 32])].concat();
    talk.record(SERVER, 22, &flight).seal_with(SERVER, SecretLabel::ServerTraffic);
    if accepted {
        talk.message(CLIENT, 5, &[]);
    }
    talk.seal_with(CLIENT, SecretLabel::ClientHandshakeTraffic).message(CLIENT, 20, &[2; 32]);
    talk.seal_with(CLIENT, SecretLabel::ClientTraffic);
    ask(&mut talk);
    talk
}

/// What must come out. Of two handshakes on a connection, only the second is in `Talk::secret`.
fn check(name: &str, talk: &Talk, keys: Keys, size: usize) {
    let played = play(talk, keys, size);
    for way in Direction::BOTH {
        let (got, said) = (&played.clear[way.index()], &talk.said[way.index()]);
        assert!(got == said, "{name} in {size}: {way:?} {} of {}", got.len(), said.len());
    }
    assert!(played.missing.is_empty(), "{name}");
    assert!(played.times.is_sorted(), "{name}");
    assert_eq!((played.ledger.sealed, played.ledger.lost), (0, 0), "{name}");
    assert_eq!(played.opener.facts().server_name, "api.test", "{name}");
    assert_eq!(played.opener.facts().version, talk.version, "{name}");
    let alpn = if talk.version == 0x0304 { "h2" } else { "http/1.1" };
    assert_eq!(played.opener.facts().alpn.as_str(), alpn, "{name}");
}

#[test]
fn everything_said_comes_out_however_it_is_cut() {
    for (name, talk) in talks().iter().filter(|(name, _)| name != "renegotiation") {
        for size in [usize::MAX, 1, 3, 100] {
            check(name, talk, Keys::Before, size);
        }
        check(name, talk, Keys::Loose, usize::MAX);
    }
}

#[test]
fn keys_may_come_after_everything_else() {
    for (name, talk) in talks().iter().filter(|(name, _)| name != "renegotiation") {
        check(name, talk, Keys::After, 1_448);
        check(name, talk, Keys::LooseAfter, usize::MAX);
    }
}

#[test]
fn a_second_handshake_on_a_connection_is_followed() {
    let (_, talk) = talks().into_iter().find(|(name, _)| name == "renegotiation").expect("there");
    let mut played = Played::new(Sources::Files);
    played.secrets(&talk, false);
    played.secrets(&Talk::new(0x0303, 0xC02F), false);
    assert_ne!(talk.client_random, CLIENT_RANDOM);
    for (way, record) in &talk.wire {
        played.chunk(*way, Content::Bytes(record), 1);
    }
    played.close();
    assert!(played.clear == talk.said);
}

#[test]
fn without_keys_everything_sealed_is_booked_as_such() {
    for (name, talk) in talks() {
        let played = play(&talk, Keys::Never, 1_448);
        assert_eq!(played.given, 0, "{name}");
        assert!(played.ledger.sealed > 1_000, "{name}: {:?}", played.ledger);
        assert_eq!(played.opener.why_sealed(), Some(Sealed::NoKey), "{name}");
    }
}

#[test]
fn where_nobody_looks_for_keys_nothing_is_held() {
    for (name, talk) in talks() {
        let mut played = Played::new(Sources::None);
        for (number, (way, record)) in talk.wire.iter().enumerate() {
            played.chunk(*way, Content::Bytes(record), number as u64);
            assert_eq!(played.opener.held(), 0, "{name}");
        }
        assert_eq!(played.opener.attention(), Attention::Nothing, "{name}");
        let handshake = played.opener.take_handshake(false).expect("a handshake");
        assert_eq!(handshake.outcome, Outcome::Done, "{name}");
        played.close();
    }
}

#[test]
fn content_after_a_gap_stands_where_it_was_said() {
    for (name, mut talk) in talks() {
        if matches!(&name[..3], "ren" | "ret" | "ear" | "pad") {
            continue;
        }
        for _ in 0..6 {
            talk.data(CLIENT, REQUEST).data(SERVER, REPLY);
        }
        let last = talk.wire.len();
        for (first, count, skip) in [(0, 1, 3), (0, 2, 20), (1, 1, 0), (2, 3, 40), (0, 4, 1)] {
            let from = last - 12 + 2 * first;
            check_gap(&name, &talk, SERVER, from, count, skip);
            check_gap(&name, &talk, CLIENT, from, count, skip);
        }
    }
}

/// Leaves out `count` records of a direction, from `skip` bytes into one of them on.
fn check_gap(name: &str, talk: &Talk, way: Direction, from: usize, count: usize, skip: usize) {
    let mut played = Played::new(Sources::Live);
    played.secrets(talk, false);
    let mut left = count;
    for (number, (direction, record)) in talk.wire.iter().enumerate() {
        let mut bytes = &record[..];
        if *direction == way && number >= from && left > 0 {
            if left == count {
                played.chunk(way, Content::Bytes(&record[..skip.min(record.len())]), 1);
                bytes = &record[skip.min(record.len())..];
            }
            left -= 1;
            let reason = MissingReason::Lost;
            played.chunk(way, Content::Missing { bytes: bytes.len() as u64, reason }, 1);
            continue;
        }
        played.chunk(*direction, Content::Bytes(bytes), 1);
    }
    played.close();
    let said = &talk.said[way.index()];
    // CBC pads, so that the place is known to a block only.
    let is_exact = !talk.suite.cipher.is_cbc();
    if is_exact {
        assert_eq!(played.position[way.index()], said.len(), "{name} {from} {count} {skip}");
    }
    let got = &played.clear[way.index()];
    assert!(got.len() >= said.len() - (count + 1) * REPLY.len(), "{name} {from} {count} {skip}");
    assert!(said.ends_with(&got[got.len() - REPLY.len().min(REQUEST.len())..]), "{name}");
}

#[test]
fn a_body_passed_over_is_counted_to_the_byte() {
    for (suite, skip) in [(0x1301, 40_000), (0x1302, 3), (0x1301, 16_406 * 2)] {
        for length in [400_000, 16_406 * 9, 16_406 * 9 - 1] {
            let mut talk = shaken13(suite);
            talk.data(CLIENT, REQUEST);
            let first = talk.wire.len();
            for _ in 0..40 {
                talk.data(SERVER, &[0x61; 16_384]);
            }
            let body: Vec<u8> = talk.wire[first..].iter().flat_map(|(_, r)| r.clone()).collect();
            talk.wire.truncate(first);
            let mut played = Played::new(Sources::Live);
            played.secrets(&talk, false);
            for (way, record) in &talk.wire {
                played.chunk(*way, Content::Bytes(record), 1);
            }
            played.chunk(SERVER, Content::Bytes(&body[..skip]), 2);
            let reason = MissingReason::Skipped;
            played.chunk(SERVER, Content::Missing { bytes: length as u64, reason }, 3);
            played.chunk(SERVER, Content::Bytes(&body[skip + length..]), 4);
            talk.wire.clear();
            talk.data(SERVER, REPLY);
            played.chunk(SERVER, Content::Bytes(&talk.wire[0].1), 5);
            played.close();
            assert_eq!(played.position[SERVER.index()], talk.said[SERVER.index()].len());
            assert!(played.clear[SERVER.index()].ends_with(REPLY));
            assert_eq!(played.ledger.lost, 0);
        }
    }
}

#[test]
fn an_alert_ends_the_handshake_with_its_name() {
    let mut talk = Talk::new(0x0303, 0xC02F);
    let hello = talk.client_hello(false);
    talk.message(CLIENT, 1, &hello).record(SERVER, 21, &[2, 40]);
    let mut played = play(&talk, Keys::Never, usize::MAX);
    let handshake = played.opener.take_handshake(true).expect("a handshake");
    assert_eq!(handshake.outcome, Outcome::Alert(Some(40)));
    assert_eq!(alert_name(40), "handshake_failure");
    // TLS 1.3 seals it; its length gives it away, and a key its name.
    let mut talk = Talk::new(0x0304, 0x1301);
    let (hello, answer) = (talk.client_hello(false), talk.server_hello(false));
    talk.message(CLIENT, 1, &hello).message(SERVER, 2, &answer);
    talk.seal_with(SERVER, SecretLabel::ServerHandshakeTraffic);
    talk.record(SERVER, 22, &[encrypted_extensions(), message(20, &[1; 32])].concat());
    talk.seal_with(CLIENT, SecretLabel::ClientHandshakeTraffic).record(CLIENT, 21, &[2, 48]);
    for (keys, expected) in
        [(Keys::Never, Outcome::Alert(None)), (Keys::Before, Outcome::Alert(Some(48)))]
    {
        let mut played = play(&talk, keys, usize::MAX);
        let handshake = played.opener.take_handshake(true).expect("a handshake");
        assert_eq!(handshake.outcome, expected);
    }
}

#[test]
fn foreign_secrets_open_nothing() {
    for (name, mut talk) in talks() {
        let mut played = Played::new(Sources::Live);
        let wire = std::mem::take(&mut talk.wire);
        for label in SecretLabel::ALL {
            let mut bytes = talk.secret(label);
            bytes[0] ^= 1;
            for client_random in [None, Some(&talk.client_random)] {
                let at = Timestamp::UNKNOWN;
                played.keyring.add(&Secret { at, label, client_random, pid: 9, bytes: &bytes });
            }
        }
        for (way, record) in &wire {
            played.chunk(*way, Content::Bytes(record), 1);
        }
        played.close();
        assert_eq!(played.given, 0, "{name}");
    }
}

#[test]
fn mangled_streams_are_survived_and_accounted_for() {
    let talks = talks();
    bolero::check!().with_type::<(u8, Vec<(u16, u8)>, Vec<(u16, u8)>, u8)>().for_each(
        |(which, changes, pieces, keys)| {
            let (_, talk) = &talks[usize::from(*which) % talks.len()];
            mangle(talk, changes, pieces, *keys);
        },
    );
}

/// Changes some bytes, cuts the streams anywhere, and leaves some pieces out.
fn mangle(talk: &Talk, changes: &[(u16, u8)], pieces: &[(u16, u8)], keys: u8) {
    let mut wire = talk.wire.clone();
    for (at, with) in changes.iter().take(8) {
        let count = wire.len();
        let record = &mut wire[usize::from(*at) % count].1;
        let at = usize::from(*at) % record.len();
        record[at] ^= with;
    }
    let mut played = Played::new([Sources::Live, Sources::None][usize::from(keys & 1)]);
    if keys & 2 != 0 {
        played.secrets(talk, keys & 4 != 0);
    }
    let mut pieces = pieces.iter().cycle();
    let mut seen = 0;
    for (way, record) in &wire {
        let mut rest = &record[..];
        while !rest.is_empty() {
            let (size, what) = pieces.next().copied().unwrap_or((u16::MAX, 0));
            let (piece, behind) = rest.split_at(usize::from(size).clamp(1, rest.len()));
            rest = behind;
            let bytes = piece.len() as u64;
            seen += bytes;
            match what {
                200..=227 => {
                    let content = Content::Missing { bytes, reason: MissingReason::Lost };
                    played.chunk(*way, content, 1);
                }
                228..=255 => {
                    let content = Content::Missing { bytes, reason: MissingReason::Skipped };
                    played.chunk(*way, content, 1);
                }
                _ => played.chunk(*way, Content::Bytes(piece), 1),
            }
        }
    }
    if keys & 2 == 0 && keys & 8 != 0 {
        played.secrets(talk, keys & 4 != 0);
    }
    played.close();
    assert_eq!(played.ledger.seen + played.given, seen);
}
