//! Names from the systemd unit that a control group path spells.

use crate::process::{Files, Process};
use crate::resolve::Named;

/// Units whose work is to start programs of other people: the unit says nothing about those.
const LAUNCHERS: &[&str] = &[
    "anacron",
    "atd",
    "containerd",
    "cron",
    "crond",
    "docker",
    "init",
    "kubelet",
    "pm2-root",
    "podman",
    "runit",
    "ssh",
    "sshd",
    "supervisor",
    "supervisord",
];

/// The unit without its suffix, unless it is the agent's own or only launches things.
pub fn name(process: &Process, _files: &dyn Files) -> Option<Named> {
    if process.shares_agents_unit {
        return None;
    }
    let stem = process.unit.strip_suffix(".service")?;
    let kind = stem.split('@').next().unwrap_or(stem);
    if LAUNCHERS.contains(&kind) || kind.starts_with("pm2-") {
        return None;
    }
    Some(Named::new(unescaped(stem), "systemd unit"))
}

/// The innermost `.service` of a control group path; `None` for sessions, user managers, slices.
pub fn unit(cgroup: &str) -> Option<&str> {
    let is_service = |part: &&str| part.ends_with(".service") && part.len() > ".service".len();
    let unit = cgroup.rsplit('/').find(is_service)?;
    // `user@1000.service` holds a whole login, down to a terminal's shell.
    (!unit.starts_with("user@")).then_some(unit)
}

/// `\x2d` in a unit name stands for a byte that has a meaning there.
/// <https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html>
fn unescaped(unit: &str) -> String {
    let mut parts = unit.split("\\x");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let byte = part.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match (byte, part.get(2..)) {
            (Some(byte), Some(rest)) if byte.is_ascii() => {
                text.push(byte as char);
                text.push_str(rest);
            }
            _ => {
                text.push_str("\\x");
                text.push_str(part);
            }
        }
    }
    text
}
