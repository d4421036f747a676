"""Servers and clients that speak TLS by engines whose secrets no probe sees.

Shaped as those of `secured`. A client reads lines: it connects at the first, and for each line,
`COUNT`, it asks that often over each connection and says `asked`; at the end of them it closes.
"""

import os
import pathlib
import subprocess
import sys

import secured
import servers
from sandbox import ROOT, TOOLS, Refused, program, wheels_with

# The key store of Java takes no less.
PASSWORD = "redsight"
GET = "GET /page HTTP/1.1\r\nHost: localhost\r\n\r\n"
RUSTLS = ROOT / "tests" / "rustls"
RABBITMQ = """
listeners.tcp = none
management.ssl.ip = 127.0.0.1
management.ssl.port = @PORT@
management.ssl.certfile = @CERT@
management.ssl.keyfile = @KEY@
"""
LIGHTTPD = """
server.modules = ("@MODULE@")
server.document-root = "@FILES@"
server.bind = "127.0.0.1"
server.port = @PORT@
server.max-keep-alive-requests = 10000
ssl.engine = "enable"
ssl.pemfile = "@CERT@"
ssl.privkey = "@KEY@"
"""
# What RabbitMQ would listen on beside: a node's own port, and that of the mapper.
RABBITMQ_PORTS = {"RABBITMQ_DIST_PORT": "18445", "ERL_EPMD_PORT": "18446"}


def rustls_built(cryptography):
    """The Rust program with ring or AWS-LC; built once, which takes a while."""
    target = TOOLS / "rustls"
    environment = os.environ | {"CARGO_TARGET_DIR": str(target)}
    environment.pop("RUSTFLAGS", None)
    subprocess.run([program("cargo"), "build", "--release", "--locked", "-q"], cwd=RUSTLS,
                   check=True, env=environment)
    return target / "release" / f"pages_{cryptography}"


def rustls(cryptography):
    def start(scene, port):
        return scene.serve("rustls", port, rustls_built(cryptography), "serve", port, scene.cert,
                           scene.key)
    return start


def java(*options):
    """Java's JSSE, with a collector."""
    def start(scene, port):
        source, store = servers.copied(scene.sandbox, "Secure.java"), scene.folder / "store.p12"
        scene.run(program("openssl"), "pkcs12", "-export", "-in", scene.cert, "-inkey", scene.key,
                  "-out", store, "-passout", f"pass:{PASSWORD}", inside=False)
        return scene.serve("java", port, program("java"), "-Xmx256m", *options, source, store, port)
    return start


def erlang(scene, port):
    """Erlang's ssl: no key schedule is kept."""
    script = servers.copied(scene.sandbox, "secure.escript")
    return scene.serve("erlang", port, program("escript"), script, scene.cert, scene.key, port,
                       env=os.environ | {"HOME": str(scene.folder)})


def rabbitmq(scene, port):
    """RabbitMQ's own pages, by Erlang's ssl, as a node of nobody else's."""
    program("rabbitmq-server")
    home = scene.folder / "rabbitmq"
    home.mkdir()
    config = scene.write("rabbitmq.conf", RABBITMQ, port=port)
    (home / "plugins").write_text("[rabbitmq_management].\n")
    environment = os.environ | RABBITMQ_PORTS | {
        "HOME": str(home), "RABBITMQ_NODENAME": "redsight@localhost",
        "RABBITMQ_CONFIG_FILE": str(config), "RABBITMQ_ENABLED_PLUGINS_FILE": str(home / "plugins"),
        "RABBITMQ_MNESIA_BASE": str(home), "RABBITMQ_LOG_BASE": str(home),
        "RABBITMQ_PID_FILE": str(home / "pid"), "RABBITMQ_CONF_ENV_FILE": "/dev/null",
    }
    # Debian's own script changes to the user of its service.
    server = "/usr/lib/rabbitmq/bin/rabbitmq-server"
    return scene.serve("rabbitmq", port, server, env=environment, start_new_session=True)


def lighttpd(module):
    """lighttpd with one of its modules for TLS, each of another engine."""
    def start(scene, port):
        if not pathlib.Path(f"/usr/lib/lighttpd/{module}.so").exists():
            raise Refused(f"{module} of lighttpd is not installed")
        files = servers.files(scene.sandbox)
        for name in ("warm", "page"):
            (files / name).write_text("a page\n")
        config = scene.write("lighttpd.conf", LIGHTTPD, port=port, module=module, files=files)
        return scene.serve("lighttpd", port, program("lighttpd"), "-D", "-f", config)
    return start


def keeper(scene, port, version, connections, *ciphers):
    """The ordinary client, which is not watched."""
    script = servers.copied(scene.sandbox, "keeper.py")
    return scene.start("keeper", "/usr/bin/python3", script, port, connections, version,
                       *ciphers, cgroup=scene.unwatched, stdin=subprocess.PIPE)


def client_rustls(cryptography):
    def start(scene, port, version, connections):
        return scene.start("client", rustls_built(cryptography), "ask", port, version, connections,
                           stdin=subprocess.PIPE)
    return start


def client_java(*options):
    def start(scene, port, version, connections):
        source = servers.copied(scene.sandbox, "Keeper.java")
        return scene.start("client", program("java"), "-Xmx256m", *options, source, port,
                           f"TLSv{version}", connections, stdin=subprocess.PIPE)
    return start


def client_deno(scene, port, version, connections):
    del version
    script = servers.copied(scene.sandbox, "keeper.deno.js")
    return scene.start("client", program("deno"), "run", "--allow-all",
                       "--unsafely-ignore-certificate-errors", script, port, connections,
                       stdin=subprocess.PIPE)


def client_python(scene, port, version, connections):
    script = servers.copied(scene.sandbox, "keeper.py")
    return scene.start("client", sys.executable, script, port, connections, version,
                       stdin=subprocess.PIPE)


def client_javascript(runtime):
    def start(scene, port, version, connections):
        script = servers.copied(scene.sandbox, "keeper.js")
        return scene.start("client", program(runtime), script, port, version, connections,
                           stdin=subprocess.PIPE)
    return start


def client_go(scene, port, version, connections):
    return scene.start("client", secured.go_built(scene, "-ldflags=-s -w"), "keep", port, version,
                       connections, stdin=subprocess.PIPE)


def client_grpc(scene, port, version, connections, cgroup=None):
    del version
    script = servers.copied(scene.sandbox, "tls_calls.py")
    return scene.start("client", wheels_with("grpc"), script, "keep", port, scene.cert,
                       connections, cgroup=cgroup, stdin=subprocess.PIPE)


def client_grpc_unwatched(scene, port, version, connections):
    return client_grpc(scene, port, version, connections, scene.unwatched)


def piped(scene, connections, *command, request=GET, end="a page\n", **options):
    """A client of one connection a process, which passes on its input; see keeper_piped.py."""
    script = servers.copied(scene.sandbox, "keeper_piped.py")
    return scene.start("client", "/usr/bin/python3", script, connections, request, end, *command,
                       stdin=subprocess.PIPE, **options)


def client_nss(scene, port, version, connections):
    # It asks for the name of the host, believes every certificate, and speaks first.
    return piped(scene, connections, program("tstclnt"), "-h", "localhost", "-p", port, "-D", "-o",
                 "-f", "-4", "-V", f"tls{version}:tls{version}")


def client_busybox(scene, port, _version, connections):
    # Its TLS 1.2 is its own, and says nothing of the signatures it knows.
    return piped(scene, connections, program("busybox"), "ssl_client", f"127.0.0.1:{port}")


def client_gnutls(scene, port, version, connections):
    priority = f"NORMAL:-VERS-ALL:+VERS-TLS{version}"
    return piped(scene, connections, program("gnutls-cli"), "--insecure", "--priority", priority,
                 "--port", port, "localhost")


def nginx(scene, port, version):
    """The server of these clients, which is not watched; it speaks one version."""
    config = secured.NGINX.replace(
        "TLSv1.2 TLSv1.3;", f"TLSv{version}; ssl_ciphers AESGCM:CHACHA20:@SECLEVEL=0;")
    path = scene.write("nginx.conf", config, port=port)
    return scene.serve("nginx", port, program("nginx"), "-p", scene.folder, "-c", path,
                       cgroup=scene.unwatched)
