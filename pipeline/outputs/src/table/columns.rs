//! Columns of text and numbers lined up: as wide as what they hold, the last text takes what is
//! left.

/// Blanks between columns.
const GAP: usize = 2;
/// A column that has to yield is not cut below this.
const TEXT_MIN: usize = 12;

/// How a column is lined up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text; where there is no room it is cut, the widest such column first.
    Left,
    /// Numbers.
    Right,
}

/// Titles and rows.
#[derive(Debug)]
pub struct Columns<const N: usize> {
    aligns: [Align; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Columns<N> {
    /// No rows yet.
    pub fn new(titles: [(&str, Align); N]) -> Self {
        let aligns = titles.map(|(_, align)| align);
        Self { aligns, rows: vec![titles.map(|(title, _)| title.to_owned())] }
    }

    /// Adds a row; control characters are replaced.
    pub fn push(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(plain));
    }

    /// The table as text, at most `width` columns wide where that is possible.
    pub fn render(&self, width: usize) -> String {
        let widths = self.widths(width);
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, width), align) in row.iter().zip(widths).zip(self.aligns) {
                if !line.is_empty() {
                    line.push_str(&" ".repeat(GAP));
                }
                let cell = cut(cell, width);
                match align {
                    Align::Left => line.push_str(&format!("{cell:<width$}")),
                    Align::Right => line.push_str(&format!("{cell:>width$}")),
                }
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }

    fn widths(&self, width: usize) -> [usize; N] {
        let mut widths = [0; N];
        for row in &self.rows {
            for (column, cell) in widths.iter_mut().zip(row) {
                *column = (*column).max(cell.chars().count());
            }
        }
        let gaps = GAP * N.saturating_sub(1);
        let mut surplus = (widths.iter().sum::<usize>() + gaps).saturating_sub(width);
        while surplus > 0 {
            let yielding = widths.iter_mut().zip(self.aligns);
            let widest = yielding.filter(|(_, align)| *align == Align::Left);
            let Some((widest, _)) = widest.max_by_key(|(width, _)| **width) else { break };
            if *widest <= TEXT_MIN {
                break;
            }
            *widest -= 1;
            surplus -= 1;
        }
        widths
    }
}

/// Without control characters: names may come from the wire, and a terminal obeys what it prints.
pub(super) fn plain(text: String) -> String {
    if text.contains(char::is_control) { text.replace(char::is_control, "?") } else { text }
}

/// The first `width` characters; the last of them says if there were more.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(1));
    kept.chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_widest_text_yields_and_control_characters_are_not_printed() {
        let mut columns =
            Columns::new([("NAME", Align::Left), ("WHY", Align::Left), ("COUNT", Align::Right)]);
        columns.push(["a".repeat(40), "short".to_owned(), "7".to_owned()]);
        columns.push(["b\x1b[2J".to_owned(), String::new(), "12345".to_owned()]);
        let expected = "NAME                WHY    COUNT\n\
                        aaaaaaaaaaaaaaaaa…  short      7\n\
                        b?[2J                      12345\n";
        assert_eq!(columns.render(32), expected);
        assert!(columns.render(200).contains(&"a".repeat(40)));
    }
}
