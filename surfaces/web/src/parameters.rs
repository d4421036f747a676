//! What stands behind the `?` of a request, each value read or refused with what is accepted.

use axum::extract::Query as Pairs;
use axum::http::{StatusCode, Uri};
use model::Filter;
use model::filter::{Rows, nearest};

use crate::limits::PARAMETERS_MAX;
use crate::problem::Problem;
use crate::window::Window;

/// The parameters of one request, each once, all of them known to the resource.
pub(crate) struct Parameters {
    pairs: Vec<(String, String)>,
}

impl Parameters {
    /// Reads what stands behind the `?`. A name that is not in `accepted` is refused, for a
    /// misspelt filter that is ignored answers another question.
    pub(crate) fn read(uri: &Uri, accepted: &[&str]) -> Result<Self, Problem> {
        let read = Pairs::<Vec<(String, String)>>::try_from_uri(uri);
        let Ok(Pairs(pairs)) = read else {
            return Err(refused("the parameters cannot be read: encode them as name=value&…"));
        };
        if pairs.len() > PARAMETERS_MAX {
            return Err(refused(format!("more than {PARAMETERS_MAX} parameters")));
        }
        for (i, (name, _)) in pairs.iter().enumerate() {
            if !accepted.contains(&name.as_str()) {
                return Err(unknown(name, accepted));
            }
            if pairs[..i].iter().any(|(earlier, _)| earlier == name) {
                return Err(refused(format!("{name} is given twice: give it once")));
            }
        }
        Ok(Self { pairs })
    }

    /// The value of a parameter, if it was given.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        let pair = self.pairs.iter().find(|(given, _)| given == name);
        pair.map(|(_, value)| value.as_str())
    }

    /// `window`: seconds the answer covers.
    pub(crate) fn window(&self) -> Result<Window, Problem> {
        Window::parse(self.text("window"))
    }

    /// `filter`: which rows to keep; without it, all.
    pub(crate) fn filter(&self, rows: Rows) -> Result<Filter, Problem> {
        let text = self.text("filter").unwrap_or_default();
        Filter::parse_for(rows, text).map_err(|error| refused(format!("filter: {error}")))
    }

    /// A whole number in `range`, or `otherwise` if it was not given.
    pub(crate) fn number(
        &self,
        name: &str,
        range: std::ops::RangeInclusive<u64>,
        otherwise: u64,
    ) -> Result<u64, Problem> {
        let Some(text) = self.text(name) else {
            return Ok(otherwise);
        };
        // `parse` alone would take a leading `+`.
        let is_plain = text.bytes().all(|byte| byte.is_ascii_digit());
        match text.parse() {
            Ok(number) if is_plain && range.contains(&number) => Ok(number),
            _ => {
                let (low, high) = (range.start(), range.end());
                let reason = format!(
                    "{name} {:?} is not accepted: give a whole number from {low} to {high}",
                    shown(text)
                );
                Err(refused(reason))
            }
        }
    }
}

/// Enough to recognise what was sent; the rest of a long value helps nobody.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(40).collect()
}

/// A request that was not understood.
pub(crate) fn refused(reason: impl Into<String>) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, reason)
}

fn unknown(name: &str, accepted: &[&str]) -> Problem {
    let hint = match nearest(name, accepted.iter().copied()) {
        Some(near) => format!("did you mean {near}? "),
        None => String::new(),
    };
    let known = match accepted {
        [] => "there is none here".to_owned(),
        _ => format!("there are {}", accepted.join(" ")),
    };
    refused(format!("unknown parameter {:?}: {hint}{known}", shown(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Parameters, Problem> {
        let uri = format!("/api/v1/x?{query}").parse().expect("a target");
        Parameters::read(&uri, &["filter", "limit"])
    }

    #[test]
    fn known_parameters_are_read_and_others_are_refused() {
        let read_well = read("filter=service%3Dcart+error&limit=7").unwrap_or_else(|_| panic!());
        assert_eq!(read_well.text("filter"), Some("service=cart error"));
        assert_eq!(read_well.number("limit", 1..=9, 3), Ok(7));
        assert_eq!(read_well.number("offset", 0..=9, 3), Ok(3));
        assert!(read_well.number("limit", 1..=6, 3).is_err());
        let many = "limit=1&".repeat(17);
        for wrong in ["fliter=a", "limit=1&limit=2", "x", many.as_str()] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        for wrong in ["limit=", "limit=-1", "limit=%2B1", "limit=1.0", "limit=99999999999999999999"]
        {
            assert!(read(wrong).is_ok_and(|p| p.number("limit", 0..=u64::MAX, 1).is_err()));
        }
        for wrong in ["filter=latency%3E1", "filter=coverage%3E1"] {
            assert!(read(wrong).is_ok_and(|p| p.filter(Rows::Exchanges).is_err()), "{wrong}");
        }
    }
}
