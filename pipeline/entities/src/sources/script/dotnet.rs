//! .NET and Mono: the assembly or project that is run.

use crate::resolve::Named;
use crate::sources::command::Command;
use crate::sources::telling;
use crate::sources::words::{last_part, operands, value};

/// Flags whose value is the next word.
/// <https://learn.microsoft.com/en-us/dotnet/core/tools/dotnet>
const VALUED: &[&str] = &[
    "--additional-deps",
    "--additionalprobingpath",
    "--depsfile",
    "--fx-version",
    "--roll-forward",
    "--runtimeconfig",
    "--config",
    "--gc",
    "--urls",
];

/// An assembly, or for `dotnet run` the project.
pub(crate) fn tool(command: &Command<'_>, program: &str, words: &[&str]) -> Option<Named> {
    match program {
        "dotnet" => {}
        "mono" | "mono-sgen" | "mono-boehm" | "mono-service" | "mono-service2" => {
            let assembly = operands(words, VALUED).into_iter().find(|word| is_assembly(word));
            return by_assembly(command, assembly?);
        }
        _ => return None,
    }
    if let Some(assembly) = operands(words, VALUED).into_iter().find(|word| is_assembly(word)) {
        return by_assembly(command, assembly);
    }
    let verbs = operands(words, &["--project", "-p", "-c", "-f", "-r"]);
    if !verbs.iter().any(|verb| matches!(*verb, "run" | "watch")) {
        return None;
    }
    match value(words, &["--project", "-p"]) {
        Some(project) => {
            let project = project.trim_end_matches('/');
            let name = ["csproj", "fsproj", "vbproj"]
                .iter()
                .find_map(|ending| last_part(project).strip_suffix(ending)?.strip_suffix('.'));
            let named = Named::new(name.unwrap_or(last_part(project)), "dotnet project");
            Some(named).filter(|named| named.name != ".")
        }
        None => command.by_folder(&command.directory, "dotnet project"),
    }
}

fn is_assembly(word: &str) -> bool {
    word.ends_with(".dll") || word.ends_with(".exe")
}

/// The assembly without its ending, or a telling folder.
fn by_assembly(command: &Command<'_>, assembly: &str) -> Option<Named> {
    let path = command.path(assembly);
    let stem = path.file_stem()?.to_str()?;
    let folder = telling::is_generic(stem).then(|| telling::nearest_folder(path.parent()?));
    let name = folder.flatten().unwrap_or_else(|| stem.to_owned());
    Some(Named::new(name, "dotnet assembly"))
}
