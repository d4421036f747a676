//! IP and what is between it and TCP or UDP: options, extensions, fragments, tunnels, offload.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use testkit::pcap::packet::{self, Ipv4Header, TcpHeader};
use testkit::pcap::{ByteOrder, PcapFile, PcapngFile};

use crate::seen::{Seen, replay, replay_ip};

const A4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const B4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
const A6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, 1);
const B6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xDB8, 0, 0, 0, 0, 0, 2);

fn ends_4() -> (SocketAddr, SocketAddr) {
    ((A4, 50_000).into(), (B4, 80).into())
}

fn ends_6() -> (SocketAddr, SocketAddr) {
    ((A6, 50_000).into(), (B6, 80).into())
}

fn segment((source, destination): (SocketAddr, SocketAddr), payload: &[u8]) -> Vec<u8> {
    let header = TcpHeader { sequence: 7, flags: packet::ACK, ..TcpHeader::default() };
    packet::tcp(source, destination, &header, payload)
}

/// Bytes that tell a misplaced piece.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at / 7 % 251) as u8).collect()
}

fn payloads(seen: &[Seen]) -> Vec<&[u8]> {
    seen.iter().map(|seen| seen.payload.as_slice()).collect()
}

#[test]
fn options_of_ip_and_tcp_are_passed_over() {
    let header = TcpHeader {
        sequence: u32::MAX,
        acknowledgment: 5,
        flags: packet::SYN | packet::ACK,
        options: vec![2, 4, 5, 180, 1, 3, 3, 7],
    };
    let (source, destination) = ends_4();
    let tcp = packet::tcp(source, destination, &header, b"fast open");
    let ip = Ipv4Header { options: vec![0x94, 4, 0, 0], ..Ipv4Header::new(A4, B4, packet::TCP) };
    let (seen, _) = replay_ip(&[packet::ipv4(&ip, &tcp)]);
    let tcp = seen[0].tcp.expect("a segment");
    assert_eq!((tcp.sequence, tcp.acknowledgment), (u32::MAX, 5));
    assert_eq!(seen[0].payload, b"fast open");
}

#[test]
fn extension_headers_of_ipv6_are_passed_over() {
    let tcp = segment(ends_6(), b"x");
    let cases = [
        ("hop-by-hop", 0, packet::ipv6_extension(6, &[1, 4, 0, 0, 0, 0], &tcp)),
        ("routing", 43, packet::ipv6_extension(6, &[4, 0, 0, 0, 0, 0], &tcp)),
        ("destination", 60, packet::ipv6_extension(6, &[1; 22], &tcp)),
        ("authentication", 51, packet::ipv6_authentication(6, &tcp)),
        ("atomic fragment", 44, packet::ipv6_fragment(6, 9, 0, false, &tcp)),
        ("several", 0, {
            let inner = packet::ipv6_authentication(6, &tcp);
            let routing = packet::ipv6_extension(51, &[0; 6], &inner);
            packet::ipv6_extension(43, &[0; 6], &routing)
        }),
    ];
    for (name, next, content) in cases {
        let (seen, _) = replay_ip(&[packet::ipv6(A6, B6, next, &content)]);
        assert_eq!(payloads(&seen), [b"x"], "{name}");
    }
}

#[test]
fn endless_extension_headers_are_malformed() {
    let mut content = segment(ends_6(), b"x");
    content = packet::ipv6_extension(6, &[0; 6], &content);
    for _ in 0..40 {
        content = packet::ipv6_extension(60, &[0; 6], &content);
    }
    let (seen, summary) = replay_ip(&[packet::ipv6(A6, B6, 60, &content)]);
    assert_eq!((seen.len(), summary.malformed), (0, 1));
}

#[test]
fn ethernet_padding_is_no_payload() {
    let mut file = PcapFile::new(1);
    let ip = packet::ip(A4.into(), B4.into(), packet::TCP, &segment(ends_4(), b"a"));
    file.packet(1, &packet::ethernet(0x0800, &ip));
    let (seen, _) = replay(file.bytes());
    assert_eq!((seen[0].length, payloads(&seen)[0]), (1, &b"a"[..]));
}

#[test]
fn offload_leaves_the_ip_length_zero_and_the_record_says_it() {
    let payload = pattern(100_000);
    let mut packets = vec![
        packet::ip(A4.into(), B4.into(), packet::TCP, &segment(ends_4(), &payload)),
        packet::ip(A6.into(), B6.into(), packet::TCP, &segment(ends_6(), &payload)),
    ];
    // A short one too: the length is zero although it would fit.
    let mut short = packet::ip(A4.into(), B4.into(), packet::TCP, &segment(ends_4(), b"short"));
    short[2..4].fill(0);
    packets.push(short);
    let (seen, _) = replay_ip(&packets);
    assert_eq!(payloads(&seen), [&payload[..], &payload[..], b"short"]);
    assert_eq!(seen[0].length, 100_000);
}

#[test]
fn a_jumbogram_says_its_length_in_an_option() {
    let payload = pattern(70_000);
    let tcp = segment(ends_6(), &payload);
    let length = (tcp.len() as u32 + 8).to_be_bytes();
    let option = [&[0xC2, 4], &length[..]].concat();
    let mut packet = packet::ipv6(A6, B6, 0, &packet::ipv6_extension(6, &option, &tcp));
    packet.extend([0xEE; 30]);
    let (seen, _) = replay_ip(&[packet]);
    assert_eq!(payloads(&seen), [payload]);
}

#[test]
fn snapped_packets_keep_their_length_on_the_wire() {
    let ip = packet::ip(A4.into(), B4.into(), packet::TCP, &segment(ends_4(), &pattern(500)));
    for kept in 0..ip.len() {
        let mut file = PcapngFile::new(ByteOrder::Little);
        file.interface(101, 0, &[]).snapped_packet(0, 1, &ip[..kept], ip.len() as u32);
        let (seen, summary) = replay(file.bytes());
        assert_eq!(summary.snapped, 1);
        if kept < 40 {
            assert_eq!((seen.len(), summary.malformed), (0, 1), "{kept} bytes kept");
        } else {
            assert_eq!(seen[0].length, 500);
            assert_eq!(seen[0].payload, pattern(500)[..kept - 40]);
        }
    }
}

#[test]
fn a_record_cut_by_a_tool_that_lies_about_it_keeps_the_length_of_the_header() {
    let ip = packet::ip(A4.into(), B4.into(), packet::TCP, &segment(ends_4(), &pattern(500)));
    let (seen, _) = replay_ip(&[ip[..100].to_vec()]);
    assert_eq!((seen[0].length, seen[0].payload.len()), (500, 60));
}

/// The fragments of an IPv4 payload, at most `size` bytes each.
fn fragments_4(identification: u16, protocol: u8, payload: &[u8], size: usize) -> Vec<Vec<u8>> {
    let pieces = payload.chunks(size);
    let last = pieces.len() - 1;
    let fragment = |(index, piece): (usize, &[u8])| {
        let header = Ipv4Header {
            identification,
            fragment_offset: (index * size) as u16,
            more_fragments: index != last,
            ..Ipv4Header::new(A4, B4, protocol)
        };
        packet::ipv4(&header, piece)
    };
    pieces.enumerate().map(fragment).collect()
}

#[test]
fn fragments_are_put_together_in_any_order() {
    let (source, destination) = ends_4();
    let payload = pattern(3_000);
    let in_order = fragments_4(1, packet::UDP, &packet::udp(source, destination, &payload), 1_000);
    let mut backwards = in_order.clone();
    backwards.reverse();
    let mut rotated = in_order.clone();
    rotated.rotate_left(2);
    let mut twice: Vec<_> = in_order.iter().flat_map(|one| [one.clone(), one.clone()]).collect();
    twice.pop();
    for (name, packets) in [
        ("in order", &in_order),
        ("backwards", &backwards),
        ("rotated", &rotated),
        ("every fragment twice", &twice),
    ] {
        let (seen, summary) = replay_ip(packets);
        assert_eq!(payloads(&seen), [payload.as_slice()], "{name}");
        assert_eq!(summary.fragments_held, packets.len() as u64 - 1, "{name}");
        assert_eq!(summary.incomplete_datagrams, 0, "{name}");
    }
}

#[test]
fn fragments_of_ipv6_may_hide_extension_headers() {
    let payload = pattern(2_000);
    let whole = packet::ipv6_extension(6, &[1, 4, 0, 0, 0, 0], &segment(ends_6(), &payload));
    let (first, rest) = whole.split_at(1_200);
    let packets = [
        packet::ipv6(A6, B6, 44, &packet::ipv6_fragment(60, 9, 0, true, first)),
        packet::ipv6(A6, B6, 44, &packet::ipv6_fragment(60, 9, 1_200, false, rest)),
    ];
    let (seen, _) = replay_ip(&packets);
    assert_eq!(payloads(&seen), [payload]);
}

#[test]
fn fragments_of_different_packets_are_not_mixed() {
    let (source, destination) = ends_4();
    let one = fragments_4(1, packet::UDP, &packet::udp(source, destination, &[1; 2_000]), 1_200);
    let two = fragments_4(2, packet::UDP, &packet::udp(source, destination, &[2; 2_000]), 1_200);
    let packets = [&one[0], &two[0], &one[1], &two[1]].map(Clone::clone);
    let (seen, _) = replay_ip(&packets);
    assert_eq!(payloads(&seen), [[1; 2_000], [2; 2_000]]);
}

#[test]
fn overlapping_fragments_give_the_packet_up() {
    let datagram = packet::udp(ends_4().0, ends_4().1, &pattern(2_000));
    let mut packets = fragments_4(1, packet::UDP, &datagram, 1_000);
    // The second fragment claims to start eight bytes earlier.
    packets[1][7] -= 1;
    let (seen, summary) = replay_ip(&packets[..2]);
    assert!(seen.is_empty());
    assert_eq!((summary.malformed, summary.incomplete_datagrams), (1, 1));
}

#[test]
fn incomplete_packets_are_given_up_after_a_while() {
    let datagram = packet::udp(ends_4().0, ends_4().1, &pattern(2_000));
    let fragments = fragments_4(1, packet::UDP, &datagram, 1_200);
    let mut file = PcapFile::new(101);
    file.packet(1_000_000_000, &fragments[0]).packet(40_000_000_000, &fragments[1]);
    let (seen, summary) = replay(file.bytes());
    assert!(seen.is_empty());
    assert_eq!(summary.incomplete_datagrams, 2);
}

#[test]
fn a_flood_of_first_fragments_is_bounded_and_counted() {
    let datagram = packet::udp(ends_4().0, ends_4().1, &pattern(60_000));
    let mut file = PcapFile::new(101);
    for identification in 0..5_000 {
        file.packet(1, &fragments_4(identification, packet::UDP, &datagram, 59_992)[0]);
    }
    let last = &fragments_4(4_999, packet::UDP, &datagram, 59_992)[1];
    file.packet(1, last);
    let (seen, summary) = replay(file.bytes());
    assert_eq!(seen.len(), 1, "the newest are kept");
    assert_eq!(summary.incomplete_datagrams, 4_999);
}

#[test]
fn a_snapped_fragment_cuts_the_payload_there() {
    let payload = pattern(2_000);
    let datagram = packet::udp(ends_4().0, ends_4().1, &payload);
    let fragments = fragments_4(1, packet::UDP, &datagram, 1_000);
    let mut file = PcapngFile::new(ByteOrder::Little);
    file.interface(101, 0, &[]);
    for fragment in &fragments {
        let kept = fragment.len().min(520);
        file.snapped_packet(0, 1, &fragment[..kept], fragment.len() as u32);
    }
    let (seen, _) = replay(file.bytes());
    assert_eq!(seen[0].length, 2_000);
    assert_eq!(seen[0].payload, payload[..500 - 8]);
}

#[test]
fn tunnels_are_looked_into() {
    let inner_4 = packet::ip(A4.into(), B4.into(), packet::TCP, &segment(ends_4(), b"4"));
    let inner_6 = packet::ip(A6.into(), B6.into(), packet::TCP, &segment(ends_6(), b"6"));
    let (source, destination) = ends_4();
    let vxlan = SocketAddr::new(destination.ip(), 4_789);
    let geneve = SocketAddr::new(destination.ip(), 6_081);
    let outer = |protocol, payload: &[u8]| packet::ip(A4.into(), B4.into(), protocol, payload);
    let frame = packet::ethernet(0x0800, &inner_4);
    let geneve_header = [&[1, 0, 0x65, 0x58, 0, 0, 9, 0, 1, 2, 3, 4], &frame[..]].concat();
    let keyed_gre = [&[0x20, 0, 0x08, 0, 0, 0, 0, 1], &inner_4[..]].concat();
    let cases: [(&str, Vec<u8>, &[u8]); 8] = [
        ("IPv4 in IPv4", outer(4, &inner_4), b"4"),
        ("IPv6 in IPv4", outer(41, &inner_6), b"6"),
        ("GRE", outer(47, &packet::gre(0x86DD, &inner_6)), b"6"),
        ("GRE with a key", outer(47, &keyed_gre), b"4"),
        ("Ethernet in GRE", outer(47, &packet::gre(0x6558, &frame)), b"4"),
        ("VXLAN", outer(17, &packet::udp(source, vxlan, &packet::vxlan(42, &frame))), b"4"),
        ("Geneve", outer(17, &packet::udp(source, geneve, &geneve_header)), b"4"),
        ("two tunnels", outer(4, &outer(47, &packet::gre(0x0800, &inner_4))), b"4"),
    ];
    for (name, packet, payload) in cases {
        let (seen, summary) = replay_ip(&[packet]);
        assert_eq!(payloads(&seen), [payload], "{name}");
        assert!(seen[0].tcp.is_some(), "{name}");
        assert_eq!((summary.tunnelled, summary.segments), (1, 1), "{name}");
    }
}

#[test]
fn a_datagram_to_the_vxlan_port_that_is_none_stays_a_datagram() {
    let (source, destination) = ends_4();
    let vxlan = SocketAddr::new(destination.ip(), 4_789);
    for payload in [&b""[..], b"short", b"\x08\0\0\x01\0\0\x01\0 reserved bit set"] {
        let datagram = packet::udp(source, vxlan, payload);
        let packet = packet::ip(A4.into(), B4.into(), packet::UDP, &datagram);
        let (seen, summary) = replay_ip(&[packet]);
        assert_eq!(payloads(&seen), [payload]);
        assert_eq!(summary.tunnelled, 0);
    }
}

#[test]
fn tunnels_in_tunnels_without_end_are_malformed() {
    let mut packet = packet::ip(A4.into(), B4.into(), packet::TCP, &segment(ends_4(), b"x"));
    for _ in 0..50 {
        packet = packet::ip(A4.into(), B4.into(), 4, &packet);
    }
    let (seen, summary) = replay_ip(&[packet]);
    assert_eq!((seen.len(), summary.malformed), (0, 1));
}

#[test]
fn what_is_neither_tcp_nor_udp_is_counted_as_other() {
    let mut file = PcapFile::new(1);
    let icmp = packet::ip(A4.into(), B4.into(), 1, &[8, 0, 0, 0]);
    let no_next = packet::ipv6(A6, B6, 59, &[]);
    file.packet(1, &packet::ethernet(0x0806, &[0; 28]))
        .packet(1, &packet::ethernet(0x0800, &icmp))
        .packet(1, &packet::ethernet(0x86DD, &no_next))
        .packet(1, &packet::ethernet(38, &[0x42, 0x42, 3]));
    let (seen, summary) = replay(file.bytes());
    assert!(seen.is_empty());
    assert_eq!((summary.other, summary.malformed), (4, 0));
}

#[test]
fn headers_that_contradict_themselves_are_malformed() {
    let good = packet::ip(A4.into(), B4.into(), packet::TCP, &segment(ends_4(), b"x"));
    let udp = packet::udp(ends_4().0, ends_4().1, b"x");
    let udp = packet::ip(A4.into(), B4.into(), packet::UDP, &udp);
    let cases: [(&str, &[u8], usize, u8); 6] = [
        ("IP header of 16 bytes", &good, 0, 0x44),
        ("IP total below its header", &good, 3, 19),
        ("IP version 5", &good, 0, 0x55),
        ("TCP header of 16 bytes", &good, 32, 0x40),
        ("TCP header longer than the packet", &good, 32, 0xF0),
        ("UDP length below its header", &udp, 25, 7),
    ];
    for (name, packet, at, value) in cases {
        let mut packet = packet.to_vec();
        packet[at] = value;
        let (seen, summary) = replay_ip(&[packet]);
        assert_eq!((seen.len(), summary.malformed), (0, 1), "{name}");
    }
}
