//! Capture files: pcap and pcapng in both byte orders, with the options readers must honour.

/// The byte order a file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

impl ByteOrder {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::Little, Self::Big];

    fn u16(self, value: u16) -> [u8; 2] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    fn u32(self, value: u32) -> [u8; 4] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }

    fn u64(self, value: u64) -> [u8; 8] {
        match self {
            Self::Little => value.to_le_bytes(),
            Self::Big => value.to_be_bytes(),
        }
    }
}

/// The unit of the time stamps of a pcap file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Magic number `a1b2c3d4`.
    Micros,
    /// Magic number `a1b23c4d`.
    Nanos,
}

/// A pcap file being written.
#[derive(Clone, Debug)]
pub struct PcapFile {
    order: ByteOrder,
    resolution: Resolution,
    snap_bytes: u32,
    bytes: Vec<u8>,
}

impl PcapFile {
    /// A file of a link type: microseconds, little-endian, nothing snapped.
    pub fn new(link_type: u32) -> Self {
        Self::with(link_type, ByteOrder::Little, Resolution::Micros, 256 * 1024)
    }

    /// A file with everything said. Packets longer than `snap_bytes` are cut.
    pub fn with(link_type: u32, order: ByteOrder, resolution: Resolution, snap_bytes: u32) -> Self {
        let magic = match resolution {
            Resolution::Micros => 0xA1B2_C3D4,
            Resolution::Nanos => 0xA1B2_3C4D,
        };
        let mut bytes = order.u32(magic).to_vec();
        bytes.extend(order.u16(2));
        bytes.extend(order.u16(4));
        bytes.extend([0; 8]);
        bytes.extend(order.u32(snap_bytes));
        bytes.extend(order.u32(link_type));
        Self { order, resolution, snap_bytes, bytes }
    }

    /// Appends a packet seen at `at_ns` nanoseconds since the epoch.
    pub fn packet(&mut self, at_ns: u64, packet: &[u8]) -> &mut Self {
        let kept = packet.len().min(self.snap_bytes as usize);
        let part = at_ns % 1_000_000_000;
        let part = match self.resolution {
            Resolution::Micros => part / 1_000,
            Resolution::Nanos => part,
        };
        self.bytes.extend(self.order.u32((at_ns / 1_000_000_000) as u32));
        self.bytes.extend(self.order.u32(part as u32));
        self.bytes.extend(self.order.u32(kept as u32));
        self.bytes.extend(self.order.u32(packet.len() as u32));
        self.bytes.extend(&packet[..kept]);
        self
    }

    /// The file so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The finished file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// A pcapng file being written.
#[derive(Clone, Debug)]
pub struct PcapngFile {
    order: ByteOrder,
    bytes: Vec<u8>,
}

impl PcapngFile {
    /// A file with one section header and no interface yet.
    pub fn new(order: ByteOrder) -> Self {
        let mut file = Self { order, bytes: Vec::new() };
        file.section(order);
        file
    }

    /// Begins a new section, in a byte order of its own; its interfaces are counted anew.
    pub fn section(&mut self, order: ByteOrder) -> &mut Self {
        self.order = order;
        let mut body = order.u32(0x1A2B_3C4D).to_vec();
        body.extend(order.u16(1));
        body.extend(order.u16(0));
        body.extend(order.u64(u64::MAX));
        self.block(0x0A0D_0D0A, &body)
    }

    /// Describes an interface with options as (code, value) pairs, such as `(9, &[9])` for
    /// nanoseconds (if_tsresol).
    pub fn interface(
        &mut self,
        link_type: u16,
        snap_bytes: u32,
        options: &[(u16, &[u8])],
    ) -> &mut Self {
        let mut body = self.order.u16(link_type).to_vec();
        body.extend([0; 2]);
        body.extend(self.order.u32(snap_bytes));
        for (code, value) in options {
            body.extend(self.order.u16(*code));
            body.extend(self.order.u16(value.len() as u16));
            body.extend(*value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        if !options.is_empty() {
            body.extend([0; 4]);
        }
        self.block(1, &body)
    }

    /// An enhanced packet block; `ticks` in the unit of the interface.
    pub fn packet(&mut self, interface: u32, ticks: u64, packet: &[u8]) -> &mut Self {
        self.snapped_packet(interface, ticks, packet, packet.len() as u32)
    }

    /// An enhanced packet block of which `captured` was kept and `wire_bytes` were on the wire.
    pub fn snapped_packet(
        &mut self,
        interface: u32,
        ticks: u64,
        captured: &[u8],
        wire_bytes: u32,
    ) -> &mut Self {
        let mut body = self.order.u32(interface).to_vec();
        body.extend(self.order.u32((ticks >> 32) as u32));
        body.extend(self.order.u32(ticks as u32));
        body.extend(self.order.u32(captured.len() as u32));
        body.extend(self.order.u32(wire_bytes));
        body.extend(captured);
        self.block(6, &body)
    }

    /// A simple packet block: no time, first interface, cut to `snap_bytes` if not 0.
    pub fn simple_packet(&mut self, packet: &[u8], snap_bytes: u32) -> &mut Self {
        let kept = match snap_bytes {
            0 => packet.len(),
            limit => packet.len().min(limit as usize),
        };
        let mut body = self.order.u32(packet.len() as u32).to_vec();
        body.extend(&packet[..kept]);
        self.block(3, &body)
    }

    /// An obsolete packet block.
    pub fn obsolete_packet(&mut self, interface: u16, ticks: u64, packet: &[u8]) -> &mut Self {
        let mut body = self.order.u16(interface).to_vec();
        body.extend(self.order.u16(0xFFFF));
        body.extend(self.order.u32((ticks >> 32) as u32));
        body.extend(self.order.u32(ticks as u32));
        body.extend(self.order.u32(packet.len() as u32));
        body.extend(self.order.u32(packet.len() as u32));
        body.extend(packet);
        self.block(2, &body)
    }

    /// A decryption secrets block holding a TLS key log.
    pub fn secrets(&mut self, keylog: &str) -> &mut Self {
        let mut body = self.order.u32(0x544C_534B).to_vec();
        body.extend(self.order.u32(keylog.len() as u32));
        body.extend(keylog.as_bytes());
        self.block(10, &body)
    }

    /// Any block: type, body padded to four bytes, both lengths.
    pub fn block(&mut self, kind: u32, body: &[u8]) -> &mut Self {
        let padded = body.len().next_multiple_of(4);
        let length = self.order.u32((padded + 12) as u32);
        self.bytes.extend(self.order.u32(kind));
        self.bytes.extend(length);
        self.bytes.extend(body);
        self.bytes.resize(self.bytes.len() + padded - body.len(), 0);
        self.bytes.extend(length);
        self
    }

    /// The file so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The finished file.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}
