//! Records of the kernel → tap events.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use abi::{ClosedRecord, EstablishedRecord, HealthRecord, OpenedRecord, RecordHead, kind, role};
use model::{
    Closed, ConnectionId, Datagram, Direction, Endpoints, Opened, Owner, Passed, Segment, TapEvent,
    TcpFlags, TcpHealth, Timestamp,
};

use super::steering::Unwanted;

/// Turns one record into events. `epoch_offset_ns` is added to the kernel's monotonic times.
pub(super) fn events(record: &[u8], epoch_offset_ns: u64, sink: &mut impl FnMut(TapEvent<'_>)) {
    let Some(head) = abi::read::<RecordHead>(record) else { return };
    let at = Timestamp(head.at.wrapping_add(epoch_offset_ns));
    let connection = ConnectionId(head.connection);
    let direction = if head.is_backward() { Direction::Backward } else { Direction::Forward };
    match head.kind {
        kind::SEGMENT => {
            let payload = payload_of(record, &head);
            sink(TapEvent::Segment(Segment {
                connection,
                direction,
                endpoints: None,
                at,
                sequence: head.sequence,
                acknowledgment: 0,
                flags: TcpFlags(head.flags & !TcpFlags::ACK),
                length: head.length,
                payload,
                lost_before: head.lost_before,
                in_order: head.is_in_order(),
                begins: head.begins(),
                health: None,
            }));
        }
        kind::DATAGRAM => {
            let datagram = Datagram {
                connection,
                direction,
                endpoints: None,
                at,
                length: head.length,
                payload: payload_of(record, &head),
            };
            each_datagram(datagram, head.sequence, sink);
        }
        kind::OPENED => {
            if let Some(opened) = abi::read::<OpenedRecord>(record) {
                sink(TapEvent::Opened(opened_event(&opened, connection, direction, at)));
            }
        }
        kind::ESTABLISHED => {
            if let Some(established) = abi::read::<EstablishedRecord>(record) {
                handshake(&established, connection, direction, at, sink);
            }
        }
        kind::CLOSED => {
            if let Some(closed) = abi::read::<ClosedRecord>(record) {
                closing(&closed, connection, direction, at, sink);
            }
        }
        kind::HEALTH => {
            if let Some(sample) = abi::read::<HealthRecord>(record) {
                let health = TcpHealth { rtt_us: sample.rtt_us, retransmits: sample.retransmits };
                sink(TapEvent::Health { connection, direction, health });
            }
        }
        _ => {}
    }
}

fn payload_of<'a>(record: &'a [u8], head: &RecordHead) -> &'a [u8] {
    let from = size_of::<RecordHead>();
    record.get(from..from + usize::from(head.captured)).unwrap_or_default()
}

/// The datagrams of `size` bytes that the kernel handled as one; 0 if there is only one.
fn each_datagram(whole: Datagram<'_>, size: u32, sink: &mut impl FnMut(TapEvent<'_>)) {
    let size = if size == 0 { whole.length } else { size };
    let mut rest = whole;
    loop {
        let length = rest.length.min(size);
        let (payload, next) = rest.payload.split_at(rest.payload.len().min(length as usize));
        sink(TapEvent::Datagram(Datagram { length, payload, ..rest }));
        rest.payload = next;
        rest.length -= length;
        if rest.length == 0 {
            return;
        }
    }
}

fn opened_event(
    opened: &OpenedRecord,
    connection: ConnectionId,
    direction: Direction,
    at: Timestamp,
) -> Opened<'_> {
    let end = opened.command.iter().position(|b| *b == 0).unwrap_or(opened.command.len());
    let command = opened.command.get(..end).unwrap_or_default();
    Opened {
        connection,
        direction,
        endpoints: Endpoints { source: address(opened.local), destination: address(opened.remote) },
        protocol: opened.protocol,
        at,
        initiator: match opened.role {
            role::CLIENT => Some(true),
            role::SERVER => Some(false),
            _ => None,
        },
        owner: Owner {
            pid: opened.pid,
            command: std::str::from_utf8(command).unwrap_or(""),
            cgroup: 0,
            network_namespace: opened.netns,
        },
    }
}

/// The SYN and SYN-ACK as this end knows them from its sequence numbers: a SYN-ACK never passes a
/// socket that is whole, and a SYN from outside of the scope passes none of ours. What another
/// socket in scope has shown or will show is left to it.
fn handshake(
    established: &EstablishedRecord,
    connection: ConnectionId,
    direction: Direction,
    at: Timestamp,
    sink: &mut impl FnMut(TapEvent<'_>),
) {
    let syn = |direction, sequence: u32, acknowledgment, flags| Segment {
        connection,
        direction,
        endpoints: None,
        at,
        sequence: sequence.wrapping_sub(1),
        acknowledgment,
        flags: TcpFlags(flags),
        length: 0,
        payload: &[],
        lost_before: 0,
        in_order: true,
        begins: false,
        health: None,
    };
    let (mine, theirs) = (established.local_sequence, established.remote_sequence);
    let syn_ack = TcpFlags::SYN | TcpFlags::ACK;
    let (opener, opening, answering) = match established.role {
        role::CLIENT => (direction, mine, theirs),
        _ => (direction.opposite(), theirs, mine),
    };
    let accepted = established.role != role::CLIENT;
    if accepted && established.peer_observed != 0 {
        return;
    }
    if accepted {
        sink(TapEvent::Segment(syn(opener, opening, 0, TcpFlags::SYN)));
    }
    sink(TapEvent::Segment(syn(opener.opposite(), answering, opening, syn_ack)));
}

fn closing(
    closed: &ClosedRecord,
    connection: ConnectionId,
    direction: Direction,
    at: Timestamp,
    sink: &mut impl FnMut(TapEvent<'_>),
) {
    if closed.in_pending != 0 {
        let (way, end) = (direction.opposite(), (closed.in_sequence, closed.in_lost));
        sink(TapEvent::Segment(reached(connection, way, at, end)));
    }
    let is_told = closed.out_pending != 0;
    if is_told {
        let lost = u32::try_from(closed.lost).unwrap_or(u32::MAX);
        let end = (closed.out_sequence, lost);
        sink(TapEvent::Segment(reached(connection, direction, at, end)));
    }
    sink(TapEvent::Closed(Closed {
        connection,
        direction,
        at,
        unreported: if is_told { 0 } else { closed.unreported },
        lost: if is_told { 0 } else { closed.lost },
        health: Some(TcpHealth { rtt_us: closed.rtt_us, retransmits: closed.retransmits }),
    }));
}

/// What the steering table says of a connection that nobody wants.
pub(super) const fn passed(
    connection: ConnectionId,
    direction: Direction,
    at: Timestamp,
    unwanted: Unwanted,
) -> TapEvent<'static> {
    match unwanted {
        Unwanted::Bytes(bytes) => TapEvent::Passed(Passed { connection, direction, at, bytes }),
        Unwanted::Until(sequence) => {
            TapEvent::Segment(reached(connection, direction, at, (sequence, 0)))
        }
    }
}

/// An empty segment where a stream is now: the bytes before it that nobody reported, of which so
/// many were lost.
const fn reached(
    connection: ConnectionId,
    direction: Direction,
    at: Timestamp,
    (sequence, lost_before): (u32, u32),
) -> Segment<'static> {
    Segment {
        connection,
        direction,
        endpoints: None,
        at,
        sequence,
        acknowledgment: 0,
        flags: TcpFlags(0),
        length: 0,
        payload: &[],
        lost_before,
        in_order: true,
        begins: false,
        health: None,
    }
}

fn address([high, low, port]: [u64; 3]) -> SocketAddr {
    let ip = if high == 0 && low >> 32 == 0 && low > 1 {
        IpAddr::V4(Ipv4Addr::from(low as u32))
    } else {
        IpAddr::V6(Ipv6Addr::from(u128::from(high) << 64 | u128::from(low)))
    };
    SocketAddr::new(ip, port as u16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_of_several_datagrams_is_taken_apart() {
        let cut = |length, size, payload| {
            let mut seen = Vec::new();
            let whole = Datagram {
                connection: ConnectionId(1),
                direction: Direction::Forward,
                endpoints: None,
                at: Timestamp(1),
                length,
                payload,
            };
            each_datagram(whole, size, &mut |event| {
                if let TapEvent::Datagram(one) = event {
                    seen.push((one.length, String::from_utf8_lossy(one.payload).into_owned()));
                }
            });
            seen
        };
        let said = |all: &[(u32, &str)]| -> Vec<_> {
            all.iter().map(|(length, text)| (*length, (*text).to_owned())).collect()
        };
        assert_eq!(cut(0, 0, b""), said(&[(0, "")]));
        assert_eq!(cut(9, 0, b"abc"), said(&[(9, "abc")]));
        assert_eq!(cut(9, 4, b"abcdef"), said(&[(4, "abcd"), (4, "ef"), (1, "")]));
        assert_eq!(cut(8, 4, b"abcdefgh"), said(&[(4, "abcd"), (4, "efgh")]));
    }
}
