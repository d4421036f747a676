//! The front of a command said before: pollers, hot keys and pipelines say it again and again.

use model::EndpointId;

use crate::naming::key;
use crate::protocols::redis::frame::Front;

/// Name and key of a command that does nothing to the conversation.
#[derive(Debug)]
pub(super) struct LastCommand {
    bytes: [u8; Self::BYTES_MAX],
    /// 0 if there is none.
    length: u8,
    /// Where a number stands in its key that may be any other; empty if there is none.
    number: [u8; 2],
    pub(super) endpoint: EndpointId,
    /// Arguments, and of these the ones behind the key.
    pub(super) arguments: u32,
    pub(super) left: u64,
}

impl Default for LastCommand {
    fn default() -> Self {
        Self {
            bytes: [0; Self::BYTES_MAX],
            length: 0,
            number: [0; 2],
            endpoint: EndpointId::OTHER,
            arguments: 0,
            left: 0,
        }
    }
}

impl LastCommand {
    /// Fits a key of 30 bytes or so; longer ones cost more to compare than to read.
    const BYTES_MAX: usize = 56;

    /// Bytes up to the end of the key; 0 if none is remembered.
    pub(super) fn len(&self) -> usize {
        usize::from(self.length)
    }

    /// True if `bytes` begin with these, or with the same and another number of as many digits in
    /// the key.
    #[inline]
    pub(super) fn begins(&self, bytes: &[u8]) -> bool {
        let [from, to] = self.number.map(usize::from);
        let same = |from, to| bytes.get(from..to) == self.bytes.get(from..to);
        let digits = bytes.get(from..to).unwrap_or_default();
        same(0, self.len())
            || from < to
                && same(0, from)
                && digits.iter().fold(true, |all, byte| all & byte.is_ascii_digit())
                && same(to, self.len())
    }

    /// Takes the front of a command, if it is short: `bytes` hold it.
    pub(super) fn remember(&mut self, bytes: &[u8], front: &Front<'_>, endpoint: EndpointId) {
        let Some(room) = self.bytes.get_mut(..bytes.len()) else { return };
        room.copy_from_slice(bytes);
        let number = front.first.and_then(|key| {
            let start = key.as_ptr().addr().checked_sub(bytes.as_ptr().addr())?;
            let number = key::number(key)?;
            let (from, to) = (start + number.start, start + number.end);
            (to <= bytes.len()).then_some([from as u8, to as u8])
        });
        *self = Self {
            bytes: self.bytes,
            length: bytes.len() as u8,
            number: number.unwrap_or_default(),
            endpoint,
            arguments: u32::try_from(front.count).unwrap_or(u32::MAX),
            left: front.left,
        };
    }
}
