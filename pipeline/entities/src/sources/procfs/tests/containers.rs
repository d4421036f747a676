//! Containers, pods and units as the scanner finds them, over a tree that the test builds.

use std::fs;

use model::Timestamp;

use super::host::{Fake, Host, NGINX, SHOP};
use crate::sources::procfs::{Scanner, Scope};

const BUNDLES: &str = "run/containerd/io.containerd.runtime.v2.task/k8s.io";

fn id() -> String {
    "0123456789abcdef".repeat(4)
}

#[test]
fn a_container_is_named_by_what_its_runtime_wrote_down() {
    let mut host = Host::new();
    let id = id();
    host.start(SHOP);
    host.put("proc/200/cgroup", &format!("0::/system.slice/docker-{id}.scope\n"));
    let config = r#"{"Name":"/acme-cart-1","Config":{"Image":"acme/cart:1.4","Labels":
        {"com.docker.compose.project":"acme","com.docker.compose.service":"cart"}}}"#;
    host.put(&format!("var/lib/docker/containers/{id}/config.v2.json"), config);
    host.table(&[200], &[(8000, 8000)], &[]);
    host.scan(&[200]);
    let cart = host.service("cart");
    assert_eq!(cart.reason, "com.docker.compose.service");
    assert_eq!(cart.namespace, "acme");
    assert_eq!(cart.instance, "0123456789ab");
    assert_eq!(cart.version, "1.4");
    assert_eq!(cart.container, id);
    assert_eq!(
        (cart.container_name.as_str(), cart.image.as_str()),
        ("acme-cart-1", "acme/cart:1.4")
    );
    assert_eq!((cart.unit.as_str(), cart.slice.as_str()), ("", "system.slice"));
}

#[test]
fn a_pod_is_named_by_its_workload_and_keeps_its_instance_over_restarts() {
    let mut host = Host::new();
    let uid = "0a1b2c3d-0001-4002-8003-0123456789ab";
    let annotations = r#"{"annotations":{"io.kubernetes.cri.container-name":"shop",
        "io.kubernetes.cri.sandbox-name":"shop-7d4b9c6f5d-x2x7k",
        "io.kubernetes.cri.sandbox-namespace":"prod"}}"#;
    let pods = [("a", 200, "proc/200/cgroup"), ("b", 201, "proc/201/cgroup")];
    for (digit, pid, cgroup) in pods {
        let id = digit.repeat(64);
        host.start(Fake { pid, ..SHOP });
        host.put(cgroup, &format!("0::/kubepods/burstable/pod{uid}/{id}\n"));
        host.put(&format!("{BUNDLES}/{id}/config.json"), annotations);
        host.table(&[pid], &[(8000, 8000)], &[]);
        host.scan(&[pid]);
        let shop = host.service("shop");
        assert_eq!(shop.reason, "kubernetes deployment");
        assert_eq!(shop.namespace, "prod");
        assert_eq!(shop.instance, "prod.shop-7d4b9c6f5d-x2x7k.shop");
        assert_eq!(
            (shop.pod.as_str(), shop.pod_namespace.as_str()),
            ("shop-7d4b9c6f5d-x2x7k", "prod")
        );
        assert_eq!(shop.pids, [pid]);
        host.exit(pid);
    }
}

#[test]
fn a_node_that_is_a_container_itself_has_the_files_of_its_pods() {
    let host = Host::new();
    let (node, inner) = ("d".repeat(64), id());
    let shim = Fake { pid: 150, start: 1_500, command: "shim", argv: &["shim"], ..NGINX };
    host.start(shim);
    host.start(Fake { parent: 150, ..SHOP });
    host.put("proc/150/cgroup", &format!("0::/docker/{node}/system.slice/containerd.service\n"));
    host.put("proc/200/cgroup", &format!("0::/docker/{node}/kubelet/kubepods/pod1/{inner}\n"));
    let annotations = r#"{"annotations":{"io.kubernetes.cri.container-name":"cart",
        "io.kubernetes.cri.sandbox-name":"cart-0","io.kubernetes.cri.sandbox-namespace":"kind"}}"#;
    host.put(&format!("proc/150/root/{BUNDLES}/{inner}/config.json"), annotations);
    host.table(&[150, 200], &[(8000, 8000)], &[]);
    let path = host.path(200);
    let proc = path.parent().expect("a folder");
    // Of processes outside of a scope nothing is read.
    let scope = Scope::Cgroups(vec![proc.with_file_name("cgroup")]);
    for (scope, expected) in [(Scope::Host, ["cart", "kind"]), (scope, ["shop", ""])] {
        fs::write(proc.with_file_name("cgroup/cgroup.procs"), "200\n").expect("a file");
        let directory = std::sync::Arc::new(crate::Directory::new("host"));
        let mut scanner = Scanner::with_proc(directory.clone(), scope, proc);
        scanner.scan(Timestamp(1_000_000_000));
        let mut services = directory.services().into_iter();
        let found = services.find(|service| service.pids == [200]).expect("a service");
        assert_eq!([found.name.as_str(), &found.namespace], expected);
    }
}

#[test]
fn whoever_shares_a_private_namespace_is_known_by_its_mounts() {
    let mut host = Host::new();
    let id = id();
    host.start(SHOP);
    host.put("proc/200/cgroup", "0::/\n");
    let root = format!("/var/lib/docker/containers/{id}/hostname");
    let mounts = format!("36 1 8:1 {root} /etc/hostname rw - ext4 /dev/sda rw\n");
    host.put("proc/200/mountinfo", &mounts);
    host.table(&[200], &[(8000, 8000)], &[]);
    host.scan(&[200]);
    assert_eq!(host.service("shop").container, id);
}

#[test]
fn a_container_without_files_is_known_by_its_id() {
    let mut host = Host::new();
    host.start(NGINX);
    fs::remove_file(host.path(100).join("cgroup")).expect("a file");
    host.put("proc/100/cpuset", &format!("/docker/{}\n", id()));
    host.table(&[100], &[(80, 80)], &[]);
    host.scan(&[100]);
    let nginx = host.service("nginx");
    assert_eq!(nginx.reason, "executable");
    assert_eq!((nginx.container, nginx.instance), (id(), "0123456789ab".into()));
    assert!(nginx.container_name.is_empty());
}

#[test]
fn a_users_unit_stands_beside_that_of_the_users_manager() {
    let mut host = Host::new();
    host.start(SHOP);
    let user = "/user.slice/user-1000.slice/user@1000.service";
    host.put("proc/200/cgroup", &format!("0::{user}/app.slice/cart.service\n"));
    host.table(&[200], &[(8000, 8000)], &[]);
    host.scan(&[200]);
    let cart = host.service("cart");
    assert_eq!(cart.reason, "systemd unit");
    assert_eq!(cart.unit, "user@1000.service");
    assert_eq!(cart.user_unit, "cart.service");
    assert_eq!(cart.slice, "app.slice");
}
