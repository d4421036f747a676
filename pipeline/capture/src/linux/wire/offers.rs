//! What this kernel offers the tap's programs, and where they read what it does not offer.
//!
//! Kernels differ in which helpers a program at a packet may call (see `kernel.h`). Each is asked
//! for by a trial; what lacks is read from the kernel's memory, at the places its own type
//! information names. What cannot be had in either way is left out, and said.

use abi::{TapSettings, source};
use libbpf_rs::ProgramType;
use libbpf_rs::btf::Btf;
use libbpf_rs::btf::types::{MemberAttr, Struct};
use libbpf_rs::libbpf_sys::{
    BPF_FUNC_get_current_comm, BPF_FUNC_get_current_pid_tgid, BPF_FUNC_get_current_task,
    BPF_FUNC_get_netns_cookie, BPF_FUNC_probe_read_kernel,
};
use model::{TapHealth, TapState};

/// Which way each fact comes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Offers {
    pub(super) settings: TapSettings,
}

impl Offers {
    /// Asks the kernel, which needs the right to load programs; without it, nothing is offered.
    pub(super) fn look() -> Self {
        let at_packet = |helper| is_offered(ProgramType::CgroupSkb, helper);
        let may_read = at_packet(BPF_FUNC_probe_read_kernel);
        let may_read_task = may_read && at_packet(BPF_FUNC_get_current_task);
        let at_handshake = is_offered(ProgramType::SockOps, BPF_FUNC_get_netns_cookie);
        let has = [
            at_packet(BPF_FUNC_get_netns_cookie) && at_handshake,
            at_packet(BPF_FUNC_get_current_pid_tgid),
            at_packet(BPF_FUNC_get_current_comm),
        ];
        // Reading the kernel's types takes some milliseconds: only where they are needed.
        let places = if has == [true; 3] { None } else { Places::read() };
        let mut settings = settings(has, [may_read, may_read_task], places);
        settings.handshake_netns = if at_handshake { source::HELPER } else { source::NOWHERE };
        Self { settings }
    }

    /// One line for each fact that does not come from a helper.
    pub(super) fn findings(&self) -> Vec<TapHealth> {
        let settings = &self.settings;
        let rows = [
            (
                settings.netns,
                "namespaces",
                "6.15",
                "loopback connections of two network namespaces with the same ports are one",
            ),
            (
                settings.pid,
                "senders",
                "6.10",
                "a socket is named after who made it, also if another process uses it",
            ),
            (
                settings.command,
                "commands",
                "6.16",
                "a process that is gone before it is read is named after who made its socket",
            ),
        ];
        rows.into_iter().filter_map(|(from, name, since, without)| {
            let (state, detail, remedy) = match from {
                source::HELPER => return None,
                source::MEMORY => (
                    TapState::On,
                    format!("read from the kernel's memory (Linux {since} has a call for it)"),
                    String::new(),
                ),
                _ => (
                    TapState::Degraded,
                    without.to_owned(),
                    format!(
                        "boot Linux {since} or later, or a kernel with CONFIG_DEBUG_INFO_BTF and \
                         without lockdown=confidentiality"
                    ),
                ),
            };
            Some(TapHealth { name: name.to_owned(), state, detail, remedy })
        })
        .collect()
    }
}

/// Offsets of members in the kernel's own structures.
#[derive(Clone, Copy, Debug)]
struct Places {
    sock_net: u32,
    net_inode: u32,
    task_tgid: u32,
    task_comm: u32,
}

impl Places {
    /// `None` if the kernel does not describe its types, or otherwise than expected.
    fn read() -> Option<Self> {
        let types = Btf::from_vmlinux().ok()?;
        Some(Self {
            sock_net: place(&types, "sock_common", "skc_net")?,
            net_inode: place(&types, "net", "ns")? + place(&types, "ns_common", "inum")?,
            task_tgid: place(&types, "task_struct", "tgid")?,
            task_comm: place(&types, "task_struct", "comm")?,
        })
    }
}

/// Byte offset of a member that is no bit field.
fn place(types: &Btf<'_>, structure: &str, member: &str) -> Option<u32> {
    let structure = types.type_by_name::<Struct<'_>>(structure)?;
    let found = structure.iter().find(|one| one.name.is_some_and(|name| name == member))?;
    match found.attr {
        MemberAttr::Normal { offset } => Some(offset / 8),
        MemberAttr::BitField { .. } => None,
    }
}

/// Where the tap's programs have the network namespace from, which is part of a connection's name:
/// see [`abi::source`].
pub(in crate::linux) fn netns_source() -> u8 {
    Offers::look().settings.netns
}

fn is_offered(program: ProgramType, helper: u32) -> bool {
    program.is_helper_supported(helper).unwrap_or(false)
}

/// `has`: helpers for the namespace, the process, its command. `may_read`: memory, and a task's.
fn settings(has: [bool; 3], may_read: [bool; 2], places: Option<Places>) -> TapSettings {
    let [may_read, may_read_task] = may_read.map(|may| may && places.is_some());
    let from = |has, may_read| match (has, may_read) {
        (true, _) => source::HELPER,
        (false, true) => source::MEMORY,
        (false, false) => source::NOWHERE,
    };
    let [netns, pid, command] = has;
    let mut settings = TapSettings {
        netns: from(netns, may_read),
        pid: from(pid, may_read_task),
        command: from(command, may_read_task),
        ..TapSettings::default()
    };
    if let Some(places) = places {
        settings.sock_net = places.sock_net;
        settings.net_inode = places.net_inode;
        settings.task_tgid = places.task_tgid;
        settings.task_comm = places.task_comm;
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: Places = Places { sock_net: 48, net_inode: 144, task_tgid: 1, task_comm: 2 };

    #[test]
    fn a_helper_goes_before_memory_and_memory_before_nothing() {
        let said = |has, may_read, places| {
            let settings = settings(has, may_read, places);
            [settings.netns, settings.pid, settings.command]
        };
        let (all, none) = ([true; 3], [false; 3]);
        assert_eq!(said(all, [true; 2], None), [source::HELPER; 3]);
        assert_eq!(said(none, [true; 2], Some(PLACES)), [source::MEMORY; 3]);
        assert_eq!(said(none, [true; 2], None), [source::NOWHERE; 3]);
        assert_eq!(said(none, [false; 2], Some(PLACES)), [source::NOWHERE; 3]);
        assert_eq!(
            said([false, true, false], [true, false], Some(PLACES)),
            [source::MEMORY, source::HELPER, source::NOWHERE]
        );
    }

    #[test]
    fn what_is_missing_is_said_with_what_mends_it() {
        let findings = |settings| Offers { settings }.findings();
        assert!(findings(settings([true; 3], [true; 2], None)).is_empty());
        let lines = findings(settings([false; 3], [true; 2], Some(PLACES)));
        assert!(lines.iter().all(|line| line.state == TapState::On), "{lines:?}");
        let lines = findings(settings([false; 3], [true; 2], None));
        assert_eq!(lines.len(), 3);
        assert!(lines.iter().all(|line| line.remedy.contains("BTF")), "{lines:?}");
    }
}
