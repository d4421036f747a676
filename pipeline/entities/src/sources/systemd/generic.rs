//! Units whose name says nothing about the programs in them, as data.

/// Units whose work is to start programs of other people, or to hold a session.
const LAUNCHERS: &[&str] = &[
    "anacron",
    "at",
    "atd",
    "buildkit",
    "containerd",
    "cri-o",
    "cri-docker",
    "crio",
    "cron",
    "crond",
    "cronie",
    "dbus",
    "dbus-broker",
    "docker",
    "dockerd",
    "ecs",
    "emergency",
    "fcron",
    "garden",
    "gdm",
    "getty",
    "container-getty",
    "console-getty",
    "init",
    "k0scontroller",
    "k0sworker",
    "k3s",
    "k3s-agent",
    "kubelet",
    "lightdm",
    "lxc",
    "lxcfs",
    "lxd",
    "incus",
    "machine",
    "nomad",
    "podman",
    "rc-local",
    "rescue",
    "rke2-agent",
    "rke2-server",
    "runit",
    "s6",
    "s6-svscan",
    "screen",
    "sddm",
    "serial-getty",
    "session",
    "snap.docker.dockerd",
    "snap.lxd.daemon",
    "snap.microk8s.daemon-containerd",
    "snap.microk8s.daemon-kubelite",
    "ssh",
    "sshd",
    "supervisor",
    "supervisord",
    "sysinit",
    "telnet",
    "tmux",
    "user",
    "user-runtime-dir",
    "xinetd",
];

/// Units called after a server that runs applications of other names: the application, the pool or
/// the project says more. With a version in it too: `php8.2-fpm`, `tomcat9`.
const HOSTS: &[&str] = &[
    "celery",
    "celeryd",
    "emperor.uwsgi",
    "glassfish",
    "gunicorn",
    "hypercorn",
    "java",
    "jboss",
    "jetty",
    "karaf",
    "node",
    "nodejs",
    "payara",
    "php-fpm",
    "puma",
    "python",
    "resque",
    "sidekiq",
    "starman",
    "tomcat",
    "tomee",
    "unicorn",
    "uvicorn",
    "uwsgi",
    "uwsgi-emperor",
    "weblogic",
    "wildfly",
];

/// Beginnings of units that a program made up for whatever it was asked to run, with what must
/// follow: systemd-run, process managers, desktops.
const MADE_UP: &[(&str, Rest)] = &[
    ("run-r", Rest::Hex),
    ("run-u", Rest::Digits),
    ("run-p", Rest::Job),
    ("run-", Rest::Digits),
    ("pm2-", Rest::Any),
    ("app-gnome-", Rest::Any),
    ("app-dbus-", Rest::Any),
    ("gnome-session", Rest::Any),
    ("dbus-:", Rest::Any),
    ("actions.runner.", Rest::Any),
];

#[derive(Clone, Copy)]
enum Rest {
    Any,
    Digits,
    Hex,
    /// A process id and an invocation: `12-i34`.
    Job,
}

impl Rest {
    fn fits(self, rest: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Digits => !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()),
            Self::Job => rest.split_once("-i").is_some_and(|(pid, invocation)| {
                Self::Digits.fits(pid) && Self::Digits.fits(invocation)
            }),
            Self::Hex => rest.len() >= 8 && rest.bytes().all(|b| b.is_ascii_hexdigit()),
        }
    }
}

/// True if the unit is called after a server of applications.
pub(super) fn is_host(stem: &str) -> bool {
    let kind = stem.split('@').next().unwrap_or(stem);
    let plain: String = kind.chars().filter(|c| !c.is_ascii_digit() && *c != '.').collect();
    !stem.contains('@') && (HOSTS.contains(&kind) || HOSTS.contains(&plain.as_str()))
}

/// True if the unit names nobody. `stem` is the service without its suffix.
pub(super) fn is_generic(stem: &str) -> bool {
    let kind = stem.split('@').next().unwrap_or(stem);
    let is_made_up = MADE_UP
        .iter()
        .any(|(before, rest)| stem.strip_prefix(before).is_some_and(|after| rest.fits(after)));
    LAUNCHERS.contains(&kind) || is_made_up
}
