//! One row per rule: what is known of a process, and the name it must get.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{Named, name};
use crate::process::{Files, Process};
use crate::sources::cgroup::Place;
use crate::variables::Environment;

/// What one row knows of a process.
#[derive(Default)]
struct Row {
    command: &'static str,
    exe: &'static str,
    argv: &'static [&'static str],
    env: &'static [&'static str],
    cgroup: &'static str,
    cwd: &'static str,
    /// Path and content of the one file beside it.
    file: (&'static str, &'static str),
}

struct OneFile(HashMap<PathBuf, String>);

impl Files for OneFile {
    fn read(&self, path: &Path) -> Option<String> {
        self.0.get(path).cloned()
    }

    fn list(&self, _folder: &Path) -> Vec<String> {
        Vec::new()
    }

    fn part(&self, _path: &Path, _offset: i64, _length: usize) -> Option<(Vec<u8>, u64)> {
        None
    }
}

impl Row {
    fn named(&self) -> Named {
        let place = Place::from_path(self.cgroup);
        let process = Process {
            pid: 1,
            command: self.command.into(),
            executable: self.exe.into(),
            argv: self.argv.iter().map(|&a| a.to_owned()).collect(),
            directory: self.cwd.into(),
            environment: Environment::from_block(self.env.join("\0").as_bytes()),
            unit: place.units.unit,
            user_unit: place.units.user_unit,
            cgroup: place.path,
            ..Process::default()
        };
        let (path, text) = self.file;
        let files = OneFile(HashMap::from([(path.into(), text.into())]));
        name(&process, &files)
    }
}

fn check(rows: &[(Row, &str, &str)]) {
    for (row, expected, reason) in rows {
        let named = row.named();
        let got = (named.name.as_str(), named.reason);
        assert_eq!(got, (*expected, *reason), "{} {:?}", row.exe, row.argv);
    }
}

/// A row that needs no more than the program and its arguments.
fn run(exe: &'static str, argv: &'static [&'static str]) -> Row {
    Row { command: "comm", exe, argv, cwd: "/", ..Row::default() }
}

/// A row whose command name matters.
fn called(command: &'static str, exe: &'static str, argv: &'static [&'static str]) -> Row {
    Row { command, ..run(exe, argv) }
}

fn within(cgroup: &'static str, exe: &'static str) -> Row {
    Row { cgroup, ..run(exe, &["x"]) }
}

fn with(env: &'static [&'static str]) -> Row {
    Row {
        env,
        cgroup: "/system.slice/shop.service",
        ..run("/usr/bin/python3.11", &["python3", "/srv/cart.py"])
    }
}

#[test]
fn what_the_operator_said_wins() {
    check(&[
        (with(&["A=1", "OTEL_SERVICE_NAME=web", "DD_SERVICE=d"]), "web", "OTEL_SERVICE_NAME"),
        (
            with(&["OTEL_RESOURCE_ATTRIBUTES=a=b,service.name=my%20web", "DD_SERVICE=d"]),
            "my web",
            "OTEL_RESOURCE_ATTRIBUTES",
        ),
        (with(&["OTEL_SERVICE_NAME= ", "DD_SERVICE=d"]), "d", "DD_SERVICE"),
        (with(&["OTEL_RESOURCE_ATTRIBUTES=service.name"]), "shop", "systemd unit"),
        (with(&["XOTEL_SERVICE_NAME=no", "OTEL_SERVICE_NAMES=no"]), "shop", "systemd unit"),
    ]);
    let attributes = "OTEL_RESOURCE_ATTRIBUTES=service.namespace=eu,service.instance.id=i%2C1";
    let env: &'static [&'static str] = Box::leak(Box::new([attributes, "OTEL_SERVICE_NAME=web"]));
    let named = with(env).named();
    assert_eq!(named.namespace, "eu");
    assert_eq!(named.instance.as_deref(), Some("i,1"));
}

#[test]
fn a_unit_names_what_it_was_made_for() {
    let nginx = "/usr/sbin/nginx";
    check(&[
        (within("/system.slice/nginx.service", nginx), "nginx", "systemd unit"),
        (within("/system.slice/my\\x2dweb.service", nginx), "my-web", "systemd unit"),
        (within("/system.slice/web@blue.service", nginx), "web@blue", "systemd unit"),
        (within("/system.slice/shop.service/worker", nginx), "shop", "systemd unit"),
        (
            within("/user.slice/user-1000.slice/user@1000.service/app.slice/web.service", nginx),
            "web",
            "systemd unit",
        ),
        (
            within("/user.slice/user-1000.slice/user@1000.service/app.slice/x.scope", nginx),
            "nginx",
            "executable",
        ),
        (within("/user.slice/user-0.slice/session-3.scope", nginx), "nginx", "executable"),
        (within("/system.slice/cron.service", nginx), "nginx", "executable"),
        (within("/system.slice/supervisor.service", nginx), "nginx", "executable"),
        (within("/system.slice/pm2-bob.service", nginx), "nginx", "executable"),
    ]);
}

#[test]
fn a_unit_shared_with_the_agent_names_nobody() {
    let process = Process {
        executable: "/usr/sbin/nginx".into(),
        unit: "console.service".into(),
        shares_agents_unit: true,
        ..Process::default()
    };
    assert_eq!(name(&process, &()).name, "nginx");
}

#[test]
fn a_python_program_is_called_after_its_script_or_module() {
    let python = "/usr/bin/python3.11";
    let reason = "python script";
    check(&[
        (run(python, &["python3", "/srv/cart.py"]), "cart", reason),
        (run(python, &["python3", "-u", "-W", "ignore", "/srv/cart.py", "x.py"]), "cart", reason),
        (run(python, &["python3", "-Wignore", "-X", "dev", "/srv/cart.py"]), "cart", reason),
        (run(python, &["python3", "/srv/shop/app.py"]), "shop", reason),
        (run(python, &["python3", "/srv/shop/src/main.py"]), "shop", reason),
        (run(python, &["python3", "/app/app.py"]), "app", reason),
        (run(python, &["python3", "/tmp/tmp.x81/server.py"]), "server", reason),
        (run(python, &["python3", "/home/bob/app.py"]), "app", reason),
        (
            Row { cwd: "/srv/shop", ..run(python, &["python3", "./manage.py", "runserver"]) },
            "shop",
            reason,
        ),
        (Row { cwd: "/srv/shop/x", ..run(python, &["python3", "../app.py"]) }, "shop", reason),
        (run(python, &["python3", "/usr/bin/gunicorn", "app:app"]), "gunicorn", reason),
        (run(python, &["python3", "-m", "http.server", "80"]), "http.server", "python module"),
        (run(python, &["python3", "-Bum", "shop.web"]), "shop.web", "python module"),
        (run(python, &["python3", "-mshop.web"]), "shop.web", "python module"),
        (run(python, &["python3", "-c", "import x"]), "python3", "executable"),
        (run(python, &["python3", "-"]), "python3", "executable"),
        (run(python, &["python3"]), "python3", "executable"),
        (
            run(
                "/usr/bin/python3.12",
                &["/opt/venv/bin/python", "/opt/venv/bin/celery", "-A", "x"],
            ),
            "celery",
            reason,
        ),
    ]);
}

#[test]
fn a_node_program_is_called_after_its_package_or_script() {
    let node = "/usr/bin/node";
    let package = |argv, path, text| Row { file: (path, text), ..run(node, argv) };
    check(&[
        (
            package(&["node", "/srv/web/server.js"], "/srv/web/package.json", r#"{"name":"shop"}"#),
            "shop",
            "package.json",
        ),
        (
            package(
                &["node", "/srv/web/dist/index.js"],
                "/srv/web/package.json",
                r#"{"name":"w"}"#,
            ),
            "w",
            "package.json",
        ),
        (
            package(&["node", "/srv/web/server.js"], "/srv/web/package.json", "{broken"),
            "web",
            "node script",
        ),
        (run(node, &["node", "--require", "./trace.js", "/srv/cart.mjs"]), "cart", "node script"),
        (run(node, &["node", "--inspect=0.0.0.0:9229", "/srv/cart.js"]), "cart", "node script"),
        (run(node, &["node", "-e", "1"]), "node", "executable"),
        (run("/usr/bin/bun", &["bun", "run", "/srv/cart.ts"]), "cart", "node script"),
    ]);
}

#[test]
fn a_java_program_is_called_after_its_jar_module_or_class() {
    let java = "/usr/lib/jvm/java-17/bin/java";
    check(&[
        (
            run(java, &["java", "-Xmx1g", "-jar", "/opt/shop-1.4.2-SNAPSHOT.jar"]),
            "shop",
            "java jar",
        ),
        (run(java, &["java", "-jar", "/srv/orders/app.jar", "x"]), "orders", "java jar"),
        (run(java, &["java", "-jar", "/opt/spring-petclinic.jar"]), "spring-petclinic", "java jar"),
        (run(java, &["java", "-cp", "a.jar:b.jar", "-Dx=y", "Main"]), "Main", "java class"),
        (run(java, &["java", "-cp", "a", "com.acme.shop.Main"]), "shop", "java class"),
        (run(java, &["java", "-cp", "a", "kafka.Kafka", "x"]), "Kafka", "java class"),
        (
            run(java, &["java", "-p", "mods", "-m", "acme.shop/acme.Main"]),
            "acme.shop",
            "java module",
        ),
        (run(java, &["java", "-version"]), "java", "executable"),
    ]);
}

#[test]
fn other_interpreters_are_called_after_their_script() {
    check(&[
        (run("/usr/bin/ruby3.1", &["ruby", "-I", "lib", "/srv/cart.rb"]), "cart", "ruby script"),
        (run("/usr/bin/php8.2", &["php", "/srv/blog/artisan", "serve"]), "blog", "php script"),
        (
            run("/usr/bin/php8.2", &["php", "-S", "0:80", "/srv/blog/cart.php"]),
            "cart",
            "php script",
        ),
        (run("/usr/bin/perl", &["perl", "-w", "/srv/cart.pl"]), "cart", "perl script"),
        (run("/bin/bash", &["bash", "-e", "/srv/deploy.sh"]), "deploy", "shell script"),
        (run("/bin/bash", &["bash", "-c", "sleep 1"]), "bash", "executable"),
        (run("/bin/bash", &["-bash"]), "bash", "executable"),
    ]);
}

#[test]
fn everything_else_is_called_after_its_program() {
    check(&[
        (run("/usr/sbin/nginx", &["nginx: worker process"]), "nginx", "executable"),
        (run("/usr/bin/redis-server", &["redis-server *:6379"]), "redis-server", "executable"),
        (
            run("/usr/lib/postgresql/15/bin/postgres", &["postgres: shop: idle"]),
            "postgres",
            "executable",
        ),
        (run("/usr/sbin/php-fpm8.2", &["php-fpm: pool www"]), "php-fpm", "executable"),
        (run("/usr/sbin/apache2", &["apache2", "-k"]), "apache2", "executable"),
        (run("/opt/shop-1.2.3", &["shop"]), "shop", "executable"),
        (run("/usr/bin/shop (deleted)", &["shop"]), "shop", "executable"),
        (run("/bin/busybox", &["httpd", "-f"]), "httpd", "executable"),
        (run("/memfd:shop (deleted)", &["x"]), "shop", "executable"),
        (run("", &["/usr/bin/curl", "x"]), "curl", "executable"),
        (run("", &["a: title"]), "a", "executable"),
        (run("", &[]), "comm", "executable"),
        (
            called("redis-server", "/usr/bin/redis-check-rdb", &["redis-server *:6379"]),
            "redis-server",
            "executable",
        ),
        (
            called("a-very-long-pro", "/usr/bin/other", &["/bin/a-very-long-program"]),
            "a-very-long-program",
            "executable",
        ),
        (called("pool-1", "/usr/bin/shop", &["title"]), "shop", "executable"),
        (called("sh", "/usr/bin/dash", &["sh", "/srv/cart.sh"]), "cart", "shell script"),
        (
            called("php-fpm8.2", "/usr/sbin/php-fpm8.2", &["php-fpm: pool www"]),
            "php-fpm",
            "executable",
        ),
    ]);
    let nobody = Process::default();
    assert_eq!(name(&nobody, &()), Named::new("unknown", "command name"));
}

#[test]
fn names_are_short_and_clean() {
    let process = Process {
        environment: Environment::from_block(
            format!("OTEL_SERVICE_NAME= a\n\u{7}b {}", "ü".repeat(200)).as_bytes(),
        ),
        ..Process::default()
    };
    let named = name(&process, &());
    assert!(named.name.starts_with("ab ü"));
    assert!(named.name.len() <= crate::process::NAME_BYTES_MAX);
}
