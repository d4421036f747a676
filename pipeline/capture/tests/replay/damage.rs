//! Truncated, damaged and foreign files.

use std::io::{self, Read};

use capture::replay::{Damage, Replay, ReplayError};
use testkit::pcap::packet;
use testkit::pcap::{ByteOrder, Conversation, PcapFile, PcapngFile};

use crate::formats::gzip;
use crate::seen::{Seen, replay, try_replay};

fn packets() -> Vec<Vec<u8>> {
    let client = "10.0.0.2:40000".parse().expect("an address");
    let server = "10.0.0.1:80".parse().expect("an address");
    let mut conversation = Conversation::new(client, server);
    conversation.open().client(b"GET /\r\n").server(b"ok").close();
    conversation.take_packets()
}

fn pcap() -> Vec<u8> {
    let mut file = PcapFile::new(1);
    for packet in packets() {
        file.packet(1_000_000_000, &packet::ethernet(0x0800, &packet));
    }
    file.into_bytes()
}

fn pcapng() -> Vec<u8> {
    let mut file = PcapngFile::new(ByteOrder::Big);
    file.interface(1, 0, &[(2, b"eth0"), (9, &[9])]);
    for packet in packets() {
        file.packet(0, 1_000_000_000, &packet::ethernet(0x0800, &packet));
        file.block(5, &[0; 12]);
    }
    file.into_bytes()
}

fn assert_is_prefix(seen: &[Seen], whole: &[Seen], case: &str) {
    assert!(whole.starts_with(seen), "{case}: {} events", seen.len());
}

#[test]
fn a_file_cut_at_any_byte_gives_the_packets_before() {
    for (name, file) in [("pcap", pcap()), ("pcapng", pcapng())] {
        let (whole, _) = replay(&file);
        let mut complete = 0;
        for cut in 4..file.len() {
            let case = format!("{name} cut at {cut}");
            let (seen, summary) = replay(&file[..cut]);
            assert_is_prefix(&seen, &whole, &case);
            assert!(seen.len() >= complete, "{case}: never fewer than a shorter file");
            complete = seen.len();
            for warning in &summary.warnings {
                assert!(matches!(warning.damage, Damage::CutShort { .. }), "{case}: {warning}");
                assert!(warning.offset < cut as u64, "{case}: {warning}");
            }
            assert!(summary.warnings.len() <= 1, "{case}");
        }
        assert!(complete + 1 >= whole.len(), "{name}: the last cuts lose at most one packet");
    }
}

#[test]
fn a_gzip_file_cut_at_any_byte_gives_a_prefix_and_a_warning() {
    for (name, file) in [("pcap", pcap()), ("pcapng", pcapng())] {
        let (whole, _) = replay(&file);
        let compressed = gzip(&file);
        for cut in 0..compressed.len() {
            let case = format!("{name} cut at {cut}");
            match try_replay(&compressed[..cut]) {
                Ok((seen, summary)) => {
                    assert_is_prefix(&seen, &whole, &case);
                    if cut >= compressed.len() - 8 {
                        assert_eq!(seen, whole, "{case}: only the checksum is missing");
                    }
                    assert_eq!(summary.warnings.len(), 1, "{case}");
                    assert_eq!(summary.warnings[0].damage, Damage::Compression, "{case}");
                }
                Err(ReplayError::Empty { .. }) => assert_eq!(cut, 0),
                Err(ReplayError::OtherKind { .. }) => {
                    assert!(cut < compressed.len() / 2, "{case}");
                }
                Err(error) => panic!("{case}: {error}"),
            }
        }
    }
}

#[test]
fn a_warning_says_where() {
    let file = pcap();
    let (_, summary) = replay(&file[..file.len() - 10]);
    let warning = summary.warnings[0];
    assert_eq!(warning.offset, file.len() as u64 - 76);
    assert_eq!(
        warning.to_string(),
        format!(
            "at byte {}: the file is cut short, at least 10 bytes are missing",
            file.len() - 76
        )
    );
}

#[test]
fn lying_lengths_end_the_reading_with_a_warning() {
    let (first, second) = (24, 24 + 76);
    for claimed in [300_000_u32, 0x7FFF_FFFF, u32::MAX] {
        let mut file = pcap();
        file[second + 8..second + 12].copy_from_slice(&claimed.to_le_bytes());
        let (seen, summary) = replay(&file);
        assert_eq!(seen.len(), 1);
        assert_eq!(summary.warnings[0].offset, second as u64);
        assert_eq!(summary.warnings[0].damage, Damage::RecordLength { claimed });
    }
    // A wire length of 4 GiB is a lie that does no harm: the IP header says how long it is.
    let mut file = pcap();
    file[first + 12..first + 16].fill(0xFF);
    let (seen, summary) = replay(&file);
    assert_eq!((seen.len(), seen[0].length), (8, 0));
    assert!(summary.warnings.is_empty());
}

#[test]
fn lying_block_lengths_end_the_reading_with_a_warning() {
    let mut start = PcapngFile::new(ByteOrder::Little);
    start.interface(101, 0, &[]).packet(0, 1, &packets()[0]);
    let offset = start.bytes().len();
    let mut file = start.clone();
    file.packet(0, 2, &packets()[1]);
    for claimed in [0_u32, 8, 11, 13, 2_000_000, u32::MAX, u32::MAX - 3] {
        let mut file = file.clone().into_bytes();
        file[offset + 4..offset + 8].copy_from_slice(&claimed.to_le_bytes());
        let (seen, summary) = replay(&file);
        assert_eq!(seen.len(), 1);
        assert_eq!(summary.warnings[0].offset, offset as u64);
        assert_eq!(summary.warnings[0].damage, Damage::BlockLength { claimed });
    }
    // A long block of no interest is no lie, it is cut short.
    let mut file = start.clone();
    file.block(99, &[0; 64]);
    let mut file = file.into_bytes();
    file[offset + 4..offset + 8].copy_from_slice(&0xFFFF_FFF0_u32.to_le_bytes());
    let (_, summary) = replay(&file);
    assert!(matches!(summary.warnings[0].damage, Damage::CutShort { .. }));
    // The length after the block differs.
    let mut file = start.clone();
    file.packet(0, 2, &packets()[1]);
    let mut file = file.into_bytes();
    let last = file.len() - 4;
    file[last] ^= 4;
    let (seen, summary) = replay(&file);
    assert_eq!((seen.len(), summary.warnings[0].damage), (1, Damage::BlockTrailer));
}

#[test]
fn a_packet_that_contradicts_its_block_is_malformed_and_the_next_one_read() {
    let packet = &packets()[0];
    let mut file = PcapngFile::new(ByteOrder::Little);
    file.interface(101, 0, &[]).packet(0, 1, packet);
    let captured_at = file.bytes().len() - 4 - packet.len() - 8;
    file.packet(3, 1, packet).packet(0, 1, packet);
    let mut file = file.into_bytes();
    file[captured_at..captured_at + 4].fill(0xFF);
    let (seen, summary) = replay(&file);
    assert_eq!((seen.len(), summary.packets, summary.malformed), (1, 3, 2));
    let damage: Vec<Damage> = summary.warnings.iter().map(|warning| warning.damage).collect();
    assert_eq!(damage, [Damage::BlockBody { kind: 6 }, Damage::NoSuchInterface { interface: 3 }]);
}

#[test]
fn warnings_are_bounded() {
    let mut file = PcapngFile::new(ByteOrder::Little);
    for _ in 0..1_000 {
        file.packet(0, 1, &packets()[0]);
    }
    let (_, summary) = replay(file.bytes());
    assert_eq!(summary.warnings.len() as u64 + summary.warnings_omitted, 1_000);
    assert!(summary.warnings.len() < 100);
}

#[test]
fn files_of_another_kind_are_named() {
    let mut etl = vec![0; 200];
    etl[74..76].copy_from_slice(&[2, 0xC0]);
    let cases: [(&[u8], &str); 10] = [
        (b"", "test: the file is empty"),
        (b"ab", "too short to be any capture"),
        (b"hello world, this is text\n", "plain text"),
        (b"\x28\xB5\x2F\xFD\0\0\0\0", "zstd-compressed (decompress it first)"),
        (b"\x7FELF\x02\x01\x01", "an ELF program"),
        (b"CLIENT_RANDOM 01 02", "a TLS key log (give it to --keylog)"),
        (&etl, "an ETW trace (.etl), which this version does not read yet"),
        (&[0xFF; 64], "a file of an unknown kind"),
        (&gzip(&gzip(&pcap())), "gzip inside gzip"),
        (&gzip(b""), "gzip of nothing"),
    ];
    for (file, says) in cases {
        let message = match try_replay(file) {
            Ok(_) => panic!("{says}: accepted"),
            Err(error) => error.to_string(),
        };
        assert!(message.contains(says), "{message}");
    }
    let error = try_replay(b"hello world").expect_err("text is no capture");
    assert_eq!(
        error.to_string(),
        "test: is plain text, not a capture; accepted are pcap and pcapng, plain or gzip"
    );
}

#[test]
fn a_missing_file_and_a_directory_are_told_apart() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let error = Replay::open(folder.path()).expect_err("a folder is no capture");
    assert!(matches!(error, ReplayError::Directory { .. }), "{error}");
    let missing = folder.path().join("missing.pcap");
    let error = Replay::open(&missing).expect_err("there is no such file");
    assert!(matches!(error, ReplayError::NotFound { .. }), "{error}");

    let present = folder.path().join("present.pcap");
    std::fs::write(&present, pcap()).expect("the folder is ours");
    let mut replay = Replay::open(&present).expect("a capture");
    let summary = replay.read(|_| {}).expect("a capture");
    assert_eq!(summary.segments, 8);
    let again = replay.read(|_| panic!("nothing is left")).expect("nothing");
    assert_eq!(again.packets, 0);
}

/// A reader that gives one byte at a time, then fails.
struct Failing {
    bytes: Vec<u8>,
    at: usize,
}

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(byte) = self.bytes.get(self.at) else {
            return Err(io::Error::other("the disk is on fire"));
        };
        self.at += 1;
        buffer[0] = *byte;
        Ok(1)
    }
}

#[test]
fn a_failing_disk_is_an_error_after_the_packets_before_it() {
    let reader = Failing { bytes: pcap(), at: 0 };
    let mut events = 0;
    let mut replay = Replay::from_reader("slow.pcap", reader).expect("a capture");
    let error = replay.read(|_| events += 1).expect_err("it fails in the end");
    assert_eq!(events, 8);
    assert!(error.to_string().contains("the disk is on fire"), "{error}");
}
