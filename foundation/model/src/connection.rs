//! What a connection is called, and the words for its two halves.

/// Identity of a connection: a hash of its addresses, protocol and scope, equal for both
/// directions.
///
/// Two live connections share one with a probability of about 3e-10 at 100,000 connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId(pub u64);

/// Which way bytes travel, by address order, before anyone knows who is the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the smaller address to the larger.
    Forward,
    /// From the larger address to the smaller.
    Backward,
}

impl Direction {
    /// Both, in index order.
    pub const BOTH: [Self; 2] = [Self::Forward, Self::Backward];

    /// The other way.
    pub const fn opposite(self) -> Self {
        match self {
            Self::Forward => Self::Backward,
            Self::Backward => Self::Forward,
        }
    }

    /// 0 or 1, to index a pair.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// Who speaks: the end that sends requests, or the end that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Sends requests; for TCP usually the end that sent the SYN.
    Client,
    /// Answers.
    Server,
}

impl Side {
    /// The other end.
    pub const fn opposite(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// 0 or 1, to index a pair.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// Both ends sent FIN, or the socket was closed in order.
    Finished,
    /// A RST, sent in this direction.
    Reset(Direction),
    /// No packet for longer than the idle limit.
    Idle,
    /// The same addresses were opened anew before we saw the end.
    Reused,
    /// The capture ended or the agent stops; the connection may live on.
    EndOfCapture,
}
