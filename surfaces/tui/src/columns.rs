//! The columns of every table: one list, from which heads, order, sort keys and help derive.

/// One column. The same column means the same in every table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Column {
    /// Service name.
    Service,
    /// Protocol ids.
    Protocols,
    /// Which half of the calls the numbers are about.
    Kind,
    /// Exchanges a second.
    Rate,
    /// Failed share.
    Errors,
    /// Median duration.
    P50,
    /// 95th percentile.
    P95,
    /// 99th percentile.
    P99,
    /// Share of the bytes understood.
    Coverage,
    /// Open connections.
    Connections,
    /// Rate over time.
    Trend,
    /// Exchanges a second asked of others.
    Asked,
    /// Which rule gave the name.
    Reason,
    /// The verb.
    Operation,
    /// What it acts on.
    Target,
    /// Exchanges in the window.
    Count,
    /// Failed exchanges in the window.
    Failures,
    /// Who asks.
    Client,
    /// Who answers.
    Server,
    /// Round-trip time.
    RoundTrip,
    /// SYN to ACK time.
    Connect,
    /// Segments sent again.
    Retransmits,
    /// Connections ended by RST.
    Resets,
    /// Payload bytes.
    Bytes,
    /// A service below who calls it.
    Called,
    /// When it began.
    Began,
    /// Who asked, in one exchange.
    Peer,
    /// Who answered, in one exchange.
    Answered,
    /// How it ended.
    Status,
    /// From the first byte of the request to the last of the answer.
    Duration,
    /// From the first byte of the request to the first of the answer.
    FirstByte,
    /// Bytes of the request.
    RequestBytes,
    /// Bytes of the answer.
    ResponseBytes,
}

/// How a column looks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shape {
    /// Its head.
    pub(crate) title: &'static str,
    /// The letter that sorts by it with shift; a blank if none does.
    pub(crate) letter: char,
    /// Characters it takes on a narrow screen.
    pub(crate) narrow: u16,
    /// Characters it takes on a screen of [`WIDE`] and more.
    pub(crate) wide: u16,
    /// The narrowest screen that shows it.
    pub(crate) from: u16,
    /// Text is left-aligned and sorts from A; numbers are right-aligned and sort from the largest.
    pub(crate) is_text: bool,
    /// What it means, for the help page.
    pub(crate) about: &'static str,
}

/// From this width on, columns take their wide size.
pub(crate) const WIDE: u16 = 110;

/// Columns of the services table. The first ten answer to the digits.
pub(crate) const SERVICES: &[Column] = &[
    Column::Service,
    Column::Protocols,
    Column::Kind,
    Column::Rate,
    Column::Errors,
    Column::P50,
    Column::P95,
    Column::P99,
    Column::Coverage,
    Column::Connections,
    Column::Asked,
    Column::Reason,
    Column::Trend,
];

/// Columns of the endpoints table.
pub(crate) const ENDPOINTS: &[Column] = &[
    Column::Operation,
    Column::Target,
    Column::Protocols,
    Column::Rate,
    Column::Errors,
    Column::P50,
    Column::P95,
    Column::P99,
    Column::Count,
    Column::Failures,
];

/// Columns of the edges table.
pub(crate) const EDGES: &[Column] = &[
    Column::Client,
    Column::Server,
    Column::Protocols,
    Column::Rate,
    Column::Errors,
    Column::P50,
    Column::P95,
    Column::P99,
    Column::RoundTrip,
    Column::Retransmits,
    Column::Connect,
    Column::Resets,
    Column::Bytes,
];

/// Columns of the edges as a tree.
pub(crate) const TREE: &[Column] = &[
    Column::Called,
    Column::Protocols,
    Column::Rate,
    Column::Errors,
    Column::P50,
    Column::P95,
    Column::P99,
    Column::RoundTrip,
    Column::Retransmits,
    Column::Connect,
    Column::Resets,
    Column::Bytes,
];

/// Columns of the live exchanges.
pub(crate) const EXCHANGES: &[Column] = &[
    Column::Began,
    Column::Peer,
    Column::Answered,
    Column::Protocols,
    Column::Operation,
    Column::Target,
    Column::Status,
    Column::Duration,
    Column::FirstByte,
    Column::RequestBytes,
    Column::ResponseBytes,
];

/// Every table's columns.
#[cfg(test)]
pub(crate) const TABLES: &[&[Column]] = &[SERVICES, ENDPOINTS, EDGES, TREE, EXCHANGES];

impl Column {
    /// How it looks.
    #[rustfmt::skip]
    pub(crate) const fn shape(self) -> Shape {
        match self {
            Self::Service => text("SERVICE", 'N', [12, 16], 0, "service name"),
            Self::Protocols => text("PROTOCOL", 'T', [10, 16], 66, "protocols it speaks"),
            Self::Kind => text("KIND", 'K', [5, 5], 66, "calls answered or made"),
            Self::Rate => number("REQ/S", 'R', [5, 6], 0, "exchanges a second"),
            Self::Errors => number("ERR", 'E', [5, 6], 0, "failed share"),
            Self::P50 => number("P50", 'M', [5, 7], 56, "median duration"),
            Self::P95 => number("P95", 'L', [5, 7], 60, "95 of 100 are faster"),
            Self::P99 => number("P99", 'P', [5, 7], 40, "99 of 100 are faster"),
            Self::Coverage => number("COV", 'C', [4, 6], 50, "bytes understood"),
            Self::Connections => number("CONN", 'O', [4, 6], 72, "open connections"),
            Self::Trend => text("TREND", ' ', [8, 24], 78, "rate, newest at right"),
            Self::Asked => number("ASKS/S", 'A', [6, 7], 130, "calls made a second"),
            Self::Reason => text("NAMED BY", 'B', [16, 20], 150, "why it is called so"),
            Self::Operation => text("OPERATION", 'O', [10, 14], 0, "the verb"),
            Self::Target => text("TARGET", 'A', [16, 24], 0, "what it acts on"),
            Self::Count => number("COUNT", 'C', [5, 7], 78, "exchanges in the window"),
            Self::Failures => number("FAILED", 'F', [6, 7], 110, "failed in the window"),
            Self::Client => text("CLIENT", 'N', [12, 16], 0, "who asks"),
            Self::Server => text("SERVER", 'S', [12, 16], 0, "who answers"),
            Self::RoundTrip => number("RTT", 'D', [5, 7], 74, "round-trip time of TCP"),
            Self::Connect => number("CONNECT", 'H', [7, 7], 110, "time to connect"),
            Self::Retransmits => number("RETR", 'X', [4, 6], 78, "segments sent again"),
            Self::Resets => number("RESETS", 'Z', [6, 6], 110, "ended by RST"),
            Self::Bytes => number("BYTES", 'B', [6, 7], 110, "payload both ways"),
            Self::Called => text("SERVICE", 'N', [16, 24], 0, "below who calls it"),
            Self::Began => text("BEGAN", 'I', [12, 12], 60, "when, UTC"),
            Self::Peer => text("PEER", 'N', [9, 16], 68, "who asked"),
            Self::Answered => text("SERVICE", 'S', [9, 16], 100, "who answered"),
            Self::Status => text("STATUS", 'U', [6, 10], 0, "how it ended"),
            Self::Duration => number("TIME", 'D', [5, 7], 0, "first to last byte"),
            Self::FirstByte => number("FIRST", 'F', [5, 7], 100, "to the first byte of the answer"),
            Self::RequestBytes => number("SENT", 'Q', [6, 7], 120, "bytes of the request"),
            Self::ResponseBytes => number("GOT", 'G', [6, 7], 88, "bytes of the answer"),
        }
    }
}

const fn text(
    title: &'static str,
    letter: char,
    [narrow, wide]: [u16; 2],
    from: u16,
    about: &'static str,
) -> Shape {
    Shape { title, letter, narrow, wide, from, is_text: true, about }
}

const fn number(
    title: &'static str,
    letter: char,
    widths: [u16; 2],
    from: u16,
    about: &'static str,
) -> Shape {
    Shape { is_text: false, ..text(title, letter, widths, from, about) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_columns_of_a_table_share_a_letter() {
        for table in TABLES {
            for (place, column) in table.iter().enumerate() {
                let letter = column.shape().letter;
                let later = table.iter().skip(place + 1);
                let twin = later.into_iter().find(|other| other.shape().letter == letter);
                assert!(letter == ' ' || twin.is_none(), "{column:?} and {twin:?}");
            }
        }
    }

    #[test]
    fn numbers_fit_under_their_heads() {
        for column in TABLES.iter().copied().flatten() {
            let shape = column.shape();
            assert!(shape.title.len() <= usize::from(shape.narrow), "{column:?}");
        }
    }
}
