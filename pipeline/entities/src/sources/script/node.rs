//! Node, Bun and Deno: the package a script belongs to, or the script.

use std::path::{Component, Path};

use super::Program;
use crate::process::Files;
use crate::resolve::Named;
use crate::sources::command::Command;
use crate::sources::telling;
use crate::sources::words::{last_part, operands, value};

/// Folders above a script in which its package is looked for.
const PACKAGE_FOLDERS_MAX: usize = 8;
/// Where installed packages lie.
const MODULES: &str = "node_modules";

/// Tools that run the project in the working directory, or in the folder they are told.
const PROJECT_TOOLS: &[&str] = &[
    "astro",
    "concurrently",
    "ember",
    "encore",
    "expo",
    "gatsby",
    "gulp",
    "lerna",
    "nest",
    "next",
    "ng",
    "npm",
    "npm-cli",
    "nuxi",
    "nuxt",
    "nx",
    "parcel",
    "pnpm",
    "quasar",
    "react-scripts",
    "remix",
    "remix-serve",
    "rollup",
    "strapi",
    "svelte-kit",
    "turbo",
    "vite",
    "vue-cli-service",
    "webpack",
    "wmr",
    "yarn",
    "yarnpkg",
];

/// Process managers: what they start has a name of its own.
const MANAGERS: &[&str] = &["forever", "pm2", "pm2-runtime", "ProcessContainer"];

/// Files that say what a Deno project is called.
const DENO_FILES: &[&str] = &["deno.json", "deno.jsonc", "package.json"];

/// The name of the script's package, else the script's.
pub(super) fn name(command: &Command<'_>, program: Program<'_>, rest: &[&str]) -> Option<Named> {
    let Program::Script(script) = program else {
        return None;
    };
    by_script(command, script, rest, "node script")
}

/// The same for Bun, whose script may be one of `package.json`.
pub(super) fn bun(command: &Command<'_>, program: Program<'_>, rest: &[&str]) -> Option<Named> {
    let Program::Script(script) = program else {
        return None;
    };
    let folder = value(&command.words, &["--cwd"]).map(|folder| command.path(folder));
    let folder = folder.unwrap_or_else(|| command.directory.clone());
    if !script.contains(['.', '/']) {
        return package_at(&folder, command.files).or_else(|| tool(command, script, rest));
    }
    by_script(command, script, rest, "bun script")
}

/// The name that `deno.json` gives, else the script's.
pub(super) fn deno(command: &Command<'_>, program: Program<'_>, _: &[&str]) -> Option<Named> {
    let Program::Script(script) = program else {
        return None;
    };
    // A package of a registry: `npm:serve@14`, `jsr:@std/http/file-server`.
    if let Some((_, package)) = script.split_once(':').filter(|(kind, _)| kind.len() < 6) {
        let name = last_part(package).split('@').next().filter(|name| !name.is_empty());
        return Some(Named::new(name?, "deno script"));
    }
    let path = command.path(script);
    let folders = path.ancestors().skip(1).take(PACKAGE_FOLDERS_MAX);
    let found = folders.into_iter().find_map(|folder| {
        let mut files = DENO_FILES.iter();
        files.find_map(|file| declared(command.files, &folder.join(file)))
    });
    let named = found.map(|name| Named::new(name, "deno.json"));
    named.or_else(|| command.by_path(script, "deno script"))
}

/// Rules of tools of the language.
pub(crate) fn tool(command: &Command<'_>, program: &str, words: &[&str]) -> Option<Named> {
    if !PROJECT_TOOLS.contains(&program) {
        return None;
    }
    let folder = value(words, &["--prefix", "--cwd", "--dir", "-C"]).map(|path| command.path(path));
    let told = || {
        let words = operands(words, &["-p", "--port", "-H", "--hostname", "--host"]);
        words.into_iter().find(|word| word.starts_with(['.', '/'])).map(|path| command.path(path))
    };
    let folder = folder.or_else(told).unwrap_or_else(|| command.directory.clone());
    let environment = || {
        let name = command.process.environment.get("npm_package_name")?;
        Some(Named::new(name, "npm_package_name"))
    };
    package_at(&folder, command.files)
        .or_else(environment)
        .or_else(|| command.by_folder(&folder, "node project"))
}

/// The name that the folder's package declares, or one above it.
pub(in crate::sources) fn package_at(folder: &Path, files: &dyn Files) -> Option<Named> {
    let folders = folder.ancestors().take(PACKAGE_FOLDERS_MAX);
    // What a bundler writes has a package of its own, called after the bundler.
    let folders = folders.filter(|folder| !folder.ends_with(".output/server"));
    let mut found = folders.filter_map(|folder| declared(files, &folder.join("package.json")));
    Some(Named::new(found.next()?, "package.json"))
}

fn by_script(
    command: &Command<'_>,
    script: &str,
    rest: &[&str],
    reason: &'static str,
) -> Option<Named> {
    let path = command.path(script);
    let installed = installed_package(&path);
    let stem = telling::stem(last_part(script));
    let program = installed.as_deref().unwrap_or(stem);
    if MANAGERS.contains(&program) {
        return Some(Named::new("pm2", reason)).filter(|_| program != "forever");
    }
    // `node_modules/tsx/dist/cli.mjs server.ts` runs the second.
    let at = command.words.len().checked_sub(rest.len())?;
    let wrapped = || command.within(program, command.words.get(at..)?);
    if let Some(named) = wrapped().or_else(|| tool(command, program, rest)) {
        return Some(named);
    }
    if let Some(package) = &installed {
        let is_global =
            !command.directory.as_os_str().is_empty() && !path.starts_with(&command.directory);
        let own = package_at(&command.directory, command.files).filter(|_| !is_global);
        return own.or_else(|| Some(Named::new(package.as_str(), "node package")));
    }
    let environment = || {
        let name = command.process.environment.get("npm_package_name")?;
        Some(Named::new(name, "npm_package_name"))
    };
    // The script may be a folder: `node .`.
    package_at(&path, command.files)
        .or_else(environment)
        .or_else(|| command.by_path(script, reason))
}

/// The package among the installed ones that a path lies in, or the tool's name of `.bin`.
fn installed_package(path: &Path) -> Option<String> {
    let parts: Vec<&str> = path.components().filter_map(part).collect();
    let at = parts.iter().rposition(|part| *part == MODULES)?;
    match parts.get(at + 1..)? {
        [".bin", tool] => Some((*tool).to_owned()),
        [scope, package, ..] if scope.starts_with('@') => Some(format!("{scope}/{package}")),
        [package, ..] => Some((*package).to_owned()),
        [] => None,
    }
}

fn part(component: Component<'_>) -> Option<&str> {
    match component {
        Component::Normal(part) => part.to_str(),
        _ => None,
    }
}

/// `name` in a JSON file.
fn declared(files: &dyn Files, path: &Path) -> Option<String> {
    let text = files.read(path)?;
    let package: serde_json::Value = serde_json::from_str(&text).ok()?;
    let name = package.get("name")?.as_str()?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}
