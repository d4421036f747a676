//! Paths as systemd makes them, and what their units are called.

use super::{Units, name, unescaped};
use crate::process::Process;

#[test]
fn a_path_spells_unit_user_unit_and_slice() {
    let user = "/user.slice/user-1000.slice/user@1000.service";
    let rows = [
        ("/system.slice/nginx.service".into(), ["nginx.service", "", "system.slice"]),
        ("/system.slice/shop.service/worker".into(), ["shop.service", "", "system.slice"]),
        ("/system.slice/nginx.service/init.scope".into(), ["nginx.service", "", "system.slice"]),
        (
            "/system.slice/system-postgresql.slice/postgresql@15-main.service".into(),
            ["postgresql@15-main.service", "", "system-postgresql.slice"],
        ),
        (
            "/user.slice/user-1000.slice/session-3.scope".into(),
            ["session-3.scope", "", "user-1000.slice"],
        ),
        (
            format!("{user}/app.slice/foo.service"),
            ["user@1000.service", "foo.service", "app.slice"],
        ),
        (format!("{user}/init.scope"), ["user@1000.service", "init.scope", "user-1000.slice"]),
        (
            format!("{user}/app.slice/run-r0123456789abcdef.scope"),
            ["user@1000.service", "run-r0123456789abcdef.scope", "app.slice"],
        ),
        ("/init.scope".into(), ["init.scope", "", ""]),
        ("/shop.slice".into(), ["", "", "shop.slice"]),
        ("/a/system.slice/_cpu.service".into(), ["cpu.service", "", "system.slice"]),
        ("/shop/worker".into(), ["", "", ""]),
        ("/.service/.slice".into(), ["", "", ""]),
        ("/".into(), ["", "", ""]),
    ];
    for (path, [unit, user_unit, slice]) in rows {
        let path: String = path;
        let expected =
            Units { unit: unit.into(), user_unit: user_unit.into(), slice: slice.into() };
        assert_eq!(Units::from_path(&path), expected, "{path}");
    }
}

#[test]
fn a_unit_names_its_service_unless_it_only_starts_things() {
    let rows = [
        ("nginx.service", "", Some("nginx")),
        ("my\\x2dweb.service", "", Some("my-web")),
        ("web@blue.service", "", Some("web@blue")),
        ("shop.scope", "", None),
        ("user@1000.service", "shop.service", Some("shop")),
        ("snap.nextcloud.apache.service", "", Some("snap.nextcloud.apache")),
        ("run-parts.service", "", Some("run-parts")),
        ("podman-proxy.service", "", Some("podman-proxy")),
        ("user@1000.service", "", None),
        ("user@1000.service", "init.scope", None),
        ("session-1.scope", "", None),
        ("docker.service", "", None),
        ("containerd.service", "", None),
        ("cron.service", "", None),
        ("getty@tty1.service", "", None),
        ("ssh@7-10.0.0.1:22-10.0.0.2:4711.service", "", None),
        ("run-u12.service", "", None),
        ("run-p812-i813.service", "", None),
        ("run-r0123456789abcdef0123456789abcdef.service", "", None),
        ("podman-4711.scope", "", None),
        ("pm2-deploy.service", "", None),
        ("actions.runner.acme-shop.host.service", "", None),
        ("snap.firefox.firefox-1234.scope", "", None),
        ("user@1000.service", "vte-spawn-0a1b.scope", None),
        ("user@1000.service", "app-gnome-code@4711.service", None),
        ("cups.socket", "", None),
        ("", "", None),
    ];
    for (unit, user_unit, expected) in rows {
        let process =
            Process { unit: unit.into(), user_unit: user_unit.into(), ..Process::default() };
        let named = name(&process, &()).map(|named| named.name);
        assert_eq!(named.as_deref(), expected, "{unit} {user_unit}");
    }
}

#[test]
fn escapes_are_undone_and_broken_ones_left() {
    let rows = [
        ("my\\x2dweb", "my-web"),
        ("\\xc3\\xbcber", "über"),
        ("a\\x2", "a\\x2"),
        ("a\\xzz", "a\\xzz"),
        ("\\x", "\\x"),
    ];
    for (text, expected) in rows {
        assert_eq!(unescaped(text), expected);
    }
}
