//! Sections that wait for entries of the dynamic table, and what follows them on their streams.

use std::collections::VecDeque;

use model::{Side, Timestamp};

use super::news::News;

/// News kept at a time: servers let 16 to 100 streams wait (`SETTINGS_QPACK_BLOCKED_STREAMS`).
const NEWS_MAX: usize = 1_024;
/// Bytes of sections kept at a time.
const BYTES_MAX: usize = 256 * 1024;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    /// In the order they came.
    news: VecDeque<((u64, Side), News)>,
    bytes: usize,
}

impl Waiting {
    /// True if what happens on this request has to wait.
    pub(super) fn is_waiting(&self, number: u64) -> bool {
        self.news.iter().any(|((other, _), _)| *other == number)
    }

    /// True if entries of this side are waited for.
    pub(super) fn is_any_of(&self, side: Side) -> bool {
        self.news.iter().any(|((_, by), news)| *by == side && news.held() > 0)
    }

    pub(super) fn push(&mut self, on: (u64, Side), news: News) {
        self.bytes += news.held();
        // Pieces of one body are one.
        if let Some(((last, side), News::Body { bytes, first_at })) = self.news.back_mut()
            && (*last, *side) == on
            && let News::Body { bytes: more, first_at: first } = news
        {
            *bytes += more;
            *first_at = first_at.or(first);
            return;
        }
        self.news.push_back((on, news));
    }

    /// Takes all that waits, in order.
    pub(super) fn take(&mut self) -> VecDeque<((u64, Side), News)> {
        self.bytes = 0;
        std::mem::take(&mut self.news)
    }

    /// True if no more is going to be kept.
    pub(super) fn is_full(&self) -> bool {
        self.news.len() >= NEWS_MAX || self.bytes >= BYTES_MAX
    }

    /// True if something waits since before `before`.
    pub(super) fn is_older(&self, before: Timestamp) -> bool {
        self.news.iter().any(|(_, news)| match news {
            News::Head { times, .. } | News::Promise { times, .. } => times.at < before,
            News::Body { .. }
            | News::Gap
            | News::End { .. }
            | News::Reset { .. }
            | News::Stopped { .. } => false,
        })
    }
}
