//! Link types: finds the IP packet in a frame.
//!
//! <https://www.tcpdump.org/linktypes.html>

use super::decoder::Outcome;
use super::span::Span;

/// Most tags (VLAN, MPLS labels) looked behind: two are common, more than four nobody has seen.
const TAGS_MAX: usize = 8;

const ETHERTYPE_IPV4: u16 = 0x0800;
const ETHERTYPE_IPV6: u16 = 0x86DD;
/// 802.1Q, 802.1ad, and the numbers used for outer tags before it.
const ETHERTYPES_VLAN: [u16; 5] = [0x8100, 0x88A8, 0x9100, 0x9200, 0x9300];
const ETHERTYPE_PPPOE_SESSION: u16 = 0x8864;
const ETHERTYPES_MPLS: [u16; 2] = [0x8847, 0x8848];
/// Smaller values are lengths of 802.3 frames.
const ETHERTYPE_MIN: u16 = 0x0600;

/// How frames of an interface start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    /// Ethernet.
    Ethernet,
    /// BSD loopback: an address family in the byte order of some machine.
    Loopback,
    /// No link header at all.
    Raw,
    /// Linux cooked, version 1: `tcpdump -i any`.
    LinuxCooked,
    /// Linux cooked, version 2.
    LinuxCooked2,
    /// PPP, with or without HDLC framing.
    Ppp,
    /// PPPoE, from the session header on.
    PppOverEthernet,
    /// Not read.
    Unsupported(u16),
}

impl Link {
    /// The link type of a number.
    pub(super) fn of(number: u16) -> Self {
        match number {
            0 | 108 => Self::Loopback,
            1 => Self::Ethernet,
            9 | 50 => Self::Ppp,
            51 => Self::PppOverEthernet,
            12 | 14 | 101 | 228 | 229 => Self::Raw,
            113 => Self::LinuxCooked,
            276 => Self::LinuxCooked2,
            other => Self::Unsupported(other),
        }
    }

    /// The IP packet in a frame, or what the frame is instead.
    #[inline(always)]
    pub(super) fn ip<'a>(self, frame: Span<'a>) -> Result<Span<'a>, Outcome> {
        match self {
            Self::Ethernet => ethernet(frame),
            Self::Raw => Ok(frame),
            Self::LinuxCooked => {
                let ethertype = frame.u16_at(14).ok_or(Outcome::Malformed)?;
                behind(ethertype, frame.after(16).ok_or(Outcome::Malformed)?)
            }
            Self::LinuxCooked2 => {
                let ethertype = frame.u16_at(0).ok_or(Outcome::Malformed)?;
                behind(ethertype, frame.after(20).ok_or(Outcome::Malformed)?)
            }
            Self::Loopback => loopback(frame),
            Self::Ppp => ppp(frame),
            Self::PppOverEthernet => ppp(frame.after(6).ok_or(Outcome::Malformed)?),
            Self::Unsupported(_) => Err(Outcome::Unsupported),
        }
    }
}

/// The IP packet in an Ethernet frame.
#[inline]
pub(super) fn ethernet<'a>(frame: Span<'a>) -> Result<Span<'a>, Outcome> {
    let ethertype = frame.u16_at(12).ok_or(Outcome::Malformed)?;
    behind(ethertype, frame.after(14).ok_or(Outcome::Malformed)?)
}

/// The IP packet behind an EtherType.
#[inline]
pub(super) fn behind<'a>(ethertype: u16, content: Span<'a>) -> Result<Span<'a>, Outcome> {
    match ethertype {
        ETHERTYPE_IPV4 | ETHERTYPE_IPV6 => Ok(content),
        _ => behind_tags(ethertype, content),
    }
}

#[cold]
fn behind_tags<'a>(mut ethertype: u16, mut content: Span<'a>) -> Result<Span<'a>, Outcome> {
    for _ in 0..TAGS_MAX {
        if matches!(ethertype, ETHERTYPE_IPV4 | ETHERTYPE_IPV6) {
            return Ok(content);
        } else if ETHERTYPES_VLAN.contains(&ethertype) {
            ethertype = content.u16_at(2).ok_or(Outcome::Malformed)?;
            content = content.after(4).ok_or(Outcome::Malformed)?;
        } else if ethertype < ETHERTYPE_MIN {
            // LLC with the SNAP header carries an EtherType; any other LLC is not IP.
            let [0xAA, 0xAA, 3, 0, 0, 0, high, low] = *content.head::<8>().ok_or(Outcome::Other)?
            else {
                return Err(Outcome::Other);
            };
            ethertype = u16::from_be_bytes([high, low]);
            content = content.after(8).ok_or(Outcome::Malformed)?;
            if ethertype < ETHERTYPE_MIN {
                return Err(Outcome::Other);
            }
        } else if ethertype == ETHERTYPE_PPPOE_SESSION {
            return ppp(content.after(6).ok_or(Outcome::Malformed)?);
        } else if ETHERTYPES_MPLS.contains(&ethertype) {
            return behind_labels(content);
        } else {
            return Err(Outcome::Other);
        }
    }
    Err(Outcome::Malformed)
}

/// MPLS does not say what it carries: IP shows by its version, all else is not for us.
fn behind_labels<'a>(mut content: Span<'a>) -> Result<Span<'a>, Outcome> {
    for _ in 0..TAGS_MAX {
        let [_, _, bottom, _] = *content.head().ok_or(Outcome::Malformed)?;
        content = content.after(4).ok_or(Outcome::Malformed)?;
        if bottom & 1 != 0 {
            return match content.bytes.first().map(|first| first >> 4) {
                Some(4 | 6) => Ok(content),
                _ => Err(Outcome::Other),
            };
        }
    }
    Err(Outcome::Malformed)
}

/// The family is in the byte order of the machine that captured, or big-endian (OpenBSD), and the
/// numbers of IPv6 differ by system; all of them are small.
fn loopback<'a>(frame: Span<'a>) -> Result<Span<'a>, Outcome> {
    let family = u32::from_le_bytes(*frame.head().ok_or(Outcome::Malformed)?);
    let family = if family > 0xFFFF { family.swap_bytes() } else { family };
    match family {
        2 | 10 | 23 | 24 | 28 | 30 => frame.after(4).ok_or(Outcome::Malformed),
        _ => Err(Outcome::Other),
    }
}

/// RFC 1661 and 1662: address and control bytes may be there, the protocol has one byte or two.
fn ppp<'a>(frame: Span<'a>) -> Result<Span<'a>, Outcome> {
    let frame = match frame.bytes {
        [0xFF, 0x03, ..] => frame.after(2).ok_or(Outcome::Malformed)?,
        _ => frame,
    };
    let (protocol, header_bytes) = match frame.bytes {
        [odd, ..] if odd & 1 != 0 => (u16::from(*odd), 1),
        [high, low, ..] => (u16::from_be_bytes([*high, *low]), 2),
        _ => return Err(Outcome::Malformed),
    };
    match protocol {
        0x0021 | 0x0057 => frame.after(header_bytes).ok_or(Outcome::Malformed),
        _ => Err(Outcome::Other),
    }
}

/// Names of link types people meet that are not read.
pub(super) fn name_of(link_type: u16) -> &'static str {
    match link_type {
        3 => "AX25",
        6 => "IEEE802_5",
        7 => "ARCNET_BSD",
        8 => "SLIP",
        10 => "FDDI",
        100 => "ATM_RFC1483",
        104 => "C_HDLC",
        105 => "IEEE802_11",
        107 => "FRELAY",
        109 => "ENC",
        117 => "PFLOG",
        119 => "IEEE802_11_PRISM",
        122 => "IP_OVER_FC",
        127 => "IEEE802_11_RADIOTAP",
        129 => "ARCNET_LINUX",
        138 => "APPLE_IP_OVER_IEEE1394",
        143 => "DOCSIS",
        147..=162 => "USER",
        163 => "IEEE802_11_AVS",
        166 => "PPP_PPPD",
        187 => "BLUETOOTH_HCI_H4",
        189 => "USB_LINUX",
        192 => "PPI",
        195 => "IEEE802_15_4_WITHFCS",
        220 => "USB_LINUX_MMAPPED",
        227 => "CAN_SOCKETCAN",
        239 => "NFLOG",
        240 => "NETANALYZER",
        242 => "IPOIB",
        247 => "INFINIBAND",
        248 => "SCTP",
        249 => "USBPCAP",
        252 => "WIRESHARK_UPPER_PDU",
        253 => "NETLINK",
        271 => "VSOCK",
        _ => "unknown",
    }
}
