//! Turns what the later stages want into what the tap copies.

use connections::Connection;
use dissect::Wants;
use model::{ConnectionId, Direction, Framing};

/// The farthest a wish may reach ahead; the kernel ignores sequence numbers farther away.
const AHEAD_MAX: u64 = 1 << 29;

/// A tap that can be told what is worth copying.
pub(crate) trait Tap: Send {
    /// Nothing more of this connection.
    fn nothing(&self, connection: ConnectionId);
    /// Heads, or everything; per direction only from a sequence number on, if one is given. Where
    /// the framing is known, long payloads may be left out.
    fn heads(
        &self,
        connection: ConnectionId,
        until: [Option<u32>; 2],
        everything: bool,
        framing: Framing,
    );
}

/// Knows what each connection's tap was told last, and tells it only what changed.
pub(crate) struct Steerer {
    tap: Option<Box<dyn Tap>>,
}

/// What the tap was told about one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Steered {
    until: [Option<u32>; 2],
    everything: bool,
    framing: Framing,
    nothing: bool,
}

impl Steerer {
    /// Without a tap (replay) it does nothing.
    pub(crate) fn new(tap: Option<Box<dyn Tap>>) -> Self {
        Self { tap }
    }

    /// Takes what is wanted now of the direction that a chunk has just come from, and how the
    /// connection is cut into frames that the tap may follow.
    #[inline]
    pub(crate) fn after_chunk(
        &self,
        connection: &Connection,
        (wants, framing): (Wants, Framing),
        told: &mut Steered,
        direction: Direction,
    ) {
        let Some(tap) = &self.tap else { return };
        let mut wish = *told;
        let mut until = None;
        match wants {
            Wants::Nothing => wish.nothing = true,
            Wants::Everything => wish.everything = true,
            Wants::Heads => wish.everything = false,
            Wants::After(bytes) => {
                let next = connection.next_sequence[direction.index()];
                until = Some(next.wrapping_add(bytes.min(AHEAD_MAX) as u32));
            }
        }
        wish.until[direction.index()] = until;
        wish.framing = framing;
        if wish != *told {
            *told = wish;
            if wish.nothing {
                tap.nothing(connection.id);
            } else {
                tap.heads(connection.id, wish.until, wish.everything, wish.framing);
            }
        }
    }

    /// The connection is over; its slot must not speak for the next one of the same addresses.
    pub(crate) fn forget(&self, connection: &Connection, told: &Steered) {
        if let Some(tap) = &self.tap
            && *told != Steered::default()
        {
            tap.heads(connection.id, [None; 2], false, Framing::Unknown);
        }
    }
}
