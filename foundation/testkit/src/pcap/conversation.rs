//! A TCP connection as packets, with the sequence numbers kept.

use std::net::SocketAddr;

use super::packet::{self, TcpHeader};

/// A TCP connection whose IP packets are written one after the other.
#[derive(Clone, Debug)]
pub struct Conversation {
    client: SocketAddr,
    server: SocketAddr,
    /// Next sequence number of the client and of the server.
    next: [u32; 2],
    packets: Vec<Vec<u8>>,
}

impl Conversation {
    /// A connection of which nothing has been sent yet.
    pub fn new(client: SocketAddr, server: SocketAddr) -> Self {
        Self { client, server, next: [1_000, 900_000], packets: Vec::new() }
    }

    /// The three-way handshake.
    pub fn open(&mut self) -> &mut Self {
        self.send(0, packet::SYN, &[]);
        self.next[0] = self.next[0].wrapping_add(1);
        self.send(1, packet::SYN | packet::ACK, &[]);
        self.next[1] = self.next[1].wrapping_add(1);
        self.send(0, packet::ACK, &[])
    }

    /// One segment from the client.
    pub fn client(&mut self, payload: &[u8]) -> &mut Self {
        self.send(0, packet::PSH | packet::ACK, payload)
    }

    /// One segment from the server.
    pub fn server(&mut self, payload: &[u8]) -> &mut Self {
        self.send(1, packet::PSH | packet::ACK, payload)
    }

    /// FIN of both ends, the client's first.
    pub fn close(&mut self) -> &mut Self {
        self.send(0, packet::FIN | packet::ACK, &[]);
        self.next[0] = self.next[0].wrapping_add(1);
        self.send(1, packet::FIN | packet::ACK, &[]);
        self.next[1] = self.next[1].wrapping_add(1);
        self.send(0, packet::ACK, &[])
    }

    /// The IP packets so far.
    pub fn packets(&self) -> &[Vec<u8>] {
        &self.packets
    }

    /// Takes the IP packets so far; the connection goes on.
    pub fn take_packets(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.packets)
    }

    fn send(&mut self, from: usize, flags: u8, payload: &[u8]) -> &mut Self {
        let (source, destination) = match from {
            0 => (self.client, self.server),
            _ => (self.server, self.client),
        };
        let acknowledges = flags & packet::ACK != 0;
        let header = TcpHeader {
            sequence: self.next[from],
            acknowledgment: if acknowledges { self.next[1 - from] } else { 0 },
            flags,
            options: Vec::new(),
        };
        let segment = packet::tcp(source, destination, &header, payload);
        self.packets.push(packet::ip(source.ip(), destination.ip(), packet::TCP, &segment));
        self.next[from] = self.next[from].wrapping_add(payload.len() as u32);
        self
    }
}
