//! Names from titles: what programs write over their arguments.

use std::path::Path;

use super::command::Command;
use super::script::{self, node, perl, python, ruby};
use super::words::last_part;
use crate::resolve::Named;

/// Reason of the name of a pool, whose master holds the listeners of all of them.
pub(crate) const PHP_FPM_POOL: &str = "php-fpm pool";

/// One program's way to write its title.
struct Title {
    /// How the title begins.
    start: &'static str,
    /// Where the name stands in what follows.
    takes: Takes,
    reason: &'static str,
}

#[derive(Clone, Copy)]
enum Takes {
    /// Between the last brackets: a name.
    Brackets,
    /// Between the last brackets: a name, or an application as `module:attribute`.
    Application(&'static str),
    /// The word after so many others.
    Word(usize),
    /// A Ruby project: the folder of the configuration file that the title names, or the working
    /// directory.
    Ruby,
    /// The project in the folder that follows.
    Folder,
    /// A Node project: the `package.json` of the working directory.
    Package,
    /// Celery's: its arguments stand in parentheses.
    Celery,
    /// A Perl web server with its arguments behind.
    Psgi,
    /// No name, whatever follows.
    Nothing,
    /// Always this.
    Fixed(&'static str),
}

const fn title(start: &'static str, takes: Takes, reason: &'static str) -> Title {
    Title { start, takes, reason }
}

const TITLES: &[Title] = &[
    title("gunicorn: master [", Takes::Application("gunicorn app"), "gunicorn name"),
    title("gunicorn: worker [", Takes::Application("gunicorn app"), "gunicorn name"),
    title("[celeryd: ", Takes::Celery, "celery app"),
    title("[celery beat]", Takes::Celery, "celery app"),
    // PHP's default pool is called `www` on every host.
    title("php-fpm: pool www", Takes::Nothing, ""),
    title("php-fpm: pool ", Takes::Word(0), PHP_FPM_POOL),
    title("puma ", Takes::Brackets, "puma tag"),
    title("puma: ", Takes::Brackets, "puma tag"),
    title("thin server (", Takes::Brackets, "thin tag"),
    title("sidekiq ", Takes::Word(1), "sidekiq tag"),
    title("unicorn master", Takes::Ruby, "ruby project"),
    title("unicorn worker", Takes::Ruby, "ruby project"),
    title("unicorn_rails master", Takes::Ruby, "ruby project"),
    title("unicorn_rails worker", Takes::Ruby, "ruby project"),
    title("rainbows master", Takes::Ruby, "ruby project"),
    title("rainbows worker", Takes::Ruby, "ruby project"),
    title("pitchfork ", Takes::Ruby, "ruby project"),
    title("resque-", Takes::Ruby, "ruby project"),
    title("Passenger RubyApp: ", Takes::Folder, "passenger application"),
    title("Passenger NodeApp: ", Takes::Folder, "passenger application"),
    title("Passenger AppPreloader: ", Takes::Folder, "passenger application"),
    title("Passenger ", Takes::Fixed("passenger"), "executable"),
    title("next-server ", Takes::Package, "package.json"),
    title("next-router-worker", Takes::Package, "package.json"),
    title("next-render-worker", Takes::Package, "package.json"),
    title("npm ", Takes::Package, "package.json"),
    title("PM2 ", Takes::Fixed("pm2"), "executable"),
    title("starman master", Takes::Psgi, "psgi application"),
    title("starman worker", Takes::Psgi, "psgi application"),
    title("starlet ", Takes::Psgi, "psgi application"),
];

/// The name that a title gives.
pub(super) fn name(text: &str, command: &Command<'_>) -> Option<Named> {
    let rows = TITLES.iter().filter_map(|row| Some((row, text.strip_prefix(row.start)?)));
    let (row, rest) = rows.into_iter().next()?;
    let named = |name: &str| (!name.is_empty()).then(|| Named::new(name, row.reason));
    match row.takes {
        Takes::Nothing => None,
        Takes::Fixed(name) => named(name),
        Takes::Word(at) => {
            let word = rest.split_ascii_whitespace().nth(at).filter(|word| !word.starts_with('['));
            word.and_then(named).or_else(|| ruby::project(&command.directory, command.files))
        }
        Takes::Brackets => {
            let project = ruby::rails(&command.directory, command.files);
            project
                .or_else(|| named(bracketed(rest)?))
                .or_else(|| ruby::project(&command.directory, command.files))
        }
        Takes::Application(reason) => match bracketed(text)? {
            spec if spec.contains(':') => python::by_spec(spec, &command.directory, reason),
            name => named(name),
        },
        Takes::Ruby => {
            let words: Vec<&str> = rest.split_ascii_whitespace().collect();
            ruby::by_words(command, &words)
        }
        Takes::Folder => {
            let folder = rest.split(" (").next().unwrap_or(rest).trim();
            let project = ruby::rails(Path::new(folder), command.files);
            project
                .or_else(|| node::package_at(Path::new(folder), command.files))
                .or_else(|| command.by_folder(Path::new(folder), row.reason))
                .or_else(|| named(last_part(folder)))
        }
        Takes::Package => node::package_at(&command.directory, command.files)
            .or_else(|| command.by_folder(&command.directory, "node project")),
        Takes::Celery => {
            let inner = rest.rsplit_once('(').map_or(rest, |(_, inner)| inner);
            let words: Vec<&str> = inner.trim_end_matches(')').split_ascii_whitespace().collect();
            python::celery(command, &words)
        }
        Takes::Psgi => {
            let words: Vec<&str> = rest.split_ascii_whitespace().collect();
            perl::psgi(command, &words)
        }
    }
}

/// The word before a colon, of a program that an interpreter runs and that gave itself a title:
/// `orders: worker 3`. Better than the interpreter's name, and than nothing else.
pub(super) fn own(text: &str, program: &str) -> Option<Named> {
    let (word, _) = text.split_once(": ").filter(|_| script::is_interpreter(program))?;
    let is_name = word.starts_with(|c: char| c.is_alphabetic())
        && word.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    is_name.then(|| Named::new(word, "process title"))
}

/// What stands between the last brackets.
fn bracketed(text: &str) -> Option<&str> {
    let (_, rest) = text.rsplit_once('[')?;
    let (inner, _) = rest.split_once(']')?;
    (!inner.is_empty()).then_some(inner)
}
