//! The `window` parameter: how many seconds an answer covers.

use axum::extract::FromRequestParts;
use axum::extract::Query as Parameters;
use axum::http::StatusCode;
use axum::http::request::Parts;
use serde::Deserialize;

use crate::limits::{WINDOW_DEFAULT_S, WINDOW_MAX_S};
use crate::problem::Problem;

/// Seconds an answer covers, 0 to [`WINDOW_MAX_S`]; 0 means since the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Window(pub(crate) f64);

#[derive(Deserialize)]
struct Asked {
    window: Option<String>,
}

impl Window {
    /// Reads the value of the parameter; none gives the default.
    fn parse(asked: Option<&str>) -> Result<Self, Problem> {
        let Some(text) = asked else {
            return Ok(Self(WINDOW_DEFAULT_S));
        };
        match text.parse::<f64>() {
            Ok(seconds) if (0.0..=WINDOW_MAX_S).contains(&seconds) => Ok(Self(seconds)),
            _ => Err(refusal(text)),
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Window {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let asked = Parameters::<Asked>::try_from_uri(&parts.uri)
            .map_err(|_| refusal(parts.uri.query().unwrap_or_default()))?;
        Self::parse(asked.0.window.as_deref())
    }
}

fn refusal(text: &str) -> Problem {
    // Enough to recognise what was sent; the rest of a long value helps nobody.
    let shown: String = text.chars().take(40).collect();
    let reason = format!(
        "window {shown:?} is not accepted: give it once, as seconds from 0 to {WINDOW_MAX_S}, \
         for example ?window=60; 0 means since the start"
    );
    Problem::new(StatusCode::BAD_REQUEST, reason)
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
