//! The layers of a packet, each a function from its payload to its bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// EtherType of IPv4.
pub const ETHERTYPE_IPV4: u16 = 0x0800;
/// EtherType of IPv6.
pub const ETHERTYPE_IPV6: u16 = 0x86DD;
/// EtherType of an 802.1Q tag.
pub const ETHERTYPE_VLAN: u16 = 0x8100;
/// EtherType of the outer tag of 802.1ad (QinQ).
pub const ETHERTYPE_QINQ: u16 = 0x88A8;

/// IP protocol number of TCP.
pub const TCP: u8 = 6;
/// IP protocol number of UDP.
pub const UDP: u8 = 17;

/// TCP flag bits.
pub const FIN: u8 = 0x01;
/// See [`FIN`].
pub const SYN: u8 = 0x02;
/// See [`FIN`].
pub const RST: u8 = 0x04;
/// See [`FIN`].
pub const PSH: u8 = 0x08;
/// See [`FIN`].
pub const ACK: u8 = 0x10;

/// The header fields of a TCP segment that tests vary.
#[derive(Clone, Debug, Default)]
pub struct TcpHeader {
    /// Sequence number.
    pub sequence: u32,
    /// Acknowledgment number.
    pub acknowledgment: u32,
    /// Flag bits.
    pub flags: u8,
    /// Options; padded with zeros to a multiple of four.
    pub options: Vec<u8>,
}

/// A TCP segment.
pub fn tcp(
    source: SocketAddr,
    destination: SocketAddr,
    header: &TcpHeader,
    payload: &[u8],
) -> Vec<u8> {
    let mut options = header.options.clone();
    options.resize(options.len().next_multiple_of(4), 0);
    let words = 5 + options.len() / 4;
    assert!(words <= 15, "TCP options are at most 40 bytes");
    let mut segment = Vec::with_capacity(words * 4 + payload.len());
    segment.extend(source.port().to_be_bytes());
    segment.extend(destination.port().to_be_bytes());
    segment.extend(header.sequence.to_be_bytes());
    segment.extend(header.acknowledgment.to_be_bytes());
    segment.extend([(words as u8) << 4, header.flags]);
    segment.extend(0xFFFF_u16.to_be_bytes());
    segment.extend([0; 4]);
    segment.extend(options);
    segment.extend(payload);
    let sum = transport_checksum(source.ip(), destination.ip(), TCP, &segment);
    segment[16..18].copy_from_slice(&sum.to_be_bytes());
    segment
}

/// A UDP datagram.
pub fn udp(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let length = u16::try_from(8 + payload.len()).expect("a UDP datagram is at most 64 KiB");
    let mut datagram = Vec::with_capacity(usize::from(length));
    datagram.extend(source.port().to_be_bytes());
    datagram.extend(destination.port().to_be_bytes());
    datagram.extend(length.to_be_bytes());
    datagram.extend([0; 2]);
    datagram.extend(payload);
    let sum = transport_checksum(source.ip(), destination.ip(), UDP, &datagram);
    // A sum of zero is sent as all ones: zero means "none" (RFC 768).
    let sum = if sum == 0 { 0xFFFF } else { sum };
    datagram[6..8].copy_from_slice(&sum.to_be_bytes());
    datagram
}

/// The header fields of an IPv4 packet that tests vary.
#[derive(Clone, Debug)]
pub struct Ipv4Header {
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// IP protocol number of the payload.
    pub protocol: u8,
    /// Identification, which ties fragments together.
    pub identification: u16,
    /// Offset of the fragment in bytes, a multiple of eight.
    pub fragment_offset: u16,
    /// More fragments follow.
    pub more_fragments: bool,
    /// Options; padded with zeros to a multiple of four.
    pub options: Vec<u8>,
}

impl Ipv4Header {
    /// A header without options that is not a fragment.
    pub fn new(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8) -> Self {
        Self {
            source,
            destination,
            protocol,
            identification: 1,
            fragment_offset: 0,
            more_fragments: false,
            options: Vec::new(),
        }
    }
}

/// An IPv4 packet. A payload too long for the length field gets a length of 0, as segmentation
/// offload leaves it.
pub fn ipv4(header: &Ipv4Header, payload: &[u8]) -> Vec<u8> {
    let mut options = header.options.clone();
    options.resize(options.len().next_multiple_of(4), 0);
    let words = 5 + options.len() / 4;
    assert!(words <= 15, "IPv4 options are at most 40 bytes");
    let total = u16::try_from(words * 4 + payload.len()).unwrap_or(0);
    let fragment = (header.fragment_offset / 8) | (u16::from(header.more_fragments) << 13);
    let mut packet = Vec::with_capacity(words * 4 + payload.len());
    packet.extend([0x40 | words as u8, 0]);
    packet.extend(total.to_be_bytes());
    packet.extend(header.identification.to_be_bytes());
    packet.extend(fragment.to_be_bytes());
    packet.extend([64, header.protocol, 0, 0]);
    packet.extend(header.source.octets());
    packet.extend(header.destination.octets());
    packet.extend(options);
    let sum = checksum(&[&packet]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet.extend(payload);
    packet
}

/// An IPv6 packet whose first header after the fixed one is `next`. A payload too long for the
/// length field gets a length of 0.
pub fn ipv6(source: Ipv6Addr, destination: Ipv6Addr, next: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(40 + payload.len());
    packet.extend([0x60, 0, 0, 0]);
    packet.extend(u16::try_from(payload.len()).unwrap_or(0).to_be_bytes());
    packet.extend([next, 64]);
    packet.extend(source.octets());
    packet.extend(destination.octets());
    packet.extend(payload);
    packet
}

/// An IPv6 extension header of the common shape (hop-by-hop 0, routing 43, destination 60):
/// `next`, a length in units of eight bytes, `content` padded with Pad1 options.
pub fn ipv6_extension(next: u8, content: &[u8], payload: &[u8]) -> Vec<u8> {
    let length = (2 + content.len()).next_multiple_of(8);
    let mut header = vec![next, u8::try_from(length / 8 - 1).expect("at most 2 KiB")];
    header.extend(content);
    header.resize(length, 0);
    header.extend(payload);
    header
}

/// An IPv6 authentication header (51), whose length counts units of four bytes.
pub fn ipv6_authentication(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![next, 4, 0, 0];
    header.resize(24, 0xA5);
    header.extend(payload);
    header
}

/// An IPv6 fragment header (44); `offset` in bytes, a multiple of eight.
pub fn ipv6_fragment(
    next: u8,
    identification: u32,
    offset: u16,
    more: bool,
    piece: &[u8],
) -> Vec<u8> {
    let mut header = vec![next, 0];
    header.extend((offset & !7 | u16::from(more)).to_be_bytes());
    header.extend(identification.to_be_bytes());
    header.extend(piece);
    header
}

/// An IP packet of the version the addresses have.
///
/// # Panics
/// If one address is IPv4 and the other IPv6.
pub fn ip(source: IpAddr, destination: IpAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            ipv4(&Ipv4Header::new(source, destination, protocol), payload)
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            ipv6(source, destination, protocol, payload)
        }
        _ => panic!("both ends speak the same IP version"),
    }
}

/// The EtherType of an IP packet, by its first nibble.
pub fn ethertype_of(ip: &[u8]) -> u16 {
    match ip.first().map(|first| first >> 4) {
        Some(6) => ETHERTYPE_IPV6,
        _ => ETHERTYPE_IPV4,
    }
}

/// An Ethernet frame, padded to the minimum of 60 bytes as a network card does.
pub fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame.resize(frame.len().max(60), 0);
    frame
}

/// A VLAN tag (without the tag's own EtherType, which belongs to the layer outside).
pub fn vlan(id: u16, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut tagged = id.to_be_bytes().to_vec();
    tagged.extend(ethertype.to_be_bytes());
    tagged.extend(payload);
    tagged
}

/// A Linux cooked frame, version 1 (link type 113).
pub fn linux_cooked(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0];
    frame.extend(ethertype.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A Linux cooked frame, version 2 (link type 276).
pub fn linux_cooked_v2(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut frame = ethertype.to_be_bytes().to_vec();
    frame.extend([0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]);
    frame.extend(payload);
    frame
}

/// A BSD loopback frame: the address family as the four bytes given.
pub fn loopback(family: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut frame = family.to_vec();
    frame.extend(payload);
    frame
}

/// A VXLAN header around an Ethernet frame; the payload of a UDP datagram to port 4789.
pub fn vxlan(network: u32, frame: &[u8]) -> Vec<u8> {
    let mut header = vec![0x08, 0, 0, 0];
    header.extend((network << 8).to_be_bytes());
    header.extend(frame);
    header
}

/// A GRE header without options around a payload of the EtherType.
pub fn gre(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut header = vec![0, 0];
    header.extend(ethertype.to_be_bytes());
    header.extend(payload);
    header
}

/// The Internet checksum with the pseudo header of the IP version.
fn transport_checksum(source: IpAddr, destination: IpAddr, protocol: u8, segment: &[u8]) -> u16 {
    let length = (segment.len() as u32).to_be_bytes();
    let tail = [0, 0, 0, protocol];
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            checksum(&[&source.octets(), &destination.octets(), &tail, &length, segment])
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            checksum(&[&source.octets(), &destination.octets(), &length, &tail, segment])
        }
        _ => panic!("both ends speak the same IP version"),
    }
}

/// The Internet checksum (RFC 1071); every part but the last has an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum: u32 = 0;
    for pair in parts.iter().flat_map(|part| part.chunks(2)) {
        let low = pair.get(1).copied().unwrap_or(0);
        sum += u32::from(u16::from_be_bytes([pair[0], low]));
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}
