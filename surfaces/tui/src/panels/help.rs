//! The help page over the table: every key, and what the columns of this table mean.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Padding, Paragraph};

use super::pieces::{clip, pad};
use crate::app::App;
use crate::columns::Column;
use crate::keys::BINDINGS;
use crate::theme::Theme;

/// Characters of the keys' half.
const KEYS: u16 = 38;
/// Characters of the page, borders included.
const WIDTH: u16 = 90;

/// Draws it over whatever is in `area`.
pub(crate) fn draw(frame: &mut Frame<'_>, area: Rect, app: &App, theme: &Theme) {
    let columns = app.columns();
    let rows = BINDINGS.len().max(columns.len() + 2);
    let place = centred(area, WIDTH, rows as u16 + 2);
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(theme.dim)
        .title(Span::styled(" keys and columns ", theme.strong))
        .title_bottom(Span::styled(" any key closes ", theme.dim))
        .padding(Padding::horizontal(1));
    let inside = block.inner(place);
    frame.render_widget(Clear, place);
    frame.render_widget(block, place);
    let halves = [Constraint::Length(KEYS), Constraint::Min(0)];
    let [left, right] = Layout::horizontal(halves).areas(inside);
    frame.render_widget(Paragraph::new(keys(theme)), left);
    frame.render_widget(Paragraph::new(meanings(columns, right.width, theme)), right);
}

fn keys(theme: &Theme) -> Vec<Line<'static>> {
    let line = |binding: &crate::keys::Binding| {
        Line::from(vec![
            Span::styled(pad(binding.label, 10, false), theme.accent),
            Span::styled(binding.about, theme.text),
        ])
    };
    BINDINGS.iter().map(line).collect()
}

/// The columns with the digit and the letter that sort by them.
fn meanings(columns: &[Column], width: u16, theme: &Theme) -> Vec<Line<'static>> {
    let say = |text: &'static str| Line::from(Span::styled(text, theme.dim));
    let mut lines = vec![say("sort by digit or letter;"), say("again: the other way round")];
    for (number, column) in columns.iter().enumerate() {
        let shape = column.shape();
        let digit = match number {
            0..=8 => char::from_digit(number as u32 + 1, 10).unwrap_or(' '),
            9 => '0',
            _ => ' ',
        };
        let digit = if shape.letter == ' ' { ' ' } else { digit };
        let room = usize::from(width).saturating_sub(15);
        lines.push(Line::from(vec![
            Span::styled(format!("{digit} {} ", shape.letter), theme.accent),
            Span::styled(pad(shape.title, 11, false), theme.strong),
            Span::styled(clip(shape.about, room), theme.text),
        ]));
    }
    lines
}

fn centred(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}
