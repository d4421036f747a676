//! TCP and UDP headers.

use std::net::SocketAddr;

use model::{Datagram, Endpoints, Segment, TcpFlags, Timestamp};

use super::ip::IpPacket;

/// IP protocol number of TCP.
pub(super) const TCP: u8 = 6;
/// IP protocol number of UDP.
pub(super) const UDP: u8 = 17;

/// Captures tell addresses apart by nothing else: an interface or VLAN would split a connection
/// that is captured on two of them.
const SCOPE: u64 = 0;

/// The segment in an IP packet; `None` if its header is not whole or contradicts itself.
#[inline(always)]
pub(super) fn segment<'a>(at: Timestamp, packet: &IpPacket<'a>) -> Option<Segment<'a>> {
    let header = packet.payload.head::<20>()?;
    let [
        [source_0, source_1, destination_0, destination_1],
        sequence,
        acknowledgment,
        [words, flags, _, _],
        _,
    ] = header.as_chunks::<4>().0
    else {
        return None;
    };
    let header_bytes = u32::from(*words >> 4) * 4;
    if header_bytes < 20 {
        return None;
    }
    let payload = packet.payload.after(header_bytes)?;
    let source = u16::from_be_bytes([*source_0, *source_1]);
    let destination = u16::from_be_bytes([*destination_0, *destination_1]);
    let endpoints = endpoints(packet, source, destination);
    Some(Segment {
        connection: endpoints.connection(TCP, SCOPE),
        direction: endpoints.direction(),
        endpoints: Some(endpoints),
        at,
        sequence: u32::from_be_bytes(*sequence),
        acknowledgment: u32::from_be_bytes(*acknowledgment),
        flags: TcpFlags(*flags),
        length: payload.wire_bytes,
        payload: payload.bytes,
        lost_before: 0,
        in_order: false,
        begins: false,
        health: None,
    })
}

/// The datagram in an IP packet; `None` if its header is not whole or contradicts itself.
#[inline(always)]
pub(super) fn datagram<'a>(at: Timestamp, packet: &IpPacket<'a>) -> Option<Datagram<'a>> {
    let [source_0, source_1, destination_0, destination_1, length_0, length_1, _, _] =
        *packet.payload.head()?;
    let whole = match u32::from(u16::from_be_bytes([length_0, length_1])) {
        // Segmentation offload or a jumbogram: the IP length says it.
        0 => packet.payload,
        length if length > packet.payload.wire_bytes => return None,
        length => packet.payload.sized(length),
    };
    let payload = whole.after(8)?;
    let source = u16::from_be_bytes([source_0, source_1]);
    let destination = u16::from_be_bytes([destination_0, destination_1]);
    let endpoints = endpoints(packet, source, destination);
    Some(Datagram {
        connection: endpoints.connection(UDP, SCOPE),
        direction: endpoints.direction(),
        endpoints: Some(endpoints),
        at,
        length: payload.wire_bytes,
        payload: payload.bytes,
    })
}

#[inline(always)]
fn endpoints(packet: &IpPacket<'_>, source: u16, destination: u16) -> Endpoints {
    Endpoints {
        source: SocketAddr::new(packet.source, source),
        destination: SocketAddr::new(packet.destination, destination),
    }
}
