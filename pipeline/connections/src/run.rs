//! What a stream is told, and what it answers.

use model::{Segment, Timestamp};

/// What of a segment concerns the stream.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a> {
    pub(crate) sequence: u32,
    pub(crate) length: u32,
    pub(crate) payload: &'a [u8],
    pub(crate) at: Timestamp,
    pub(crate) lost_before: u32,
    pub(crate) in_order: bool,
    pub(crate) fin: bool,
}

impl<'a> From<&Segment<'a>> for Run<'a> {
    fn from(segment: &Segment<'a>) -> Self {
        let syn = segment.flags.syn();
        let most = usize::try_from(segment.length).unwrap_or(usize::MAX);
        Self {
            sequence: segment.sequence.wrapping_add(u32::from(syn)),
            length: segment.length,
            payload: segment.payload.get(..most).unwrap_or(segment.payload),
            at: segment.at,
            lost_before: segment.lost_before,
            in_order: segment.in_order,
            fin: segment.flags.fin() && !syn,
        }
    }
}

/// What a stream made of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It belongs here: handed on, held, or seen before.
    Taken,
    /// The second in a row that fits another stream: the addresses are used anew.
    Foreign,
}

/// What the end of a connection says about bytes no segment carried.
#[derive(Clone, Copy, Default)]
pub(crate) struct Unreported {
    /// Not copied on purpose.
    pub(crate) skipped: u64,
    /// Lost by the tap.
    pub(crate) lost: u64,
    /// Holes are lost even if the tap is live: the observation ends before they could be filled.
    pub(crate) all_lost: bool,
}
