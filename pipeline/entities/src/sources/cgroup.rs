//! What the control groups of a process say: its container, its pod, its systemd units.
//!
//! Takes the text of `/proc/<pid>/cgroup`. A path is read from its end: the innermost container
//! wins, and units count only inside of it, for those around it are its runtime's.

use crate::sources::{container, kubernetes, systemd};

/// Where a process stands in the tree of control groups.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The path that says most, without the steps that lead out of a control group namespace.
    pub path: String,
    /// Container id, or the name of a system container; empty if none.
    pub container: String,
    /// Uid of the Kubernetes pod; empty if none.
    pub pod_uid: String,
    /// systemd's names.
    pub units: systemd::Units,
}

impl Place {
    /// Reads `hierarchy:controllers:path` lines.
    /// <https://man7.org/linux/man-pages/man7/cgroups.7.html>
    ///
    /// A path that names a container says most: on hosts with both versions Docker keeps its
    /// groups in version 1, while version 2 shows the service of its daemon. Then comes version
    /// 2, then systemd's own hierarchy, then the others.
    pub fn from_text(text: &str) -> Self {
        let rank = |controllers: &str| match controllers {
            "" => 0,
            "name=systemd" => 1,
            _ => 2,
        };
        let mut paths: Vec<(u8, &str)> = text
            .lines()
            .filter_map(|line| line.split_once(':')?.1.split_once(':'))
            .map(|(controllers, path)| (rank(controllers), inside(path)))
            .filter(|(_, path)| *path != "/")
            .collect();
        paths.sort_by_key(|(rank, _)| *rank);
        let first = paths.first().map_or("/", |(_, path)| *path);
        let holds_container = |path: &&str| container::find(path).is_some();
        let mut paths = paths.iter().map(|(_, path)| *path);
        Self::from_path(paths.find(holds_container).unwrap_or(first))
    }

    /// Reads one path.
    pub fn from_path(path: &str) -> Self {
        let path = inside(path);
        let (container, around, within) = match container::find(path) {
            Some(found) => (found.id, found.around, found.within),
            None => (String::new(), "", path),
        };
        let mut units = systemd::Units::from_path(within);
        if !container.is_empty() {
            let outer = systemd::Units::from_path(around);
            let own = path.get(around.len()..).and_then(|own| own.strip_prefix('/'));
            let is_units_own = own.is_some_and(|own| own.starts_with(container::UNDER_UNIT));
            if is_units_own && units.unit.is_empty() {
                units.unit = outer.unit;
                units.user_unit = outer.user_unit;
            }
            if units.slice.is_empty() {
                units.slice = outer.slice;
            }
        }
        let pod_uid = kubernetes::pod_uid(path).unwrap_or_default();
        Self { path: path.to_owned(), container, pod_uid, units }
    }

    /// True if the path says nothing at all, as it does for whoever shares the reader's own
    /// private namespace.
    pub fn is_root(&self) -> bool {
        self.path == "/"
    }
}

/// The path without what a namespace puts before it: `/../../system.slice/x` is seen by a reader
/// two groups below.
fn inside(path: &str) -> &str {
    let mut rest = path;
    while let Some(tail) = rest.strip_prefix("/..") {
        if !tail.is_empty() && !tail.starts_with('/') {
            break;
        }
        rest = tail;
    }
    if rest.is_empty() { "/" } else { rest }
}

#[cfg(test)]
mod tests {
    use super::Place;

    #[test]
    fn the_hierarchy_that_says_most_gives_the_path() {
        let id = "0123456789abcdef".repeat(4);
        let docker = format!("/docker/{id}");
        let hybrid = format!(
            "12:pids:{docker}\n2:cpu,cpuacct:{docker}\n1:name=systemd:{docker}\n\
             0::/system.slice/containerd.service\n"
        );
        let rows = [
            ("0::/system.slice/a.service\n", "/system.slice/a.service"),
            ("9:name=systemd:/b.service\n8:pids:/x\n0::/\n", "/b.service"),
            ("9:name=systemd:/b.service\n0::/a\n", "/a"),
            ("8:pids:/docker/1\n1:cpu,cpuacct:/docker/1\n", "/docker/1"),
            ("0::/../../a.service\n", "/a.service"),
            ("0::/..a\n", "/..a"),
            ("0::/..\n", "/"),
            ("0::/\n", "/"),
            (hybrid.as_str(), docker.as_str()),
            ("no line\n1:x\n", "/"),
            ("", "/"),
        ];
        for (text, expected) in rows {
            assert_eq!(Place::from_text(text).path, expected, "{text}");
        }
    }
}
