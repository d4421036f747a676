//! The `window` parameter: how many seconds an answer covers.

use crate::limits::{WINDOW_DEFAULT_S, WINDOW_MAX_S};
use crate::parameters::{refused, shown};
use crate::problem::Problem;

/// Seconds an answer covers, 0 to [`WINDOW_MAX_S`]; 0 means since the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window(pub(crate) f64);

impl Window {
    /// Reads the value of the parameter; none gives the default.
    pub(crate) fn parse(asked: Option<&str>) -> Result<Self, Problem> {
        let Some(text) = asked else {
            return Ok(Self(WINDOW_DEFAULT_S));
        };
        match text.parse::<f64>() {
            Ok(seconds) if (0.0..=WINDOW_MAX_S).contains(&seconds) => Ok(Self(seconds)),
            _ => Err(refused(format!(
                "window {:?} is not accepted: give it as seconds from 0 to {WINDOW_MAX_S}, for \
                 example ?window=60; 0 means since the start",
                shown(text)
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_and_everything_else_is_refused() {
        let accepted = [
            (None, WINDOW_DEFAULT_S),
            (Some("60"), 60.0),
            (Some("0"), 0.0),
            (Some("0.5"), 0.5),
            (Some("86400"), 86_400.0),
        ];
        for (text, seconds) in accepted {
            assert_eq!(Window::parse(text), Ok(Window(seconds)), "{text:?}");
        }
        for text in ["", "-1", "1m", "60s", "NaN", "inf", "86401", "1e99", "0x10"] {
            assert!(Window::parse(Some(text)).is_err(), "{text:?}");
        }
    }
}
