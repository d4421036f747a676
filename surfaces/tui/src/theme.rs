//! Colours, by meaning. Everything they say is also said by a word, a sign or a number.

use ratatui::style::{Color, Modifier, Style};

/// A style for each meaning.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    /// Names and numbers that need no emphasis.
    pub(crate) text: Style,
    /// Zeros, units, hints.
    pub(crate) dim: Style,
    /// The program's name, keys, trends.
    pub(crate) accent: Style,
    /// Where we are, and headings.
    pub(crate) strong: Style,
    /// Heads of columns.
    pub(crate) heading: Style,
    /// The row under the cursor.
    pub(crate) selected: Style,
    /// All is well.
    pub(crate) good: Style,
    /// Worth a look.
    pub(crate) warning: Style,
    /// Wrong.
    pub(crate) bad: Style,
    /// A word that must not be missed, such as PAUSED.
    pub(crate) badge: Style,
}

impl Theme {
    /// Weight only, for `NO_COLOR` and terminals without colours.
    pub const fn plain() -> Self {
        let text = Style::new();
        let bold = text.add_modifier(Modifier::BOLD);
        Self {
            text,
            dim: text.add_modifier(Modifier::DIM),
            accent: text,
            strong: bold,
            heading: text.add_modifier(Modifier::UNDERLINED),
            selected: text.add_modifier(Modifier::REVERSED),
            good: text,
            warning: bold,
            bad: bold,
            badge: bold.add_modifier(Modifier::REVERSED),
        }
    }

    /// The terminal's own 16 colours, as its owner chose them.
    pub const fn sixteen() -> Self {
        let plain = Self::plain();
        Self {
            accent: plain.text.fg(Color::Cyan),
            good: plain.text.fg(Color::Green),
            warning: plain.text.fg(Color::Yellow),
            bad: plain.strong.fg(Color::Red),
            badge: plain.badge.fg(Color::Yellow),
            ..plain
        }
    }

    /// From the 256-colour table; readable on dark and light grounds.
    pub const fn many() -> Self {
        let plain = Self::plain();
        let ground = Color::Indexed(238);
        Self {
            dim: plain.text.fg(Color::Indexed(244)),
            accent: plain.text.fg(Color::Indexed(73)),
            heading: plain.heading.fg(Color::Indexed(244)),
            selected: plain.text.bg(ground).fg(Color::Indexed(255)),
            good: plain.text.fg(Color::Indexed(71)),
            warning: plain.text.fg(Color::Indexed(172)),
            bad: plain.strong.fg(Color::Indexed(167)),
            badge: plain.strong.bg(Color::Indexed(172)).fg(Color::Indexed(232)),
            ..plain
        }
    }

    /// What the environment asks for: `NO_COLOR` wins, then `COLORTERM` and `TERM` say how many.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
        let term = variable("TERM").unwrap_or_default();
        if is_set("NO_COLOR") || term == "dumb" {
            Self::plain()
        } else if is_set("COLORTERM") || term.contains("256color") {
            Self::many()
        } else {
            Self::sixteen()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_chooses_and_no_color_wins() {
        let cases: [(&[(&str, &str)], Theme); 6] = [
            (&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")], Theme::plain()),
            (&[("NO_COLOR", ""), ("TERM", "xterm-256color")], Theme::many()),
            (&[("TERM", "dumb")], Theme::plain()),
            (&[("TERM", "linux")], Theme::sixteen()),
            (&[("TERM", "xterm"), ("COLORTERM", "truecolor")], Theme::many()),
            (&[], Theme::sixteen()),
        ];
        for (environment, expected) in cases {
            let variable = |name: &str| {
                let found = environment.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            };
            let theme = Theme::detect(variable);
            assert_eq!(theme.bad, expected.bad, "{environment:?}");
        }
    }
}
