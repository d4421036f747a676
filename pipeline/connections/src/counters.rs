//! What the stage has done, refused and ignored.

/// Totals since the table was made, and two levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// TCP segments taken in.
    pub segments: u64,
    /// UDP datagrams taken in.
    pub datagrams: u64,
    /// Connections opened.
    pub opened: u64,
    /// Connections closed.
    pub closed: u64,
    /// Set-ups (SYN, opened socket, datagram) refused because the table was full.
    pub refused_connections: u64,
    /// Payload bytes of connections not in the table because it was full. The ledger adds them.
    pub refused_bytes: u64,
    /// Closed connections forgotten before their time because too many were remembered.
    pub evicted: u64,
    /// Events whose addresses are not those of the connection with the same id.
    pub collisions: u64,
    /// Segments that carried bytes seen before.
    pub retransmitted_segments: u64,
    /// Payload bytes seen before; the first copy counts.
    pub duplicate_bytes: u64,
    /// Keep-alive probes.
    pub keep_alives: u64,
    /// Segments too far from the expected sequence number to belong to the connection.
    pub out_of_window: u64,
    /// Payload bytes of those segments.
    pub out_of_window_bytes: u64,
    /// RST segments that did not fit the connection.
    pub resets_ignored: u64,
    /// Segments after the end of their connection, or without one (bare ACK, FIN or RST).
    pub late_segments: u64,
    /// Payload bytes after FIN or after the end of the connection.
    pub late_bytes: u64,
    /// The same, lost by a live tap.
    pub late_lost_bytes: u64,
    /// Runs of missing bytes handed on.
    pub gaps: u64,
    /// Missing bytes handed on as lost.
    pub lost_bytes: u64,
    /// Missing bytes handed on as skipped.
    pub skipped_bytes: u64,
    /// Segments held because they came out of order.
    pub held_segments: u64,
    /// Segments not held because a limit was reached: the hole before them was given up.
    pub held_refused: u64,
    /// Holes given up because they were too old.
    pub holes_expired: u64,
    /// Bytes held now, as [`crate::Limits::held_bytes`] counts them.
    pub held_bytes: u64,
    /// The most bytes ever held.
    pub held_bytes_peak: u64,
}

impl Counters {
    /// Counts what cannot be booked with its connection: bytes that passed, and lost ones.
    pub(crate) const fn count_late(&mut self, bytes: u64, lost: u64) {
        self.late_bytes += bytes;
        self.late_lost_bytes += lost;
    }
}
