//! Exit codes of commands that failed.

use std::process::ExitCode;

use model::filter::FilterError;

use crate::config::Problems;

/// The exit code of the contract for an error: 2, 69, 77, 78, or 1.
pub(crate) fn exit_code(error: &anyhow::Error) -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Some(error) = error.downcast_ref::<capture::linux::TapError>() {
        return ExitCode::from(error.exit_code());
    }
    if error.downcast_ref::<Misread>().is_some() {
        return ExitCode::from(2);
    }
    if error.downcast_ref::<Problems>().is_some() {
        return ExitCode::from(78);
    }
    if error.downcast_ref::<NotHere>().is_some() {
        return ExitCode::from(69);
    }
    ExitCode::FAILURE
}

/// What this platform lacks.
#[derive(Debug)]
pub(super) struct NotHere(pub(super) &'static str);

impl std::fmt::Display for NotHere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} needs Linux in this version; `redsight replay` works everywhere", self.0)
    }
}

impl std::error::Error for NotHere {}

/// A filter or an order that was not understood.
#[derive(Debug)]
pub(super) struct Misread {
    text: String,
    error: FilterError,
}

impl Misread {
    /// Makes one of an error in `text`.
    pub(super) fn of(text: &str) -> impl FnOnce(FilterError) -> Self {
        let text = text.to_owned();
        |error| Self { text, error }
    }
}

impl std::fmt::Display for Misread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let pointed = self.error.pointed(&self.text).replace('\n', "\n  ");
        write!(f, "{}\n  {pointed}", self.error)
    }
}

impl std::error::Error for Misread {}
