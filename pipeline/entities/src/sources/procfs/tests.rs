//! The scanner over a `/proc` that the test builds, and once over the real one.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use model::{Owner, Timestamp};

use super::{Scanner, Scope};
use crate::directory::Directory;
use crate::process::Listen;

mod containers;
mod cost;
mod host;
mod runtimes;

use host::{Fake, Host, NGINX, SHOP};

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

#[test]
fn listeners_and_their_facts_are_found_in_one_scan() {
    let mut host = Host::new();
    host.start(NGINX);
    host.start(SHOP);
    host.table(&[100, 200], &[(80, 80), (8000, 8000), (9000, 9000)], &[]);
    let summary = host.scan(&[100, 200]);
    assert_eq!((summary.processes, summary.started, summary.listeners), (2, 2, 3));

    let shop = host.service("shop");
    assert_eq!(shop.reason, "python script");
    assert_eq!(shop.instance, "host:8000");
    assert_eq!(shop.pids, [200]);
    assert_eq!(shop.listens, ["127.0.0.1:8000"]);
    assert_eq!(shop.executable, "/usr/bin/python3.11");
    assert_eq!(shop.arguments, "/srv/shop.py --token=***");
    assert_eq!(shop.network_namespace, 7);
    assert!(shop.local);

    let owner = host.directory.listener(0, Listen::TCP, local(80)).map(|id| host.name(id));
    assert_eq!(owner.as_deref(), Some("nginx"));
    // A listener outside the scope belongs to nobody here.
    assert_eq!(host.directory.listener(0, Listen::TCP, local(9000)), None);
}

#[test]
fn a_master_and_its_workers_are_one_service() {
    let mut host = Host::new();
    let worker = Fake { parent: 100, argv: &["nginx: worker process"], ..NGINX };
    let child = Fake {
        pid: 103,
        parent: 101,
        command: "cgi",
        exe: "/usr/lib/cgi",
        argv: &["cgi"],
        sockets: &[],
        ..NGINX
    };
    // The pids are listed in such an order that workers are met before their master.
    let master = Fake { pid: 105, ..NGINX };
    let workers = [101, 102].map(|pid| Fake { pid, parent: 105, start: 1_001, ..worker });
    for fake in [master, workers[0], workers[1], child] {
        host.start(fake);
    }
    host.table(&[101, 102, 103, 105], &[(80, 80)], &[]);
    host.scan(&[101, 102, 103, 105]);

    let ids = [101, 102, 105].map(|pid| host.connects(pid, "nginx"));
    assert_eq!(ids, [ids[0]; 3]);
    assert_ne!(host.connects(103, "cgi"), ids[0]);
    let nginx = host.service("nginx");
    assert_eq!(nginx.pids, [101, 102, 105]);
    assert_eq!(nginx.instance, "host:80");
    // The master holds the socket, whoever else does.
    let processes = host.directory.processes();
    let listening = processes.iter().filter(|p| !p.listens.is_empty());
    assert_eq!(listening.map(|p| p.pids[0]).collect::<Vec<_>>(), [105]);

    // The master dies, the workers go on and stay who they were.
    host.exit(105);
    host.scan(&[101, 102, 103]);
    assert_eq!(host.connects(102, "nginx"), ids[0]);
    assert_eq!(host.service("nginx").listens, ["127.0.0.1:80"]);
    assert!(host.directory.listener(0, Listen::TCP, local(80)).is_some());
}

#[test]
fn every_pool_of_one_master_is_a_service_with_its_listener() {
    let mut host = Host::new();
    let exe = "/usr/sbin/php-fpm8.2";
    let master = Fake {
        command: "php-fpm8.2",
        exe,
        argv: &["php-fpm: master process (/etc/php-fpm.conf)"],
        sockets: &[90, 91],
        ..NGINX
    };
    host.start(master);
    host.table(&[100], &[(9000, 90), (9001, 91)], &[]);
    host.scan(&[100]);
    // The workers come later, and hold the listener of their own pool only.
    let worker = Fake { parent: 100, start: 1_001, ..master };
    let orders = Fake { argv: &["php-fpm: pool orders"], sockets: &[90], ..worker };
    let www = Fake { argv: &["php-fpm: pool www"], sockets: &[91], ..worker };
    for fake in [Fake { pid: 101, ..orders }, Fake { pid: 102, ..orders }] {
        host.start(fake);
    }
    host.start(Fake { pid: 103, ..www });
    let all = [100, 101, 102, 103];
    host.table(&all, &[(9000, 90), (9001, 91)], &[]);
    host.scan(&all);
    let orders = host.service("orders");
    assert_eq!((orders.pids, orders.instance.as_str()), (vec![101, 102], "host:9000"));
    assert_eq!(orders.listens, ["127.0.0.1:9000"]);
    // The pool of the default name is the server itself.
    let rest = host.service("php-fpm");
    assert_eq!((rest.pids, rest.listens), (vec![100, 103], vec!["127.0.0.1:9001".to_owned()]));
}

#[test]
fn two_servers_of_one_program_are_two_instances() {
    let mut host = Host::new();
    host.start(SHOP);
    host.start(Fake { pid: 201, sockets: &[8001], ..SHOP });
    host.table(&[200, 201], &[(8000, 8000), (8001, 8001)], &[]);
    host.scan(&[200, 201]);
    let services = host.directory.services();
    let instances: Vec<_> = services.iter().map(|s| s.instance.as_str()).collect();
    assert_eq!(instances, ["host:8000", "host:8001"]);
    assert_ne!(host.connects(200, "python3"), host.connects(201, "python3"));
}

#[test]
fn a_client_met_before_it_was_read_keeps_its_id_and_gets_its_name() {
    let mut host = Host::new();
    host.scan(&[]);
    host.start(Fake { sockets: &[], ..SHOP });
    let id = host.connects(200, "python3");
    assert_eq!(host.name(id), "python3");
    assert_eq!(host.directory.entity(id).reason, "command name");
    let before = host.directory.generation();
    host.scanner.read_queued();
    assert_eq!(host.name(id), "shop");
    assert_ne!(host.directory.generation(), before);
    let known = host.connects(200, "python3");
    assert_eq!(host.name(known), "shop");
    host.scan(&[200]);
    assert_eq!(host.service("shop").pids, [200]);
}

#[test]
fn clients_gone_before_they_were_read_fold_by_command() {
    let mut host = Host::new();
    let ids: Vec<_> = (0..50).map(|pid| host.connects(500 + pid, "curl")).collect();
    host.scanner.read_queued();
    let entities: Vec<_> = ids.iter().map(|&id| host.directory.entity(id)).collect();
    assert!(entities.iter().all(|e| Arc::ptr_eq(e, &entities[0])));
    assert_eq!(entities[0].name, "curl");
    assert!(host.directory.services().is_empty());
    host.scan(&[]);
}

#[test]
fn a_reused_pid_is_another_service() {
    let mut host = Host::new();
    host.start(SHOP);
    host.table(&[200], &[(8000, 8000)], &[]);
    host.scan(&[200]);
    let shop = host.connects(200, "python3");

    host.start(Fake { start: 3_000, sockets: &[], pid: 200, ..NGINX });
    host.table(&[200], &[], &[]);
    // Before anyone looked again the command name already raises a doubt.
    let early = host.connects(200, "nginx");
    assert_ne!(early, shop);
    let summary = host.scan(&[200]);
    assert_eq!(summary.processes, 1);
    let late = host.connects(200, "nginx");
    assert_ne!(late, shop);
    assert_eq!(host.name(shop), "shop");
    assert_eq!((host.name(early), host.name(late)), ("nginx".into(), "nginx".into()));
    assert_eq!(host.directory.services().len(), 1);
    assert_eq!(host.directory.listener(0, Listen::TCP, local(8000)), None);
}

#[test]
fn a_pid_reused_by_the_same_program_is_noticed_by_the_scan() {
    let mut host = Host::new();
    host.start(Fake { sockets: &[], ..SHOP });
    host.scan(&[200]);
    let shop = host.connects(200, "python3");
    let cart = Fake { start: 3_000, argv: &["python3", "/srv/cart.py"], sockets: &[], ..SHOP };
    host.start(cart);
    let summary = host.scan(&[200]);
    assert_eq!(summary.replaced, 1);
    assert_eq!(host.name(shop), "shop");
    let id = host.connects(200, "python3");
    assert_eq!(host.name(id), "cart");
}

#[test]
fn a_tap_that_hears_of_an_exit_ends_the_pids_word_at_once() {
    let mut host = Host::new();
    host.start(Fake { sockets: &[], ..SHOP });
    host.scan(&[200]);
    let shop = host.connects(200, "python3");
    host.directory.exited(200);
    let next = host.connects(200, "python3");
    assert_ne!(next, shop);
    // The report was another's: the process is still there and gets its name back.
    host.scanner.read_queued();
    assert_eq!(host.name(next), "shop");
    assert_eq!(host.connects(200, "python3"), shop);
}

#[test]
fn a_pid_nobody_can_read_takes_one_id_a_scan_and_none_without_a_pid() {
    let mut host = Host::new();
    let first = host.connects(900, "ghost");
    host.scanner.read_queued();
    let again = host.connects(900, "ghost");
    assert_eq!(host.connects(900, "ghost"), again);
    assert_eq!(host.connects(0, "ghost"), again);
    assert_eq!(host.name(first), host.name(again));
    assert!(host.directory.processes().is_empty());
    host.scan(&[]);
}

#[test]
fn a_thread_of_another_name_belongs_to_its_process() {
    let mut host = Host::new();
    host.start(Fake { sockets: &[], ..SHOP });
    host.scan(&[200]);
    let main = host.connects(200, "python3");
    let thread = host.connects(200, "pool-1-worker");
    assert_eq!(host.connects(200, "pool-1-worker"), thread);
    host.scanner.read_queued();
    assert_eq!(host.name(thread), "shop");
    assert_eq!(host.connects(200, "pool-1-worker"), main);
    assert_eq!(host.service("shop").pids, [200]);
}

#[test]
fn a_process_that_runs_another_program_is_another_service() {
    let mut host = Host::new();
    let shell = Fake { command: "sh", exe: "/bin/dash", argv: &["sh", "/entrypoint.sh"], ..SHOP };
    host.start(shell);
    host.table(&[200], &[], &[]);
    host.scan(&[200]);
    let script = host.connects(200, "sh");
    host.exec(SHOP);
    host.table(&[200], &[(8000, 8000)], &[]);
    let early = host.connects(200, "python3");
    host.scan_often(&[200]);
    assert_eq!(host.name(script), "entrypoint");
    assert_eq!(host.name(early), "shop");
    assert_eq!(host.service("shop").listens, ["127.0.0.1:8000"]);
}

#[test]
fn a_wrapper_and_what_it_becomes_are_one_service() {
    let mut host = Host::new();
    let argv = &["env", "/usr/bin/python3", "/srv/shop.py"];
    host.start(Fake { command: "env", exe: "/usr/bin/env", argv, sockets: &[], ..SHOP });
    host.table(&[200], &[], &[]);
    host.scan(&[200]);
    host.exec(Fake { sockets: &[], ..SHOP });
    host.scan_often(&[200]);
    // It asks before it listens: the first connection knows no port of it yet.
    let early = host.connects(200, "python3");
    host.scanner.read_queued();
    host.start(SHOP);
    host.table(&[200], &[(8000, 8000)], &[]);
    host.scan_often(&[200]);
    let shop = host.service("shop");
    assert_eq!(host.directory.entity(early).instance, shop.instance);
    assert_eq!(host.directory.services().len(), 1);
}

#[test]
fn a_process_that_was_read_amid_its_exec_gets_its_name() {
    let mut host = Host::new();
    let amid = Fake { command: "qemu-arm", exe: "/usr/bin/qemu-arm", argv: &[], ..NGINX };
    host.start(amid);
    host.scan(&[100]);
    host.exec(Fake { argv: &["qemu-arm", "/bin/busybox", "httpd"], ..amid });
    host.scan_often(&[100]);
    let id = host.connects(100, "qemu-arm");
    assert_eq!(host.name(id), "httpd");
}

#[test]
fn a_worker_that_overwrites_its_arguments_keeps_its_name() {
    let mut host = Host::new();
    host.start(SHOP);
    host.scan(&[200]);
    host.exec(Fake { argv: &["shop: serving"], ..SHOP });
    host.scan_often(&[200]);
    let id = host.connects(200, "python3");
    assert_eq!(host.name(id), "shop");
}

#[test]
fn an_exited_process_leaves_its_service_but_not_its_past() {
    let mut host = Host::new();
    host.start(NGINX);
    host.start(SHOP);
    host.table(&[100, 200], &[(80, 80), (8000, 8000)], &[]);
    host.scan(&[100, 200]);
    let shop = host.connects(200, "python3");
    host.exit(200);
    host.table(&[100], &[(80, 80)], &[]);
    let summary = host.scan(&[100]);
    assert_eq!((summary.processes, summary.exited, summary.listeners), (1, 1, 1));
    assert_eq!(host.directory.services().len(), 1);
    let past = host.directory.entity(shop);
    assert_eq!(past.name, "shop");
    assert!(past.pids.is_empty() && past.listens.is_empty());
    // A connection of it that is reported late is still its own; after the next scan it is not.
    assert_eq!(host.connects(200, "python3"), shop);
    host.scan(&[100]);
    assert_ne!(host.connects(200, "python3"), shop);
    assert_eq!(host.directory.listener(0, Listen::TCP, local(8000)), None);

    // The same server started anew is the same service.
    host.start(Fake { pid: 300, start: 9_000, ..SHOP });
    host.table(&[100, 300], &[(80, 80), (8000, 8000)], &[]);
    host.scan(&[100, 300]);
    assert_eq!(host.connects(300, "python3"), shop);
}

#[test]
fn a_listener_that_comes_later_is_found() {
    let mut host = Host::new();
    host.start(Fake { sockets: &[], ..SHOP });
    host.table(&[200], &[], &[]);
    host.scan(&[200]);
    let id = host.connects(200, "python3");
    assert_eq!(host.directory.entity(id).instance, "host");
    symlink("socket:[8000]", host.path(200).join("fd/9")).expect("a link");
    host.table(&[200], &[(8000, 8000)], &[]);
    host.scan(&[200]);
    assert_eq!(host.service("shop").listens, ["127.0.0.1:8000"]);
    assert_eq!(host.directory.entity(id).instance, "host:8000");
}

#[test]
fn connections_older_than_the_agent_find_their_owner() {
    let mut host = Host::new();
    host.start(Fake { sockets: &[8000, 55], ..SHOP });
    host.start(Fake { sockets: &[66], pid: 300, argv: &["python3", "/srv/web.py"], ..SHOP });
    let connections = [(8000, 40_000, 55), (40_000, 8000, 66)];
    host.table(&[200, 300], &[(8000, 8000)], &connections);
    host.scan(&[200, 300]);
    assert_eq!(host.scanner.adopt_sockets(), 2);
    let ask = |host: &Host, from, to| {
        let id = host.directory.socket(0, Listen::TCP, local(from), local(to));
        id.map(|id| host.name(id))
    };
    assert_eq!(ask(&host, 8000, 40_000).as_deref(), Some("shop"));
    assert_eq!(ask(&host, 40_000, 8000).as_deref(), Some("web"));
    assert_eq!(ask(&host, 40_001, 8000), None);
    // A client that only connects is a service too, once it was seen to speak.
    assert_eq!(host.service("web").pids, [300]);
    // Another connection is there instead when a stranger is met.
    host.table(&[200, 300], &[(8000, 8000)], &[(8000, 40_001, 55), (40_001, 8000, 66)]);
    host.scan(&[200, 300]);
    assert_eq!(ask(&host, 40_001, 8000), None);
    host.directory.met_stranger();
    host.scan(&[200, 300]);
    assert_eq!(ask(&host, 40_001, 8000).as_deref(), Some("web"));
    assert_eq!(ask(&host, 40_000, 8000), None, "it is gone");
}

#[test]
fn while_nothing_starts_every_third_scan_finds_who_is_gone() {
    let mut host = Host::new();
    host.put("proc/loadavg", "0.00 0.00 0.00 1/100 300\n");
    host.start(NGINX);
    host.start(SHOP);
    host.table(&[100, 200], &[], &[]);
    host.scan(&[100, 200]);
    host.exit(200);
    let exited: u64 = (0..3).map(|_| host.scan(&[100]).exited).sum();
    assert_eq!(exited, 1);
    // A pid that was given out meanwhile is looked at in the same scan.
    host.put("proc/loadavg", "0.00 0.00 0.00 1/100 301\n");
    host.start(Fake { pid: 301, ..SHOP });
    assert_eq!(host.scan(&[100, 301]).started, 1);
}

#[test]
fn namespaces_keep_equal_addresses_apart() {
    let mut host = Host::new();
    host.start(SHOP);
    host.start(Fake { namespace: 8, ..NGINX });
    host.table(&[200], &[(80, 8000)], &[]);
    host.table(&[100], &[(80, 80)], &[]);
    host.scan(&[100, 200]);
    assert_eq!(host.directory.listener(0, Listen::TCP, local(80)), None);
    // The cookie of a namespace is learned from a process of it that speaks.
    for (pid, command, cookie) in [(100, "nginx", 41), (200, "python3", 42)] {
        let owner = Owner { pid, command, cgroup: 0, network_namespace: cookie };
        let id = host.directory.process(owner);
        assert_eq!(host.directory.listener(cookie, Listen::TCP, local(80)), Some(id));
    }
}

#[test]
fn a_broken_process_directory_is_survived() {
    let mut host = Host::new();
    for (pid, stat) in [(1, ""), (2, "2 (x"), (3, "3 (x) S"), (4, "4 (x) Z 1 2 3 4 5 6")] {
        fs::create_dir_all(host.path(pid)).expect("a directory");
        fs::write(host.path(pid).join("stat"), stat).expect("a file");
    }
    let summary = host.scan(&[1, 2, 3, 4, 5]);
    assert_eq!(summary.processes, 0);
}

/// Set in the child of [`a_real_listener_is_found_with_its_address`]: then it serves.
const SERVE: &str = "REDSIGHT_TEST_SERVE";
/// Its full name.
const LIVE: &str = "sources::procfs::tests::a_real_listener_is_found_with_its_address";

#[test]
fn a_real_listener_is_found_with_its_address() {
    if std::env::var_os(SERVE).is_some() {
        serve();
        return;
    }
    let own = std::env::current_exe().expect("this test's program");
    let mut child = Command::new(own)
        .args(["--exact", LIVE, "--nocapture"])
        .env(SERVE, "1")
        .env("OTEL_SERVICE_NAME", "live-shop")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a child process");
    let output = child.stdout.take().expect("its output");
    let mut lines = BufReader::new(output).lines().map_while(Result::ok);
    let address = lines.find_map(|line| Some(line.split_once("serving ")?.1.to_owned()));
    let address: SocketAddr = address.expect("its address").parse().expect("an address");

    let scope = tempfile::tempdir().expect("a temporary directory");
    let pids = format!("{}\n", child.id());
    fs::write(scope.path().join("cgroup.procs"), pids).expect("a file");
    let directory = Arc::new(Directory::new("host"));
    let scope = Scope::Cgroups(vec![scope.path().to_owned()]);
    let mut scanner = Scanner::with_proc(directory.clone(), scope, Path::new("/proc"));
    let client = TcpStream::connect(address).expect("a connection");
    // Until then the connection waits in the listener's queue and has no inode.
    assert!(lines.any(|line| line == "accepted"));
    let summary = scanner.scan(Timestamp(1_000_000_000));
    assert_eq!(summary.processes, 1);
    let services = directory.services();
    assert_eq!(services.len(), 1, "{services:?}");
    assert_eq!(services[0].name, "live-shop");
    assert_eq!(services[0].reason, "OTEL_SERVICE_NAME");
    assert_eq!(services[0].listens, [address.to_string()]);
    assert_eq!(services[0].pids, [child.id()]);
    assert_ne!(services[0].network_namespace, 0);
    let listener = directory.listener(0, Listen::TCP, address).expect("a listener");
    assert_eq!(directory.entity(listener).name, "live-shop");
    // Its end of a connection that was there first.
    scanner.adopt_sockets();
    let peer = client.local_addr().expect("an address");
    assert_eq!(directory.socket(0, Listen::TCP, address, peer), Some(listener));

    drop(client);
    drop(child.stdin.take());
    child.wait().expect("its end");
    scanner.scan(Timestamp(2_000_000_000));
    assert!(directory.services().is_empty());
}

/// Listens, says where, accepts one connection and waits for the end of the input.
fn serve() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let address = listener.local_addr().expect("an address");
    println!("serving {address}");
    std::io::stdout().flush().expect("output");
    let accepted = listener.accept().expect("a connection");
    println!("accepted");
    std::io::stdout().flush().expect("output");
    let mut rest = String::new();
    let _ = std::io::stdin().read_line(&mut rest);
    drop(accepted);
}
