//! What the taps need of a machine, found without trying: kernel, rights, cgroups, limits.
//!
//! Reads /proc and /sys and changes nothing, so it says the same to everybody. Whether the kernel
//! takes the programs is found by loading them; that is not done here.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use model::{TapHealth, TapState};

/// The oldest kernel whose programs and maps suffice: ring buffers are of 5.8, socket storage in
/// cgroup programs of 5.10.
const KERNEL_MIN: (u32, u32) = (5, 10);
/// Before this one, memory of BPF counts as locked memory (kernel commit 80ee81e0403c).
const KERNEL_WITHOUT_MEMLOCK: (u32, u32) = (5, 11);
/// From this one on BPF needs no CAP_SYS_ADMIN (kernel commit a17b53c4a4b5).
const KERNEL_WITH_CAP_BPF: (u32, u32) = (5, 8);

/// The ring, the maps and the programs, and as much again.
const MEMLOCK_BYTES_MIN: u64 = 64 << 20;
/// HTTP clients, programs, maps, files of /proc.
const FILES_MIN: u64 = 256;

/// Inodes of the namespaces of the machine itself (`include/linux/proc_ns.h`).
const FIRST_USER_NAMESPACE: &str = "user:[4026531837]";
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";
/// Inode of the root directory of cgroup v2; a cgroup namespace shows another directory as root.
const CGROUP_ROOT_INODE: u64 = 1;

/// A right: its bit in `CapEff` (linux/capability.h) and its name.
type Capability = (u32, &'static str);

const SYS_ADMIN: Capability = (21, "CAP_SYS_ADMIN");
/// Who holds it may raise limits; libbpf does, where memory of BPF counts as locked.
const SYS_RESOURCE: Capability = (24, "CAP_SYS_RESOURCE");
/// What taps need; the last two stand in CAP_SYS_ADMIN as well.
const FOR_TAPS: [Capability; 3] = [(12, "CAP_NET_ADMIN"), (39, "CAP_BPF"), (38, "CAP_PERFMON")];
/// What reading other users' processes needs: their names are less good without.
const FOR_NAMES: [Capability; 2] = [(19, "CAP_SYS_PTRACE"), (2, "CAP_DAC_READ_SEARCH")];

/// What the links of `/proc/PID/map_files` need: programs of containers, and deleted ones, are
/// opened through them. CAP_SYS_ADMIN stands in.
const FOR_KEYS: [Capability; 1] = [(40, "CAP_CHECKPOINT_RESTORE")];

/// Every finding, in the order in which one depends on another.
pub fn machine() -> Vec<TapHealth> {
    Machine { root: PathBuf::from("/") }.findings()
}

/// True if this process may load programs that read other processes.
pub(super) fn may_trace() -> bool {
    let machine = Machine { root: PathBuf::from("/") };
    let held = machine.mask("CapEff:").unwrap_or(0);
    FOR_TAPS.iter().all(|(bit, _)| holds(held, *bit)) || holds(held, SYS_ADMIN.0)
}

/// Major and minor number of the running kernel; 0 if they cannot be read.
pub(super) fn kernel_version() -> (u32, u32) {
    version(&Machine { root: PathBuf::from("/") }.release()).unwrap_or_default()
}

/// Where /proc and /sys are.
struct Machine {
    root: PathBuf,
}

impl Machine {
    fn findings(&self) -> Vec<TapHealth> {
        vec![
            self.kernel(),
            self.btf(),
            self.capabilities(),
            self.cgroups(),
            self.processes(),
            self.locked_memory(),
            self.open_files(),
        ]
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root.join(path)).unwrap_or_default()
    }

    fn link(&self, path: &str) -> Option<String> {
        fs::read_link(self.root.join(path)).ok().map(|link| link.to_string_lossy().into_owned())
    }

    /// A set of capabilities, by its name in the status of this process.
    fn mask(&self, name: &str) -> Option<u64> {
        let status = self.read("proc/self/status");
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        u64::from_str_radix(line.trim(), 16).ok()
    }

    fn release(&self) -> String {
        self.read("proc/sys/kernel/osrelease").trim().to_owned()
    }

    fn kernel(&self) -> TapHealth {
        let release = self.release();
        let (major, minor) = KERNEL_MIN;
        let needed = format!("boot Linux {major}.{minor} or later");
        match version(&release) {
            None => found("kernel", TapState::Degraded, "its version cannot be read", &needed),
            Some(v) if v < KERNEL_MIN => {
                let detail = format!("{release}: older than {major}.{minor}, what taps need");
                found("kernel", TapState::Refused, &detail, &needed)
            }
            Some(_) => found("kernel", TapState::On, &release, ""),
        }
    }

    fn btf(&self) -> TapHealth {
        if self.root.join("sys/kernel/btf/vmlinux").exists() {
            return found("btf", TapState::On, "the kernel describes its types", "");
        }
        let detail = "the kernel does not describe its types (no /sys/kernel/btf/vmlinux); \
                      the wire tap does without";
        found("btf", TapState::Off, detail, "")
    }

    fn capabilities(&self) -> TapHealth {
        let Some(held) = self.mask("CapEff:") else {
            let detail = "cannot be read: is /proc mounted?";
            return found("capabilities", TapState::Degraded, detail, "mount -t proc proc /proc");
        };
        let is_foreign = self
            .link("proc/self/ns/user")
            .is_some_and(|namespace| namespace != FIRST_USER_NAMESPACE);
        if is_foreign {
            let detail = "this is a user namespace: rights held here do not count for BPF";
            let remedy = "start redsight outside of it (no rootless container, no userns-remap)";
            return found("capabilities", TapState::Refused, detail, remedy);
        }
        let missing = |wanted: &[Capability]| -> Vec<&'static str> {
            let lacks = |(bit, name): &Capability| {
                let stands_in = *name != "CAP_NET_ADMIN" && holds(held, SYS_ADMIN.0);
                (!holds(held, *bit) && !stands_in).then_some(*name)
            };
            wanted.iter().filter_map(lacks).collect()
        };
        let (mut taps, names) = (missing(&FOR_TAPS), missing(&FOR_NAMES));
        let keys = missing(&FOR_KEYS);
        let is_old = version(&self.release()).is_some_and(|v| v < KERNEL_WITH_CAP_BPF);
        if is_old && !holds(held, SYS_ADMIN.0) {
            taps = vec![SYS_ADMIN.1];
        }
        let bounded = self.mask("CapBnd:").unwrap_or(u64::MAX);
        let can_be_given = FOR_TAPS.iter().all(|(bit, _)| holds(bounded, *bit));
        if !taps.is_empty() {
            let detail = format!("missing for taps: {}", taps.join(" "));
            return found("capabilities", TapState::Refused, &detail, &remedy(can_be_given));
        }
        let mut lacks = Vec::new();
        if !names.is_empty() {
            lacks.push(format!(
                "missing to read other users' processes: {}; their services are named less well",
                names.join(" ")
            ));
        }
        if !keys.is_empty() {
            lacks.push(format!(
                "missing to open programs of containers and deleted ones: {}; they may get no \
                 key-log probe",
                keys.join(" ")
            ));
        }
        if !lacks.is_empty() {
            let detail = lacks.join("; ");
            return found("capabilities", TapState::Degraded, &detail, &remedy(can_be_given));
        }
        found("capabilities", TapState::On, "all that is needed", "")
    }

    fn cgroups(&self) -> TapHealth {
        let mounts = self.read("proc/self/mounts");
        let (mut v2, mut v1) = (None, false);
        for line in mounts.lines() {
            let mut fields = line.split(' ').skip(1);
            let (Some(point), Some(kind)) = (fields.next(), fields.next()) else { continue };
            v1 |= kind == "cgroup";
            if kind == "cgroup2" && v2.is_none() {
                v2 = Some(point.replace("\\040", " "));
            }
        }
        let Some(point) = v2 else {
            let detail = if v1 { "v1 only" } else { "no cgroup file system is mounted" };
            let remedy = "mount -t cgroup2 none /sys/fs/cgroup (with v1: …/cgroup/unified)\n\
                          or boot with systemd.unified_cgroup_hierarchy=1";
            return found("cgroup", TapState::Refused, detail, remedy);
        };
        let mode = if v1 { "hybrid: v1 controllers, v2" } else { "v2" };
        let at = self.root.join(point.trim_start_matches('/'));
        let is_root = fs::metadata(&at).map_or(true, |root| root.ino() == CGROUP_ROOT_INODE);
        if is_root {
            return found("cgroup", TapState::On, &format!("{mode} at {point}"), "");
        }
        let detail = format!(
            "{mode} at {point}, which is not its root: sockets of other containers are not seen"
        );
        let remedy = "docker run --cgroupns=host -v /sys/fs/cgroup:/sys/fs/cgroup:ro …\n\
                      Kubernetes: mount the host's /sys/fs/cgroup with a hostPath volume";
        found("cgroup", TapState::Degraded, &detail, remedy)
    }

    fn processes(&self) -> TapHealth {
        let is_foreign =
            self.link("proc/self/ns/pid").is_some_and(|namespace| namespace != FIRST_PID_NAMESPACE);
        if is_foreign {
            let detail = "this is a pid namespace: processes outside of it have no names here";
            let remedy = "docker run --pid=host …\nKubernetes: hostPID: true";
            return found("processes", TapState::Degraded, detail, remedy);
        }
        let mounts = self.read("proc/self/mounts");
        let proc_mount = mounts.lines().find(|line| line.split(' ').nth(1) == Some("/proc"));
        let hides = |mount: &str| {
            let options = mount.split(' ').nth(3).unwrap_or_default();
            let level = options.split(',').find_map(|option| option.strip_prefix("hidepid="));
            level.is_some_and(|level| !matches!(level, "0" | "off"))
        };
        match proc_mount {
            None => {
                let remedy = "mount -t proc proc /proc";
                found("processes", TapState::Refused, "/proc is not mounted", remedy)
            }
            Some(mount) if hides(mount) => {
                let detail = "/proc hides other users' processes (hidepid)";
                let remedy = "run as root, or mount -o remount,hidepid=0 /proc";
                found("processes", TapState::Degraded, detail, remedy)
            }
            Some(_) => found("processes", TapState::On, "those of the whole host", ""),
        }
    }

    fn locked_memory(&self) -> TapHealth {
        let limit = self.limit("Max locked memory");
        let is_counted = version(&self.release()).is_some_and(|v| v < KERNEL_WITHOUT_MEMLOCK);
        let words = limit.map_or("no limit".to_owned(), |bytes| format!("{} KiB", bytes >> 10));
        let is_low = is_counted && limit.is_some_and(|bytes| bytes < MEMLOCK_BYTES_MIN);
        let held = self.mask("CapEff:").unwrap_or(0);
        if is_low && holds(held, SYS_RESOURCE.0) {
            let detail = format!("{words}, which redsight raises for BPF when it starts");
            return found("locked memory", TapState::On, &detail, "");
        }
        if is_low {
            let detail = format!("{words}, and this kernel counts the memory of BPF");
            let remedy = "ulimit -l unlimited, or LimitMEMLOCK=infinity in the unit";
            return found("locked memory", TapState::Degraded, &detail, remedy);
        }
        let note = if is_counted { "" } else { "; this kernel does not count BPF" };
        found("locked memory", TapState::On, &format!("{words}{note}"), "")
    }

    fn open_files(&self) -> TapHealth {
        match self.limit("Max open files") {
            Some(files) if files < FILES_MIN => {
                let detail = format!("{files} are allowed, {FILES_MIN} are needed");
                let remedy = "ulimit -n 1024, or LimitNOFILE=1024 in the unit";
                found("open files", TapState::Degraded, &detail, remedy)
            }
            Some(files) => found("open files", TapState::On, &format!("{files} are allowed"), ""),
            None => found("open files", TapState::On, "no limit", ""),
        }
    }

    /// The soft limit of that name; `None` if there is none.
    fn limit(&self, name: &str) -> Option<u64> {
        let limits = self.read("proc/self/limits");
        let line = limits.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_whitespace().next()?.parse().ok()
    }
}

fn found(name: &str, state: TapState, detail: &str, remedy: &str) -> TapHealth {
    let [name, detail, remedy] = [name, detail, remedy].map(str::to_owned);
    TapHealth { name, state, detail, remedy }
}

fn holds(mask: u64, bit: u32) -> bool {
    mask & (1 << bit) != 0
}

/// Major and minor number of a release such as `6.1.0-18-amd64`.
fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit());
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

/// How to get the rights, for a shell, a package, systemd and Kubernetes.
fn remedy(can_be_given: bool) -> String {
    let all = FOR_TAPS.iter().chain(&FOR_NAMES).chain(&FOR_KEYS);
    let all: Vec<&str> = all.map(|(_, name)| *name).collect();
    let container = format!(
        "Kubernetes: securityContext: {{capabilities: {{add: [{}]}}}}\n\
         docker run {} …",
        all.iter().map(|name| name.trim_start_matches("CAP_")).collect::<Vec<_>>().join(", "),
        all.iter()
            .map(|name| format!("--cap-add {}", name.trim_start_matches("CAP_")))
            .collect::<Vec<_>>()
            .join(" "),
    );
    if !can_be_given {
        return container;
    }
    let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("redsight"));
    format!(
        "sudo redsight\n\
         sudo setcap {}+ep {}\n\
         systemd: AmbientCapabilities={}\n{container}",
        all.join(",").to_lowercase(),
        shown(&program),
        all.join(" "),
    )
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests;
