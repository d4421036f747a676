//! Trees of files as runtimes leave them, made up here.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Labels, Wanted, read};
use crate::process::Files;

/// A host with these files.
struct Host(BTreeMap<String, String>);

impl Host {
    fn new(files: &[(&str, &str)]) -> Self {
        let files = files.iter().map(|(path, text)| (filled(path), filled(text)));
        Self(files.collect())
    }

    fn read(&self, wanted: Wanted<'_>) -> Option<Labels> {
        read(&[&(), self], wanted)
    }
}

impl Files for Host {
    fn read(&self, path: &Path) -> Option<String> {
        self.0.get(path.to_str()?).cloned()
    }

    fn list(&self, folder: &Path) -> Vec<String> {
        let folder = format!("{}/", folder.to_str().unwrap_or_default().trim_end_matches('/'));
        let inside = self.0.keys().filter_map(|path| path.strip_prefix(&folder));
        let mut names: Vec<_> =
            inside.filter_map(|path| Some(path.split('/').next()?.to_owned())).collect();
        names.dedup();
        names
    }

    fn part(&self, path: &Path, _offset: i64, length: usize) -> Option<(Vec<u8>, u64)> {
        let bytes = self.0.get(path.to_str()?)?.as_bytes();
        Some((bytes.iter().copied().take(length).collect(), bytes.len() as u64))
    }
}

fn id() -> String {
    "0123456789abcdef".repeat(4)
}

fn filled(text: &str) -> String {
    text.replace("{id}", &id()).replace("{pod}", &"fedcba9876543210".repeat(4))
}

fn wanted(id: &str) -> Wanted<'_> {
    Wanted { id, ..Wanted::default() }
}

fn labels(facts: [&str; 4], pairs: &[(&str, &str)]) -> Option<Labels> {
    let [name, image, pod, pod_namespace] = facts.map(str::to_owned);
    let pairs = pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned()));
    Some(Labels { name, image, pod, pod_namespace, pairs: pairs.collect() })
}

#[test]
fn docker_tells_name_image_and_labels_that_name() {
    let host = Host::new(&[(
        "/var/lib/docker/containers/{id}/config.v2.json",
        r#"{"ID":"{id}","Name":"/acme-shop-1","Config":{"Image":"acme/shop:1.4","Env":["SECRET=1"],
        "Labels":{"com.docker.compose.project":"acme","com.docker.compose.service":"shop",
        "secret":"no"}}}"#,
    )]);
    let pairs = [("com.docker.compose.project", "acme"), ("com.docker.compose.service", "shop")];
    let expected = labels(["acme-shop-1", "acme/shop:1.4", "", ""], &pairs);
    assert_eq!(host.read(wanted(&id())), expected);
}

#[test]
fn dockers_kubernetes_labels_lead_to_the_pods_own() {
    let host = Host::new(&[
        (
            "/var/lib/docker/containers/{id}/config.v2.json",
            r#"{"Name":"/k8s_shop_shop-0_prod_x_0","Config":{"Image":"sha256:12","Labels":{
            "io.kubernetes.container.name":"shop","io.kubernetes.pod.name":"shop-0",
            "io.kubernetes.pod.namespace":"prod","io.kubernetes.sandbox.id":"{pod}"}}}"#,
        ),
        (
            "/var/lib/docker/containers/{pod}/config.v2.json",
            r#"{"Name":"/k8s_POD_shop-0_prod_x_0","Config":{"Image":"pause","Labels":{
            "app.kubernetes.io/name":"webshop","app.kubernetes.io/version":"1.4"}}}"#,
        ),
    ]);
    let pairs = [("app.kubernetes.io/name", "webshop"), ("app.kubernetes.io/version", "1.4")];
    let expected = labels(["shop", "sha256:12", "shop-0", "prod"], &pairs);
    assert_eq!(host.read(wanted(&id())), expected);
}

#[test]
fn containerds_bundle_is_found_in_whichever_namespace() {
    let annotations = r#"{"ociVersion":"1.0.2","annotations":{
        "io.kubernetes.cri.container-name":"shop","io.kubernetes.cri.container-type":"container",
        "io.kubernetes.cri.image-name":"docker.io/acme/shop:1.4",
        "io.kubernetes.cri.sandbox-id":"{pod}",
        "io.kubernetes.cri.sandbox-name":"shop-7d4b9c6f5d-x2x7k",
        "io.kubernetes.cri.sandbox-namespace":"prod"}}"#;
    let expected =
        labels(["shop", "docker.io/acme/shop:1.4", "shop-7d4b9c6f5d-x2x7k", "prod"], &[]);
    for run in ["/run/containerd", "/run/k3s/containerd", "/run/k0s/containerd"] {
        let task = format!("{run}/io.containerd.runtime.v2.task");
        let host = Host::new(&[
            (&format!("{task}/k8s.io/{{id}}/config.json"), annotations),
            (&format!("{task}/default/other/config.json"), "{}"),
        ]);
        assert_eq!(host.read(wanted(&id())), expected, "{run}");
    }
}

#[test]
fn nerdctl_writes_its_name_into_the_bundle() {
    let host = Host::new(&[(
        "/run/containerd/io.containerd.runtime.v2.task/default/{id}/config.json",
        r#"{"annotations":{"nerdctl/name":"web","nerdctl/image-ref":"docker.io/library/nginx:1"}}"#,
    )]);
    let expected = labels(["web", "docker.io/library/nginx:1", "", ""], &[]);
    assert_eq!(host.read(wanted(&id())), expected);
}

#[test]
fn cri_o_keeps_labels_as_text_in_annotations() {
    let bundle = r#"{"annotations":{"io.kubernetes.container.name":"shop",
        "io.kubernetes.cri-o.ImageName":"quay.io/acme/shop:2","io.kubernetes.cri-o.SandboxID":"{pod}",
        "io.kubernetes.pod.name":"shop-0","io.kubernetes.pod.namespace":"prod"}}"#;
    let sandbox = r#"{"annotations":{
        "io.kubernetes.cri-o.Labels":"{\"app\":\"webshop\",\"x\":\"y\"}",
        "io.kubernetes.cri-o.Annotations":"{\"resource.opentelemetry.io/service.name\":\"cart\"}"}}"#;
    let pairs = [("app", "webshop"), ("resource.opentelemetry.io/service.name", "cart")];
    for storage in ["/run/containers/storage", "/var/lib/containers/storage"] {
        let path = |id| format!("{storage}/overlay-containers/{id}/userdata/config.json");
        let host = Host::new(&[(&path("{id}"), bundle), (&path("{pod}"), sandbox)]);
        let expected = labels(["shop", "quay.io/acme/shop:2", "shop-0", "prod"], &pairs);
        assert_eq!(host.read(wanted(&id())), expected, "{storage}");
    }
}

#[test]
fn podmans_containers_stand_in_a_list_of_the_storage() {
    let list = r#"[{"id":"other","names":["x"]},{"id":"{id}","names":["web"],
        "metadata":"{\"image-name\":\"docker.io/library/nginx:1.25\",\"name\":\"web\"}"}]"#;
    let storage = "/var/lib/containers/storage/overlay-containers";
    let host = Host::new(&[
        (&format!("{storage}/containers.json"), list),
        (&format!("{storage}/{{id}}/userdata/config.json"), r#"{"annotations":{}}"#),
    ]);
    let expected = labels(["web", "docker.io/library/nginx:1.25", "", ""], &[]);
    assert_eq!(host.read(wanted(&id())), expected);
}

#[test]
fn the_names_of_logs_are_the_last_resort() {
    let uid = "0a1b2c3d-0001-4002-8003-0123456789ab";
    let by_uid = Wanted { pod_uid: uid, ..Wanted::default() };
    let folder = format!("/var/log/pods/prod_shop-0_{uid}/shop/0.log");
    let host = Host::new(&[(&folder, "")]);
    assert_eq!(host.read(by_uid), labels(["", "", "shop-0", "prod"], &[]));
    let link = "/var/log/containers/shop-0_prod_shop-{id}.log";
    let host = Host::new(&[(&folder, ""), (link, "")]);
    let id = id();
    let both = Wanted { id: &id, ..by_uid };
    assert_eq!(host.read(both), labels(["shop", "", "shop-0", "prod"], &[]));
}

#[test]
fn what_is_missing_or_broken_is_silence() {
    let host = Host::new(&[
        ("/var/lib/docker/containers/{id}/config.v2.json", "{\"Name\":"),
        ("/run/containerd/io.containerd.runtime.v2.task/k8s.io/{id}/config.json", "[1]"),
        ("/var/lib/containers/storage/overlay-containers/containers.json", "{}"),
    ]);
    assert_eq!(host.read(wanted(&id())), None);
    assert_eq!(host.read(wanted("../../etc")), None);
    let large = format!("{{\"Name\":\"/x\",\"Pad\":\"{}\"}}", "x".repeat(super::FILE_BYTES_MAX));
    let host = Host::new(&[("/var/lib/docker/containers/{id}/config.v2.json", &large)]);
    assert_eq!(host.read(wanted(&id())), None);
}
