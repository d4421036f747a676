//! The samples of the RFCs, and broken datagrams against a connection that was begun by one.

mod cases;
mod late;

use bolero::TypeGenerator;
use model::{ConnectionId, Direction, Ledger, Secret, SecretLabel, Timestamp};

use super::frame::{Frame, Frames};
use super::keys::{Keys, Sealed};
use super::packet::{Level, Packet, take};
use super::version::{VERSIONS, Version};
use super::*;
use crate::crypto::CipherSuite;
use crate::keyring::{Keyring, Sources};

/// The packets of Appendix A of RFC 9001 and of RFC 9369, in the order of [`VERSIONS`].
const VECTORS: [&str; 2] =
    [include_str!("vectors/rfc9001.txt"), include_str!("vectors/rfc9369.txt")];
/// The id that the client makes up there.
const DESTINATION: &[u8] = b"\x83\x94\xc8\xf0\x3e\x51\x57\x08";
const FLOW: ConnectionId = ConnectionId(7);

fn vectors() -> impl Iterator<Item = (&'static str, &'static Version)> {
    VECTORS.into_iter().zip(&VERSIONS)
}

fn vector(file: &str, name: &str) -> Vec<u8> {
    let line = file.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    let hex = line.expect("it is in the file");
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).expect("it is hex");
    (0..hex.len()).step_by(2).map(byte).collect()
}

#[test]
fn initial_packets_of_both_sides_open() {
    for (file, version) in vectors() {
        let keys = Keys::initial(version, DESTINATION).expect("keys follow from the id");
        let due = [("client", 2, 241), ("server", 1, 90)];
        for ((name, number, length), mut keys) in due.into_iter().zip(keys) {
            let mut bytes = vector(file, name);
            let mut rest = &bytes[..];
            let Some(Packet::Long(long)) = take(&mut rest) else { panic!("{name} is long") };
            assert_eq!((long.level, long.version.number), (Level::Initial, version.number));
            assert!(rest.is_empty());
            let sealed = Sealed { number_at: long.number_at, due: 0, has_long_header: true };
            let opened = keys.open(&mut bytes, sealed).expect("it opens");
            assert_eq!(opened.number, number);
            let mut frames = Frames::new(&bytes[opened.start..opened.end]);
            assert!(frames.any(|frame| {
                matches!(frame, Frame::Crypto { offset: 0, bytes } if bytes.len() == length)
            }));
        }
    }
}

#[test]
fn packets_behind_many_that_were_missed_open_whatever_their_fixed_bit() {
    for (suite, bytes) in [(0x1301, 32), (0x1302, 48)] {
        let suite = CipherSuite::of(suite).expect("it is one of ours");
        let mut keys = Keys::new(&VERSIONS[0], suite, &vec![7; bytes]).expect("keys");
        let mut due = 0;
        // The number stands in one byte, which tells it among 256.
        for (number, first) in [(3, 0x40), (131, 0x00), (400, 0x40), (70_000, 0x00), (69_990, 0x40)]
        {
            let mut packet = keys.seal(&[first, 1, 2, 3, 4], number, 1, b"some frames of a stream");
            let sealed = Sealed { number_at: 5, due, has_long_header: false };
            let opened = keys.open(&mut packet, sealed).map(|opened| opened.number);
            assert_eq!(opened, Some(number), "{due}");
            due = due.max(number + 1);
        }
        let other = Keys::new(&VERSIONS[0], suite, &vec![8; bytes]).expect("keys");
        let mut packet = other.seal(&[0x40, 1, 2, 3, 4], 80_000, 1, b"some frames of a stream");
        let sealed = Sealed { number_at: 5, due, has_long_header: false };
        assert_eq!(keys.open(&mut packet, sealed), None, "another's packet");
    }
}

#[test]
fn a_packet_with_a_short_header_opens_and_no_byte_of_it_may_differ() {
    for (file, version) in vectors() {
        let suite = CipherSuite::of(0x1303).expect("it is one of ours");
        let secret = vector(file, "secret");
        let sealed = Sealed { number_at: 1, due: 654_360_564, has_long_header: false };
        let packet = vector(file, "short");
        let mut keys = Keys::new(version, suite, &secret).expect("the secret fits");
        let mut bytes = packet.clone();
        let opened = keys.open(&mut bytes, sealed).expect("it opens");
        assert_eq!((opened.number, &bytes[opened.start..opened.end]), (654_360_564, &b"\x01"[..]));
        for at in 0..packet.len() {
            let mut bytes = packet.clone();
            bytes[at] ^= 0x10;
            assert_eq!(keys.open(&mut bytes, sealed), None, "byte {at}");
        }
    }
}

#[test]
fn a_retry_names_another_id() {
    for (file, _) in vectors() {
        let bytes = vector(file, "retry");
        let Some(Packet::Retry { source }) = take(&mut &bytes[..]) else { panic!("it is one") };
        assert_eq!(source.as_slice(), b"\xf0\x67\xa5\x50\x2a\x42\x62\xb5");
    }
}

/// An opener with what is checked around it.
struct Observed {
    opener: Opener,
    flow: Flow,
    keyring: Keyring,
    ledger: Ledger,
    names: Vec<String>,
    handed_on: u64,
    given: u64,
}

impl Observed {
    fn new(sources: Sources) -> Self {
        Self {
            opener: Opener::default(),
            flow: Flow::default(),
            keyring: Keyring::new(sources),
            ledger: Ledger::default(),
            names: Vec::new(),
            handed_on: 0,
            given: 0,
        }
    }

    fn give(&mut self, direction: Direction, at: u64, bytes: &[u8]) {
        let pids = [0; 2];
        let datagram = Datagram { flow: FLOW, direction, at: Timestamp(at), bytes, pids };
        let Self { opener, flow, keyring, names, handed_on, .. } = self;
        let mut tell = |_: Handle, news: News<'_>| match news {
            News::Named(name, client) => names.push(format!("{name} {client:?}")),
            News::Chunk(chunk) => {
                if let model::StreamContent::Bytes(bytes) = chunk.content {
                    *handed_on += bytes.len() as u64;
                }
            }
            News::Agreed { .. } | News::Moved(_) | News::Shaken(..) | News::Closed { .. } => {}
        };
        if opener.datagram(flow, &datagram, keyring, &mut tell) {
            self.given += bytes.len() as u64;
        }
        self.account();
    }

    fn account(&mut self) {
        self.ledger += self.flow.take_ledger();
        let booked = self.ledger.seen + self.handed_on + self.opener.held(&self.flow);
        assert!(self.ledger.adds_up());
        assert_eq!(booked, self.given, "each byte once: {:?}", self.ledger);
    }

    fn close(&mut self) {
        let Self { opener, flow, keyring, handed_on, .. } = self;
        let mut tell = |_: Handle, news: News<'_>| {
            if let News::Chunk(chunk) = news
                && let model::StreamContent::Bytes(bytes) = chunk.content
            {
                *handed_on += bytes.len() as u64;
            }
        };
        opener.close(flow, FLOW, Timestamp(1 << 40), keyring, &mut tell);
        self.account();
        assert_eq!(self.opener.held(&self.flow), 0);
        assert_eq!(self.keyring.held, 0, "nothing waits any more");
    }
}

#[test]
fn a_clients_first_datagram_says_whom_it_means() {
    for (file, _) in vectors() {
        let mut observed = Observed::new(Sources::None);
        let client = vector(file, "client");
        assert!(may_begin(&client));
        observed.give(Direction::Backward, 1, &client);
        observed.give(Direction::Forward, 2, &vector(file, "server"));
        observed.close();
        assert_eq!(observed.names, ["example.com Backward"]);
        assert_eq!((observed.ledger.parsed, observed.ledger.sealed), (1_200 + 135, 0));
    }
}

#[test]
fn datagrams_of_others_begin_nothing() {
    let mut observed = Observed::new(Sources::None);
    let mut client = vector(VECTORS[0], "client");
    client[100] ^= 1;
    let foreign = [&client[..], b"", b"\xc0\0\0\0\x01", b"\x12\x34\x01\0\0\x01\0\0", &[0; 40]];
    for (at, bytes) in foreign.into_iter().enumerate() {
        observed.give(Direction::Forward, at as u64, bytes);
    }
    assert_eq!((observed.flow.is_quic(), observed.given), (false, 0));
}

/// Something done to a connection.
#[derive(Clone, Debug, TypeGenerator)]
enum Act {
    /// A datagram of nobody, with a start that looks like one of ours, or not.
    Foreign { is_client: bool, start: u8, bytes: Vec<u8> },
    /// A sample, with a byte changed.
    Flip { is_client: bool, at: u16, with: u8 },
    /// A sample, cut.
    Cut { is_client: bool, length: u16 },
    /// A secret of nobody.
    Secret { label: u8, with: u8, is_long: bool },
    /// Time passes.
    Tick(u32),
}

#[test]
fn broken_datagrams_are_survived_and_every_byte_is_booked() {
    bolero::check!().with_type::<(bool, Vec<Act>)>().for_each(|(is_second, acts)| {
        let file = VECTORS[usize::from(*is_second)];
        let samples = [vector(file, "server"), vector(file, "client")];
        let mut observed = Observed::new(Sources::Live);
        observed.give(Direction::Forward, 0, &samples[1]);
        let way = |is_client| {
            if is_client { Direction::Forward } else { Direction::Backward }
        };
        for (at, act) in acts.iter().enumerate() {
            let at = at as u64 * 1_000_000;
            match act {
                Act::Foreign { is_client, start, bytes } => {
                    // A long header that is addressed to the client or the server.
                    let header = &samples[usize::from(*is_client)][..usize::from(*start) % 24];
                    observed.give(way(*is_client), at, &[header, bytes].concat());
                }
                Act::Flip { is_client, at: place, with } => {
                    let mut bytes = samples[usize::from(*is_client)].clone();
                    let place = usize::from(*place) % bytes.len();
                    bytes[place] ^= with;
                    observed.give(way(*is_client), at, &bytes);
                }
                Act::Cut { is_client, length } => {
                    let bytes = &samples[usize::from(*is_client)];
                    let length = usize::from(*length) % (bytes.len() + 1);
                    observed.give(way(*is_client), at, &bytes[..length]);
                }
                Act::Secret { label, with, is_long } => {
                    let label = SecretLabel::ALL[usize::from(*label) % SecretLabel::ALL.len()];
                    let bytes = [*with; 48];
                    let bytes = if *is_long { &bytes[..] } else { &bytes[..32] };
                    let at = Timestamp(at);
                    observed.keyring.add(&Secret { at, label, client_random: None, pid: 0, bytes });
                }
                Act::Tick(later) => {
                    let now = Timestamp(at + u64::from(*later));
                    let Observed { opener, flow, keyring, handed_on, .. } = &mut observed;
                    let mut tell = |_: Handle, news: News<'_>| {
                        if let News::Chunk(chunk) = news
                            && let model::StreamContent::Bytes(bytes) = chunk.content
                        {
                            *handed_on += bytes.len() as u64;
                        }
                    };
                    opener.tick(flow, FLOW, now, keyring, &mut tell);
                    observed.account();
                }
            }
        }
        observed.close();
    });
}
