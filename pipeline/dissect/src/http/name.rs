//! Field names, as far as they matter: no cookie and no credential is one of them.

use crate::rider;

/// A field name, as far as it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Authority,
    Method,
    Path,
    Scheme,
    Status,
    Protocol,
    ContentType,
    /// Of a rider: its outcome, and how long its caller waits.
    Outcome,
    Patience,
    /// Known, and of no interest.
    Other,
    /// It stands in an entry that we did not see.
    Unknown,
}

/// What a table entry stands for: the name, and the value if it is wanted and known.
pub(crate) type Field<'a> = (Name, Option<&'a [u8]>);

impl Name {
    /// How many are of interest: those before [`Name::Other`].
    pub(crate) const WANTED: usize = Self::Other as usize;

    /// The name on the wire.
    pub(crate) fn of(name: &[u8]) -> Self {
        match name {
            b":authority" => Self::Authority,
            b":method" => Self::Method,
            b":path" => Self::Path,
            b":scheme" => Self::Scheme,
            b":status" => Self::Status,
            b":protocol" => Self::Protocol,
            b"content-type" => Self::ContentType,
            _ if rider::all().any(|rider| rider.outcome_field == name) => Self::Outcome,
            _ if rider::all().any(|rider| rider.patience_field == name) => Self::Patience,
            _ => Self::Other,
        }
    }

    /// True if a value of this name is worth keeping.
    pub(crate) const fn is_wanted(self) -> bool {
        (self as usize) < Self::WANTED
    }
}
