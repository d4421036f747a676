//! What waits for a key: sealed records and the gaps between them, in the order they came.

use std::collections::VecDeque;

use model::{Direction, MissingReason, Timestamp};

use super::record::{APPLICATION_DATA, HEAD_BYTES, Head, Record};

/// Record bytes held for one connection. A page with what belongs to it; a handshake has some five
/// thousand.
pub(super) const RING_BYTES_MAX: u64 = 64 * 1024;
/// Things held for one connection, so that small ones are bounded too.
const ITEMS_MAX: usize = 1_024;
/// Record bytes held for all connections: a share of what the agent may have in all.
pub(super) const HELD_BYTES_MAX: u64 = 16 << 20;

/// One thing of a stream.
#[derive(Clone, Copy)]
pub(super) enum Item<'a> {
    /// A record, or its start.
    Record(Record<'a>),
    /// Bytes of a record whose start was handed on; missing ones say why.
    Tail { bytes: u64, missing: Option<MissingReason>, at: Timestamp },
    /// Bytes of which nobody knows to what they belong.
    Gap { bytes: u64, missing: Option<MissingReason>, at: Timestamp },
    /// The sender has said it will send no more.
    End { at: Timestamp },
}

impl Item<'_> {
    /// Stream bytes it stands for.
    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Record(record) => (HEAD_BYTES + record.body.len()) as u64,
            Self::Tail { bytes, .. } | Self::Gap { bytes, .. } => *bytes,
            Self::End { .. } => 0,
        }
    }
}

/// The same, kept.
pub(super) struct Held {
    pub(super) direction: Direction,
    content: Content,
}

enum Content {
    Record { head: Head, body: Box<[u8]>, number: u64, first: (usize, Timestamp), at: Timestamp },
    Other(Item<'static>),
}

impl Held {
    pub(super) fn item(&self) -> Item<'_> {
        match &self.content {
            Content::Record { head, body, number, first, at } => {
                Item::Record(Record { head: *head, body, number: *number, first: *first, at: *at })
            }
            Content::Other(item) => *item,
        }
    }
}

/// The ring of one connection.
#[derive(Default)]
pub(super) struct Ring {
    items: VecDeque<Held>,
    /// Stream bytes held.
    pub(super) bytes: u64,
}

impl Ring {
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// True if the oldest should go.
    pub(super) fn is_full(&self) -> bool {
        self.bytes > RING_BYTES_MAX || self.items.len() > ITEMS_MAX
    }

    pub(super) fn push(&mut self, direction: Direction, item: Item<'_>) {
        self.bytes += item.bytes();
        let content = match item {
            Item::Record(Record { head, body, number, first, at }) => {
                Content::Record { head, body: body.into(), number, first, at }
            }
            Item::Tail { bytes, missing, at } => Content::Other(Item::Tail { bytes, missing, at }),
            Item::Gap { bytes, missing, at } => Content::Other(Item::Gap { bytes, missing, at }),
            Item::End { at } => Content::Other(Item::End { at }),
        };
        self.items.push_back(Held { direction, content });
    }

    pub(super) fn pop(&mut self) -> Option<Held> {
        let held = self.items.pop_front()?;
        self.bytes -= held.item().bytes();
        Some(held)
    }

    pub(super) fn push_back_in_front(&mut self, held: Held) {
        self.bytes += held.item().bytes();
        self.items.push_front(held);
    }

    /// The whole records of a direction, oldest first.
    pub(super) fn records(
        &self,
        direction: Direction,
    ) -> impl DoubleEndedIterator<Item = Record<'_>> {
        self.records_from(direction, 0)
    }

    /// The same, without what stands before `from`.
    pub(super) fn records_from(
        &self,
        direction: Direction,
        from: usize,
    ) -> impl DoubleEndedIterator<Item = Record<'_>> {
        let held = self.items.range(from.min(self.items.len())..);
        held.filter(move |held| held.direction == direction).filter_map(|held| match held.item() {
            Item::Record(record) if !record.is_cut() => Some(record),
            Item::Record(_) | Item::Tail { .. } | Item::Gap { .. } | Item::End { .. } => None,
        })
    }

    /// Where the first sealed record of a direction stands, of TLS 1.3.
    pub(super) fn first(&self, direction: Direction) -> Option<usize> {
        let is_sealed =
            |held: &Held| matches!(held.item(), Item::Record(r) if r.head.kind == APPLICATION_DATA);
        self.items.iter().position(|held| held.direction == direction && is_sealed(held))
    }

    /// True if something of this direction waits.
    pub(super) fn holds(&self, direction: Direction) -> bool {
        self.items.iter().any(|held| held.direction == direction)
    }
}
