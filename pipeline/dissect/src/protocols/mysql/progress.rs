//! How far the answer to a command has come, and what its next packet means.
//!
//! ```text
//! Result:   First ── columns ──▶ Definitions ──▶ Defined ── EOF or row ──▶ Rows ── end ──▶ First
//!             ├── OK, error: the end, unless another result follows                         or end
//!             └── 0xfb ──▶ Loading ── the client's empty packet ──▶ First
//! Prepare:  First ── OK ──▶ Definitions (parameters) ──▶ Defined ──▶ Definitions (columns) ──▶ …
//! ```

use super::command::Form;
use super::frame::{self, CURSOR_EXISTS, LENGTH_MAX, MORE_RESULTS};

/// How far an answer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// A result begins.
    First,
    /// So many definitions are still to come, and `next` more after those of a `Prepare`.
    Definitions { left: u32, next: u32 },
    /// All of them are there; an EOF may follow, as the capabilities have it.
    Defined { next: u32 },
    /// Rows, or definitions of a list without a count.
    Rows,
    /// The client sends a file.
    Loading,
    /// Packets are missing: only an error tells the end for sure.
    Lost,
}

/// What a packet does to an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It cannot stand here.
    Bad,
    /// The answer goes on.
    Goes(Progress),
    /// The answer ends, well.
    Ends,
    /// The answer ends here unless more follows.
    MayEnd(Progress),
    /// The answer ends with this error.
    Fails(u16),
}

/// A packet of an answer: its length and as much of it as was looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) length: usize,
    pub(super) body: &'a [u8],
}

impl Progress {
    /// What `packet` means here. `deprecate_eof` is what the capabilities say, if known, and is
    /// learned from the first packet that tells.
    pub(super) fn next(
        self,
        form: Form,
        packet: Packet<'_>,
        deprecate_eof: &mut Option<bool>,
    ) -> Turn {
        let Packet { length, body } = packet;
        let Some(first) = body.first() else {
            return Turn::Bad;
        };
        if *first == 0xff && form != Form::Text {
            return match frame::error_number(body) {
                Some(frame::PROGRESS_REPORT) => Turn::Goes(self),
                Some(number) => Turn::Fails(number),
                None => Turn::Bad,
            };
        }
        let is_end = *first == 0xfe && length < LENGTH_MAX;
        match (self, form) {
            (_, Form::Login) => match first {
                0 => Turn::Ends,
                _ => Turn::Goes(self),
            },
            (_, Form::Nothing) => Turn::Bad,
            (_, Form::Text | Form::Stream) => Turn::Ends,
            (_, Form::Whatever) => Turn::MayEnd(Self::Lost),
            (_, Form::Simple) if is_end => Turn::Ends,
            (_, Form::Simple) => match (*first, frame::ok_flags(body)) {
                (0, Some(_)) => Turn::Ends,
                _ => Turn::Bad,
            },
            (Self::Lost, _) if is_end => Turn::MayEnd(self),
            (Self::Lost, _) => Turn::Goes(self),
            (Self::First, Form::Prepare) => prepared(body, *deprecate_eof),
            (Self::Definitions { left, next }, _) => {
                if is_end || *first == 0 {
                    return Turn::Bad;
                }
                defined(form, left - 1, next, *deprecate_eof)
            }
            (Self::Defined { next }, _) if frame::is_eof(body, length) => {
                *deprecate_eof = Some(false);
                let flags = frame::end_flags(body, length);
                match (form, next) {
                    (Form::Prepare, 0) => Turn::Ends,
                    (Form::Prepare, _) => Turn::Goes(Self::Definitions { left: next, next: 0 }),
                    _ if flags & CURSOR_EXISTS != 0 => Turn::Ends,
                    _ => Turn::Goes(Self::Rows),
                }
            }
            (Self::Defined { next }, Form::Prepare) => {
                *deprecate_eof = Some(true);
                match next.checked_sub(1) {
                    Some(left) => defined(form, left, 0, *deprecate_eof),
                    None => Turn::Bad,
                }
            }
            (Self::Defined { .. }, _) => {
                *deprecate_eof = Some(true);
                Self::Rows.next(form, packet, deprecate_eof)
            }
            (Self::First, Form::Fetch | Form::Fields) | (Self::Rows, _) if is_end => {
                more(frame::end_flags(body, length))
            }
            (Self::First, Form::Fetch | Form::Fields) | (Self::Rows, _) => Turn::Goes(Self::Rows),
            (Self::First | Self::Loading, Form::Result) => result(*first, body, length),
            (Self::Loading, Form::Prepare | Form::Fetch | Form::Fields) => Turn::Bad,
        }
    }
}

/// The first packet of a result.
fn result(first: u8, body: &[u8], length: usize) -> Turn {
    match first {
        0 if length >= 3 => frame::ok_flags(body).map_or(Turn::Bad, more),
        0xfb => Turn::Goes(Progress::Loading),
        0xfe if length < 9 => more(frame::end_flags(body, length)),
        _ => match frame::columns(body, length) {
            Some((left, true)) => Turn::Goes(Progress::Definitions { left, next: 0 }),
            Some((_, false)) => Turn::Goes(Progress::Defined { next: 0 }),
            None => Turn::Bad,
        },
    }
}

/// A result is over.
const fn more(flags: u16) -> Turn {
    if flags & MORE_RESULTS == 0 { Turn::Ends } else { Turn::Goes(Progress::First) }
}

fn prepared(body: &[u8], deprecate_eof: Option<bool>) -> Turn {
    let Some(ok) = frame::prepare_ok(body) else {
        return Turn::Bad;
    };
    match (ok.parameters, ok.columns) {
        (0, 0) => Turn::Ends,
        (0, left) => Turn::Goes(Progress::Definitions { left, next: 0 }),
        (left, next) => match deprecate_eof {
            // Nothing stands between the two lists.
            Some(true) => Turn::Goes(Progress::Definitions { left: left + next, next: 0 }),
            Some(false) | None => Turn::Goes(Progress::Definitions { left, next }),
        },
    }
}

/// A definition has passed.
const fn defined(form: Form, left: u32, next: u32, deprecate_eof: Option<bool>) -> Turn {
    let is_prepare = matches!(form, Form::Prepare);
    match (left, deprecate_eof) {
        (1.., _) => Turn::Goes(Progress::Definitions { left, next }),
        (0, Some(true)) if is_prepare && next == 0 => Turn::Ends,
        (0, None) if is_prepare && next == 0 => Turn::MayEnd(Progress::Defined { next }),
        (0, _) => Turn::Goes(Progress::Defined { next }),
    }
}
