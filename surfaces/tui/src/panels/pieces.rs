//! Pieces of lines: text cut to its room, and lines that drop what has none.

use std::borrow::Cow;

use ratatui::text::{Line, Span};

use crate::theme::Theme;

/// Text cut to `width` columns of the terminal, with an ellipsis where it was cut. Control
/// characters, which could be meant for the terminal, become dots.
pub(crate) fn clip(text: &str, width: usize) -> String {
    let text: Cow<'_, str> = if text.contains(char::is_control) {
        text.replace(char::is_control, "·").into()
    } else {
        text.into()
    };
    if Span::raw(&*text).width() <= width {
        return text.into_owned();
    }
    let mut cut = String::new();
    let mut used = 0;
    for character in text.chars() {
        let mut buffer = [0; 4];
        used += Span::raw(&*character.encode_utf8(&mut buffer)).width();
        if used + 1 > width {
            break;
        }
        cut.push(character);
    }
    if width > 0 {
        cut.push('…');
    }
    cut
}

/// Text filled up with blanks to exactly `width` columns, cut if need be.
pub(crate) fn pad(text: &str, width: usize, to_right: bool) -> String {
    let text = clip(text, width);
    let blanks = " ".repeat(width.saturating_sub(Span::raw(&text).width()));
    if to_right { blanks + &text } else { text + &blanks }
}

/// A number and what it counts.
pub(crate) fn fact(number: String, what: &str, theme: &Theme) -> Vec<Span<'static>> {
    let what = if what.is_empty() { String::new() } else { format!(" {what}") };
    vec![Span::styled(number, theme.strong), Span::styled(what, theme.dim)]
}

/// Groups side by side, as many as fit into `width`; the last ones are dropped first.
pub(crate) fn row_of(groups: Vec<Vec<Span<'static>>>, gap: usize, width: usize) -> Line<'static> {
    let mut line = Line::default();
    for group in groups {
        let size: usize = group.iter().map(Span::width).sum();
        let before = if line.spans.is_empty() { 0 } else { gap };
        if line.width() + before + size > width {
            break;
        }
        line.push_span(Span::raw(" ".repeat(before)));
        line.extend(group);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_by_what_it_takes_on_the_screen() {
        let cases = [
            ("cart", 4, "cart"),
            ("checkout", 5, "chec…"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("a\u{1b}[31mb", 10, "a·[31mb"),
            ("cart", 0, ""),
        ];
        for (text, width, expected) in cases {
            assert_eq!(clip(text, width), expected, "{text:?} in {width}");
        }
        assert_eq!(pad("日本語", 5, false), "日本…");
        assert_eq!(pad("日本語", 4, true), " 日…");
    }
}
