//! Which words of a path tell what a service is, and which ones every host has.

use std::path::{Component, Path, PathBuf};

/// Endings that belong to the language and not to the name.
const SUFFIXES: &[&str] = &[
    ".py", ".pyc", ".pyz", ".tac", ".pyw", ".ipynb", ".js", ".mjs", ".cjs", ".ts", ".mts", ".cts",
    ".tsx", ".jsx", ".rb", ".ru", ".php", ".phar", ".pl", ".psgi", ".sh", ".bash", ".jar", ".war",
    ".ear", ".java", ".lua", ".R", ".r", ".jl", ".tcl", ".exs", ".ex", ".escript", ".dart", ".ps1",
    ".groovy", ".kts", ".clj", ".scm", ".rkt", ".awk", ".raku", ".lisp", ".swift", ".csx", ".fsx",
];

/// File stems that say what a file does, not what the service is.
const GENERIC_STEMS: &[&str] = &[
    "__init__",
    "__main__",
    "a.out",
    "app",
    "application",
    "artisan",
    "asgi",
    "bootstrap",
    "cli",
    "config",
    "console",
    "docker-entrypoint",
    "entrypoint",
    "index",
    "init",
    "launch",
    "launcher",
    "main",
    "manage",
    "program",
    "router",
    "run",
    "serve",
    "server",
    "service",
    "start",
    "startup",
    "wsgi",
];

/// Python modules that are as generic when they are part of a path such as `shop.config.wsgi`.
const GENERIC_MODULES: &[&str] = &[
    "base",
    "conf",
    "core",
    "dev",
    "development",
    "factory",
    "local",
    "prod",
    "production",
    "project",
    "settings",
    "src",
    "staging",
];

/// Folder names that say where a file lies, not what the service is.
const GENERIC_FOLDERS: &[&str] = &[
    "app",
    "application",
    "apps",
    "bin",
    "build",
    "cmd",
    "code",
    "conf",
    "config",
    "current",
    "data",
    "debug",
    "dist",
    "env",
    "etc",
    "exe",
    "home",
    "html",
    "htdocs",
    "lib",
    "libexec",
    "libs",
    "local",
    "main",
    "opt",
    "out",
    "output",
    "project",
    "public",
    "release",
    "releases",
    "root",
    "run",
    "sbin",
    "scripts",
    "server",
    "services",
    "share",
    "shared",
    "src",
    "srv",
    "standalone",
    "target",
    "tmp",
    "usr",
    "var",
    "vendor",
    "venv",
    "webapps",
    "work",
    "workspace",
    "www",
];

/// How many folders up a telling name is looked for.
const FOLDERS_MAX: usize = 4;
/// Longer folder names are made by machines.
const FOLDER_BYTES_MAX: usize = 40;

/// The file's name without the ending of its language.
pub(crate) fn stem(file: &str) -> &str {
    let stem = SUFFIXES.iter().find_map(|suffix| file.strip_suffix(suffix));
    stem.filter(|stem| !stem.is_empty()).unwrap_or(file)
}

/// True if a stem says what a file does, not what the service is.
pub(crate) fn is_generic(stem: &str) -> bool {
    GENERIC_STEMS.contains(&stem.to_ascii_lowercase().as_str())
}

/// The file's stem, or the nearest telling folder if the stem tells nothing.
pub(crate) fn by_path(path: &Path) -> Option<String> {
    let stem = stem(path.file_name()?.to_str()?);
    let folder = is_generic(stem).then(|| nearest_folder(path.parent()?)).flatten();
    folder.or_else(|| (!stem.is_empty()).then(|| stem.to_owned()))
}

/// The folder's name, or that of the nearest one above it that tells something.
pub(crate) fn nearest_folder(folder: &Path) -> Option<String> {
    folder.ancestors().take(FOLDERS_MAX).find_map(folder_name).map(str::to_owned)
}

/// The folder's name, unless it is a place every host has, a user's home or made by a machine.
pub(crate) fn folder_name(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    let is_home = path.parent().is_some_and(|parent| parent.ends_with("home"));
    let is_made = name.starts_with(['.', '_'])
        || name.starts_with("tmp")
        || name.starts_with("go-build")
        || !name.contains(|c: char| c.is_ascii_alphabetic())
        || name.len() > FOLDER_BYTES_MAX;
    let is_generic = GENERIC_FOLDERS.contains(&name.to_ascii_lowercase().as_str());
    (!is_home && !is_made && !is_generic).then_some(name)
}

/// A dotted module, or `module:attribute`, without the parts that tell nothing; if none is left,
/// the folder it lies in.
pub(crate) fn by_module(spec: &str, folder: &Path) -> Option<String> {
    let module = spec.split([':', '(']).next()?.trim_matches('.');
    if module.contains('/') || module.ends_with(".py") {
        return by_path(&absolute(module, folder));
    }
    let is_silent = |part: &&str| is_generic(part) || GENERIC_MODULES.contains(part);
    let mut parts: Vec<&str> = module.split('.').filter(|part| !part.is_empty()).collect();
    while parts.last().is_some_and(is_silent) {
        parts.pop();
    }
    while parts.first().is_some_and(|part| *part == "src") {
        parts.remove(0);
    }
    if !parts.is_empty() {
        return Some(parts.join("."));
    }
    let first = module.split('.').find(|part| !part.is_empty());
    nearest_folder(folder).or_else(|| first.map(str::to_owned))
}

/// Joined to the folder and freed of `.` and `..`, without asking the file system.
pub(crate) fn absolute(path: &str, folder: &Path) -> PathBuf {
    let mut whole = PathBuf::new();
    for part in folder.join(path).components() {
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
