//! The Java machine: an application server, a Spring application, a known product, a jar, a module
//! or a main class.

use std::path::Path;

use crate::resolve::Named;
use crate::sources::archive::Archive;
use crate::sources::command::Command;
use crate::sources::telling;
use crate::sources::words::last_part;

mod known;
mod server;
mod spring;

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
    "CommandLine",
    "Daemon",
    "Entrypoint",
    "Launcher",
    "Main",
    "MainKt",
    "Runner",
    "Server",
    "Start",
    "Startup",
];

/// Packages that are as generic.
const GENERIC_PACKAGES: &[&str] =
    &["app", "boot", "bootstrap", "cli", "daemon", "launcher", "main", "server", "startup"];

/// What the machine is asked to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Main<'a> {
    Jar(&'a str),
    Module(&'a str),
    Class(&'a str),
    Source(&'a str),
}

/// The command line as the machine reads it.
struct Launch<'c, 'a> {
    command: &'c Command<'a>,
    main: Main<'a>,
    /// The words after the main class.
    arguments: &'c [&'a str],
    class_path: &'a str,
}

/// The name by the strongest of the rules.
pub(in crate::sources) fn name(command: &Command<'_>) -> Option<Named> {
    let launch = Launch::read(command)?;
    server::name(&launch)
        .or_else(|| spring::name(&launch))
        .or_else(|| known::name(&launch))
        .or_else(|| launch.name())
}

impl<'c, 'a> Launch<'c, 'a> {
    fn read(command: &'c Command<'a>) -> Option<Self> {
        let words = command.words.as_slice();
        let mut class_path = "";
        let mut at = 0;
        loop {
            let word = *words.get(at)?;
            let next = words.get(at + 1).copied();
            let main = match word {
                "-jar" => Some(Main::Jar(next?)),
                "-m" | "--module" => Some(Main::Module(next?)),
                _ if VALUES.contains(&word) => {
                    if matches!(word, "-cp" | "-classpath" | "--class-path") {
                        class_path = next?;
                    }
                    at += 1;
                    None
                }
                _ if word.starts_with(['-', '@']) => None,
                _ if word.ends_with(".java") => Some(Main::Source(word)),
                _ => Some(Main::Class(word)),
            };
            at += 1;
            if let Some(main) = main {
                at += usize::from(matches!(main, Main::Jar(_) | Main::Module(_)));
                let arguments = words.get(at..).unwrap_or_default();
                return Some(Self { command, main, arguments, class_path });
            }
        }
    }

    /// The jar's, module's or class's own name.
    fn name(&self) -> Option<Named> {
        match self.main {
            Main::Jar(jar) => {
                let jar = self.command.path(jar);
                let name = jar_name(&jar)?;
                let titled = || telling::is_generic(&name).then(|| self.titled(&jar)).flatten();
                titled().or_else(|| Some(Named::new(name, "java jar")))
            }
            Main::Module(module) => Some(Named::new(module.split('/').next()?, "java module")),
            Main::Class(class) => Some(Named::new(class_name(class)?, "java class")),
            Main::Source(path) => self.command.by_path(path, "java source"),
        }
    }

    /// What the jar's manifest calls the program.
    fn titled(&self, jar: &Path) -> Option<Named> {
        let manifest = Archive::open(jar, self.command.files)?.read("META-INF/MANIFEST.MF")?;
        let field = |name: &str| manifest.lines().find_map(|line| line.strip_prefix(name));
        let title = field("Implementation-Title: ").map(str::trim);
        if let Some(title) = title.filter(|title| !telling::is_generic(title)) {
            return Some(Named::new(title, "java manifest"));
        }
        let class = field("Start-Class: ").or_else(|| field("Main-Class: "))?.trim();
        let is_loader = class.starts_with("org.springframework.boot.loader.");
        let name = class_name(class).filter(|_| !is_loader)?;
        (!GENERIC_CLASSES.contains(&name)).then(|| Named::new(name, "java manifest"))
    }
}

/// The jar's name without its version: `shop-1.4.2-SNAPSHOT.jar` is `shop`.
fn jar_name(jar: &Path) -> Option<String> {
    let file = jar.file_name()?.to_str()?;
    let stem = telling::stem(file);
    let mut dashes = stem.match_indices('-').map(|(at, _)| stem.split_at(at));
    let is_version = |tail: &str| tail.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    let name = dashes.find(|(head, tail)| !head.is_empty() && is_version(tail));
    let name = name.map_or(stem, |(head, _)| head);
    telling::by_path(&jar.with_file_name(name))
}

/// The class without its package, or the package's last word if the class tells nothing; the
/// project for a class of the Apache foundation.
fn class_name(class: &str) -> Option<&str> {
    let class = class.split('/').next_back()?;
    if let Some(project) = class.strip_prefix("org.apache.") {
        return project.split('.').next().filter(|name| !name.is_empty());
    }
    let mut parts = class.rsplit('.');
    let last = parts.next().filter(|name| !name.is_empty())?;
    if !GENERIC_CLASSES.contains(&last) {
        return Some(last);
    }
    let telling = parts.find(|part| !part.is_empty() && !GENERIC_PACKAGES.contains(part));
    Some(telling.unwrap_or(last))
}

/// A deployment's name: its file without ending and version.
fn deployment(file: &str) -> Option<String> {
    let stem = telling::stem(last_part(file));
    // Tomcat's parallel deployment: `shop##1.4.war`; its contexts within others: `shop#admin`.
    let stem = stem.split("##").next()?.replace('#', "/");
    let is_version = |tail: &str| tail.as_bytes().get(1).is_some_and(u8::is_ascii_digit);
    let dashes = stem.match_indices('-').map(|(at, _)| stem.split_at(at));
    let head = dashes.into_iter().find(|(head, tail)| !head.is_empty() && is_version(tail));
    let name = head.map_or(stem.as_str(), |(head, _)| head).trim_matches('/').to_owned();
    (!name.is_empty()).then_some(name)
}
