//! Tunnels: the packet inside a packet. IP in IP needs no header of its own and is not here.

use model::Datagram;

use super::decoder::Outcome;
use super::link;
use super::span::Span;

/// IP protocol number of IPv4 in IP.
pub(super) const IPV4: u8 = 4;
/// IP protocol number of IPv6 in IP.
pub(super) const IPV6: u8 = 41;
/// IP protocol number of GRE.
pub(super) const GRE: u8 = 47;

/// The port IANA assigned to VXLAN, and the one Linux used before.
const VXLAN_PORTS: [u16; 2] = [4789, 8472];
const GENEVE_PORT: u16 = 6081;

/// EtherType of Ethernet in a tunnel.
const TRANSPARENT_ETHERNET: u16 = 0x6558;

/// The IP packet in GRE (RFC 2784, 2890). PPTP's version 1 and source routes are passed over.
pub(super) fn in_gre<'a>(content: Span<'a>) -> Result<Span<'a>, Outcome> {
    const CHECKSUM: u8 = 0x80;
    const ROUTE: u8 = 0x40;
    const KEY: u8 = 0x20;
    const SEQUENCE: u8 = 0x10;
    let [flags, version, type_0, type_1] = *content.head().ok_or(Outcome::Malformed)?;
    if version & 7 != 0 || flags & ROUTE != 0 {
        return Err(Outcome::Other);
    }
    let options = (flags & (CHECKSUM | KEY | SEQUENCE)).count_ones();
    let inner = content.after(4 + options * 4).ok_or(Outcome::Malformed)?;
    match u16::from_be_bytes([type_0, type_1]) {
        TRANSPARENT_ETHERNET => link::ethernet(inner),
        ethertype => link::behind(ethertype, inner),
    }
}

/// The Ethernet frame in a datagram to a port of VXLAN or Geneve, if its header leaves no doubt.
/// A datagram that only happens to use the port stays a datagram.
#[inline]
pub(super) fn in_datagram<'a>(datagram: &Datagram<'a>) -> Option<Span<'a>> {
    let port = datagram.endpoints?.destination.port();
    if port == GENEVE_PORT || VXLAN_PORTS.contains(&port) {
        frame_in(port, Span::new(datagram.payload, datagram.length))
    } else {
        None
    }
}

#[cold]
fn frame_in(port: u16, content: Span<'_>) -> Option<Span<'_>> {
    let head = content.head::<8>()?;
    if port != GENEVE_PORT {
        // RFC 7348 §5: one flag is set, all reserved bits are zero.
        return match head {
            [0x08, 0, 0, 0, _, _, _, 0] => content.after(8),
            _ => None,
        };
    }
    // RFC 8926 §3.4: version 0, length of the options, two flags, reserved bits.
    let [version_and_words, flags, type_0, type_1, _, _, _, 0] = *head else {
        return None;
    };
    let is_frame = u16::from_be_bytes([type_0, type_1]) == TRANSPARENT_ETHERNET;
    if version_and_words & 0xC0 != 0 || flags & 0x3F != 0 || !is_frame {
        return None;
    }
    content.after(8 + u32::from(version_and_words & 0x3F) * 4)
}
