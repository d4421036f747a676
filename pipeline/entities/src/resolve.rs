//! Which name wins, with the reason kept.

use crate::process::{Files, NAME_BYTES_MAX, Process};
use crate::sources::SOURCES;

/// A name and where it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// `service.name`; never empty once resolved.
    pub name: String,
    /// The rule that gave it, as people see it.
    pub reason: &'static str,
    /// `service.namespace`; may be empty.
    pub namespace: String,
    /// `service.instance.id`, if the process names its own.
    pub instance: Option<String>,
    /// Other names that hold as well: the applications that one server hosts.
    pub aliases: Vec<String>,
}

impl Named {
    /// A name alone.
    pub fn new(name: impl Into<String>, reason: &'static str) -> Self {
        Self { name: name.into(), reason, ..Self::default() }
    }

    /// True if nothing but the program's file, command name or title spoke for it, so that a parent
    /// that runs the same program may know better (a worker that overwrote its arguments, say).
    pub fn is_weak(&self) -> bool {
        matches!(self.reason, "executable" | "command name" | "process title")
    }
}

/// The first name a source gives, in the order of [`SOURCES`]; the command name if none does.
pub fn name(process: &Process, files: &dyn Files) -> Named {
    let mut named = SOURCES
        .iter()
        .filter_map(|source| (source.name)(process, files))
        .map(|mut named| {
            named.name = tidy(&named.name);
            named
        })
        .find(|named| !named.name.is_empty())
        .unwrap_or_else(|| by_command(&process.command));
    named.namespace = tidy(&named.namespace);
    named.instance = named.instance.map(|i| tidy(&i)).filter(|i| !i.is_empty());
    named
}

/// What a process is called of which only the command name is known.
pub fn by_command(command: &str) -> Named {
    let name = tidy(command);
    let name = if name.is_empty() { "unknown".into() } else { name };
    Named::new(name, "command name")
}

/// Without blanks around it or control characters in it, and not too long for a label.
fn tidy(name: &str) -> String {
    let mut tidied: String = name.chars().filter(|c| !c.is_control()).collect();
    let mut end = tidied.len().min(NAME_BYTES_MAX);
    while !tidied.is_char_boundary(end) {
        end -= 1;
    }
    tidied.truncate(end);
    tidied.trim().to_owned()
}

#[cfg(test)]
mod tests;
