//! Control group paths as runtimes and orchestrators write them: `{id}` stands for 64 digits,
//! `{out}` for another 64, `{ecs}` for the form of ECS, `{uid}` for a pod's uid and `{_uid}` for
//! the same with underscores.

use crate::sources::cgroup::Place;

/// What must be found: nothing, the long id, or this very text.
#[derive(Clone, Copy)]
enum Expected {
    Nothing,
    Id,
    Ecs,
    Text(&'static str),
}
use Expected::{Ecs, Id, Nothing, Text};

const ROWS: &[(&str, Expected)] = &[
    // Docker: systemd and plain driver, version 1 and 2, rootless, from within a namespace.
    ("0::/system.slice/docker-{id}.scope", Id),
    ("0::/docker/{id}", Id),
    ("12:pids:/docker/{id}", Id),
    ("1:name=systemd:/system.slice/docker-{id}.scope", Id),
    ("9:name=systemd:/docker/{id}\n0::/system.slice/containerd.service", Id),
    ("0::/../../system.slice/docker-{id}.scope", Id),
    ("0::/../{id}", Id),
    ("0::/system.slice/docker-{id}.scope/init.scope", Id),
    ("0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{id}.scope", Id),
    ("0::/system.slice:docker:{id}", Id),
    ("4:memory:/custom-parent/{id}", Id),
    ("0::/shop.slice/docker-{id}.scope/system.slice/nginx.service", Id),
    ("0::/actions_job/{id}", Id),
    // Docker in Docker: the inner one.
    ("0::/docker/{out}/docker/{id}", Id),
    ("0::/system.slice/docker-{out}.scope/docker/{id}", Id),
    ("0::/system.slice/docker-{out}.scope/system.slice/docker-{id}.scope", Id),
    // Kubernetes: containerd, CRI-O, Docker; each class of service; static pods.
    (
        "0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{_uid}.slice/\
         cri-containerd-{id}.scope",
        Id,
    ),
    (
        "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{_uid}.slice/\
         crio-{id}.scope",
        Id,
    ),
    ("0::/kubepods.slice/kubepods-pod{_uid}.slice/cri-containerd-{id}.scope", Id),
    ("0::/kubepods.slice/kubepods-pod{_uid}.slice/docker-{id}.scope", Id),
    ("0::/kubepods.slice/kubepods-pod{_uid}.slice/crio-{id}.scope/container", Id),
    ("11:cpu,cpuacct:/kubepods/burstable/pod{uid}/{id}", Id),
    ("11:cpu,cpuacct:/kubepods/pod{uid}/{id}", Id),
    ("11:cpu,cpuacct:/kubepods/besteffort/pod{uid}/crio-{id}", Id),
    (
        "1:name=systemd:/system.slice/containerd.service/kubepods-burstable-pod{_uid}.slice:\
         cri-containerd:{id}",
        Id,
    ),
    ("0::/../../pod{uid}/{id}", Id),
    ("0::/../cri-containerd-{id}.scope", Id),
    // kind and minikube: nodes that are containers themselves; k3s without root.
    (
        "0::/system.slice/docker-{out}.scope/kubelet.slice/kubelet-kubepods.slice/\
         kubelet-kubepods-burstable.slice/kubelet-kubepods-burstable-pod{_uid}.slice/\
         cri-containerd-{id}.scope",
        Id,
    ),
    ("0::/docker/{out}/kubelet/kubepods/besteffort/pod{uid}/{id}", Id),
    ("0::/docker/{out}/kubepods.slice/kubepods-pod{_uid}.slice/docker-{id}.scope", Id),
    ("0::/user.slice/user-0.slice/k3s.scope/k3s/kubepods/burstable/pod{uid}/{id}", Id),
    // containerd by hand, nerdctl, buildah.
    ("0::/default/{id}", Id),
    ("0::/system.slice/nerdctl-{id}.scope", Id),
    ("0::/user.slice/user-1000.slice/user@1000.service/user.slice/nerdctl-{id}.scope", Id),
    ("0::/system.slice:nerdctl:{id}", Id),
    ("0::/machine.slice/buildah-{id}.scope", Id),
    // Podman: with root, without, under a unit; its monitor is no container.
    ("0::/machine.slice/libpod-{id}.scope/container", Id),
    ("0::/machine.slice/libpod-{id}.scope", Id),
    ("0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{id}.scope", Id),
    ("0::/system.slice/web.service/libpod-payload-{id}", Id),
    ("0::/libpod_parent/libpod-{id}", Id),
    ("0::/machine.slice/libpod-conmon-{id}.scope", Nothing),
    ("0::/machine.slice/libpod-{out}.scope/libpod-conmon-{id}.scope", Text("{out}")),
    ("0::/kubepods.slice/kubepods-pod{_uid}.slice/crio-conmon-{id}.scope", Nothing),
    ("0::/system.slice/web.service/supervisor", Nothing),
    // ECS: on machines and on Fargate.
    ("9:perf_event:/ecs/0123/{id}", Id),
    ("9:perf_event:/ecs/0123/{ecs}", Ecs),
    ("0::/ecstasks.slice/ecstasks-0123.slice/docker-{id}.scope", Id),
    // LXC, LXD, Proxmox, nspawn, machined, Garden.
    ("0::/lxc.payload.web", Text("web")),
    ("0::/lxc.payload.web/system.slice/nginx.service", Text("web")),
    ("0::/lxc.monitor.web", Nothing),
    ("4:memory:/lxc/101", Text("101")),
    ("0::/lxc/101/ns/init.scope", Text("101")),
    ("0::/lxc.payload.web/docker/{id}", Id),
    ("0::/machine.slice/systemd-nspawn@web.service/payload", Text("web")),
    ("0::/machine.slice/systemd-nspawn@my\\x2dweb.service/payload/init.scope", Text("my-web")),
    ("0::/machine.slice/systemd-nspawn@web.service/supervisor", Nothing),
    ("0::/machine.slice/machine-web.scope/system.slice/x.service", Text("web")),
    ("0::/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/emulator", Nothing),
    (
        "0::/system.slice/garden.service/garden/6f265890-5165-7fab-6b52-18d1",
        Text("6f265890-5165-7fab-6b52-18d1"),
    ),
    // Everything else.
    ("0::/system.slice/nginx.service", Nothing),
    ("0::/user.slice/user-1000.slice/session-3.scope", Nothing),
    ("0::/kubepods.slice/kubepods-pod{_uid}.slice", Nothing),
    ("0::/", Nothing),
    ("0::/docker/0{id}", Nothing),
    ("0::/docker/buildkit/x2x7k0a1b2c3d4e5f6g7h8i9j", Nothing),
    ("", Nothing),
];

const UID: &str = "0a1b2c3d-0001-4002-8003-0123456789ab";

fn filled(text: &str) -> String {
    let id = "0123456789abcdef".repeat(4);
    let ecs = format!("{}-1234567890", &id[..32]);
    let out = "fedcba9876543210".repeat(4);
    let text = text.replace("{id}", &id).replace("{out}", &out).replace("{ecs}", &ecs);
    text.replace("{uid}", UID).replace("{_uid}", &UID.replace('-', "_"))
}

#[test]
fn every_form_gives_its_container_and_pod() {
    for (text, expected) in ROWS {
        let text = filled(text);
        let expected = match expected {
            Nothing => String::new(),
            Id => filled("{id}"),
            Ecs => filled("{ecs}"),
            Text(text) => filled(text),
        };
        let place = Place::from_text(&text);
        assert_eq!(place.container, expected, "{text}");
        let has_pod = text.contains(UID) || text.contains(&UID.replace('-', "_"));
        assert_eq!(place.pod_uid, if has_pod { UID } else { "" }, "{text}");
    }
}

#[test]
fn units_count_inside_a_container_and_not_around_it() {
    let rows = [
        ("/system.slice/docker-{id}.scope", "", "system.slice"),
        ("/system.slice/docker.service/docker/{id}", "", "system.slice"),
        ("/docker/{id}/system.slice/nginx.service", "nginx.service", "system.slice"),
        ("/lxc.payload.web/system.slice/nginx.service", "nginx.service", "system.slice"),
        (
            "/machine.slice/systemd-nspawn@web.service/payload/init.scope",
            "init.scope",
            "machine.slice",
        ),
        ("/machine.slice/libpod-{id}.scope/container", "", "machine.slice"),
        // The unit that Podman was told to run the container as.
        ("/system.slice/web.service/libpod-payload-{id}", "web.service", "system.slice"),
        ("/system.slice/nginx.service", "nginx.service", "system.slice"),
    ];
    for (path, unit, slice) in rows {
        let units = Place::from_path(&filled(path)).units;
        assert_eq!((units.unit.as_str(), units.slice.as_str()), (unit, slice), "{path}");
    }
}
