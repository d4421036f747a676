//! Names for programs that run another program: interpreters.
//!
//! What each interpreter's command line looks like is data; the rules of a language and its
//! frameworks come in a file below this one.

use super::command::Command;
use super::words::last_part;
use crate::resolve::Named;

pub(super) mod dotnet;
pub(super) mod erlang;
pub(super) mod java;
pub(super) mod node;
pub(super) mod perl;
pub(super) mod php;
pub(super) mod python;
pub(super) mod ruby;

/// How the command line of one family of interpreters is read.
struct Interpreter {
    /// Base names without version.
    programs: &'static [&'static str],
    /// Letters of short flags that take a value, joined or as the next argument.
    short_values: &'static str,
    /// Letters of short flags that take code; no script follows.
    short_code: &'static str,
    /// Letter of the flag that names a module to run.
    module: Option<char>,
    /// Letter of the flag that names the script itself.
    script: Option<char>,
    /// Long flags whose value is the next argument.
    long_values: &'static [&'static str],
    /// Words before the script that are no script.
    subcommands: &'static [&'static str],
    /// The rules of its scripts.
    rules: Rules,
}

/// Gives the name of a script or module that is run with these words behind it.
type Rules = fn(&Command<'_>, Program<'_>, &[&str]) -> Option<Named>;

/// What every row starts from.
const PLAIN: Interpreter = Interpreter {
    programs: &[],
    short_values: "",
    short_code: "",
    module: None,
    script: None,
    long_values: &[],
    subcommands: &[],
    rules: |command, program, _| program.by_path(command, "script"),
};

const INTERPRETERS: &[Interpreter] = &[
    Interpreter {
        programs: &["python", "python2", "python3", "pypy", "pypy2", "pypy3"],
        short_values: "WX",
        short_code: "c",
        module: Some('m'),
        long_values: &["--check-hash-based-pycs"],
        rules: python::name,
        ..PLAIN
    },
    Interpreter {
        programs: &["node", "nodejs"],
        short_values: "rC",
        short_code: "ep",
        long_values: &[
            "--conditions",
            "--import",
            "--loader",
            "--require",
            "--env-file",
            "--title",
            "--experimental-loader",
            "--inspect-port",
        ],
        rules: node::name,
        ..PLAIN
    },
    Interpreter {
        programs: &["bun"],
        short_values: "rc",
        short_code: "ep",
        long_values: &["--config", "--cwd", "--preload", "--env-file", "--port"],
        subcommands: &["run", "x"],
        rules: node::bun,
        ..PLAIN
    },
    Interpreter {
        programs: &["deno"],
        short_values: "cL",
        long_values: &["--config", "--import-map", "--env-file", "--port", "--host", "--cert"],
        subcommands: &["run", "serve", "task", "start"],
        rules: node::deno,
        ..PLAIN
    },
    Interpreter {
        programs: &["ruby", "jruby", "truffleruby"],
        short_values: "CEIr",
        short_code: "e",
        rules: ruby::name,
        ..PLAIN
    },
    Interpreter {
        programs: &["php", "php-cgi"],
        short_values: "cdz",
        short_code: "BEFRr",
        script: Some('f'),
        rules: php::name,
        ..PLAIN
    },
    Interpreter {
        programs: &["perl"],
        short_values: "I",
        short_code: "Ee",
        rules: perl::name,
        ..PLAIN
    },
    Interpreter {
        programs: &["bash", "sh", "dash", "zsh", "ksh", "ash"],
        short_values: "oO",
        short_code: "s",
        script: Some('c'),
        long_values: &["--rcfile", "--init-file"],
        rules: shell,
        ..PLAIN
    },
    Interpreter {
        programs: &["lua", "luajit", "texlua"],
        short_values: "l",
        short_code: "e",
        rules: |command, program, _| program.by_path(command, "lua script"),
        ..PLAIN
    },
    Interpreter {
        programs: &["Rscript", "R"],
        short_values: "g",
        short_code: "e",
        script: Some('f'),
        rules: |command, program, _| program.by_path(command, "r script"),
        ..PLAIN
    },
    Interpreter {
        programs: &["julia", "tclsh", "wish", "guile", "racket", "raku", "gawk", "mawk", "awk"],
        short_values: "JLv",
        short_code: "eE",
        script: Some('f'),
        long_values: &["--project", "--threads"],
        ..PLAIN
    },
    Interpreter {
        programs: &["dart", "escript", "elixir", "groovy", "scala", "runghc", "ocaml", "pwsh"],
        short_code: "e",
        subcommands: &["run"],
        ..PLAIN
    },
];

/// What a command line asks an interpreter to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Program<'a> {
    Script(&'a str),
    Module(&'a str),
}

impl Program<'_> {
    fn by_path(self, command: &Command<'_>, reason: &'static str) -> Option<Named> {
        match self {
            Program::Script(path) => command.by_path(path, reason),
            Program::Module(module) => Some(Named::new(module, reason)),
        }
    }
}

/// The name of what an interpreter runs. The outer `None` means that it is no interpreter, the
/// inner one that it runs nothing with a name.
pub(super) fn name(command: &Command<'_>) -> Option<Option<Named>> {
    let is_it = |row: &&Interpreter| row.programs.contains(&command.program.as_str());
    let interpreter = INTERPRETERS.iter().find(is_it)?;
    Some(interpreter.named(command))
}

/// True for a program that says nothing about what it runs.
pub(super) fn is_interpreter(program: &str) -> bool {
    INTERPRETERS.iter().any(|row| row.programs.contains(&program))
}

/// The name of a script that stands where a program should: its ending tells the language.
pub(super) fn by_ending(command: &Command<'_>, path: &str) -> Option<Named> {
    let (_, ending) = last_part(path).rsplit_once('.')?;
    let rules: Rules = match ending {
        "py" => python::name,
        "js" | "mjs" | "cjs" | "ts" | "mts" | "tsx" => node::name,
        "rb" => ruby::name,
        "php" => php::name,
        "pl" | "psgi" => perl::name,
        "sh" => shell,
        _ => return None,
    };
    rules(command, Program::Script(path), &command.words)
}

/// A script's name, or that of the last command of a text.
fn shell(command: &Command<'_>, program: Program<'_>, _: &[&str]) -> Option<Named> {
    match program {
        Program::Script(text) if text.contains(' ') => command.shell(text),
        _ => program.by_path(command, "shell script"),
    }
}

impl Interpreter {
    fn named(&self, command: &Command<'_>) -> Option<Named> {
        let (program, rest) = self.program(&command.words)?;
        if let Program::Script(path) = program
            && let Some(named) = command.within(last_part(path), rest)
        {
            return Some(named);
        }
        (self.rules)(command, program, rest)
    }

    /// Reads the words up to the script; gives it with what follows.
    fn program<'w, 'a>(&self, words: &'w [&'a str]) -> Option<(Program<'a>, &'w [&'a str])> {
        let mut at = 0;
        let mut subcommand_allowed = true;
        loop {
            let word = *words.get(at)?;
            at += 1;
            let rest = words.get(at..).unwrap_or_default();
            if word == "--" {
                let script = Program::Script(rest.first()?);
                return Some((script, rest.get(1..).unwrap_or_default()));
            }
            if word.starts_with("--") {
                at += usize::from(self.long_values.contains(&word));
            } else if word.starts_with(['-', '+']) {
                // A script from standard input has no name.
                if word.len() == 1 {
                    return None;
                }
                match self.short_flags(word, rest.first().copied())? {
                    Short::Nothing => {}
                    Short::TookNext => at += 1,
                    Short::Found(program, took_next) => {
                        at += usize::from(took_next);
                        return Some((program, words.get(at..).unwrap_or_default()));
                    }
                }
            } else if subcommand_allowed && self.subcommands.contains(&word) {
                subcommand_allowed = false;
            } else {
                return (!word.is_empty()).then_some((Program::Script(word), rest));
            }
        }
    }

    /// One cluster such as `-Eu` or `-mhttp.server`; `None` means that no script follows.
    fn short_flags<'a>(&self, cluster: &'a str, next: Option<&'a str>) -> Option<Short<'a>> {
        for (at, letter) in cluster.char_indices().skip(1) {
            let joined = cluster.get(at + letter.len_utf8()..).unwrap_or_default();
            if self.short_code.contains(letter) {
                return None;
            }
            let is_module = self.module == Some(letter);
            let is_script = self.script == Some(letter);
            if is_module || is_script || self.short_values.contains(letter) {
                let took_next = joined.is_empty();
                let value = if took_next { next? } else { joined };
                return Some(match (is_module, is_script, took_next) {
                    (true, _, _) => Short::Found(Program::Module(value), took_next),
                    (_, true, _) => Short::Found(Program::Script(value), took_next),
                    (_, _, true) => Short::TookNext,
                    (_, _, false) => Short::Nothing,
                });
            }
        }
        Some(Short::Nothing)
    }
}

/// What a cluster of short flags said.
enum Short<'a> {
    Nothing,
    TookNext,
    Found(Program<'a>, bool),
}
