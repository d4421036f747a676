//! Text with `*` in it, compared without regard to the case of ASCII letters.

/// A text to find: whole or anywhere, with `*` for any characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// What stands between the stars, in order.
    pieces: Vec<String>,
    /// The whole text must fit, not a part of it.
    is_whole: bool,
}

impl Pattern {
    /// `text` as typed: a `*` stands for any characters.
    pub(super) fn with_stars(text: &str, is_whole: bool) -> Self {
        Self { pieces: text.split('*').map(str::to_owned).collect(), is_whole }
    }

    /// `text` to the letter: what stood in quotes.
    pub(super) fn literal(text: &str, is_whole: bool) -> Self {
        Self { pieces: vec![text.to_owned()], is_whole }
    }

    /// True if `text` fits.
    pub(super) fn fits(&self, text: &str) -> bool {
        let mut rest = text.as_bytes();
        let Some((last, pieces)) = self.pieces.split_last() else {
            return true;
        };
        for (i, piece) in pieces.iter().enumerate() {
            let piece = piece.as_bytes();
            let found = if i == 0 && self.is_whole {
                starts_with(rest, piece).then_some(0)
            } else {
                find(rest, piece)
            };
            let Some(at) = found else {
                return false;
            };
            rest = &rest[at + piece.len()..];
        }
        let last = last.as_bytes();
        match (self.is_whole, pieces.is_empty()) {
            (true, true) => rest.eq_ignore_ascii_case(last),
            (true, false) => ends_with(rest, last),
            (false, _) => find(rest, last).is_some(),
        }
    }
}

fn starts_with(text: &[u8], piece: &[u8]) -> bool {
    text.get(..piece.len()).is_some_and(|start| start.eq_ignore_ascii_case(piece))
}

fn ends_with(text: &[u8], piece: &[u8]) -> bool {
    let start = text.len().checked_sub(piece.len());
    start.is_some_and(|start| text[start..].eq_ignore_ascii_case(piece))
}

/// Where `piece` first stands in `text`. Both are short: a field of a row, a word of a filter.
fn find(text: &[u8], piece: &[u8]) -> Option<usize> {
    if piece.is_empty() {
        return Some(0);
    }
    text.windows(piece.len()).position(|window| window.eq_ignore_ascii_case(piece))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stand_for_any_characters() {
        let cases = [
            ("cart", "cart", true, true),
            ("cart", "Cart", true, true),
            ("cart", "carts", true, false),
            ("cart", "carts", false, true),
            ("", "", true, true),
            ("", "a", true, false),
            ("*", "", true, true),
            ("*", "anything", true, true),
            ("/cart/*", "/cart/{id}", true, true),
            ("/cart/*", "/carts", true, false),
            ("*:6379", "10.0.0.1:6379", true, true),
            ("a*b*c", "abc", true, true),
            ("a*b*c", "a-b-c-c", true, true),
            ("a*b*c", "acb", true, false),
            ("ab*ba", "aba", true, false),
            ("sel*from", "SELECT x FROM y", false, true),
            ("ü", "über", false, true),
        ];
        for (pattern, text, is_whole, fits) in cases {
            let read = Pattern::with_stars(pattern, is_whole);
            assert_eq!(read.fits(text), fits, "{pattern:?} {text:?} whole: {is_whole}");
        }
        assert!(Pattern::literal("select *", true).fits("SELECT *"));
        assert!(!Pattern::literal("select *", true).fits("select 1"));
    }
}
