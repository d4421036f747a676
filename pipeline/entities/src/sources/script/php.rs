//! PHP: Laravel and Symfony projects, the built-in server, scripts. Pools of php-fpm are titles.

use std::path::Path;

use super::Program;
use crate::process::Files;
use crate::resolve::Named;
use crate::sources::command::Command;
use crate::sources::telling::{self, absolute};
use crate::sources::words::{last_part, unquoted, value};

/// Scripts of frameworks that stand for the project they lie in.
const PROJECT_SCRIPTS: &[&str] =
    &["artisan", "console", "index.php", "router.php", "server.php", "worker.php", "yii", "craft"];
/// Folders above a script in which its project is looked for.
const FOLDERS_MAX: usize = 3;
/// What a new Laravel project is called until somebody says otherwise.
const UNNAMED: &[&str] = &["laravel", "lumen", "app"];

/// The project's name, else the script's.
pub(super) fn name(command: &Command<'_>, program: Program<'_>, _: &[&str]) -> Option<Named> {
    let Program::Script(script) = program else {
        return None;
    };
    if let Some(named) = served(command) {
        return Some(named);
    }
    if PROJECT_SCRIPTS.contains(&last_part(script)) {
        let path = command.path(script);
        if let Some(named) = path.parent().and_then(|folder| project(folder, command.files)) {
            return Some(named);
        }
    }
    command.by_path(script, "php script")
}

/// `php -S address [-t folder] [router]`: the folder it serves, or its router.
/// <https://www.php.net/manual/en/features.commandline.webserver.php>
fn served(command: &Command<'_>) -> Option<Named> {
    let words = &command.words;
    let at = words.iter().position(|word| word.starts_with("-S"))?;
    let after = at + if words.get(at)?.len() == 2 { 2 } else { 1 };
    let folder = value(words, &["-t", "--docroot"]).map(|folder| command.path(folder));
    let folder = folder.unwrap_or_else(|| command.directory.clone());
    let mut rest = words.get(after..)?.iter();
    let mut router = None;
    while let Some(word) = rest.next() {
        match *word {
            "-t" | "-d" | "-c" | "--docroot" => {
                rest.next();
            }
            flag if flag.starts_with('-') => {}
            script => {
                router = Some(script);
                break;
            }
        }
    }
    // `artisan serve` starts the server with a router out of the framework's own folder.
    let own = router.filter(|router| !router.contains("/vendor/"));
    let by_router = own.filter(|router| !telling::is_generic(telling::stem(last_part(router))));
    if let Some(router) = by_router {
        return command.by_path(router, "php script");
    }
    project(&folder, command.files).or_else(|| command.by_folder(&folder, "php folder"))
}

/// Rules of tools of the language.
pub(crate) fn tool(command: &Command<'_>, program: &str, _: &[&str]) -> Option<Named> {
    let runs_project = matches!(program, "artisan" | "symfony" | "rr" | "frankenphp" | "swoole");
    runs_project.then(|| project(&command.directory, command.files)).flatten()
}

/// The name that Laravel's environment or the package of the folder gives, or of one above it.
fn project(folder: &Path, files: &dyn Files) -> Option<Named> {
    folder.ancestors().take(FOLDERS_MAX).find_map(|folder| {
        let text = files.read(&absolute(".env", folder)).unwrap_or_default();
        laravel(&text).or_else(|| composer(folder, files))
    })
}

/// What `.env` calls the application.
fn laravel(text: &str) -> Option<Named> {
    let set = |name: &str| {
        let mut lines = text.lines();
        lines.find_map(|line| line.trim().strip_prefix(name)?.strip_prefix('=')).map(unquoted)
    };
    let given = set("OTEL_SERVICE_NAME").or_else(|| set("DD_SERVICE"));
    let own = || {
        let name = set("APP_NAME")?;
        (!UNNAMED.contains(&name.to_ascii_lowercase().as_str())).then_some(name)
    };
    let name = given.or_else(own).filter(|name| !name.is_empty())?;
    Some(Named::new(name, "laravel application"))
}

/// The package without its vendor: `acme/shop` is `shop`.
fn composer(folder: &Path, files: &dyn Files) -> Option<Named> {
    let text = files.read(&absolute("composer.json", folder))?;
    let package: serde_json::Value = serde_json::from_str(&text).ok()?;
    let name = last_part(package.get("name")?.as_str()?);
    let is_own = !name.is_empty() && !UNNAMED.contains(&name) && name != "skeleton";
    is_own.then(|| Named::new(name, "composer.json"))
}
