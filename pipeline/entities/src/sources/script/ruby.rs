//! Ruby: Rails applications, web servers, job runners, scripts.

use std::path::{Path, PathBuf};

use super::Program;
use crate::process::Files;
use crate::resolve::Named;
use crate::sources::command::Command;
use crate::sources::telling::{self, absolute};
use crate::sources::words::{last_part, operands, value};

/// Programs that run the project in the working directory.
const PROJECT_TOOLS: &[&str] = &[
    "clockwork",
    "falcon",
    "good_job",
    "hanami",
    "iodine",
    "karafka",
    "passenger",
    "pitchfork",
    "puma",
    "pumactl",
    "rackup",
    "rails",
    "rainbows",
    "rake",
    "resque",
    "resque-web",
    "ridgepole",
    "shoryuken",
    "sidekiq",
    "solid_queue",
    "spring",
    "thin",
    "unicorn",
    "unicorn_rails",
];

/// Flags that name the project's folder or a configuration file within it: which letter does
/// which differs from server to server, the value tells.
const PLACE_FLAGS: &[&str] = &[
    "-C",
    "--chdir",
    "--dir",
    "--directory",
    "-c",
    "--config-file",
    "--config",
    "-r",
    "--require",
];
/// Endings of files among those values.
const FILE_ENDINGS: &[&str] = &[".rb", ".yml", ".yaml", ".ru"];
/// Flags of these programs whose value is the next word.
const VALUED: &[&str] = &[
    "-p",
    "--port",
    "-b",
    "--bind",
    "-o",
    "--host",
    "-e",
    "--environment",
    "-E",
    "--env",
    "-s",
    "--server",
    "-t",
    "--threads",
    "-w",
    "--workers",
    "-P",
    "--pid",
    "-a",
    "--address",
    "-q",
    "--queue",
    "-S",
    "--state",
    "-l",
    "--listen",
    "-I",
    "--include",
    "--tag",
];

/// Folders above a file in which the project is looked for.
const FOLDERS_MAX: usize = 3;
/// Folders of a project that hold its configuration and programs.
const INNER_FOLDERS: &[&str] = &["bin", "config", "script", "public", "current"];

/// A Rails application's or a project's name, else the script's.
pub(super) fn name(command: &Command<'_>, program: Program<'_>, rest: &[&str]) -> Option<Named> {
    let Program::Script(script) = program else {
        return None;
    };
    tool(command, last_part(script), rest).or_else(|| command.by_path(script, "ruby script"))
}

/// Rules of tools of the language.
pub(crate) fn tool(command: &Command<'_>, program: &str, words: &[&str]) -> Option<Named> {
    let program = program.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    if !PROJECT_TOOLS.contains(&program) {
        return None;
    }
    if let Some(tag) = value(words, &["--tag"]) {
        return Some(Named::new(tag, if program == "thin" { "thin tag" } else { "puma tag" }));
    }
    by_words(command, words)
}

/// The project that the words of a server name, else that of the working directory.
pub(in crate::sources) fn by_words(command: &Command<'_>, words: &[&str]) -> Option<Named> {
    let files = command.files;
    let places = PLACE_FLAGS.iter().filter_map(|flag| value(words, &[flag]));
    let places: Vec<&str> = places.filter(|place| place.contains(['/', '.'])).collect();
    let is_file = |place: &&&str| FILE_ENDINGS.iter().any(|ending| place.ends_with(ending));
    if let Some(folder) = places.iter().find(|place| !is_file(place)) {
        return project(&command.path(folder), files);
    }
    let flags: Vec<&str> = VALUED.iter().chain(PLACE_FLAGS).copied().collect();
    let rackup = operands(words, &flags).into_iter().find(|word| word.ends_with(".ru"));
    if let Some(file) = rackup.filter(|file| file.contains('/') || !is_config(file)) {
        let path = command.path(file);
        let named = telling::by_path(&path).filter(|_| !is_config(last_part(file)));
        let named = named.map(|name| Named::new(name, "rack application"));
        return named.or_else(|| project(path.parent()?, files));
    }
    let beside = places.iter().find(is_file).and_then(|file| home(&command.path(file)));
    let rails = beside.as_ref().and_then(|folder| rails(folder, files));
    rails
        .or_else(|| project(&command.directory, files))
        .or_else(|| project(beside.as_deref()?, files))
}

fn is_config(file: &str) -> bool {
    file == "config.ru"
}

/// The folder of the project that a file of its configuration lies in.
fn home(file: &Path) -> Option<PathBuf> {
    let folder = file.parent()?;
    let mut above = folder.ancestors().take(FOLDERS_MAX);
    let is_inner = |folder: &&Path| INNER_FOLDERS.iter().any(|inner| folder.ends_with(inner));
    above.find(|folder| !is_inner(folder)).map(Path::to_owned)
}

/// A Rails application's name, else the folder's.
pub(in crate::sources) fn project(folder: &Path, files: &dyn Files) -> Option<Named> {
    let by_folder = || Some(Named::new(telling::nearest_folder(folder)?, "ruby project"));
    rails(folder, files).or_else(by_folder)
}

/// The module around the application class in `config/application.rb`, in snake case.
pub(in crate::sources) fn rails(folder: &Path, files: &dyn Files) -> Option<Named> {
    let folders = folder.ancestors().take(FOLDERS_MAX);
    let mut texts = folders.filter_map(|f| files.read(&absolute("config/application.rb", f)));
    let text = texts.next()?;
    let module = text.lines().find_map(|line| line.trim_start().strip_prefix("module "))?;
    let module = module.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').next()?;
    (!module.is_empty()).then(|| Named::new(snake_case(module), "rails application"))
}

/// `HTTPShop::Cart` is `http_shop_cart`.
fn snake_case(module: &str) -> String {
    let letters: Vec<char> = module.replace("::", "_").chars().collect();
    let mut text = String::with_capacity(module.len() + 4);
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| letters.get(at));
        let is_after = |test: fn(&char) -> bool| before.is_some_and(test);
        let starts_word = letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        let is_edge = is_after(|c| c.is_lowercase() || c.is_ascii_digit())
            || is_after(|c| c.is_uppercase()) && starts_word;
        if letter.is_uppercase() && is_edge {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}
