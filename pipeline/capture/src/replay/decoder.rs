//! One packet of a file at a time: peels its layers and accounts for it in the summary.

use std::io;

use model::{TapEvent, Timestamp};

use super::blocks::{Blocks, End};
use super::fragments::{Added, Fragments};
use super::ip::{self, Fragment, IpPacket};
use super::link::{self, Link};
use super::span::Span;
use super::summary::{Damage, ReplaySummary};
use super::{transport, tunnel};

/// Most tunnels looked into, one inside the other.
const TUNNELS_MAX: usize = 4;

/// A packet as the file gives it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) at: Timestamp,
    pub(super) link: Link,
    /// Where its record starts in the file.
    pub(super) offset: u64,
    pub(super) span: Span<'a>,
}

/// What a packet turned out to be: each one is exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Segment,
    Datagram,
    Other,
    Malformed,
    FragmentHeld,
    Unsupported,
}

/// Turns packets into events.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    pub(super) summary: ReplaySummary,
    fragments: Fragments,
}

impl Decoder {
    /// Decodes one packet and counts what it was.
    #[inline]
    pub(super) fn packet<S: FnMut(TapEvent<'_>)>(&mut self, packet: Packet<'_>, sink: &mut S) {
        let Packet { at, link, span, .. } = packet;
        let summary = &mut self.summary;
        summary.packets += 1;
        summary.bytes += u64::from(span.wire_bytes);
        summary.snapped += u64::from(span.bytes.len() < span.wire_bytes as usize);
        summary.saw(at);
        let outcome = match link.ip(span) {
            Ok(ip) => self.network(at, ip, 0, sink),
            Err(outcome) => outcome,
        };
        let summary = &mut self.summary;
        match outcome {
            Outcome::Segment => summary.segments += 1,
            Outcome::Datagram => summary.datagrams += 1,
            Outcome::Other => summary.other += 1,
            Outcome::Malformed => summary.malformed += 1,
            Outcome::FragmentHeld => summary.fragments_held += 1,
            Outcome::Unsupported => {
                summary.unsupported += 1;
                if let Link::Unsupported(number) = link {
                    summary.count_unsupported(packet.offset, number, link::name_of(number));
                }
            }
        }
    }

    /// Counts a packet whose record cannot be read.
    #[cold]
    pub(super) fn malformed(&mut self, offset: u64, damage: Damage) {
        self.summary.packets += 1;
        self.summary.malformed += 1;
        self.summary.warn(offset, damage);
    }

    #[cold]
    pub(super) fn warn(&mut self, offset: u64, damage: Damage) {
        self.summary.warn(offset, damage);
    }

    /// Ends the reading because the `wanted` bytes from `offset` on were not to be had: a warning
    /// unless the input ended right there, an error if the system failed.
    pub(super) fn ended(
        &mut self,
        blocks: &mut Blocks,
        offset: u64,
        wanted: usize,
    ) -> io::Result<()> {
        let had = (blocks.offset() + blocks.at_hand().len() as u64).saturating_sub(offset);
        match blocks.end() {
            End::Failed(error) => return Err(error),
            End::Compression => self.warn(offset + had, Damage::Compression),
            End::Reached if had == 0 => {}
            End::Reached => {
                let missing = (wanted as u64).saturating_sub(had);
                self.warn(offset, Damage::CutShort { missing });
            }
        }
        Ok(())
    }

    /// The account of the file.
    pub(super) fn finish(self) -> ReplaySummary {
        let mut summary = self.summary;
        summary.incomplete_datagrams = self.fragments.incomplete();
        summary
    }

    #[inline(always)]
    fn network<S: FnMut(TapEvent<'_>)>(
        &mut self,
        at: Timestamp,
        ip: Span<'_>,
        depth: usize,
        sink: &mut S,
    ) -> Outcome {
        match ip::parse(ip) {
            Ok(packet) => match packet.fragment {
                None => self.transport(at, &packet, depth, sink),
                Some(fragment) => self.fragment(at, &packet, fragment, depth, sink),
            },
            Err(outcome) => outcome,
        }
    }

    #[inline(always)]
    fn transport<S: FnMut(TapEvent<'_>)>(
        &mut self,
        at: Timestamp,
        packet: &IpPacket<'_>,
        depth: usize,
        sink: &mut S,
    ) -> Outcome {
        match packet.protocol {
            transport::TCP => match transport::segment(at, packet) {
                Some(segment) => {
                    sink(TapEvent::Segment(segment));
                    Outcome::Segment
                }
                None => Outcome::Malformed,
            },
            transport::UDP => match transport::datagram(at, packet) {
                Some(datagram) => match tunnel::in_datagram(&datagram) {
                    Some(frame) => self.tunnelled(at, link::ethernet(frame), depth, sink),
                    None => {
                        sink(TapEvent::Datagram(datagram));
                        Outcome::Datagram
                    }
                },
                None => Outcome::Malformed,
            },
            tunnel::IPV4 | tunnel::IPV6 => self.tunnelled(at, Ok(packet.payload), depth, sink),
            tunnel::GRE => self.tunnelled(at, tunnel::in_gre(packet.payload), depth, sink),
            _ => Outcome::Other,
        }
    }

    /// Goes on with the packet inside a packet.
    #[cold]
    #[inline(never)]
    fn tunnelled<S: FnMut(TapEvent<'_>)>(
        &mut self,
        at: Timestamp,
        inner: Result<Span<'_>, Outcome>,
        depth: usize,
        sink: &mut S,
    ) -> Outcome {
        if depth >= TUNNELS_MAX {
            return Outcome::Malformed;
        }
        self.summary.tunnelled += u64::from(depth == 0);
        match inner {
            Ok(ip) => self.network(at, ip, depth + 1, sink),
            Err(outcome) => outcome,
        }
    }

    /// Goes on with a packet put together, if this was its last fragment.
    #[cold]
    #[inline(never)]
    fn fragment<S: FnMut(TapEvent<'_>)>(
        &mut self,
        at: Timestamp,
        packet: &IpPacket<'_>,
        fragment: Fragment,
        depth: usize,
        sink: &mut S,
    ) -> Outcome {
        let whole = match self.fragments.add(at, packet, fragment) {
            Added::Held => return Outcome::FragmentHeld,
            Added::Refused => return Outcome::Malformed,
            Added::Complete(whole) => whole,
        };
        // The fragmented part of an IPv6 packet may start with extension headers.
        let upper = if packet.source.is_ipv6() {
            ip::behind_extensions(packet.protocol, whole.span())
        } else {
            Some(ip::Upper { protocol: packet.protocol, payload: whole.span(), fragment: None })
        };
        match upper {
            Some(upper) if upper.fragment.is_none() => {
                let packet = IpPacket {
                    protocol: upper.protocol,
                    payload: upper.payload,
                    fragment: None,
                    ..*packet
                };
                self.transport(at, &packet, depth, sink)
            }
            _ => Outcome::Malformed,
        }
    }
}
