//! One direction of a TCP connection, put in order.
//!
//! ```text
//! fresh ──first byte or SYN──▶ started ──every byte before FIN handed on──▶ ended
//! ```
//! While started, a stream is *plain* if the next segment is expected to carry the next byte. It
//! has something *aside* if segments wait for a hole to be filled, if its FIN came early, if the
//! other side acknowledged bytes that were not seen, or if a stray segment came by.

use model::{MissingReason, Segment, Timestamp};

use crate::consumer::{Consumer, Outlet};
use crate::held::{Held, slice};
use crate::limits::Limits;
use crate::run::{Run, Unreported, Verdict};

/// A segment that fills a hole this old is a retransmission, a younger one came by another way:
/// the rule of Wireshark.
const REORDER_NS: u64 = 3_000_000;

/// The stream of one direction. Offsets count from its first byte and do not wrap.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    /// Offset of the next byte: how much was handed on.
    length: u64,
    aside: Option<Box<Aside>>,
    /// Sequence number of the next byte.
    next: u32,
    started: bool,
    ended: bool,
}

/// What only an untidy stream needs.
#[derive(Debug, Default)]
struct Aside {
    held: Held,
    /// When the first hole was noticed.
    since: Timestamp,
    /// Where the stream ends, and when that was said.
    fin: Option<(u64, Timestamp)>,
    /// Up to where the other side has everything, if that is beyond `length`.
    acknowledged: u64,
    /// What would follow a segment that was too far away.
    stray: Option<u32>,
}

impl Stream {
    pub(crate) const fn is_started(&self) -> bool {
        self.started
    }

    pub(crate) const fn is_ended(&self) -> bool {
        self.ended
    }

    /// Bytes handed on, missing ones included.
    pub(crate) const fn length(&self) -> u64 {
        self.length
    }

    /// Sequence number of the next byte.
    pub(crate) const fn next(&self) -> u32 {
        self.next
    }

    /// Sequence number of the first byte.
    pub(crate) const fn base(&self) -> u32 {
        self.next.wrapping_sub(self.length as u32)
    }

    /// True if nothing was handed on or kept yet.
    pub(crate) const fn is_untouched(&self) -> bool {
        self.length == 0 && self.aside.is_none() && !self.ended
    }

    /// True if the stream may be the one whose first byte has this sequence number.
    pub(crate) fn may_begin_at(&self, sequence: u32) -> bool {
        !self.started || (self.is_untouched() && self.next == sequence)
    }

    /// Says which sequence number the first byte has.
    pub(crate) const fn start(&mut self, sequence: u32) {
        self.next = sequence;
        self.started = true;
    }

    /// Counts bytes that were handed on without order to keep: a datagram's.
    pub(crate) const fn count(&mut self, bytes: u64) {
        self.length += bytes;
    }

    /// The fast path: a whole segment that is just the next one. False if it is anything else.
    #[inline]
    pub(crate) fn take_next<C: Consumer>(
        &mut self,
        segment: &Segment<'_>,
        out: &mut Outlet<'_, C>,
    ) -> bool {
        let plain = self.next == segment.sequence
            && self.started
            && !self.ended
            && self.aside.is_none()
            && segment.payload.len() as u64 == u64::from(segment.length);
        if plain {
            self.hand_on(segment.payload, u64::from(segment.length), segment.at, out);
        }
        plain
    }

    /// Any segment.
    pub(crate) fn take<C: Consumer>(&mut self, run: Run<'_>, out: &mut Outlet<'_, C>) -> Verdict {
        if !self.started {
            if run.length == 0 && run.lost_before == 0 && !run.fin {
                return Verdict::Taken;
            }
            self.start(run.sequence.wrapping_sub(run.lost_before));
        }
        let ahead = self.distance(run.sequence);
        if !run.in_order && ahead.unsigned_abs() > out.limits.window {
            return self.stray(run, out);
        }
        if let Some(aside) = &mut self.aside {
            aside.stray = None;
        }
        let length = u64::from(run.length);
        if ahead == -1 && length <= 1 && !run.fin {
            out.counters.keep_alives += 1;
            self.tidy(out);
            return Verdict::Taken;
        }
        if self.ended {
            let known = u64::from(ahead.min(0).unsigned_abs()).min(length);
            self.count_duplicate(known, out);
            out.counters.late_bytes += length - known;
            return Verdict::Taken;
        }
        let Some(start) = self.length.checked_add_signed(i64::from(ahead)) else {
            // Bytes before the first one known: the stream was joined after them.
            self.take_tail_of_early(run, ahead, out);
            return Verdict::Taken;
        };
        self.take_at(start, length, run, out);
        Verdict::Taken
    }

    /// The acknowledgment number of a segment of the other direction.
    pub(crate) fn acknowledged<C: Consumer>(
        &mut self,
        acknowledgment: u32,
        at: Timestamp,
        out: &mut Outlet<'_, C>,
    ) {
        let ahead = self.distance(acknowledgment);
        if ahead <= 0 || !self.started || self.ended || ahead.unsigned_abs() > out.limits.window {
            return;
        }
        if self.aside.is_none() && out.connection.live {
            // Bytes that a live tap passed over: the next segment or the close event says why.
            return;
        }
        let reached = self.length + u64::from(ahead.unsigned_abs());
        let aside = self.aside.get_or_insert_default();
        aside.acknowledged = aside.acknowledged.max(reached);
        while let Some(end) = self.hole_end().filter(|end| *end <= reached) {
            self.settle(end, 0, at, out);
        }
        self.tidy(out);
    }

    /// Gives up holes that are older than the limit.
    pub(crate) fn expire<C: Consumer>(&mut self, now: Timestamp, out: &mut Outlet<'_, C>) {
        while let Some(end) = self.hole_end() {
            let since = self.aside.as_ref().map_or(now, |aside| aside.since);
            if now.since_ns(since) <= out.limits.hole_ns {
                break;
            }
            out.counters.holes_expired += 1;
            self.settle(end, 0, now, out);
        }
        self.tidy(out);
    }

    /// Nothing more will come: hands on everything held, and what is known to be missing.
    pub(crate) fn flush<C: Consumer>(
        &mut self,
        unreported: Unreported,
        at: Timestamp,
        out: &mut Outlet<'_, C>,
    ) {
        while let Some(end) = self.hole_end() {
            let lost = if unreported.all_lost { u64::MAX } else { 0 };
            self.settle(end, lost, at, out);
        }
        self.tidy(out);
        if self.ended {
            // Of a later connection between the same addresses, of which nothing else was seen.
            out.counters.count_late(unreported.skipped, unreported.lost);
        } else {
            let tail = self.unseen_tail(out);
            self.miss(unreported.skipped, MissingReason::Skipped, at, out);
            self.miss(unreported.lost + tail, MissingReason::Lost, at, out);
            if let Some(aside) = self.aside.take() {
                out.counters.held_bytes -= aside.held.cost();
            }
        }
        debug_assert_eq!(
            self.length,
            out.connection.health.bytes[out.direction.index()],
            "every stream byte is handed on once, as bytes or as missing"
        );
    }

    /// A run that begins at stream offset `start`.
    fn take_at<C: Consumer>(
        &mut self,
        start: u64,
        length: u64,
        run: Run<'_>,
        out: &mut Outlet<'_, C>,
    ) {
        if run.fin {
            self.note_end(start + length, run.at);
        }
        let known_end = self.aside.as_ref().and_then(|aside| aside.fin);
        let kept = known_end.map_or(length, |(end, _)| end.saturating_sub(start).min(length));
        out.counters.late_bytes += length - kept;
        if start > self.length && (run.in_order || run.lost_before > 0) {
            self.settle(start, u64::from(run.lost_before), run.at, out);
        }
        if start <= self.length {
            self.take_due(start, kept, run, out);
        } else if kept > 0 {
            self.take_early(start, kept, run, out);
        }
        self.tidy(out);
    }

    /// A run that begins at or before the next byte: what is new of it is due now. Bytes held
    /// already came first and stay.
    fn take_due<C: Consumer>(
        &mut self,
        start: u64,
        length: u64,
        run: Run<'_>,
        out: &mut Outlet<'_, C>,
    ) {
        let end = start + length;
        let mut seen_before = self.length.min(end) - start;
        self.count_hole_filled(run, seen_before, length, out);
        while self.length < end {
            let stop = self.held_front().map_or(end, |front| front.min(end));
            if self.length < stop {
                let bytes = slice(run.payload, self.length - start, stop - start);
                self.hand_on(bytes, stop - self.length, run.at, out);
            }
            let before = self.length;
            if !self.release_front(out) {
                break;
            }
            seen_before += self.length.min(end).saturating_sub(before);
        }
        while self.release_front(out) {}
        self.count_duplicate(seen_before, out);
    }

    /// A run that begins after the next byte: it is held, unless it is clear that the hole before
    /// it will not be filled or there is no room.
    fn take_early<C: Consumer>(
        &mut self,
        start: u64,
        length: u64,
        run: Run<'_>,
        out: &mut Outlet<'_, C>,
    ) {
        let limits = out.limits;
        let aside = self.aside.get_or_insert_default();
        let cost = run.payload.len() as u64 + Limits::HELD_SEGMENT_COST;
        let has_room = aside.held.cost() + cost <= limits.held_bytes
            && aside.held.len() < limits.held_segments
            && out.counters.held_bytes + cost <= limits.held_bytes_total;
        let is_final = aside.acknowledged >= start;
        if has_room && !is_final {
            if aside.held.is_empty() && aside.fin.is_none() {
                aside.since = run.at;
            }
            let before = aside.held.cost();
            let added = aside.held.insert(start, length, run.payload, run.at);
            out.counters.held_bytes += aside.held.cost() - before;
            out.counters.held_bytes_peak =
                out.counters.held_bytes_peak.max(out.counters.held_bytes);
            out.counters.held_segments += 1;
            self.count_duplicate(length - added, out);
            self.expire(run.at, out);
            return;
        }
        out.counters.held_refused += u64::from(!is_final);
        self.settle(start, 0, run.at, out);
        self.take_due(start, length, run, out);
    }

    /// A run that begins before the first known byte: only what lies after it can be new.
    fn take_tail_of_early<C: Consumer>(
        &mut self,
        run: Run<'_>,
        ahead: i32,
        out: &mut Outlet<'_, C>,
    ) {
        let early = u64::from(ahead.unsigned_abs()) - self.length;
        let length = u64::from(run.length);
        let cut = early.min(length);
        out.counters.duplicate_bytes += cut;
        if cut > 0 && (cut == length || self.length == 0) {
            // Else what follows finds more bytes seen before and counts the segment.
            out.retransmitted();
        }
        if early > length {
            return;
        }
        let rest = Run { payload: slice(run.payload, cut, length), ..run };
        self.take_at(0, length - cut, rest, out);
    }

    /// A run that is too far from the next byte to belong here.
    fn stray<C: Consumer>(&mut self, run: Run<'_>, out: &mut Outlet<'_, C>) -> Verdict {
        let aside = self.aside.get_or_insert_default();
        if run.length > 0 && aside.stray == Some(run.sequence) {
            return Verdict::Foreign;
        }
        aside.stray = Some(run.sequence.wrapping_add(run.length));
        out.counters.out_of_window += 1;
        out.counters.out_of_window_bytes += u64::from(run.length);
        Verdict::Taken
    }

    /// Remembers where the stream ends. The first FIN counts; one that lies in the past is stale.
    fn note_end(&mut self, end: u64, at: Timestamp) {
        if end < self.length {
            return;
        }
        let aside = self.aside.get_or_insert_default();
        if aside.fin.is_none() {
            if aside.held.is_empty() {
                aside.since = at;
            }
            aside.fin = Some((end, at));
        }
    }

    /// Makes every hole before `until` final. A live tap knows that `lost` of the bytes were lost
    /// and skipped the rest; a capture just lacks them.
    fn settle<C: Consumer>(
        &mut self,
        until: u64,
        lost: u64,
        at: Timestamp,
        out: &mut Outlet<'_, C>,
    ) {
        let held = self.aside.as_ref().map_or(0, |aside| aside.held.covered_before(until));
        let holes = until.saturating_sub(self.length).saturating_sub(held);
        let lost = if out.connection.live { lost } else { u64::MAX };
        let mut skipped_left = holes.saturating_sub(lost);
        while self.length < until {
            let stop = self.held_front().map_or(until, |front| front.min(until));
            let hole = stop.saturating_sub(self.length);
            let skipped = skipped_left.min(hole);
            skipped_left -= skipped;
            self.miss(skipped, MissingReason::Skipped, at, out);
            self.miss(hole - skipped, MissingReason::Lost, at, out);
            if !self.release_front(out) && hole == 0 {
                break;
            }
        }
        while self.release_front(out) {}
        if let Some(aside) = &mut self.aside {
            aside.since = aside.held.front().map_or(aside.since, |front| front.at);
        }
    }

    /// Hands on the first held piece if its turn has come.
    fn release_front<C: Consumer>(&mut self, out: &mut Outlet<'_, C>) -> bool {
        if self.held_front().is_none_or(|front| front > self.length) {
            return false;
        }
        let Some(piece) = self.aside.as_mut().and_then(|aside| aside.held.pop_front()) else {
            return false;
        };
        out.counters.held_bytes -= piece.cost();
        let from = self.length - piece.start;
        if from < piece.length {
            let bytes = slice(&piece.payload, from, piece.length);
            self.hand_on(bytes, piece.length - from, piece.at, out);
        }
        true
    }

    /// Ends the stream if all of it was handed on, and drops what is not needed aside any more.
    fn tidy<C: Consumer>(&mut self, out: &mut Outlet<'_, C>) {
        let Some(aside) = &self.aside else { return };
        if let Some((end, at)) = aside.fin
            && end <= self.length
        {
            out.counters.held_bytes -= aside.held.cost();
            out.counters.late_bytes += aside.held.covered_before(u64::MAX);
            self.aside = None;
            self.ended = true;
            out.end(at);
        } else if aside.held.is_empty()
            && aside.fin.is_none()
            && aside.stray.is_none()
            && aside.acknowledged <= self.length
        {
            self.aside = None;
        }
    }

    /// Hands on the next `length` bytes of which `bytes` were captured.
    #[inline]
    fn hand_on<C: Consumer>(
        &mut self,
        bytes: &[u8],
        length: u64,
        at: Timestamp,
        out: &mut Outlet<'_, C>,
    ) {
        let captured = bytes.len() as u64;
        self.advance(captured, out);
        out.bytes(bytes, at);
        if captured < length {
            self.miss(length - captured, MissingReason::Skipped, at, out);
        }
    }

    fn miss<C: Consumer>(
        &mut self,
        bytes: u64,
        reason: MissingReason,
        at: Timestamp,
        out: &mut Outlet<'_, C>,
    ) {
        self.advance(bytes, out);
        out.missing(bytes, reason, at);
    }

    #[inline]
    fn advance<C: Consumer>(&mut self, bytes: u64, out: &mut Outlet<'_, C>) {
        self.length += bytes;
        self.next = self.next.wrapping_add(bytes as u32);
        out.connection.next_sequence[out.direction.index()] = self.next;
    }

    /// How far `sequence` lies after the next byte.
    const fn distance(&self, sequence: u32) -> i32 {
        sequence.wrapping_sub(self.next).cast_signed()
    }

    fn held_front(&self) -> Option<u64> {
        self.aside.as_ref()?.held.front().map(|piece| piece.start)
    }

    /// Where the first hole ends; `None` if there is no hole.
    fn hole_end(&self) -> Option<u64> {
        let aside = self.aside.as_ref()?;
        let fin = aside.fin.map(|(end, _)| end);
        let front = aside.held.front().map(|piece| piece.start);
        front.or(fin).filter(|end| *end > self.length)
    }

    /// Bytes at the end that only an acknowledgment tells of. One byte may stand for a FIN that
    /// was not seen, and more than a window is not believed.
    fn unseen_tail<C: Consumer>(&self, out: &Outlet<'_, C>) -> u64 {
        let reached = self.aside.as_ref().map_or(0, |aside| aside.acknowledged);
        let tail = reached.saturating_sub(self.length);
        let believed = tail > 1 && tail <= u64::from(out.limits.trust_window);
        if believed && !out.connection.live { tail } else { 0 }
    }

    fn count_duplicate<C: Consumer>(&self, bytes: u64, out: &mut Outlet<'_, C>) {
        if bytes > 0 {
            out.counters.duplicate_bytes += bytes;
            out.retransmitted();
        }
    }

    /// A run without a known byte that fills an old hole was sent again after its first copy was
    /// lost on the way here.
    fn count_hole_filled<C: Consumer>(
        &self,
        run: Run<'_>,
        seen_before: u64,
        length: u64,
        out: &mut Outlet<'_, C>,
    ) {
        let Some(aside) = &self.aside else { return };
        let fills = seen_before == 0 && length > 0 && !aside.held.is_empty();
        if fills && run.at.since_ns(aside.since) >= REORDER_NS {
            out.retransmitted();
        }
    }
}
