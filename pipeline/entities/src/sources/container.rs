//! Containers: which one a control group path or a mount belongs to.
//!
//! The forms are data. What the runtime's own files say about the container is read in [`files`];
//! how a container names its service stands in [`names`].

pub mod files;
pub mod mounts;
pub mod names;

/// What runtimes put before an id of 64 digits when systemd makes the control group, or when they
/// want their own groups to be known. The empty one stands for `/docker/<id>` and its like.
const PREFIXES: &[&str] = &[
    "docker-",
    "cri-containerd-",
    "containerd-",
    "crio-",
    "libpod-",
    UNDER_UNIT,
    "nerdctl-",
    "buildah-",
    "",
];

/// Podman's groups when it is told to stay in the unit that started it: that unit is the
/// container's own.
pub(crate) const UNDER_UNIT: &str = "libpod-payload-";

/// What stands before the name of a system container: the group of its processes. Its monitor
/// (`lxc.monitor.<name>`, `…/supervisor`) runs outside.
const LXC_PAYLOAD: &str = "lxc.payload.";
/// Where LXC before version 4 put them: `/lxc/<name>`.
const LXC_FOLDER: &str = "lxc";
/// A container of systemd-nspawn is an instance of this unit.
const NSPAWN: &str = "systemd-nspawn@";
/// systemd-machined's scope for what others start.
const MACHINE: &str = "machine-";
/// Virtual machines have such a scope as well; what is seen there is the emulator of the host.
const EMULATOR: &str = "qemu\\x2d";
/// The part of an nspawn container's group that is not inside.
const SUPERVISOR: &str = "supervisor";

/// Digits of a full id.
const ID_DIGITS: usize = 64;

/// The innermost container of a path, and the path on both sides of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// Its id, or its name for a system container.
    pub id: String,
    /// The groups around it.
    pub around: &'a str,
    /// The groups inside it; empty for the container's own group.
    pub within: &'a str,
}

/// The innermost container in a control group path.
///
/// Monitors (`libpod-conmon-<id>.scope`) stand beside their container and are none.
pub fn find(path: &str) -> Option<Found<'_>> {
    let mut end = path.len();
    while let Some((around, part)) = path.get(..end)?.rsplit_once('/') {
        let within = path.get(end..)?;
        let parent = around.rsplit('/').next().unwrap_or_default();
        let id = id(part).map(str::to_owned).or_else(|| system_container(parent, part, within));
        if let Some(id) = id {
            return Some(Found { id, around, within });
        }
        end = around.len();
    }
    None
}

/// The id in one part of a path.
fn id(part: &str) -> Option<&str> {
    let part = part.strip_suffix(".scope").unwrap_or(part);
    // Without systemd, but told that there is one, runtimes write `<slice>:<prefix>:<id>`.
    let part = part.rsplit(':').next().unwrap_or(part);
    let candidates = PREFIXES.iter().filter_map(|prefix| part.strip_prefix(prefix));
    candidates.into_iter().find(|id| is_id(id))
}

/// The name of a container that holds a whole system.
fn system_container(parent: &str, part: &str, within: &str) -> Option<String> {
    let first = within.split('/').nth(1);
    let name = if let Some(name) = part.strip_prefix(LXC_PAYLOAD) {
        name
    } else if parent == LXC_FOLDER {
        part
    } else if let Some(name) = part.strip_prefix(NSPAWN) {
        name.strip_suffix(".service").filter(|_| first != Some(SUPERVISOR))?
    } else {
        let name = part.strip_prefix(MACHINE)?.strip_suffix(".scope")?;
        (!name.starts_with(EMULATOR)).then_some(name)?
    };
    (!name.is_empty()).then(|| super::systemd::unescaped(name))
}

/// 64 hexadecimal digits. ECS writes 32 of them, a dash and a decimal number; Garden five groups
/// of a UUID with the last one cut to four digits.
pub(crate) fn is_id(text: &str) -> bool {
    if text.len() == ID_DIGITS {
        return is_hex(text);
    }
    let groups: Vec<&str> = text.splitn(6, '-').collect();
    match groups.as_slice() {
        [task, number] => {
            let is_decimal = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
            task.len() == 32 && is_hex(task) && is_decimal
        }
        [first, rest @ ..] if rest.len() == 4 => {
            first.len() == 8 && is_hex(first) && rest.iter().all(|g| g.len() == 4 && is_hex(g))
        }
        _ => false,
    }
}

/// True if there are only lower-case hexadecimal digits.
pub(crate) fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests;
