//! What is written on a container, and the service it names.

use std::sync::Arc;

use super::{made_up, name, version};
use crate::process::{Labels, Process};
use crate::resolve::Named;

/// Name of the container, pod with its namespace, and pairs.
type Row = (&'static str, [&'static str; 2], &'static [(&'static str, &'static str)]);

fn labels((name, [pod, pod_namespace], pairs): Row) -> Labels {
    let pairs = pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned()));
    Labels {
        name: name.into(),
        pod: pod.into(),
        pod_namespace: pod_namespace.into(),
        pairs: pairs.collect(),
        ..Labels::default()
    }
}

fn named(row: Row) -> Option<Named> {
    let process = Process { labels: Some(Arc::new(labels(row))), ..Process::default() };
    name(&process, &())
}

#[test]
fn labels_come_before_the_workload_and_that_before_the_containers_name() {
    let deployed = ["shop-7d4b9c6f5d-x2x7k", "prod"];
    let rows: &[(Row, [&str; 3])] = &[
        (
            ("c", deployed, &[("app", "x"), ("app.kubernetes.io/name", "cart")]),
            ["cart", "app.kubernetes.io/name", "prod"],
        ),
        (
            ("c", deployed, &[("app", "x"), ("resource.opentelemetry.io/service.name", "cart")]),
            ["cart", "resource.opentelemetry.io/service.name", "prod"],
        ),
        (
            ("c", deployed, &[("resource.opentelemetry.io/service.namespace", "eu")]),
            ["shop", "kubernetes deployment", "eu"],
        ),
        (("c", deployed, &[]), ["shop", "kubernetes deployment", "prod"]),
        (("c", ["db-0", "prod"], &[]), ["db", "kubernetes statefulset", "prod"]),
        (("c", ["bare", "prod"], &[]), ["bare", "kubernetes pod", "prod"]),
        (
            (
                "acme-shop-1",
                ["", ""],
                &[("com.docker.compose.service", "shop"), ("com.docker.compose.project", "acme")],
            ),
            ["shop", "com.docker.compose.service", "acme"],
        ),
        (
            (
                "acme_shop.1.x",
                ["", ""],
                &[
                    ("com.docker.swarm.service.name", "acme_shop"),
                    ("com.docker.stack.namespace", "acme"),
                ],
            ),
            ["shop", "com.docker.swarm.service.name", "acme"],
        ),
        (("web", ["", ""], &[]), ["web", "container name", ""]),
        (("order_service", ["", ""], &[]), ["order_service", "container name", ""]),
    ];
    for (row, [name, reason, namespace]) in rows {
        let found = named(*row).unwrap_or_else(|| panic!("no name for {row:?}"));
        let found = [found.name.as_str(), found.reason, found.namespace.as_str()];
        assert_eq!(found, [*name, *reason, *namespace]);
    }
}

#[test]
fn a_name_nobody_gave_names_nobody() {
    for name in ["hungry_hopper", "boring_wozniak7", "0123456789ab"] {
        assert!(made_up::is_made_up(name), "{name}");
        assert_eq!(named((name, ["", ""], &[])), None, "{name}");
    }
    for name in ["shop", "happy-path", "happy_", "happy_path-1", "order_service", "cafe"] {
        assert!(!made_up::is_made_up(name), "{name}");
    }
    assert_eq!(named(("", ["", ""], &[])), None);
    assert_eq!(name(&Process::default(), &()), None);
}

#[test]
fn the_version_is_a_labels_or_the_images_tag() {
    let rows = [
        ("registry:5000/acme/shop:1.4", "1.4"),
        ("acme/shop:1.4@sha256:0123", "1.4"),
        ("registry:5000/acme/shop", ""),
        ("shop:latest", ""),
        ("sha256:0123", ""),
        ("", ""),
    ];
    for (image, expected) in rows {
        let labels = Labels { image: image.into(), ..Labels::default() };
        assert_eq!(version(&labels), expected, "{image}");
    }
    let said = labels(("c", ["", ""], &[("app.kubernetes.io/version", "2.0")]));
    assert_eq!(version(&Labels { image: "shop:1".into(), ..said }), "2.0");
}
