//! Names from what is written on a container: labels, annotations, its pod, its own name.

use crate::process::{Files, Labels, Process};
use crate::resolve::Named;
use crate::sources::kubernetes;

mod made_up;

/// Keys whose value is the name of the service, the strongest first, each a reason by itself.
/// The first three are OpenTelemetry's order for Kubernetes:
/// <https://opentelemetry.io/docs/specs/semconv/non-normative/k8s-attributes/>.
const SERVICES: &[&str] = &[
    "resource.opentelemetry.io/service.name",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/name",
    "tags.datadoghq.com/service",
    "com.datadoghq.tags.service",
    "com.docker.compose.service",
    "io.podman.compose.service",
    "com.docker.swarm.service.name",
    "com.amazonaws.ecs.container-name",
    "com.hashicorp.nomad.job_name",
    "k8s-app",
    "app",
];

/// Keys whose value is the namespace of the service. The pod's own stands before the third.
const NAMESPACES: &[&str] = &[
    "resource.opentelemetry.io/service.namespace",
    "app.kubernetes.io/part-of",
    "com.docker.compose.project",
    "io.podman.compose.project",
    "com.docker.stack.namespace",
    "com.hashicorp.nomad.namespace",
];

/// Keys whose value is the version of the service.
const VERSIONS: &[&str] = &[
    "resource.opentelemetry.io/service.version",
    "app.kubernetes.io/version",
    "tags.datadoghq.com/version",
    "com.datadoghq.tags.version",
    "org.opencontainers.image.version",
];

/// The key by which a pod gives the instance itself.
const INSTANCE: &str = "resource.opentelemetry.io/service.instance.id";

/// A Swarm service is called `<stack>_<service>`.
const STACK: &str = "com.docker.stack.namespace";

/// True for keys that may name a service. All others may hold anything and are not kept.
pub(super) fn is_kept(key: &str) -> bool {
    let lists = [SERVICES, NAMESPACES, VERSIONS, &[INSTANCE]];
    lists.iter().any(|keys| keys.contains(&key))
}

/// A label, else the workload of the pod, else the name somebody gave the container.
pub fn name(process: &Process, _files: &dyn Files) -> Option<Named> {
    let labels = process.labels.as_deref()?;
    let mut named = if let Some((key, value)) = first(labels, SERVICES) {
        let stack = labels.pairs.get(STACK).map(|stack| format!("{stack}_"));
        let value = stack.and_then(|stack| value.strip_prefix(&stack)).unwrap_or(value);
        Named::new(value, key)
    } else if !labels.pod.is_empty() {
        let owner = kubernetes::owner(&labels.pod);
        Named::new(owner.name, owner.kind)
    } else if !labels.name.is_empty() && !made_up::is_made_up(&labels.name) {
        Named::new(&labels.name, "container name")
    } else {
        return None;
    };
    named.namespace = namespace(labels);
    named.instance = labels.pairs.get(INSTANCE).cloned();
    Some(named)
}

/// The namespace that labels give to the service, else that of its pod.
pub fn namespace(labels: &Labels) -> String {
    let explicit = labels.pairs.get("resource.opentelemetry.io/service.namespace");
    if let Some(namespace) = explicit {
        return namespace.clone();
    }
    if !labels.pod_namespace.is_empty() {
        return labels.pod_namespace.clone();
    }
    first(labels, NAMESPACES).map(|(_, value)| value.to_owned()).unwrap_or_default()
}

/// The version of the service: a label, else the tag of the image.
pub fn version(labels: &Labels) -> String {
    if let Some((_, version)) = first(labels, VERSIONS) {
        return version.to_owned();
    }
    let image = labels.image.split('@').next().unwrap_or_default();
    let last = image.rsplit('/').next().unwrap_or_default();
    let (name, tag) = last.split_once(':').unwrap_or_default();
    // What moves says nothing, nor does a digest.
    let says_nothing = name == "sha256" || matches!(tag, "latest" | "stable" | "main" | "master");
    if says_nothing { "" } else { tag }.to_owned()
}

fn first<'a>(labels: &'a Labels, keys: &[&'static str]) -> Option<(&'static str, &'a str)> {
    keys.iter().find_map(|&key| Some((key, labels.pairs.get(key)?.as_str())))
}

#[cfg(test)]
mod tests;
