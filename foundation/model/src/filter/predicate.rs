//! The filter itself: conditions that must all hold.

use std::fmt;
use std::str::FromStr;

use super::error::FilterError;
use super::fields::Fields;
use super::grammar;
use super::key::{KEYS, Rows};
use super::term::Term;

/// Conditions on rows, all of which must hold. The default keeps everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    text: String,
    terms: Vec<Term>,
}

impl Filter {
    /// Reads a filter for any kind of row.
    ///
    /// # Errors
    /// Says what is wrong, where, and what would be accepted.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        Ok(Self { text: text.to_owned(), terms: grammar::read(text)? })
    }

    /// Reads a filter for one kind of row: a key that such rows do not have is an error.
    ///
    /// # Errors
    /// As [`Filter::parse`], and for a key that belongs to other rows.
    pub fn parse_for(rows: Rows, text: &str) -> Result<Self, FilterError> {
        let filter = Self::parse(text)?;
        match filter.misplaced(rows) {
            Some(error) => Err(error),
            None => Ok(filter),
        }
    }

    /// The first key that such rows do not have, as an error; without one, `None`.
    pub fn misplaced(&self, rows: Rows) -> Option<FilterError> {
        let misses = |term: &&Term| term.key().is_some_and(|k| !k.about().rows.contains(&rows));
        let term = self.terms.iter().find(misses)?;
        let about = term.key()?.about();
        let of: Vec<&str> = about.rows.iter().map(|rows| rows.as_str()).collect();
        let has = KEYS.iter().filter(|about| about.rows.contains(&rows));
        let has: Vec<&str> = has.map(|about| about.name).collect();
        let (at, length) = term.place;
        let message = format!(
            "{} is a key of {}; {} have {}",
            about.name,
            of.join(" and "),
            rows.as_str(),
            has.join(" ")
        );
        Some(FilterError { at, length, message })
    }

    /// True if the row fulfils every condition. A condition on a value that is not known, or that
    /// such rows do not have, does not hold; its negation does.
    pub fn keeps(&self, row: &dyn Fields) -> bool {
        self.terms.iter().all(|term| term.keeps(row))
    }

    /// True if it keeps everything because it has no condition.
    pub const fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// As it was typed.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        Self::parse(text)
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
impl Filter {
    /// How many conditions it has.
    pub(super) const fn terms(&self) -> usize {
        self.terms.len()
    }
}
