//! The Java machine: a jar, a module or a main class.

use std::path::Path;

use super::{absolute, told_by};
use crate::process::Process;
use crate::resolve::Named;

/// Flags whose value is the next argument.
const VALUES: &[&str] = &[
    "-cp",
    "-classpath",
    "--class-path",
    "-p",
    "--module-path",
    "--upgrade-module-path",
    "--add-modules",
    "--add-exports",
    "--add-opens",
    "--add-reads",
    "--limit-modules",
    "--patch-module",
    "--source",
];

/// Class names that say what a class does, not what the service is; the package may know.
const GENERIC_CLASSES: &[&str] = &[
    "App",
    "Application",
    "Bootstrap",
    "Launcher",
    "Main",
    "Runner",
    "Server",
    "Start",
    "Startup",
];

/// Packages that are as generic.
const GENERIC_PACKAGES: &[&str] = &["app", "boot", "cli", "launcher", "main", "server", "startup"];

/// `-jar x.jar`, `-m module/class`, or the main class.
pub(super) fn name(process: &Process) -> Option<Named> {
    let mut arguments = process.argv.iter().skip(1).map(String::as_str);
    while let Some(argument) = arguments.next() {
        if argument == "-jar" {
            let jar = absolute(arguments.next()?, &process.directory);
            return Some(Named::new(jar_name(&jar)?, "java jar"));
        }
        if matches!(argument, "-m" | "--module") {
            let module = arguments.next()?.split('/').next()?;
            return Some(Named::new(module, "java module"));
        }
        if VALUES.contains(&argument) {
            arguments.next()?;
        } else if !argument.starts_with(['-', '@']) {
            return Some(Named::new(class_name(argument)?, "java class"));
        }
    }
    None
}

/// The jar's name without its version: `shop-1.4.2-SNAPSHOT.jar` is `shop`.
fn jar_name(jar: &Path) -> Option<String> {
    let file = jar.file_name()?.to_str()?;
    let stem = file.strip_suffix(".jar").unwrap_or(file);
    let mut dashes = stem.match_indices('-').map(|(at, _)| stem.split_at(at));
    let is_version = |tail: &str| tail.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    let name = dashes.find(|(head, tail)| !head.is_empty() && is_version(tail));
    let name = name.map_or(stem, |(head, _)| head);
    told_by(&jar.with_file_name(name))
}

/// The class without its package, or the package's last word if the class tells nothing.
fn class_name(class: &str) -> Option<&str> {
    let mut parts = class.rsplit('.');
    let last = parts.next().filter(|name| !name.is_empty())?;
    if !GENERIC_CLASSES.contains(&last) {
        return Some(last);
    }
    let telling = parts.find(|part| !part.is_empty() && !GENERIC_PACKAGES.contains(part));
    Some(telling.unwrap_or(last))
}
