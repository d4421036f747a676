//! The text people type after `/`: the grammar of `tail`.

use model::filter::{Fields, Filter, FilterError};

/// Longest filter; longer input is ignored.
const LENGTH_MAX: usize = 120;

/// What is typed, and as much of it as makes sense, which is in force.
#[derive(Clone, Debug, Default)]
pub(crate) struct TypedFilter {
    text: String,
    filter: Filter,
    error: Option<FilterError>,
}

impl TypedFilter {
    /// As typed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What is wrong with it, if anything.
    pub(crate) const fn error(&self) -> Option<&FilterError> {
        self.error.as_ref()
    }

    /// True if nothing is typed.
    pub(crate) const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Adds a character at the end.
    pub(crate) fn push(&mut self, typed: char) {
        if self.text.chars().count() < LENGTH_MAX && !typed.is_control() {
            self.text.push(typed);
            self.read();
        }
    }

    /// Takes the last character away.
    pub(crate) fn pop(&mut self) {
        self.text.pop();
        self.read();
    }

    /// Takes everything away.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// True if a row stays.
    pub(crate) fn keeps(&self, row: &dyn Fields) -> bool {
        self.filter.keeps(row)
    }

    fn read(&mut self) {
        match Filter::parse(&self.text) {
            Ok(filter) => {
                self.filter = filter;
                self.error = None;
            }
            Err(error) => {
                let whole = self.text.rsplit_once(' ').map_or("", |(terms, _)| terms);
                self.filter = Filter::parse(whole).unwrap_or_default();
                self.error = Some(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use model::view::ExchangeRow;

    use super::*;

    fn typed(text: &str) -> TypedFilter {
        let mut filter = TypedFilter::default();
        text.chars().for_each(|character| filter.push(character));
        filter
    }

    #[test]
    fn a_term_that_is_not_whole_yet_leaves_those_before_it_in_force() {
        let row =
            ExchangeRow { service: "cart".into(), status: "503".into(), ..Default::default() };
        let filter = typed("service=cart status>=");
        assert!(filter.error().is_some() && filter.keeps(&row));
        let filter = typed("service=cart status>=500");
        assert!(filter.error().is_none() && filter.keeps(&row));
        assert!(!typed("service=cart status<500").keeps(&row));
        assert!(typed("").is_empty() && typed("").keeps(&row));
    }

    #[test]
    fn typing_stops_at_the_limit() {
        let filter = typed(&("ä".repeat(LENGTH_MAX + 80) + "\u{1b}"));
        assert_eq!(filter.text().chars().count(), LENGTH_MAX);
    }
}
