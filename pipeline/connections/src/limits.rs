//! Every bound of the stage, with its default.

/// One second in the unit of all times here.
const SECOND_NS: u64 = 1_000_000_000;

/// What the table may keep and for how long. What goes beyond is counted in [`crate::Counters`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Live connections; more are refused.
    pub connections: usize,
    /// Closed TCP connections remembered to recognise late packets; the oldest go first.
    pub closing: usize,
    /// How long a closed TCP connection is remembered. Half of the usual TIME-WAIT of 60 s: late
    /// retransmissions come within seconds.
    pub closing_ns: u64,
    /// Out-of-order bytes held for one direction of a connection, [`Self::HELD_SEGMENT_COST`] for
    /// each segment included. 1 MiB: some 700 full segments, what one loss on a fast path delays.
    pub held_bytes: u64,
    /// Out-of-order segments held for one direction: inserting is linear in their number.
    pub held_segments: usize,
    /// Out-of-order bytes held in the whole table.
    pub held_bytes_total: u64,
    /// How long a hole may stay open. Longer than the retransmission timeout of a healthy path;
    /// acknowledgments of the other side usually decide much earlier.
    pub hole_ns: u64,
    /// How long a TCP connection may be silent.
    pub idle_ns: u64,
    /// How long a pair of UDP addresses may be silent.
    pub datagram_idle_ns: u64,
    /// How long it may be silent once what was asked is answered. A resolver takes a new port for
    /// each question; answers sent twice come within a second or two.
    pub datagram_rest_ns: u64,
    /// How long a TCP connection may be silent if one socket is gone or if the only direction in
    /// view has ended: the end of the other may never be seen.
    pub half_closed_ns: u64,
    /// How far from the expected sequence number a segment can be: the largest TCP window
    /// (RFC 7323 §2.3). What is farther away belongs to another connection.
    pub window: u32,
    /// The same for what one packet alone decides: a RST, or an acknowledgment of a stream tail
    /// that was never seen. 16 MiB: the largest window in practice.
    pub trust_window: u32,
    /// In which time [`crate::Table::tick`] visits every connection once.
    pub sweep_ns: u64,
    /// After how much silence a connection rests. Longer than a hole may stay open.
    pub rest_after_ns: u64,
    /// How often a resting connection is visited. The visits of 100,000 idle connections took 2.5 %
    /// of a core at one a second, and still 0.45 % at one in eight seconds.
    pub rest_ns: u64,
    /// Connections one call of [`crate::Table::tick`] may visit in a small table; in a large one it
    /// is a tenth of the table.
    pub sweep_connections: usize,
}

impl Limits {
    /// What a held segment costs beside its payload.
    pub const HELD_SEGMENT_COST: u64 = 64;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 100_000,
            closing: 16_384,
            closing_ns: 30 * SECOND_NS,
            held_bytes: 1 << 20,
            held_segments: 1_024,
            held_bytes_total: 16 << 20,
            hole_ns: 2 * SECOND_NS,
            idle_ns: 3_600 * SECOND_NS,
            datagram_idle_ns: 60 * SECOND_NS,
            datagram_rest_ns: 3 * SECOND_NS,
            half_closed_ns: 60 * SECOND_NS,
            window: 1 << 30,
            trust_window: 16 << 20,
            sweep_ns: SECOND_NS,
            rest_after_ns: 5 * SECOND_NS,
            rest_ns: 30 * SECOND_NS,
            sweep_connections: 64,
        }
    }
}
