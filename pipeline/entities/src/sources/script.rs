//! Names for programs that run another program: interpreters and the Java machine.
//!
//! What each interpreter's command line looks like is data; rules of frameworks (application
//! servers, process managers, web frameworks) come beside this file, not into it.

use std::path::{Component, Path, PathBuf};

use crate::process::{Files, Process};
use crate::resolve::Named;
use crate::sources::executable;

mod java;

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
    /// Reason given for a script's name.
    reason: &'static str,
}

/// What every row starts from.
const PLAIN: Interpreter = Interpreter {
    programs: &[],
    short_values: "",
    short_code: "",
    module: None,
    script: None,
    long_values: &[],
    subcommands: &[],
    reason: "script",
};

const INTERPRETERS: &[Interpreter] = &[
    Interpreter {
        programs: &["python", "python2", "python3", "pypy", "pypy2", "pypy3"],
        short_values: "WX",
        short_code: "c",
        module: Some('m'),
        long_values: &["--check-hash-based-pycs"],
        reason: "python script",
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
        reason: "node script",
        ..PLAIN
    },
    Interpreter {
        programs: &["bun", "deno"],
        short_values: "r",
        short_code: "e",
        long_values: &["--config", "--cwd", "--preload"],
        subcommands: &["run", "serve", "start"],
        reason: "node script",
        ..PLAIN
    },
    Interpreter {
        programs: &["ruby", "jruby"],
        short_values: "CEIr",
        short_code: "e",
        reason: "ruby script",
        ..PLAIN
    },
    Interpreter {
        programs: &["php", "php-cgi"],
        short_values: "Scdtz",
        short_code: "BEFRr",
        script: Some('f'),
        reason: "php script",
        ..PLAIN
    },
    Interpreter {
        programs: &["perl"],
        short_values: "I",
        short_code: "Ee",
        reason: "perl script",
        ..PLAIN
    },
    Interpreter {
        programs: &["bash", "sh", "dash", "zsh", "ksh", "ash"],
        short_values: "oO",
        short_code: "cs",
        long_values: &["--rcfile", "--init-file"],
        reason: "shell script",
        ..PLAIN
    },
];

/// What a command line asks an interpreter to run.
#[derive(Debug, PartialEq, Eq)]
enum Program<'a> {
    Script(&'a str),
    Module(&'a str),
}

/// Script or module name; `package.json`'s name if it lies beside a JavaScript file.
pub fn name(process: &Process, files: &dyn Files) -> Option<Named> {
    let base = executable::base_name(process);
    if base == "java" {
        return java::name(process);
    }
    let is_it = |row: &&Interpreter| row.programs.contains(&base.as_str());
    let interpreter = INTERPRETERS.iter().find(is_it)?;
    match interpreter.program(process.argv.get(1..)?)? {
        Program::Module(module) => Some(Named::new(module, "python module")),
        Program::Script(script) => {
            let path = absolute(script, &process.directory);
            let packaged =
                (interpreter.reason == "node script").then(|| package(&path, files)).flatten();
            packaged
                .map(|name| Named::new(name, "package.json"))
                .or_else(|| Some(Named::new(told_by(&path)?, interpreter.reason)))
        }
    }
}

impl Interpreter {
    /// Reads the arguments up to the script.
    fn program<'a>(&self, arguments: &'a [String]) -> Option<Program<'a>> {
        let mut arguments = arguments.iter().map(String::as_str);
        let mut subcommand_allowed = true;
        while let Some(argument) = arguments.next() {
            if argument == "--" {
                return arguments.next().map(Program::Script);
            }
            if argument.starts_with("--") {
                if self.long_values.contains(&argument) {
                    arguments.next()?;
                }
            } else if argument.starts_with(['-', '+']) {
                if argument.len() == 1 {
                    // A script from standard input has no name.
                    return None;
                }
                if let Some(found) = self.short_flags(argument, &mut arguments)? {
                    return Some(found);
                }
            } else if subcommand_allowed && self.subcommands.contains(&argument) {
                subcommand_allowed = false;
            } else {
                let is_text = !argument.is_empty() && !argument.contains(' ');
                return is_text.then_some(Program::Script(argument));
            }
        }
        None
    }

    /// One cluster such as `-Eu` or `-mhttp.server`. The outer `None` means that no script follows.
    fn short_flags<'a>(
        &self,
        cluster: &'a str,
        rest: &mut impl Iterator<Item = &'a str>,
    ) -> Option<Option<Program<'a>>> {
        let letters = cluster.char_indices().skip(1);
        for (at, letter) in letters {
            let joined = cluster.get(at + letter.len_utf8()..).unwrap_or_default();
            if self.short_code.contains(letter) {
                return None;
            }
            let takes_value = self.short_values.contains(letter)
                || self.module == Some(letter)
                || self.script == Some(letter);
            if takes_value {
                let value = if joined.is_empty() { rest.next()? } else { joined };
                let is_module = self.module == Some(letter);
                let is_script = self.script == Some(letter);
                return Some(if is_module {
                    Some(Program::Module(value))
                } else {
                    is_script.then_some(Program::Script(value))
                });
            }
        }
        Some(None)
    }
}

/// Endings that belong to the language and not to the name.
const SUFFIXES: &[&str] = &[
    ".py", ".pyc", ".pyz", ".js", ".mjs", ".cjs", ".ts", ".rb", ".ru", ".php", ".phar", ".pl",
    ".sh", ".bash", ".jar", ".war",
];

/// File stems that say what a file does, not what the service is.
const GENERIC_STEMS: &[&str] = &[
    "__init__",
    "__main__",
    "app",
    "application",
    "artisan",
    "asgi",
    "bootstrap",
    "cli",
    "docker-entrypoint",
    "entrypoint",
    "index",
    "launch",
    "main",
    "manage",
    "program",
    "run",
    "serve",
    "server",
    "service",
    "start",
    "wsgi",
];

/// Folder names that say where a file lies, not what the service is.
const GENERIC_FOLDERS: &[&str] = &[
    "app",
    "application",
    "apps",
    "bin",
    "build",
    "code",
    "current",
    "data",
    "dist",
    "etc",
    "home",
    "html",
    "lib",
    "local",
    "main",
    "opt",
    "out",
    "public",
    "release",
    "releases",
    "root",
    "run",
    "sbin",
    "scripts",
    "server",
    "services",
    "src",
    "srv",
    "target",
    "tmp",
    "usr",
    "var",
    "work",
    "workspace",
    "www",
];

/// How many folders up a telling name is looked for.
const FOLDERS_MAX: usize = 2;

/// The file's stem, or the nearest telling folder if the stem tells nothing.
fn told_by(path: &Path) -> Option<String> {
    let file = path.file_name()?.to_str()?;
    let stem = SUFFIXES.iter().find_map(|suffix| file.strip_suffix(suffix)).unwrap_or(file);
    if GENERIC_STEMS.contains(&stem.to_ascii_lowercase().as_str()) {
        let folders = path.ancestors().skip(1).take(FOLDERS_MAX);
        if let Some(folder) = folders.into_iter().find_map(telling_folder) {
            return Some(folder.to_owned());
        }
    }
    (!stem.is_empty()).then(|| stem.to_owned())
}

/// The folder's name, unless it is a place every host has, a user's home or made by a machine.
fn telling_folder(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    let is_home = path.parent().is_some_and(|parent| parent.ends_with("home"));
    let is_made = name.starts_with(['.', '_'])
        || name.starts_with("tmp")
        || !name.contains(|c: char| c.is_ascii_alphabetic())
        || name.len() > 40;
    let is_generic = GENERIC_FOLDERS.contains(&name.to_ascii_lowercase().as_str());
    (!is_home && !is_made && !is_generic).then_some(name)
}

/// `name` of the `package.json` beside the file, or one folder up from a generic folder.
fn package(path: &Path, files: &dyn Files) -> Option<String> {
    let folder = path.parent()?;
    let above = folder.parent().filter(|_| telling_folder(folder).is_none());
    [Some(folder), above].into_iter().flatten().find_map(|folder| {
        let text = files.read(&folder.join("package.json"))?;
        let package: serde_json::Value = serde_json::from_str(&text).ok()?;
        let name = package.get("name")?.as_str()?.trim();
        (!name.is_empty()).then(|| name.to_owned())
    })
}

/// Joined to the working directory and freed of `.` and `..`, without asking the file system.
fn absolute(path: &str, directory: &str) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in Path::new(directory).join(path).components() {
        match part {
            Component::ParentDir => {
                whole.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => whole.push(part),
        }
    }
    whole
}
