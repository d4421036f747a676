//! What happens on a request stream, in order: done at once, or once a section before it is read.

use model::{Side, Timestamp};

use super::Http3Session;
use crate::http::Part;
use crate::protocol::Output;
use crate::protocols::http3::qpack::{Patience, Unread};

/// One thing that happens to one side of a request.
#[derive(Debug)]
pub(super) enum News {
    /// A header section that waits.
    Head { section: Box<[u8]>, times: Times },
    /// A promise that does.
    Promise { section: Box<[u8]>, times: Times },
    /// Bytes that count; of an answer, with the time of the first.
    Body { bytes: u64, first_at: Option<Timestamp> },
    /// The rest of the side is not seen.
    Gap,
    /// The side says no more.
    End { at: Timestamp },
    /// The side breaks off.
    Reset { code: u64, at: Timestamp },
    /// The client does not want the answer.
    Stopped { code: u64, at: Timestamp },
}

/// Size and time of a frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) bytes: u64,
    pub(super) first_at: Timestamp,
    pub(super) at: Timestamp,
}

impl News {
    /// Bytes it keeps while it waits.
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Head { section, .. } | Self::Promise { section, .. } => section.len(),
            Self::Body { .. }
            | Self::Gap
            | Self::End { .. }
            | Self::Reset { .. }
            | Self::Stopped { .. } => 0,
        }
    }
}

impl Http3Session {
    /// Takes news of one side of a request: in order, behind what waits.
    pub(super) fn news(&mut self, on: (u64, Side), news: News, output: &mut Output<'_>) {
        if self.waiting.is_waiting(on.0) {
            self.keep(on, news, output);
        } else {
            self.happened(on, &news, output);
        }
    }

    /// Takes a header section; `None` if it is longer than is read.
    pub(super) fn head(
        &mut self,
        on: (u64, Side),
        section: Option<&[u8]>,
        times: Times,
        output: &mut Output<'_>,
    ) {
        if !self.waiting.is_waiting(on.0)
            && self.read_head(on, (section, Patience::Waits), times, output).is_some()
        {
            return;
        }
        // One that is too long is kept empty, and is malformed when its turn comes.
        let section = section.unwrap_or_default().into();
        self.keep(on, News::Head { section, times }, output);
    }

    /// Takes the promise of an answer.
    pub(super) fn promise(
        &mut self,
        on: (u64, Side),
        section: &[u8],
        times: Times,
        output: &mut Output<'_>,
    ) {
        if !self.waiting.is_waiting(on.0)
            && self.read_promise(on, (section, Patience::Waits), times, output).is_some()
        {
            return;
        }
        self.keep(on, News::Promise { section: section.into(), times }, output);
    }

    /// Entries have come, or will never come: reads what waited for them.
    pub(super) fn read_waiting(&mut self, side: Side, output: &mut Output<'_>) {
        if !self.waiting.is_any_of(side) {
            return;
        }
        for (on, news) in self.waiting.take() {
            if self.waiting.is_waiting(on.0) || !self.retold(on, &news, Patience::Waits, output) {
                self.waiting.push(on, news);
            }
        }
    }

    /// What still waits is taken as it is: its entries are not known.
    pub(super) fn give_up_waiting(&mut self, output: &mut Output<'_>) {
        for (on, news) in self.waiting.take() {
            self.retold(on, &news, Patience::Over, output);
        }
    }

    fn keep(&mut self, on: (u64, Side), news: News, output: &mut Output<'_>) {
        self.waiting.push(on, news);
        if self.waiting.is_full() {
            self.give_up_waiting(output);
        }
    }

    /// Tries again. False if it has to go on waiting.
    fn retold(
        &mut self,
        on: (u64, Side),
        news: &News,
        patience: Patience,
        output: &mut Output<'_>,
    ) -> bool {
        match news {
            News::Head { section, times } => {
                self.read_head(on, (Some(section), patience), *times, output).is_some()
            }
            News::Promise { section, times } => {
                self.read_promise(on, (section, patience), *times, output).is_some()
            }
            news => {
                self.happened(on, news, output);
                true
            }
        }
    }

    /// `None`: it has to wait.
    fn read_head(
        &mut self,
        (number, side): (u64, Side),
        (section, patience): (Option<&[u8]>, Patience),
        times: Times,
        output: &mut Output<'_>,
    ) -> Option<()> {
        self.section(side, section, patience)?;
        let Times { bytes, first_at, at } = times;
        let part = Part { stream: number, ends_stream: false, first_at, at, bytes };
        match side {
            Side::Client => {
                // The first head of a stream is a request; a later one may be its trailers.
                if number >= self.fresh && self.head.has_unknown() {
                    self.head.be_request();
                }
                self.fresh = self.fresh.max(number + 1);
                self.requests.asked(&part, &self.head, output);
            }
            Side::Server => self.requests.answers(&part, &self.head, output),
        }
        Some(())
    }

    /// `None`: it has to wait.
    fn read_promise(
        &mut self,
        (number, side): (u64, Side),
        (section, patience): (&[u8], Patience),
        times: Times,
        output: &mut Output<'_>,
    ) -> Option<()> {
        self.section(side, Some(section), patience)?;
        // One push may be promised on several requests (RFC 9114 §4.6).
        if self.requests.get(number).is_none() {
            let Times { bytes, first_at, at } = times;
            let part = Part { stream: number, ends_stream: false, first_at, at, bytes };
            self.requests.promised(&part, &self.head, output);
        }
        Some(())
    }

    /// Reads a section into the head. `None`: its entries have not come yet.
    fn section(&mut self, side: Side, section: Option<&[u8]>, patience: Patience) -> Option<()> {
        self.head.begin();
        let head = &mut self.head;
        let decoder = self.decoders.of(side);
        let read = match section {
            Some(section) => {
                decoder.section(section, patience, |name, value| head.take(name, value))
            }
            None => Err(Unread::Malformed),
        };
        match read {
            Ok(()) => {}
            Err(Unread::Malformed) => head.lose(),
            Err(Unread::Blocked) => return None,
        }
        if head.has_unknown() {
            self.requests.doubt_names();
        }
        Some(())
    }

    /// Does what the news say, if they are no section's.
    fn happened(&mut self, (number, side): (u64, Side), news: &News, output: &mut Output<'_>) {
        match *news {
            News::Head { .. } | News::Promise { .. } => {}
            News::Body { bytes, first_at } => {
                self.requests.count(number, side, bytes);
                if let (Some(first_at), Some(request)) = (first_at, self.requests.get(number)) {
                    request.first_answer.get_or_insert(first_at);
                }
            }
            News::Gap => self.requests.doubt_one(number, side),
            News::End { at } => self.requests.end(number, side, at, output),
            News::Reset { code, at } if side == Side::Server => {
                self.requests.reset(number, (side, code), at, output);
            }
            // The answer may go on; a client that does not want it says so.
            News::Reset { at, .. } => self.requests.end(number, side, at, output),
            News::Stopped { code, at } => {
                self.requests.reset(number, (side, code), at, output);
            }
        }
    }
}
