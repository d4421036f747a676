//! Perl: PSGI servers and scripts.

use super::Program;
use crate::resolve::Named;
use crate::sources::command::Command;
use crate::sources::words::{last_part, operands, value};

/// Servers that run an application of the PSGI kind.
const SERVERS: &[&str] =
    &["plackup", "starman", "starlet", "twiggy", "corona", "feersum", "gazelle"];
/// Flags of theirs whose value is the next word.
const VALUED: &[&str] = &[
    "-p",
    "--port",
    "-o",
    "--host",
    "-s",
    "--server",
    "-E",
    "--env",
    "-l",
    "--listen",
    "-I",
    "-e",
    "-M",
    "--workers",
    "-w",
    "--pid",
    "-L",
    "--loader",
    "-R",
    "--user",
    "--group",
];

/// A PSGI application's name, else the script's.
pub(super) fn name(command: &Command<'_>, program: Program<'_>, rest: &[&str]) -> Option<Named> {
    let Program::Script(script) = program else {
        return None;
    };
    tool(command, last_part(script), rest).or_else(|| command.by_path(script, "perl script"))
}

/// Rules of tools of the language.
pub(crate) fn tool(command: &Command<'_>, program: &str, words: &[&str]) -> Option<Named> {
    match program {
        // Both run a script of the Mojolicious kind; the second starts itself anew without it.
        "morbo" | "hypnotoad" => {
            let valued = ["-l", "--listen", "-m", "--mode", "-w", "--watch", "-b", "--backend"];
            let kept = command.process.environment.get("HYPNOTOAD_APP");
            let script = kept.or_else(|| operands(words, &valued).first().copied());
            command.by_path(script?, "mojolicious application")
        }
        _ if SERVERS.contains(&program) => psgi(command, words),
        _ => None,
    }
}

/// The application file among the words; else `app.psgi` of the working directory, or the only file
/// there that may be it: `plackup` overwrites its arguments.
pub(in crate::sources) fn psgi(command: &Command<'_>, words: &[&str]) -> Option<Named> {
    const DEFAULT: &str = "app.psgi";
    let flagged = value(words, &["-a", "--app"]);
    let told = flagged.or_else(|| operands(words, VALUED).into_iter().next());
    if let Some(file) = told {
        return command.by_path(file, "psgi application");
    }
    let mut files = command.files.list(&command.directory);
    files.retain(|name| name.ends_with(".psgi"));
    let only = match files.as_slice() {
        [only] => only.as_str(),
        _ => DEFAULT,
    };
    command.by_path(only, "psgi application")
}
