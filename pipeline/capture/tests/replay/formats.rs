//! File formats and link types: every combination gives the same events.

use std::io::Write;
use std::net::SocketAddr;

use flate2::Compression;
use flate2::write::GzEncoder;
use model::Endpoints;
use testkit::pcap::file::Resolution;
use testkit::pcap::packet::{self, ETHERTYPE_QINQ, ETHERTYPE_VLAN};
use testkit::pcap::{ByteOrder, Conversation, PcapFile, PcapngFile};

use crate::seen::{Seen, replay};

/// An instant with nanoseconds that microseconds cannot hold.
const START_NS: u64 = 1_700_000_000_123_456_789;
const STEP_NS: u64 = 1_000_001;

fn socket(text: &str) -> SocketAddr {
    text.parse().expect("a socket address")
}

/// A request and its answer over TCP, then a datagram each way, as IP packets.
fn exchange(client: &str, server: &str) -> Vec<Vec<u8>> {
    let (client, server) = (socket(client), socket(server));
    let mut conversation = Conversation::new(client, server);
    conversation
        .open()
        .client(b"GET / HTTP/1.1\r\n\r\n")
        .server(b"HTTP/1.1 200 OK\r\n\r\n")
        .close();
    let mut packets = conversation.take_packets();
    for (from, to) in [(client, server), (server, client)] {
        let datagram = packet::udp(from, to, b"ping");
        packets.push(packet::ip(from.ip(), to.ip(), packet::UDP, &datagram));
    }
    packets
}

/// Source, sequence number and flags of a segment, payload.
type Expected = (SocketAddr, Option<(u32, u8)>, Vec<u8>);

/// What the events of `exchange` must be, but for the time.
fn expected(client: &str, server: &str) -> Vec<Expected> {
    let (client, server) = (socket(client), socket(server));
    let (syn, ack, psh, fin) = (packet::SYN, packet::ACK, packet::PSH, packet::FIN);
    vec![
        (client, Some((1_000, syn)), vec![]),
        (server, Some((900_000, syn | ack)), vec![]),
        (client, Some((1_001, ack)), vec![]),
        (client, Some((1_001, psh | ack)), b"GET / HTTP/1.1\r\n\r\n".to_vec()),
        (server, Some((900_001, psh | ack)), b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
        (client, Some((1_019, fin | ack)), vec![]),
        (server, Some((900_020, fin | ack)), vec![]),
        (client, Some((1_020, ack)), vec![]),
        (client, None, b"ping".to_vec()),
        (server, None, b"ping".to_vec()),
    ]
}

/// A frame around an IP packet, for a link type.
type Frame = fn(&[u8]) -> Vec<u8>;

const LINKS: [(&str, u16, Frame); 16] = [
    ("Ethernet", 1, |ip| packet::ethernet(packet::ethertype_of(ip), ip)),
    ("802.1Q", 1, |ip| {
        let tagged = packet::vlan(100, packet::ethertype_of(ip), ip);
        packet::ethernet(ETHERTYPE_VLAN, &tagged)
    }),
    ("QinQ", 1, |ip| {
        let inner = packet::vlan(100, packet::ethertype_of(ip), ip);
        packet::ethernet(ETHERTYPE_QINQ, &packet::vlan(7, ETHERTYPE_VLAN, &inner))
    }),
    ("0x9100", 1, |ip| {
        let inner = packet::vlan(100, packet::ethertype_of(ip), ip);
        packet::ethernet(0x9100, &packet::vlan(7, ETHERTYPE_VLAN, &inner))
    }),
    ("MPLS", 1, |ip| {
        let labels = [&[0, 1, 0, 64, 0, 2, 1, 64], ip].concat();
        packet::ethernet(0x8847, &labels)
    }),
    ("PPPoE", 1, |ip| {
        let protocol = if packet::ethertype_of(ip) == 0x0800 { 0x21 } else { 0x57 };
        packet::ethernet(0x8864, &[&[0x11, 0, 0, 1, 0, 0, 0, protocol], ip].concat())
    }),
    ("Linux cooked", 113, |ip| packet::linux_cooked(packet::ethertype_of(ip), ip)),
    ("Linux cooked 2", 276, |ip| packet::linux_cooked_v2(packet::ethertype_of(ip), ip)),
    ("BSD null, little-endian", 0, |ip| {
        let family = if packet::ethertype_of(ip) == 0x0800 { 2 } else { 30 };
        packet::loopback([family, 0, 0, 0], ip)
    }),
    ("BSD null, big-endian", 0, |ip| {
        let family = if packet::ethertype_of(ip) == 0x0800 { 2 } else { 24 };
        packet::loopback([0, 0, 0, family], ip)
    }),
    ("OpenBSD loop", 108, |ip| {
        let family = if packet::ethertype_of(ip) == 0x0800 { 2 } else { 28 };
        packet::loopback([0, 0, 0, family], ip)
    }),
    ("raw 12", 12, <[u8]>::to_vec),
    ("raw 14", 14, <[u8]>::to_vec),
    ("raw 101", 101, <[u8]>::to_vec),
    ("raw IPv4 or IPv6", 228, <[u8]>::to_vec),
    ("PPP", 9, |ip| {
        let protocol = if packet::ethertype_of(ip) == 0x0800 { 0x21 } else { 0x57 };
        [&[0xFF, 0x03, 0, protocol], ip].concat()
    }),
];

const ENDS: [(&str, &str); 2] =
    [("10.0.0.2:40000", "10.0.0.1:80"), ("[fd00::2]:40000", "[fd00::1]:80")];

/// A file of packets, and the unit its times are rounded down to.
struct File {
    name: String,
    bytes: Vec<u8>,
    unit_ns: u64,
}

/// The packets in every format.
fn files(link_type: u16, frames: &[Vec<u8>]) -> Vec<File> {
    let times = || (0..).map(|step| START_NS + step * STEP_NS).zip(frames);
    let mut files = Vec::new();
    for order in ByteOrder::BOTH {
        for (resolution, unit_ns) in [(Resolution::Micros, 1_000), (Resolution::Nanos, 1)] {
            let mut file = PcapFile::with(u32::from(link_type), order, resolution, 65_535);
            for (at_ns, frame) in times() {
                file.packet(at_ns, frame);
            }
            files.push(File {
                name: format!("pcap {order:?} {resolution:?}"),
                bytes: file.into_bytes(),
                unit_ns,
            });
        }
        let mut file = PcapngFile::new(order);
        file.interface(link_type, 0, &[]);
        for (at_ns, frame) in times() {
            file.packet(0, at_ns / 1_000, frame);
        }
        files.push(File {
            name: format!("pcapng {order:?}"),
            bytes: file.into_bytes(),
            unit_ns: 1_000,
        });
        let mut file = PcapngFile::new(order);
        file.interface(link_type, 0, &[(2, b"eth0"), (9, &[9])]);
        for (at_ns, frame) in times() {
            file.obsolete_packet(0, at_ns, frame);
        }
        files.push(File {
            name: format!("pcapng {order:?}, obsolete packet blocks, nanoseconds"),
            bytes: file.into_bytes(),
            unit_ns: 1,
        });
    }
    files
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}

fn assert_is_exchange(case: &str, seen: &[Seen], ends: (&str, &str), unit_ns: u64) {
    let expected = expected(ends.0, ends.1);
    assert_eq!(seen.len(), expected.len(), "{case}");
    for (step, (seen, (source, tcp, payload))) in (0..).zip(seen.iter().zip(expected)) {
        let at_ns = (START_NS + step * STEP_NS) / unit_ns * unit_ns;
        assert_eq!(seen.at_ns, at_ns, "{case}, packet {step}");
        assert_eq!(seen.source, source, "{case}, packet {step}");
        assert_eq!(seen.tcp.map(|tcp| (tcp.sequence, tcp.flags)), tcp, "{case}, packet {step}");
        assert_eq!(seen.payload, payload, "{case}, packet {step}");
        assert_eq!(seen.length as usize, payload.len(), "{case}: padding is no payload");
        let endpoints = Endpoints { source: seen.source, destination: seen.destination };
        let protocol = if tcp.is_some() { 6 } else { 17 };
        assert_eq!(seen.connection, endpoints.connection(protocol, 0).0, "{case}");
        assert_eq!(seen.direction, endpoints.direction(), "{case}");
    }
}

#[test]
fn every_format_and_link_type_gives_the_same_events() {
    for (link_name, link_type, frame) in LINKS {
        for ends in ENDS {
            let packets = exchange(ends.0, ends.1);
            let frames: Vec<Vec<u8>> = packets.iter().map(|ip| frame(ip)).collect();
            for file in files(link_type, &frames) {
                let case = format!("{link_name}, {}, {}", ends.0, file.name);
                let (seen, summary) = replay(&file.bytes);
                assert_is_exchange(&case, &seen, ends, file.unit_ns);
                assert_eq!(summary.packets, 10, "{case}");
                assert_eq!((summary.segments, summary.datagrams), (8, 2), "{case}");
                assert!(summary.warnings.is_empty(), "{case}: {:?}", summary.warnings);

                let (seen_gzip, summary_gzip) = replay(&gzip(&file.bytes));
                assert_eq!((seen_gzip, summary_gzip), (seen, summary), "{case}, gzip");
            }
        }
    }
}

#[test]
fn concatenated_gzip_members_are_one_file() {
    let mut file = PcapFile::new(101);
    for packet in exchange(ENDS[0].0, ENDS[0].1) {
        file.packet(START_NS, &packet);
    }
    let (front, back) = file.bytes().split_at(77);
    let (seen, summary) = replay(&[gzip(front), gzip(back)].concat());
    assert_eq!(seen.len(), 10);
    assert!(summary.warnings.is_empty());
}

/// Name, options of the interface, ticks of the packet, its time.
type Clock<'a> = (&'a str, &'a [(u16, &'a [u8])], u64, u64);

#[test]
fn time_resolution_and_offset_of_an_interface_are_honoured() {
    let packet = &exchange(ENDS[0].0, ENDS[0].1)[0];
    let offset = 1_000_000_000_i64;
    let negative = (-2_i64).to_le_bytes();
    let cases: [Clock<'_>; 9] = [
        ("microseconds unless said", &[], 5_000_001, 5_000_001_000),
        ("seconds", &[(9, &[0])], 5, 5_000_000_000),
        ("milliseconds", &[(9, &[3])], 5_001, 5_001_000_000),
        ("nanoseconds", &[(9, &[9])], 5_000_000_001, 5_000_000_001),
        ("picoseconds", &[(9, &[12])], 5_000_000_001_999, 5_000_000_001),
        ("2^-10", &[(9, &[0x8A])], 5 * 1_024 + 512, 5_500_000_000),
        ("2^-32", &[(9, &[0xA0])], (5 << 32) + (1 << 31), 5_500_000_000),
        ("offset", &[(9, &[9]), (14, &offset.to_le_bytes())], 7, 1_000_000_000_000_000_007),
        ("negative offset", &[(14, &negative)], 5_000_000, 3_000_000_000),
    ];
    for (name, options, ticks, at_ns) in cases {
        let mut file = PcapngFile::new(ByteOrder::Little);
        file.interface(101, 0, options).packet(0, ticks, packet);
        let (seen, _) = replay(file.bytes());
        assert_eq!(seen[0].at_ns, at_ns, "{name}");
    }
}

#[test]
fn absurd_time_resolutions_do_no_harm() {
    let packet = &exchange(ENDS[0].0, ENDS[0].1)[0];
    for resolution in 0..=u8::MAX {
        let mut file = PcapngFile::new(ByteOrder::Big);
        let offset = i64::MIN.to_be_bytes();
        file.interface(101, 0, &[(9, &[resolution])])
            .interface(101, 0, &[(9, &[resolution]), (14, &offset)])
            .packet(0, u64::MAX, packet)
            .packet(1, u64::MAX, packet);
        assert_eq!(replay(file.bytes()).0.len(), 2);
    }
}

#[test]
fn sections_have_their_own_byte_order_and_interfaces() {
    let packets = exchange(ENDS[0].0, ENDS[0].1);
    let mut file = PcapngFile::new(ByteOrder::Little);
    file.interface(101, 0, &[(9, &[9])])
        .interface(1, 0, &[])
        .packet(1, 1, &packet::ethernet(0x0800, &packets[0]))
        .packet(0, 2_000, &packets[1])
        .section(ByteOrder::Big)
        .interface(113, 0, &[(9, &[3])])
        .packet(0, 3, &packet::linux_cooked(0x0800, &packets[2]));
    let (seen, summary) = replay(file.bytes());
    let times: Vec<u64> = seen.iter().map(|seen| seen.at_ns).collect();
    assert_eq!(times, [1_000, 2_000, 3_000_000]);
    assert_eq!(summary.first.map(|at| at.0), Some(1_000));
    assert_eq!(summary.last.map(|at| at.0), Some(3_000_000));
}

#[test]
fn simple_packets_have_no_time_and_the_snap_length_of_the_first_interface() {
    let packets = exchange(ENDS[0].0, ENDS[0].1);
    let mut file = PcapngFile::new(ByteOrder::Little);
    file.interface(101, 50, &[]).simple_packet(&packets[3], 50);
    let (seen, summary) = replay(file.bytes());
    assert_eq!((seen[0].at_ns, summary.first), (0, None));
    assert_eq!(seen[0].length, 18);
    assert_eq!(seen[0].payload, b"GET / HTTP");
    assert_eq!(summary.snapped, 1);
}

#[test]
fn other_blocks_are_passed_over_and_secrets_counted() {
    let packets = exchange(ENDS[0].0, ENDS[0].1);
    let mut file = PcapngFile::new(ByteOrder::Big);
    file.secrets("CLIENT_RANDOM 00 11\n")
        .interface(101, 0, &[])
        .block(4, b"name resolution")
        .block(5, &[0; 12])
        .block(0x4000_0BAD, &vec![7; 3 * 1024 * 1024])
        .packet(0, 1, &packets[0])
        .secrets("");
    let (seen, summary) = replay(file.bytes());
    assert_eq!((seen.len(), summary.secrets), (1, 2));
    assert!(summary.warnings.is_empty(), "{:?}", summary.warnings);
}

#[test]
fn the_patched_pcap_with_longer_record_headers_is_read() {
    let packet = &exchange(ENDS[0].0, ENDS[0].1)[0];
    let mut plain = PcapFile::new(101);
    plain.packet(START_NS, packet);
    let mut bytes = plain.into_bytes();
    bytes[..4].copy_from_slice(&0xA1B2_CD34_u32.to_le_bytes());
    bytes.splice(40..40, [0; 8]);
    let (seen, summary) = replay(&bytes);
    assert_eq!((seen.len(), summary.warnings.len()), (1, 0));
}

#[test]
fn unsupported_link_types_are_counted_by_name() {
    let mut file = PcapngFile::new(ByteOrder::Little);
    file.interface(127, 0, &[]).interface(4_242, 0, &[]);
    for interface in [0, 0, 1] {
        file.packet(interface, 1, &[0; 64]);
    }
    let (seen, summary) = replay(file.bytes());
    assert!(seen.is_empty());
    assert_eq!(summary.unsupported, 3);
    let links: Vec<_> = summary
        .unsupported_links
        .iter()
        .map(|link| (link.link_type, link.name, link.packets))
        .collect();
    assert_eq!(links, [(127, "IEEE802_11_RADIOTAP", 2), (4_242, "unknown", 1)]);
    let warnings: Vec<String> = summary.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(warnings[0], "at byte 68: link type 127 (IEEE802_11_RADIOTAP) is not supported");
}
