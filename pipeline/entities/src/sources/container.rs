//! The container a control group path belongs to. Names and images of containers come from
//! their runtime and are not read here.

/// What runtimes put before the id when systemd makes the control group.
const PREFIXES: &[&str] = &["docker-", "cri-containerd-", "crio-", "libpod-", "nerdctl-", ""];

/// The id of the innermost container in a control group path.
///
/// Monitors (`libpod-conmon-<id>.scope`) stand beside their container and are none.
pub fn id(cgroup: &str) -> Option<&str> {
    cgroup.rsplit('/').find_map(|part| {
        let part = part.strip_suffix(".scope").unwrap_or(part);
        // containerd without systemd writes `kubepods-…-pod<uid>.slice:cri-containerd:<id>`.
        let part = part.rsplit(':').next().unwrap_or(part);
        let candidates = PREFIXES.iter().filter_map(|prefix| part.strip_prefix(prefix));
        candidates.into_iter().find(|id| is_id(id))
    })
}

/// 64 hexadecimal digits; ECS writes 32 of them, a dash and a decimal number.
fn is_id(text: &str) -> bool {
    let hex = |text: &str| text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if text.len() == 64 {
        return hex(text);
    }
    text.split_once('-').is_some_and(|(task, number)| {
        let decimal = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        task.len() == 32 && hex(task) && decimal
    })
}

#[cfg(test)]
mod tests {
    use super::id;

    #[test]
    fn the_forms_of_the_common_runtimes_give_their_id() {
        let long = "0123456789abcdef".repeat(4);
        let ecs = format!("{}-1234567890", &long[..32]);
        let pods = "/kubepods.slice/kubepods-besteffort.slice";
        let rows = [
            (format!("/system.slice/docker-{long}.scope"), Some(&long)),
            (format!("/docker/{long}"), Some(&long)),
            (format!("/docker/{long}/init.scope"), Some(&long)),
            (format!("/../../system.slice/docker-{long}.scope"), Some(&long)),
            (
                format!("{pods}/kubepods-besteffort-pod1_2.slice/cri-containerd-{long}.scope"),
                Some(&long),
            ),
            (format!("/kubepods/burstable/pod12-34/{long}"), Some(&long)),
            (format!("/kubepods.slice/kubepods-pod12.slice/crio-{long}.scope"), Some(&long)),
            (
                format!(
                    "/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:{long}"
                ),
                Some(&long),
            ),
            (format!("/machine.slice/libpod-{long}.scope/container"), Some(&long)),
            (
                format!(
                    "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{long}.scope"
                ),
                Some(&long),
            ),
            (format!("/ecs/0123/{ecs}"), Some(&ecs)),
            (format!("/machine.slice/libpod-conmon-{long}.scope"), None),
            ("/system.slice/nginx.service".into(), None),
            ("/".into(), None),
            (format!("/docker/{}", &long[1..]), None),
        ];
        for (path, expected) in rows {
            assert_eq!(id(&path), expected.map(String::as_str), "{path}");
        }
    }
}
