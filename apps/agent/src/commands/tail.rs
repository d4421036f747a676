//! `redsight tail`: exchanges of a running agent as they happen.

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Result;
use model::Filter;
use model::filter::Rows;
use model::view::{ExchangeRow, ExchangesAsked};
use outputs::table::{Screen, exchange_line, exchange_titles};

use super::exit::Misread;
use crate::cli::{Color, TailArgs};
use crate::remote::Remote;

/// Time between two questions. The agent keeps 4,096 exchanges: at 10,000 a second none is missed.
const PAUSE: Duration = Duration::from_millis(150);
/// A worker sees within two ticks of 100 ms that somebody looks on.
const ATTENTION: Duration = Duration::from_millis(250);
/// Exchanges asked for at once: as many as the agent keeps.
const ROWS_MAX: usize = 4_096;

/// Prints until Ctrl-C, until the reader is gone, or until there were as many as asked for.
pub(super) fn run(arguments: &TailArgs) -> Result<ExitCode> {
    let filter = arguments.filter.join(" ");
    let filter = Filter::parse_for(Rows::Exchanges, &filter).map_err(Misread::of(&filter))?;
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let remote = Remote::new(arguments.agent.connect);
    let mut asked = ExchangesAsked { after: None, filter, limit: 0 };
    remote.exchanges(&asked)?;
    thread::sleep(ATTENTION);
    asked.after = Some(remote.exchanges(&asked)?.next);
    eprintln!("redsight: exchanges on {} from now on", arguments.agent.connect);
    let mut printer = Printer::new(arguments);
    let (mut left, mut missed) = (arguments.count.unwrap_or(u64::MAX), 0);
    while left > 0 && !stop.load(Ordering::Relaxed) {
        asked.limit = usize::try_from(left).unwrap_or(ROWS_MAX).min(ROWS_MAX);
        let answer = remote.exchanges(&asked)?;
        asked.after = Some(answer.next);
        if answer.missed > 0 {
            missed += answer.missed;
            eprintln!("redsight: {} exchanges were too many at once to show", answer.missed);
        }
        match printer.print(&answer.rows) {
            Ok(()) => {}
            // `tail | head` ends so.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => break,
            Err(error) => return Err(error.into()),
        }
        left -= answer.rows.len() as u64;
        if left > 0 && answer.rows.len() < asked.limit {
            thread::sleep(PAUSE);
        }
    }
    if missed > 0 {
        eprintln!("redsight: {missed} exchanges were not shown");
    }
    Ok(ExitCode::SUCCESS)
}

/// Standard output, for people or for programs.
struct Printer {
    json: bool,
    screen: Screen,
    has_titles: bool,
}

impl Printer {
    fn new(arguments: &TailArgs) -> Self {
        let is_terminal = std::io::stdout().is_terminal();
        let width = is_terminal.then(super::replay::terminal_width);
        let coloured = is_coloured(arguments.color, is_terminal);
        Self {
            json: arguments.json,
            screen: Screen { width, coloured },
            has_titles: arguments.json || !is_terminal,
        }
    }

    fn print(&mut self, rows: &[ExchangeRow]) -> std::io::Result<()> {
        let mut out = std::io::BufWriter::new(std::io::stdout().lock());
        for row in rows {
            if self.json {
                writeln!(out, "{}", line(row)?)?;
                continue;
            }
            if !std::mem::replace(&mut self.has_titles, true) {
                writeln!(out, "{}", exchange_titles(self.screen))?;
            }
            writeln!(out, "{}", exchange_line(row, self.screen))?;
        }
        out.flush()
    }
}

/// The line of `run --json`: the row without its number, which comes first.
fn line(row: &ExchangeRow) -> std::io::Result<String> {
    let text = serde_json::to_string(row)?;
    Ok(match text.split_once(',') {
        Some((_, rest)) => format!("{{{rest}"),
        None => text,
    })
}

/// What was asked for, else what the terminal and the habits of the environment say
/// (no-color.org, bixense.com/clicolors).
fn is_coloured(color: Color, is_terminal: bool) -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if is_set("NO_COLOR") => false,
        Color::Auto if is_set("CLICOLOR_FORCE") => true,
        Color::Auto => is_terminal && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_the_row_without_its_number() {
        let row = ExchangeRow { id: 77, kind: "request".to_owned(), ..ExchangeRow::default() };
        let text = line(&row).expect("it is JSON");
        assert!(text.starts_with("{\"kind\":\"request\",\"protocol\":"), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).expect("it is still JSON");
        assert!(read.get("id").is_none() && read.get("peer").is_some(), "{text}");
    }
}
