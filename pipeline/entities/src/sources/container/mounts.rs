//! The container of a process whose control group path says nothing, by what is mounted in it.
//!
//! Whoever reads from inside a private control group namespace sees its neighbours at `/`. The
//! runtime still mounts files of its own into every container (`/etc/hostname`, …), and where
//! those come from names the container.

use super::{find, is_id};
use crate::sources::kubernetes;

/// Where runtimes mount files of their own. Anything else may come from anywhere: the name of a
/// volume can look like an id.
const TARGETS: &[&str] = &[
    "/etc/hostname",
    "/etc/hosts",
    "/etc/resolv.conf",
    "/dev/shm",
    "/dev/termination-log",
    "/run/.containerenv",
    "/run/secrets",
];
/// Where control groups are mounted.
const CGROUPS: &str = "/sys/fs/cgroup";
/// A folder named by a pod's sandbox, which is no container of the service.
const SANDBOXES: &str = "sandboxes";

/// What mounts tell. Empty where they do not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mounted {
    /// Container id.
    pub id: String,
    /// Id of the pod's sandbox.
    pub sandbox: String,
    /// Uid of the pod.
    pub pod_uid: String,
    /// Name of the container within its pod.
    pub container_name: String,
}

/// Reads `/proc/<pid>/mountinfo`: `id parent major:minor root target options …`.
/// <https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html>
pub fn read(text: &str) -> Mounted {
    let mut found = Mounted::default();
    for line in text.lines() {
        let mut fields = line.split(' ').skip(3);
        let (Some(root), Some(target)) = (fields.next(), fields.next()) else {
            continue;
        };
        if target.starts_with(CGROUPS) {
            if let Some(container) = find(root).filter(|_| found.id.is_empty()) {
                found.id = container.id;
                found.pod_uid = kubernetes::pod_uid(root).unwrap_or_default();
            }
        } else if TARGETS.contains(&target) {
            found.take(root);
        }
    }
    found
}

impl Mounted {
    /// What one mounted file's own path says.
    fn take(&mut self, root: &str) {
        let mut parts = root.split('/').peekable();
        let mut before = "";
        while let Some(part) = parts.next() {
            match before {
                SANDBOXES if is_id(part) => part.clone_into(&mut self.sandbox),
                "pods" if kubernetes::is_uid(part) => part.clone_into(&mut self.pod_uid),
                // kubelet: `pods/<uid>/containers/<name>/<attempt>`.
                _ if is_id(part) && self.id.is_empty() => part.clone_into(&mut self.id),
                _ if is_id(part) => {}
                "containers" if !self.pod_uid.is_empty() && parts.peek().is_some() => {
                    part.clone_into(&mut self.container_name);
                }
                _ => {}
            }
            before = part;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Mounted, read};

    fn id() -> String {
        "0123456789abcdef".repeat(4)
    }

    #[test]
    fn files_that_runtimes_mount_name_the_container() {
        let id = id();
        let roots = [
            format!("/var/lib/docker/containers/{id}/hostname /etc/hostname"),
            format!("/containers/{id}/resolv.conf /etc/resolv.conf"),
            format!("/containers/storage/overlay-containers/{id}/userdata/hosts /etc/hosts"),
            format!(
                "/containers/overlay-containers/{id}/userdata/run/.containerenv /run/.containerenv"
            ),
            format!("/var/lib/nerdctl/1935db59/etchosts/default/{id}/hosts /etc/hosts"),
            format!("/../../system.slice/docker-{id}.scope /sys/fs/cgroup"),
            format!("/docker/{id} /sys/fs/cgroup/pids"),
        ];
        for root in roots {
            let text =
                format!("1 0 0:1 / / rw - overlay overlay rw\n36 1 8:1 {root} rw - ext4 x rw\n");
            assert_eq!(read(&text).id, id, "{root}");
        }
    }

    #[test]
    fn a_pods_files_name_pod_and_container() {
        let (id, uid) = (id(), "0a1b2c3d-0001-4002-8003-0123456789ab");
        let text = format!(
            "1 0 8:1 /var/lib/kubelet/pods/{uid}/etc-hosts /etc/hosts rw - ext4 x rw\n\
             2 0 8:1 /var/lib/kubelet/pods/{uid}/containers/shop/1a2b3c4d /dev/termination-log rw\n\
             3 0 8:1 /var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/{id}/hostname \
             /etc/hostname rw - ext4 x rw\n"
        );
        let expected = Mounted {
            id: String::new(),
            sandbox: id,
            pod_uid: uid.into(),
            container_name: "shop".into(),
        };
        assert_eq!(read(&text), expected);
    }

    #[test]
    fn volumes_and_hosts_name_nobody() {
        let id = id();
        let text = format!(
            "1 0 8:1 /var/lib/docker/volumes/{id}/_data /data rw - ext4 x rw\n\
             2 0 8:1 /etc/hosts /etc/hosts rw - ext4 x rw\n3 0 0:4 / /sys/fs/cgroup rw\nshort\n"
        );
        assert_eq!(read(&text), Mounted::default());
    }
}
