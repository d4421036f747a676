//! Keys and what they do: one list, from which the help page and the footer derive.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Cursor up by this many rows.
    Up(usize),
    /// Cursor down by this many rows.
    Down(usize),
    /// Into the row under the cursor.
    Open,
    /// Out again.
    Back,
    /// Close what is open, else clear the filter, else back.
    Escape,
    /// Sort by the next column.
    SortNext,
    /// Sort by the column of this number, from 0; again: turn the order round.
    SortBy(usize),
    /// Sort by the column of this letter; again: turn the order round.
    SortByLetter(char),
    /// Turn the order round.
    Reverse,
    /// Start typing a filter.
    Filter,
    /// Hold the picture, or let it go on.
    Pause,
    /// Show or hide the edges.
    Edges,
    /// Edges as a tree, or as a list.
    Tree,
    /// The live exchanges of the row under the cursor.
    Exchanges,
    /// The row of this number, from 0; again: into it.
    Point(usize),
    /// Numbers over a shorter time.
    Shorter,
    /// Numbers over a longer time.
    Longer,
    /// Show or hide the help page.
    Help,
    /// Leave.
    Quit,
    /// A character of the filter.
    Type(char),
    /// Take the last character of the filter away.
    Erase,
    /// Take the whole filter away and go on typing.
    EraseAll,
    /// Keep the filter and stop typing.
    Accept,
}

/// What the keyboard is for at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Every key is a command.
    Command,
    /// Letters go into the filter.
    Typing,
}

/// Some keys that do one thing.
pub(crate) struct Binding {
    keys: &'static [KeyCode],
    /// As written on the help page.
    pub(crate) label: &'static str,
    /// What they do.
    pub(crate) action: Action,
    /// In words; empty if the line above says it.
    pub(crate) about: &'static str,
    /// In one word for the footer; empty if it is not shown there.
    pub(crate) short: &'static str,
}

/// Rows that one page key moves.
const PAGE: usize = 10;
/// Further than any table is long.
const FAR: usize = 1 << 20;

const OPEN: &[KeyCode] = &[KeyCode::Enter, KeyCode::Right, KeyCode::Char('l')];
/// The equals sign is the plus without shift.
const LONGER: &[KeyCode] = &[KeyCode::Char('+'), KeyCode::Char('=')];

/// Every key but digits and shifted letters, in the order of the help page.
#[rustfmt::skip]
pub(crate) const BINDINGS: &[Binding] = &[
    bind(&[KeyCode::Up, KeyCode::Char('k')], "↑ k", Action::Up(1), "up", ""),
    bind(&[KeyCode::Down, KeyCode::Char('j')], "↓ j", Action::Down(1), "down", ""),
    bind(&[KeyCode::PageUp], "PgUp", Action::Up(PAGE), "ten up", ""),
    bind(&[KeyCode::PageDown], "PgDn", Action::Down(PAGE), "ten down", ""),
    bind(&[KeyCode::Home, KeyCode::Char('g')], "Home g", Action::Up(FAR), "to the first", ""),
    bind(&[KeyCode::End, KeyCode::Char('G')], "End G", Action::Down(FAR), "to the last", ""),
    bind(OPEN, "enter → l", Action::Open, "into the row", "open"),
    bind(&[KeyCode::Left, KeyCode::Char('h')], "← h", Action::Back, "back", ""),
    bind(&[KeyCode::Esc], "esc", Action::Escape, "clear the filter, else back", "back"),
    bind(&[KeyCode::Char('e')], "e", Action::Edges, "edges: who calls whom", "edges"),
    bind(&[KeyCode::Char('t')], "t", Action::Tree, "edges as a tree or a list", "tree"),
    bind(&[KeyCode::Char('x')], "x", Action::Exchanges, "live exchanges of the row", "live"),
    bind(&[KeyCode::Char('s')], "s", Action::SortNext, "sort by the next column", ""),
    bind(&[KeyCode::Char('r')], "r", Action::Reverse, "turn the order round", ""),
    bind(&[KeyCode::Char('/')], "/", Action::Filter, "filter: service=cart latency>1s", "filter"),
    bind(&[KeyCode::Char('-')], "-", Action::Shorter, "numbers over a shorter time", ""),
    bind(LONGER, "+", Action::Longer, "numbers over a longer time", ""),
    bind(&[KeyCode::Char(' ')], "space", Action::Pause, "hold the picture", "pause"),
    bind(&[KeyCode::Char('?'), KeyCode::F(1)], "? F1", Action::Help, "this page", "help"),
    bind(&[KeyCode::Char('q')], "q ^C", Action::Quit, "quit", "quit"),
];

const fn bind(
    keys: &'static [KeyCode],
    label: &'static str,
    action: Action,
    about: &'static str,
    short: &'static str,
) -> Binding {
    Binding { keys, label, action, about, short }
}

impl Binding {
    /// The first of its keys as written, for the footer.
    pub(crate) fn first_label(&self) -> &'static str {
        self.label.split(' ').next().unwrap_or(self.label)
    }
}

/// What a key event asks for; `None` if nothing.
pub fn action(key: KeyEvent, mode: Mode) -> Option<Action> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
    if is_control && key.code == KeyCode::Char('c') {
        return Some(Action::Quit);
    }
    match mode {
        Mode::Typing => typed(key.code, is_control),
        Mode::Command if is_control || key.modifiers.contains(KeyModifiers::ALT) => None,
        Mode::Command => command(key.code),
    }
}

fn typed(code: KeyCode, is_control: bool) -> Option<Action> {
    match code {
        KeyCode::Char('u' | 'w') if is_control => Some(Action::EraseAll),
        KeyCode::Char('h') if is_control => Some(Action::Erase),
        KeyCode::Char(_) if is_control => None,
        KeyCode::Char(character) => Some(Action::Type(character)),
        KeyCode::Backspace => Some(Action::Erase),
        KeyCode::Enter => Some(Action::Accept),
        KeyCode::Esc => Some(Action::Escape),
        KeyCode::Up => Some(Action::Up(1)),
        KeyCode::Down => Some(Action::Down(1)),
        _ => None,
    }
}

fn command(code: KeyCode) -> Option<Action> {
    if let Some(binding) = BINDINGS.iter().find(|binding| binding.keys.contains(&code)) {
        return Some(binding.action);
    }
    match code {
        KeyCode::Char('0') => Some(Action::SortBy(9)),
        KeyCode::Char(digit @ '1'..='9') => Some(Action::SortBy(digit as usize - '1' as usize)),
        KeyCode::Char(letter @ 'A'..='Z') => Some(Action::SortByLetter(letter)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(code: KeyCode, modifiers: KeyModifiers, mode: Mode) -> Option<Action> {
        action(KeyEvent::new(code, modifiers), mode)
    }

    #[test]
    fn commands_are_found_and_strangers_do_nothing() {
        let cases = [
            (KeyCode::Char('j'), Some(Action::Down(1))),
            (KeyCode::Right, Some(Action::Open)),
            (KeyCode::Char('1'), Some(Action::SortBy(0))),
            (KeyCode::Char('0'), Some(Action::SortBy(9))),
            (KeyCode::Char('R'), Some(Action::SortByLetter('R'))),
            (KeyCode::Char('G'), Some(Action::Down(FAR))),
            (KeyCode::Char('z'), None),
            (KeyCode::Tab, None),
        ];
        for (code, expected) in cases {
            assert_eq!(press(code, KeyModifiers::NONE, Mode::Command), expected, "{code:?}");
        }
        assert_eq!(press(KeyCode::Char('q'), KeyModifiers::ALT, Mode::Command), None);
    }

    #[test]
    fn while_typing_letters_are_letters_and_control_c_still_quits() {
        let none = KeyModifiers::NONE;
        let control = KeyModifiers::CONTROL;
        let cases = [
            (KeyCode::Char('q'), none, Some(Action::Type('q'))),
            (KeyCode::Char('?'), none, Some(Action::Type('?'))),
            (KeyCode::Backspace, none, Some(Action::Erase)),
            (KeyCode::Enter, none, Some(Action::Accept)),
            (KeyCode::Char('u'), control, Some(Action::EraseAll)),
            (KeyCode::Char('x'), control, None),
            (KeyCode::Char('c'), control, Some(Action::Quit)),
        ];
        for (code, modifiers, expected) in cases {
            assert_eq!(press(code, modifiers, Mode::Typing), expected, "{code:?}");
        }
    }

    #[test]
    fn no_key_is_bound_twice_and_g_sorts_nothing() {
        let keys: Vec<_> = BINDINGS.iter().flat_map(|binding| binding.keys).collect();
        for (place, key) in keys.iter().enumerate() {
            assert!(!keys.iter().skip(place + 1).any(|other| other == key), "{key:?}");
        }
    }

    #[test]
    fn letting_a_key_go_is_nothing() {
        let mut key = KeyEvent::new(KeyCode::Char('q'), KeyModifiers::NONE);
        key.kind = KeyEventKind::Release;
        assert_eq!(action(key, Mode::Command), None);
    }
}
