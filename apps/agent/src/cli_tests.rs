//! The command line as people read it: every help text, on one committed page.

use clap::{Command, CommandFactory};

use super::Cli;
use crate::config::committed;

const HEAD: &str = "\
<!-- Written by `BLESS=1 cargo test -p redsight pages` from apps/agent/src/cli.rs; edit that. -->
# Commands

What `--help` says of each; `-h` is shorter. [Filters](filters.md) and
[configuration](configuration.md) have pages of their own.
";

/// The terminal of a person who reads help texts.
const COLUMNS: usize = 100;
const LINES_MAX: usize = 40;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn pages_of_commands_are_those_of_the_help_texts() {
    let mut page = HEAD.to_owned();
    each(&mut built(), &mut |name, command| {
        let help = command.render_long_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        page.push_str(&format!("\n## {name}\n```text\n{}\n```\n", lines.join("\n").trim()));
    });
    committed("docs/commands.md", &page);
}

#[test]
fn short_help_fits_a_screen_and_every_flag_is_explained() {
    each(&mut built(), &mut |name, command| {
        let short = command.render_help().to_string();
        assert!(short.lines().count() <= LINES_MAX, "{name} -h:\n{short}");
        for argument in command.get_arguments() {
            assert!(argument.get_help().is_some(), "{name}: {argument}");
        }
    });
}

/// The whole tree, as `main` would use it.
fn built() -> Command {
    let mut command = Cli::command().term_width(COLUMNS);
    command.build();
    command
}

/// Calls `look` with every command and the name it is called by.
fn each(command: &mut Command, look: &mut impl FnMut(&str, &mut Command)) {
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    look(&name, command);
    for sub in command.get_subcommands_mut().filter(|sub| sub.get_name() != "help") {
        each(sub, look);
    }
}
