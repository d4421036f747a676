//! Kubernetes: the pod a path belongs to, and the workload a pod's name was made from.
//!
//! Nothing is asked of the cluster. A pod's owner is read from the pod's name, which controllers
//! make by rules of their own; a name that was not made so is taken whole.

use super::container::is_hex;

/// Letters and digits of which the cluster makes random names: no vowels, and none that look
/// like others (`rand.SafeEncodeString` in apimachinery).
const RANDOM: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
/// Length of the random end of a pod's name.
const RANDOM_BYTES: usize = 5;
/// Lengths of the hash of a pod template: a number of 32 bits, written in decimal and encoded.
const HASH_BYTES: std::ops::RangeInclusive<usize> = 6..=10;
/// Digits of a scheduled job's time, in minutes since 1970; in seconds on old clusters.
const SCHEDULED_DIGITS: std::ops::RangeInclusive<usize> = 8..=10;

/// What made a pod, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it seems to be, as a reason for a name.
    pub kind: &'static str,
}

/// The uid of the innermost pod in a control group path or a mounted path.
///
/// `pod<uid>` without systemd; `kubepods-burstable-pod<uid>.slice` with it, dashes written as
/// `_`. A pod of a node's own files has a hash for uid.
pub fn pod_uid(path: &str) -> Option<String> {
    path.rsplit(['/', ':']).find_map(|part| {
        let part = part.strip_suffix(".slice").unwrap_or(part);
        let (_, uid) = part.rsplit_once("pod")?;
        let uid = uid.replace('_', "-");
        is_uid(&uid).then_some(uid)
    })
}

/// A UUID, or 32 digits.
pub(crate) fn is_uid(text: &str) -> bool {
    let groups: Vec<&str> = text.splitn(6, '-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    matches!(lengths.as_slice(), [32] | [8, 4, 4, 4, 12]) && groups.iter().all(|g| is_hex(g))
}

/// The workload that a pod's name was made from.
///
/// ```text
/// deployment   shop-7d4b9c6f5d-x2x7k    cronjob       backup-28391040-x2x7k
/// daemonset    agent-x2x7k              statefulset   db-0
/// ```
pub fn owner(pod: &str) -> Owner<'_> {
    let whole = Owner { name: pod, kind: "kubernetes pod" };
    let Some((stem, last)) = split(pod) else {
        return whole;
    };
    if is_digits(last) && last.len() < RANDOM_BYTES {
        return Owner { name: stem, kind: "kubernetes statefulset" };
    }
    if last.len() != RANDOM_BYTES || !is_random(last) {
        return whole;
    }
    match split(stem) {
        Some((name, hash)) if HASH_BYTES.contains(&hash.len()) && is_random(hash) => {
            Owner { name, kind: "kubernetes deployment" }
        }
        Some((name, time)) if SCHEDULED_DIGITS.contains(&time.len()) && is_digits(time) => {
            Owner { name, kind: "kubernetes cronjob" }
        }
        _ => Owner { name: stem, kind: "kubernetes daemonset or job" },
    }
}

fn split(name: &str) -> Option<(&str, &str)> {
    name.rsplit_once('-').filter(|(stem, last)| !stem.is_empty() && !last.is_empty())
}

fn is_random(text: &str) -> bool {
    text.bytes().all(|byte| RANDOM.contains(&byte))
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{owner, pod_uid};

    #[test]
    fn a_pods_name_tells_what_made_it() {
        let rows = [
            ("shop-7d4b9c6f5d-x2x7k", "shop", "kubernetes deployment"),
            ("shop-api-5f6b8d9c4-8zv7q", "shop-api", "kubernetes deployment"),
            ("coredns-76f75df574-lnq9s", "coredns", "kubernetes deployment"),
            ("backup-28391040-x2x7k", "backup", "kubernetes cronjob"),
            ("node-exporter-x2x7k", "node-exporter", "kubernetes daemonset or job"),
            ("db-0", "db", "kubernetes statefulset"),
            ("kafka-broker-12", "kafka-broker", "kubernetes statefulset"),
            // "agent" has vowels and "proxy" an o: no cluster makes such an end.
            ("node-agent", "node-agent", "kubernetes pod"),
            ("kube-proxy", "kube-proxy", "kubernetes pod"),
            ("etcd-node-1a", "etcd-node-1a", "kubernetes pod"),
            ("shop", "shop", "kubernetes pod"),
            ("-x2x7k", "-x2x7k", "kubernetes pod"),
            ("", "", "kubernetes pod"),
        ];
        for (pod, name, kind) in rows {
            let found = owner(pod);
            assert_eq!((found.name, found.kind), (name, kind), "{pod}");
        }
    }

    #[test]
    fn a_pods_uid_is_read_in_both_spellings() {
        let uid = "0a1b2c3d-0001-4002-8003-0123456789ab";
        let slice = uid.replace('-', "_");
        let id = "0123456789abcdef".repeat(4);
        let burstable = "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable";
        let rows = [
            (format!("/kubepods/burstable/pod{uid}/{id}"), Some(uid)),
            (format!("{burstable}-pod{slice}.slice/crio-{id}.scope"), Some(uid)),
            (
                format!("/system.slice/containerd.service/kubepods-pod{slice}.slice:crio:{id}"),
                Some(uid),
            ),
            (format!("/var/lib/kubelet/pods/{uid}/etc-hosts"), None),
            ("/kubepods/pod12".into(), None),
            ("/user.slice/podman.slice".into(), None),
        ];
        for (path, expected) in rows {
            assert_eq!(pod_uid(&path).as_deref(), expected, "{path}");
        }
        let file = format!("/kubepods/besteffort/pod{}/{id}", &id[..32]);
        assert_eq!(pod_uid(&file).as_deref(), Some(&id[..32]));
    }
}
