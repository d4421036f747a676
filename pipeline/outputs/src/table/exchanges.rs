//! Exchanges as they happen: one line each, in columns that stay where they are.

use model::view::ExchangeRow;

use super::columns::{cut, plain};
use super::units;

/// Widths of the columns before the target, which takes the rest of the line.
const STATUS: usize = 9;
const DURATION: usize = 7;
const PROTOCOL: usize = 10;
const PARTIES: usize = 30;

/// Where a line goes.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Columns; `None`: nothing is cut at the end.
    pub width: Option<usize>,
    /// Whether outcomes have colours. They are told by words as well.
    pub coloured: bool,
}

/// How an exchange ended, as a colour (SGR, ECMA-48 §8.3.117).
const BAD: &str = "31";
const AT_FAULT: &str = "33";
const UNSURE: &str = "35";
const GOOD: &str = "32";

/// The titles that stand above the lines.
pub fn exchange_titles(screen: Screen) -> String {
    let line = format!(
        "{:<12}  {:<STATUS$}  {:>DURATION$}  {:<PROTOCOL$}  {:<PARTIES$}  OPERATION",
        "TIME (UTC)", "STATUS", "TOOK", "PROTOCOL", "WHO"
    );
    screen.width.map_or(line.clone(), |width| cut(&line, width))
}

/// One exchange as a line, without its end.
pub fn exchange_line(row: &ExchangeRow, screen: Screen) -> String {
    let status = status(row);
    let duration = row.duration_us.map_or("-".to_owned(), |us| units::duration_us(us as f64));
    let parties = plain(format!("{} → {}", row.peer, row.service));
    let kind = if row.kind == "request" { String::new() } else { format!(" ({})", row.kind) };
    let what = plain(format!("{} {}{kind}", row.operation, row.target));
    let before = format!("{:<12}  ", time(row.start_us));
    let behind = format!(
        "  {duration:>DURATION$}  {:<PROTOCOL$}  {:<PARTIES$}  {}",
        cut(&row.protocol, PROTOCOL),
        cut(&parties, PARTIES),
        what.trim(),
    );
    let room = screen.width.map(|width| width.saturating_sub(before.len() + STATUS));
    let behind = room.map_or(behind.clone(), |room| cut(&behind, room));
    let status = format!("{:<STATUS$}", cut(&status, STATUS));
    if screen.coloured {
        format!("{before}\x1b[{}m{status}\x1b[0m{behind}", colour(row))
    } else {
        format!("{before}{status}{behind}")
    }
}

/// Status code, or why there is none.
fn status(row: &ExchangeRow) -> String {
    match (&row.incomplete, row.status.as_str()) {
        (Some(reason), "") => reason.clone(),
        (None, "") => "-".to_owned(),
        (_, status) => plain(status.to_owned()),
    }
}

fn colour(row: &ExchangeRow) -> &'static str {
    if row.error || row.is_broken_off() {
        BAD
    } else if row.client_error {
        AT_FAULT
    } else if row.incomplete.is_some() {
        UNSURE
    } else {
        GOOD
    }
}

/// Time of day, UTC, to the millisecond.
fn time(start_us: Option<u64>) -> String {
    let Some(us) = start_us else { return "-".to_owned() };
    let ms = us / 1_000;
    let (hours, minutes, seconds) = (ms / 3_600_000 % 24, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{:03}", ms % 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row() -> ExchangeRow {
        ExchangeRow {
            kind: "request".to_owned(),
            protocol: "http1".to_owned(),
            operation: "GET".to_owned(),
            target: "/cart/{id}".to_owned(),
            status: "200".to_owned(),
            start_us: Some(1_700_000_000_123_456),
            duration_us: Some(12_345),
            service: "cart".to_owned(),
            peer: "web".to_owned(),
            ..ExchangeRow::default()
        }
    }

    #[test]
    fn columns_stay_where_they_are() {
        let open = Screen { width: None, coloured: false };
        let titles = exchange_titles(open);
        let line = exchange_line(&row(), open);
        assert_eq!(
            line,
            "22:13:20.123  200         12.3ms  http1       web → cart                      \
             GET /cart/{id}"
        );
        let column = |text: &str, word: &str| {
            text.split(word).next().map(|before| before.chars().count()).unwrap_or_default()
        };
        assert_eq!(column(&titles, "OPERATION"), column(&line, "GET"));
        let mut other = row();
        (other.service, other.status) = ("a".repeat(99), "E".repeat(99));
        assert_eq!(column(&exchange_line(&other, open), "GET"), column(&titles, "OPERATION"));
    }

    #[test]
    fn a_narrow_line_is_cut_and_colours_take_no_room() {
        let narrow = Screen { width: Some(60), coloured: false };
        assert_eq!(exchange_line(&row(), narrow).chars().count(), 60);
        let coloured = exchange_line(&row(), Screen { width: Some(60), coloured: true });
        assert!(coloured.contains("\x1b[32m200      \x1b[0m"), "{coloured:?}");
        assert_eq!(coloured.chars().count(), 60 + "\x1b[32m\x1b[0m".len());
    }

    #[test]
    fn outcomes_are_told_by_word_and_colour() {
        let cases = [
            (ExchangeRow { error: true, status: "503".into(), ..row() }, "503", BAD),
            (ExchangeRow { client_error: true, status: "404".into(), ..row() }, "404", AT_FAULT),
            (
                ExchangeRow { incomplete: Some("reset".into()), status: "".into(), ..row() },
                "reset",
                BAD,
            ),
            (
                ExchangeRow { incomplete: Some("gap".into()), status: "".into(), ..row() },
                "gap",
                UNSURE,
            ),
            (ExchangeRow { status: "".into(), ..row() }, "-", GOOD),
        ];
        for (row, word, sgr) in cases {
            assert_eq!((status(&row).as_str(), colour(&row)), (word, sgr));
        }
    }

    #[test]
    fn what_the_wire_says_cannot_move_the_cursor() {
        let row = ExchangeRow { target: "/\x1b[2J".to_owned(), ..row() };
        let line = exchange_line(&row, Screen { width: None, coloured: false });
        assert!(!line.contains('\x1b'), "{line:?}");
    }
}
