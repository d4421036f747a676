//! Random and randomly damaged files: never a panic, and every packet accounted for.
//!
//! These run a bounded number of iterations as plain tests, and without end under `cargo bolero`.

use testkit::pcap::packet;
use testkit::pcap::{ByteOrder, Conversation, PcapFile, PcapngFile};

use crate::formats::gzip;
use crate::seen::try_replay;

const ITERATIONS: usize = 2_000;

/// Bytes to overwrite: where (modulo the length), and with what.
type Changes = Vec<(u16, u8)>;

fn damaged(mut file: Vec<u8>, changes: &Changes) -> Vec<u8> {
    let length = file.len();
    for (at, value) in changes {
        file[usize::from(*at) % length] = *value;
    }
    file
}

/// Whatever the bytes: no panic; `try_replay` checks that what comes out is consistent.
fn replay_anything(file: &[u8]) {
    if let Ok((_, summary)) = try_replay(file) {
        assert!(summary.warnings.len() <= 32);
    }
}

fn ip_packets() -> Vec<Vec<u8>> {
    let client = "[fd00::2]:40000".parse().expect("an address");
    let server = "[fd00::1]:80".parse().expect("an address");
    let mut conversation = Conversation::new(client, server);
    conversation.open().client(b"GET /\r\n");
    let mut packets = conversation.take_packets();
    let (source, destination) = ("10.0.0.1:9".parse(), "10.0.0.2:4789".parse());
    let (source, destination) = (source.expect("an address"), destination.expect("an address"));
    let inner = packet::ethernet(0x86DD, &packets[0]);
    let datagram = packet::udp(source, destination, &packet::vxlan(1, &inner));
    packets.push(packet::ip(source.ip(), destination.ip(), 17, &datagram));
    let gre = packet::gre(0x86DD, &packets[1]);
    packets.push(packet::ip(source.ip(), destination.ip(), 47, &gre));
    let options = packet::ipv6_extension(44, &[0; 6], &packet::ipv6_fragment(6, 1, 0, true, &gre));
    let [a, b] = [[1; 16], [2; 16]].map(std::net::Ipv6Addr::from);
    packets.push(packet::ipv6(a, b, 0, &options));
    packets
}

#[test]
fn random_bytes_as_pcap() {
    bolero::check!().with_iterations(ITERATIONS).for_each(|input: &[u8]| {
        for magic in [0xA1B2_C3D4_u32, 0xA1B2_3C4D, 0xA1B2_CD34] {
            replay_anything(&[&magic.to_le_bytes(), input].concat());
        }
    });
}

#[test]
fn random_bytes_as_pcapng() {
    bolero::check!().with_iterations(ITERATIONS).for_each(|input: &[u8]| {
        let start = PcapngFile::new(ByteOrder::Big).into_bytes();
        replay_anything(&[&start, input].concat());
        replay_anything(&[&start[..4], input].concat());
    });
}

#[test]
fn random_bytes_as_packets_of_every_link_type() {
    bolero::check!().with_iterations(ITERATIONS).for_each(|input: &[u8]| {
        let mut file = PcapngFile::new(ByteOrder::Little);
        for (interface, link) in (0..).zip([0, 1, 9, 51, 101, 113, 276]) {
            file.interface(link, 0, &[]);
            file.packet(interface, 1, input);
        }
        for ethertype in [0x0800, 0x86DD, 0x8100, 0x8847, 0x8864, 100] {
            file.packet(1, 1, &packet::ethernet(ethertype, input));
        }
        replay_anything(file.bytes());
    });
}

#[test]
fn damaged_pcap() {
    let mut file = PcapFile::new(101);
    for packet in ip_packets() {
        file.packet(1, &packet);
    }
    let file = file.into_bytes();
    let target = bolero::check!().with_iterations(ITERATIONS).with_type::<Changes>();
    target.for_each(move |changes| replay_anything(&damaged(file.clone(), changes)));
}

#[test]
fn damaged_pcapng() {
    let mut file = PcapngFile::new(ByteOrder::Big);
    file.secrets("CLIENT_RANDOM").interface(101, 96, &[(9, &[9]), (14, &[0; 8])]);
    for packet in ip_packets() {
        file.packet(0, 1, &packet).simple_packet(&packet, 96).obsolete_packet(0, 1, &packet);
    }
    let file = file.into_bytes();
    let target = bolero::check!().with_iterations(ITERATIONS).with_type::<Changes>();
    target.for_each(move |changes| replay_anything(&damaged(file.clone(), changes)));
}

#[test]
fn damaged_gzip() {
    let mut file = PcapFile::new(101);
    for packet in ip_packets() {
        file.packet(1, &packet);
    }
    let file = gzip(file.bytes());
    let target = bolero::check!().with_iterations(ITERATIONS).with_type::<Changes>();
    target.for_each(move |changes| replay_anything(&damaged(file.clone(), changes)));
}

#[test]
fn damaged_packets_with_fragments() {
    let (source, destination) = ("10.0.0.1:9".parse(), "10.0.0.2:9".parse());
    let (source, destination) = (source.expect("an address"), destination.expect("an address"));
    let datagram = packet::udp(source, destination, &[7; 120]);
    let mut packets = Vec::new();
    for (index, piece) in datagram.chunks(24).enumerate() {
        let header = packet::Ipv4Header {
            fragment_offset: index as u16 * 24,
            more_fragments: index != 5,
            ..packet::Ipv4Header::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into(), 17)
        };
        packets.push(packet::ipv4(&header, piece));
    }
    let target = bolero::check!().with_iterations(ITERATIONS).with_type::<Changes>();
    target.for_each(move |changes| {
        let mut file = PcapFile::new(101);
        for (nth, packet) in packets.iter().enumerate() {
            let theirs = changes.iter().skip(nth).step_by(packets.len()).copied().collect();
            file.packet(1, &damaged(packet.clone(), &theirs));
        }
        replay_anything(file.bytes());
    });
}
