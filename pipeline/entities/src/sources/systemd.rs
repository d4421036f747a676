//! systemd: units and slices as a control group path spells them, and names from units.
//!
//! The words are those of `sd_pid_get_unit(3)`: a user's manager is itself a unit of the system,
//! `user@<uid>.service`, and what it runs is a *user unit*.

use crate::process::{Files, Process};
use crate::resolve::Named;

mod generic;

/// The unit of a user's manager.
const USER_MANAGER: &str = "user@";
/// What a part of a path must end with to be a unit that holds processes.
const SUFFIXES: &[&str] = &[".service", ".scope", ".socket", ".mount", ".swap"];

/// systemd's names for the place of a process. Empty where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Units {
    /// Unit of the system's manager.
    pub unit: String,
    /// Unit of a user's manager.
    pub user_unit: String,
    /// The innermost slice.
    pub slice: String,
}

impl Units {
    /// Reads one path: slices, a unit, and below a user's manager the same again. Whatever comes
    /// before the first of them belongs to someone else, and what comes after a unit is its own.
    pub fn from_path(path: &str) -> Self {
        let mut units = Self::default();
        for part in path.split('/') {
            // A name that would collide with a controller's file has this before it.
            let part = part.strip_prefix('_').unwrap_or(part);
            if part.ends_with(".slice") && part.len() > ".slice".len() {
                part.clone_into(&mut units.slice);
            } else if is_unit(part) {
                if !units.unit.is_empty() {
                    part.clone_into(&mut units.user_unit);
                    break;
                }
                part.clone_into(&mut units.unit);
                if !part.starts_with(USER_MANAGER) {
                    break;
                }
            }
        }
        units
    }
}

/// The one of both that may say what a process is for.
pub(crate) fn closest<'a>(unit: &'a str, user_unit: &'a str) -> &'a str {
    if user_unit.is_empty() { unit } else { user_unit }
}

fn is_unit(part: &str) -> bool {
    let stem = SUFFIXES.iter().find_map(|suffix| part.strip_suffix(suffix));
    stem.is_some_and(|stem| !stem.is_empty())
}

/// The unit without its suffix, unless it is the agent's own, says nothing about its processes, or
/// less than the rules of languages may find.
pub fn name(process: &Process, _files: &dyn Files) -> Option<Named> {
    let stem = stem(process)?;
    (!generic::is_host(stem)).then(|| Named::new(unescaped(stem), "systemd unit"))
}

/// The unit of a server of applications, for those that have no name of their own.
pub fn host(process: &Process, _files: &dyn Files) -> Option<Named> {
    let stem = stem(process)?;
    generic::is_host(stem).then(|| Named::new(unescaped(stem), "systemd unit"))
}

fn stem(process: &Process) -> Option<&str> {
    if process.shares_agents_unit {
        return None;
    }
    // A scope is what somebody started by hand, or a login.
    let stem = closest(&process.unit, &process.user_unit).strip_suffix(".service")?;
    (!generic::is_generic(stem)).then_some(stem)
}

/// `\x2d` in a unit name stands for a byte that has a meaning there.
/// <https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html>
pub(crate) fn unescaped(unit: &str) -> String {
    let mut parts = unit.split("\\x");
    let mut text = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let byte = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, part.get(2..)) {
            (Some(byte), Some(rest)) => {
                text.push(byte);
                text.extend_from_slice(rest.as_bytes());
            }
            _ => {
                text.extend_from_slice(b"\\x");
                text.extend_from_slice(part.as_bytes());
            }
        }
    }
    String::from_utf8_lossy(&text).into_owned()
}

#[cfg(test)]
mod tests;
