//! Spring: `spring.application.name`, from wherever Spring itself takes it.
//! <https://docs.spring.io/spring-boot/reference/features/external-config.html>

use std::path::{Path, PathBuf};

use super::{Launch, Main};
use crate::resolve::Named;
use crate::sources::archive::Archive;
use crate::sources::environment::property_of;
use crate::sources::telling::absolute;
use crate::sources::words::unquoted;

const NAME: &str = "spring.application.name";
const PROFILES: &str = "spring.profiles.active";
const REASON: &str = "spring.application.name";

/// Where a fat jar keeps its configuration, and a war.
const INNER_FOLDERS: &[&str] = &["BOOT-INF/classes/", "WEB-INF/classes/"];
/// Configuration files, the strongest first.
const ENDINGS: &[&str] = &["properties", "yml", "yaml"];
const STEMS: &[&str] = &["application", "bootstrap"];
/// Folders of a class path that are looked into.
const CLASS_FOLDERS_MAX: usize = 4;
/// Profiles that are looked at.
const PROFILES_MAX: usize = 4;
/// Placeholders within placeholders.
const DEPTH_MAX: u8 = 4;

/// The application's name: by argument, property, variable, file beside it or file within it.
pub(super) fn name(launch: &Launch<'_, '_>) -> Option<Named> {
    let given = argument(launch, NAME).or_else(|| property_of(launch.command.process, NAME));
    let given = given.or_else(|| launch.command.process.environment.get("SPRING_APPLICATION_NAME"));
    let name = given.map(str::to_owned).or_else(|| configured(launch))?;
    let name = resolved(launch, &name, 0);
    (!name.is_empty() && !name.contains("${")).then(|| Named::new(name, REASON))
}

/// `--name=value` among the program's own words.
fn argument<'a>(launch: &Launch<'_, 'a>, name: &str) -> Option<&'a str> {
    let mut words = launch.arguments.iter();
    let value =
        words.find_map(|word| word.strip_prefix("--")?.strip_prefix(name)?.strip_prefix('='));
    value.map(unquoted).filter(|value| !value.is_empty())
}

/// The folder of classes that only a Spring archive or a war has.
fn inner_folder(archive: &Archive<'_>) -> Option<&'static str> {
    let mut names = archive.names();
    names.find_map(|name| INNER_FOLDERS.iter().copied().find(|inner| name.starts_with(inner)))
}

fn configured(launch: &Launch<'_, '_>) -> Option<String> {
    let command = launch.command;
    let files = command.files;
    // Only what has Spring within is worth the search.
    let archive_path = match launch.main {
        Main::Jar(jar) => Some(command.path(jar)),
        _ => None,
    };
    let archive = archive_path.as_ref().and_then(|path| Archive::open(path, files));
    let inner = archive.as_ref().and_then(inner_folder);
    let unpacked = unpacked(launch);
    if inner.is_none() && unpacked.is_empty() {
        return None;
    }
    let mut folders: Vec<PathBuf> = Vec::new();
    for start in locations(launch) {
        folders.push(absolute("config", &start));
        folders.push(start);
    }
    folders.extend(unpacked);
    let names = file_names(launch);
    let beside = folders.iter().flat_map(|folder| names.iter().map(move |name| folder.join(name)));
    let mut beside = beside.filter_map(|path| named_in(&files.read(&path)?, &path));
    beside.next().or_else(|| {
        let (archive, inner) = (archive.as_ref()?, inner?);
        names.iter().find_map(|name| {
            let path = format!("{inner}{name}");
            named_in(&archive.read(&path)?, Path::new(&path))
        })
    })
}

/// Folders that Spring looks into: the ones it is told, else the working directory.
fn locations(launch: &Launch<'_, '_>) -> Vec<PathBuf> {
    let told = ["spring.config.additional-location", "spring.config.location"].iter();
    let told = told.filter_map(|name| {
        argument(launch, name).or_else(|| property_of(launch.command.process, name))
    });
    let told = told.flat_map(|list| list.split([',', ';']));
    let told = told.map(|place| place.trim_start_matches("optional:"));
    let told = told.filter_map(|place| match place.strip_prefix("file:") {
        Some(path) => Some(path),
        None => (!place.contains(':')).then_some(place),
    });
    let mut folders: Vec<PathBuf> = told
        .map(|place| {
            let path = launch.command.path(place);
            let is_file = ENDINGS.iter().any(|ending| place.ends_with(ending));
            if is_file { path.parent().unwrap_or(&path).to_owned() } else { path }
        })
        .collect();
    folders.push(launch.command.directory.clone());
    folders
}

/// Where an unpacked archive's configuration may lie: folders of the class path, and below the
/// working directory if Spring's own loader runs there.
fn unpacked(launch: &Launch<'_, '_>) -> Vec<PathBuf> {
    let command = launch.command;
    let parts = launch.class_path.split(':');
    let parts = parts.filter(|part| !part.is_empty() && !part.ends_with(".jar"));
    let parts = parts.filter(|part| !part.ends_with('*')).take(CLASS_FOLDERS_MAX);
    let mut folders: Vec<PathBuf> = parts.map(|part| command.path(part)).collect();
    let is_loader =
        matches!(launch.main, Main::Class(class) if class.starts_with("org.springframework.boot."));
    if is_loader {
        folders.push(command.path("BOOT-INF/classes"));
    }
    folders
}

/// Names of configuration files, the strongest first: with each profile, then without.
fn file_names(launch: &Launch<'_, '_>) -> Vec<String> {
    let profiles = argument(launch, PROFILES)
        .or_else(|| property_of(launch.command.process, PROFILES))
        .or_else(|| launch.command.process.environment.get("SPRING_PROFILES_ACTIVE"));
    let profiles = profiles.unwrap_or_default().split(',').rev().map(str::trim);
    let profiles = profiles.filter(|profile| !profile.is_empty()).take(PROFILES_MAX);
    let mut names = Vec::new();
    for profile in profiles.map(|profile| format!("-{profile}")).chain([String::new()]) {
        for stem in STEMS {
            names.extend(ENDINGS.iter().map(|ending| format!("{stem}{profile}.{ending}")));
        }
    }
    names
}

/// The name in a configuration file of either kind.
fn named_in(text: &str, path: &Path) -> Option<String> {
    let is_properties = path.extension().is_some_and(|ending| ending == "properties");
    let found = if is_properties { in_properties(text) } else { in_yaml(text) };
    found.map(str::to_owned).filter(|name| !name.is_empty())
}

fn in_properties(text: &str) -> Option<&str> {
    text.lines().find_map(|line| {
        let rest = line.trim_start().strip_prefix(NAME)?.trim_start();
        Some(rest.strip_prefix(['=', ':'])?.trim())
    })
}

/// `spring:` / `application:` / `name:`, nested or written in one, of the first document that has
/// it. A reader of all of YAML is not needed for three words.
fn in_yaml(text: &str) -> Option<&str> {
    let mut path: Vec<(usize, &str)> = Vec::new();
    for line in text.lines() {
        let body = line.trim_start();
        if body.is_empty() || body.starts_with('#') || body.starts_with("---") {
            continue;
        }
        let indent = line.len() - body.len();
        let Some((key, value)) = body.split_once(':') else {
            continue;
        };
        while path.last().is_some_and(|(above, _)| *above >= indent) {
            path.pop();
        }
        path.push((indent, unquoted(key)));
        let value = value.split(" #").next().unwrap_or(value).trim();
        let keys = path.iter().flat_map(|(_, key)| key.split('.'));
        if !value.is_empty() && keys.eq(NAME.split('.')) {
            return Some(unquoted(value));
        }
    }
    None
}

/// With placeholders replaced: `${NAME:default}` by a property, an argument or its default.
fn resolved(launch: &Launch<'_, '_>, text: &str, depth: u8) -> String {
    let Some((head, rest)) = text.split_once("${").filter(|_| depth < DEPTH_MAX) else {
        return text.to_owned();
    };
    let Some((inner, tail)) = rest.rsplit_once('}') else {
        return text.to_owned();
    };
    let (name, default) = inner.split_once(':').map_or((inner, None), |(n, d)| (n, Some(d)));
    let property = argument(launch, name).or_else(|| property_of(launch.command.process, name));
    match property.or(default) {
        Some(value) => {
            let value = resolved(launch, unquoted(value), depth + 1);
            format!("{head}{value}{tail}")
        }
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{in_properties, in_yaml};

    #[test]
    fn the_name_is_found_in_each_way_to_write_it() {
        let rows = [
            ("spring:\n  application:\n    name: shop\n", Some("shop")),
            ("spring:\n  application.name: 'shop' # ours\n", Some("shop")),
            ("spring.application.name: \"shop\"\n", Some("shop")),
            (
                "a:\n  name: x\nspring:\n  data:\n    name: y\n  application:\n    name: shop",
                Some("shop"),
            ),
            ("server:\n  application:\n    name: x\n", None),
            ("spring:\n  application:\nname: x\n", None),
        ];
        for (text, expected) in rows {
            assert_eq!(in_yaml(text), expected, "{text}");
        }
        assert_eq!(in_properties("a=b\nspring.application.name = shop\n"), Some("shop"));
        assert_eq!(in_properties("#spring.application.name=x\n"), None);
    }
}
