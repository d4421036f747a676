//! The text people type after `/`.

/// Longest filter; longer input is ignored.
const LENGTH_MAX: usize = 64;

/// Keeps rows that hold every word of it; a leading `!` keeps the others instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    text: String,
}

impl Filter {
    /// As typed.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// True if nothing is typed.
    pub(crate) const fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Adds a character at the end.
    pub(crate) fn push(&mut self, typed: char) {
        if self.text.chars().count() < LENGTH_MAX && !typed.is_control() {
            self.text.push(typed);
        }
    }

    /// Takes the last character away.
    pub(crate) fn pop(&mut self) {
        self.text.pop();
    }

    /// Takes everything away.
    pub(crate) fn clear(&mut self) {
        self.text.clear();
    }

    /// True if a row with these words stays. Case does not matter.
    pub(crate) fn keeps(&self, row: &str) -> bool {
        let row = row.to_lowercase();
        let wanted = self.text.to_lowercase();
        let (words, is_inverted) = match wanted.strip_prefix('!') {
            Some(words) => (words, true),
            None => (wanted.as_str(), false),
        };
        if words.trim().is_empty() {
            return true;
        }
        words.split_whitespace().all(|word| row.contains(word)) != is_inverted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_must_all_be_there_and_an_exclamation_mark_inverts() {
        let cases = [
            ("", true),
            ("!", true),
            ("CART", true),
            ("cart http", true),
            ("cart redis", false),
            ("!cart", false),
            ("! cart", false),
            ("!redis", true),
            ("!cart redis", true),
        ];
        for (text, kept) in cases {
            let filter = Filter { text: text.into() };
            assert_eq!(filter.keeps("shop/Cart http1"), kept, "{text:?}");
        }
    }

    #[test]
    fn typing_stops_at_the_limit() {
        let mut filter = Filter::default();
        for _ in 0..200 {
            filter.push('ä');
        }
        filter.push('\u{1b}');
        assert_eq!(filter.text().chars().count(), LENGTH_MAX);
    }
}
