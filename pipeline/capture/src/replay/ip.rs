//! IPv4 and IPv6: from the first byte of a packet to its transport header.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::decoder::Outcome;
use super::span::Span;

/// Most IPv6 extension headers looked behind (RFC 8200 §4.1 names seven).
const EXTENSIONS_MAX: usize = 16;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;

const OPTION_PAD1: u8 = 0;
const OPTION_JUMBO: u8 = 0xC2;

/// An IP packet, down to what it carries.
#[derive(Clone, Copy, Debug)]
pub(super) struct IpPacket<'a> {
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
    /// Protocol number of the payload; of the fragmented payload for a fragment.
    pub(super) protocol: u8,
    pub(super) payload: Span<'a>,
    pub(super) fragment: Option<Fragment>,
}

/// Where a fragment belongs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fragment {
    pub(super) identification: u32,
    /// Offset of the payload in bytes.
    pub(super) offset: u32,
    /// More fragments follow.
    pub(super) more: bool,
}

/// Reads the IP packet at the start of `span`.
#[inline(always)]
pub(super) fn parse(span: Span<'_>) -> Result<IpPacket<'_>, Outcome> {
    match span.bytes.first().map(|first| first >> 4) {
        Some(4) => version_4(span).ok_or(Outcome::Malformed),
        Some(6) => version_6(span).ok_or(Outcome::Malformed),
        _ => Err(Outcome::Malformed),
    }
}

#[inline(always)]
fn version_4(span: Span<'_>) -> Option<IpPacket<'_>> {
    let header = span.head::<20>()?;
    let [
        [version_and_words, _, total_0, total_1],
        [id_0, id_1, fragment_0, fragment_1],
        [_, protocol, _, _],
        source,
        destination,
    ] = header.as_chunks::<4>().0
    else {
        return None;
    };
    let header_bytes = u32::from(version_and_words & 0x0F) * 4;
    let total_bytes = match u16::from_be_bytes([*total_0, *total_1]) {
        // Segmentation offload: the length is filled in after the tap has seen the packet.
        0 => span.wire_bytes,
        total => u32::from(total),
    };
    if header_bytes < 20 || total_bytes < header_bytes {
        return None;
    }
    let flags_and_offset = u16::from_be_bytes([*fragment_0, *fragment_1]);
    let more = flags_and_offset & 0x2000 != 0;
    let offset = u32::from(flags_and_offset & 0x1FFF) * 8;
    let fragment = (more || offset != 0).then_some(Fragment {
        identification: u32::from(u16::from_be_bytes([*id_0, *id_1])),
        offset,
        more,
    });
    Some(IpPacket {
        source: Ipv4Addr::from(*source).into(),
        destination: Ipv4Addr::from(*destination).into(),
        protocol: *protocol,
        payload: span.sized(total_bytes).after(header_bytes)?,
        fragment,
    })
}

fn version_6(span: Span<'_>) -> Option<IpPacket<'_>> {
    let header = span.head::<40>()?;
    let (start, addresses) = header.split_first_chunk::<8>()?;
    let [_, _, _, _, length_0, length_1, next, _] = *start;
    let (source, destination) = addresses.split_first_chunk::<16>()?;
    let rest = span.after(40)?;
    let payload = match u16::from_be_bytes([length_0, length_1]) {
        // Segmentation offload, or a jumbogram that says its length in an option.
        0 => match jumbo_bytes(next, rest) {
            Some(length) => rest.sized(length),
            None => rest,
        },
        length => rest.sized(u32::from(length)),
    };
    let upper = behind_extensions(next, payload)?;
    Some(IpPacket {
        source: Ipv6Addr::from(*source).into(),
        destination: Ipv6Addr::from(*destination.first_chunk::<16>()?).into(),
        protocol: upper.protocol,
        payload: upper.payload,
        fragment: upper.fragment,
    })
}

/// What follows the extension headers.
pub(super) struct Upper<'a> {
    pub(super) protocol: u8,
    pub(super) payload: Span<'a>,
    pub(super) fragment: Option<Fragment>,
}

/// Walks the extension headers; stops at a fragment that is not the whole packet.
pub(super) fn behind_extensions(mut next: u8, mut payload: Span<'_>) -> Option<Upper<'_>> {
    for _ in 0..EXTENSIONS_MAX {
        let header_bytes = match next {
            HOP_BY_HOP | ROUTING | DESTINATION | MOBILITY | HOST_IDENTITY | SHIM6 => {
                let [_, units] = *payload.head()?;
                (u32::from(units) + 1) * 8
            }
            AUTHENTICATION => {
                let [_, words] = *payload.head()?;
                (u32::from(words) + 2) * 4
            }
            FRAGMENT => {
                let [protocol, _, offset_0, offset_1, id @ ..] = *payload.head::<8>()?;
                let offset_and_more = u16::from_be_bytes([offset_0, offset_1]);
                let fragment = Fragment {
                    identification: u32::from_be_bytes(id),
                    offset: u32::from(offset_and_more & !7),
                    more: offset_and_more & 1 != 0,
                };
                // An atomic fragment (RFC 6946) is a whole packet.
                if fragment.more || fragment.offset != 0 {
                    return Some(Upper {
                        protocol,
                        payload: payload.after(8)?,
                        fragment: Some(fragment),
                    });
                }
                8
            }
            protocol => {
                return Some(Upper { protocol, payload, fragment: None });
            }
        };
        next = *payload.bytes.first()?;
        payload = payload.after(header_bytes)?;
    }
    None
}

/// The jumbo payload option (RFC 2675) of a hop-by-hop header.
fn jumbo_bytes(next: u8, payload: Span<'_>) -> Option<u32> {
    if next != HOP_BY_HOP {
        return None;
    }
    let [_, units] = *payload.head()?;
    let header_bytes = (usize::from(units) + 1) * 8;
    let mut options = payload.bytes.get(2..header_bytes)?;
    loop {
        match options {
            [OPTION_PAD1, rest @ ..] => options = rest,
            [OPTION_JUMBO, 4, rest @ ..] => {
                return rest.first_chunk().map(|length| u32::from_be_bytes(*length));
            }
            [_, length, rest @ ..] => options = rest.get(usize::from(*length)..)?,
            _ => return None,
        }
    }
}
