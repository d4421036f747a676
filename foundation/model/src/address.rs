//! The two addresses of a connection, and the identity computed from them.

use std::net::{IpAddr, SocketAddr};

use crate::connection::{ConnectionId, Direction};

/// Source and destination of one packet, as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Endpoints {
    /// Who sent the packet.
    pub source: SocketAddr,
    /// Whom it was sent to.
    pub destination: SocketAddr,
}

impl Endpoints {
    /// The same pair seen from the other end.
    pub const fn reversed(self) -> Self {
        Self { source: self.destination, destination: self.source }
    }

    /// Which way this packet travels: [`Direction::Forward`] if the source is the smaller address.
    ///
    /// "Smaller" compares the address, then the port, both as numbers; IPv4 counts as an address
    /// whose high half is zero. The eBPF tap does the same.
    pub fn direction(&self) -> Direction {
        if half(self.source) <= half(self.destination) {
            Direction::Forward
        } else {
            Direction::Backward
        }
    }

    /// The identity of the connection, the same for both directions.
    ///
    /// `scope` tells apart equal addresses that cannot reach each other: the network namespace
    /// for loopback addresses, the interface or VLAN of a capture, else 0. `protocol` is the IP
    /// protocol number (6 TCP, 17 UDP). The eBPF tap computes the same function.
    pub fn connection(&self, protocol: u8, scope: u64) -> ConnectionId {
        let (a, b) = (half(self.source), half(self.destination));
        let (low, high) = if a <= b { (a, b) } else { (b, a) };
        let mut hash = mix(scope ^ u64::from(protocol));
        for word in [low.0, low.1, low.2, high.0, high.1, high.2] {
            hash = mix(hash ^ word);
        }
        ConnectionId(hash)
    }
}

/// One end as three words: the two halves of the address and the port, all in network order.
/// IPv4 uses only the second word. Comparing the triple orders the two ends.
fn half(end: SocketAddr) -> (u64, u64, u64) {
    let port = u64::from(end.port());
    match end.ip() {
        IpAddr::V4(ip) => (0, u64::from(u32::from(ip)), port),
        IpAddr::V6(ip) => {
            let bits = u128::from(ip);
            ((bits >> 64) as u64, bits as u64, port)
        }
    }
}

/// One round of the splitmix64 finaliser: cheap in eBPF, and every input bit reaches every output
/// bit.
const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let value = (value ^ (value >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    value ^ (value >> 32)
}
