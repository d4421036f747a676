"""Servers and clients that speak TLS, by every engine this machine has.

A server is a function of a `Scene` and the port; a client one of a scene, a port, a TLS version and
the number of connections. A client starts, reads a line, and only then connects: what watches it
has the time between.
"""

import glob
import os
import pathlib
import shutil
import subprocess
import sys

import mariadb
import servers
import shop
from sandbox import TOOLS, Refused, as_postgres, postgresql, program, wait_until, wheels_with

PORT = 18443
# Requests of one connection.
EACH = 5
PROGRAMS = servers.PROGRAMS
# Wheels and programs that were unpacked for the tests, as the unit tests look for them.
MORE = "REDSIGHT_TLS_FILES"

JOIN = 'echo 0 > "$0/cgroup.procs"; exec "$@"'

NGINX = """
daemon off; pid @FOLDER@/nginx-@PORT@.pid; error_log @FOLDER@/log/nginx-errors;
worker_processes 2; events {}
http {
    access_log off;
    server {
        listen 127.0.0.1:@PORT@ ssl;
        ssl_certificate @CERT@; ssl_certificate_key @KEY@; ssl_protocols TLSv1.2 TLSv1.3;
        location / { return 200 "a page\\n"; }
    }
}
"""
APACHE = """
LoadModule ssl_module @MODULES@/mod_ssl.so
SSLEngine on
SSLCertificateFile @CERT@
SSLCertificateKeyFile @KEY@
"""
HAPROXY = """
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 5s
frontend pages
    bind 127.0.0.1:@PORT@ ssl crt @BOTH@
    http-request return status 200 content-type text/plain string "a page"
"""
CADDY = """
{
    admin off
    auto_https off
}
https://localhost:@PORT@ {
    bind 127.0.0.1
    tls @CERT@ @KEY@
    respond "a page"
}
"""
ENVOY = """
static_resources:
  listeners:
  - address: {socket_address: {address: 127.0.0.1, port_value: @PORT@}}
    filter_chains:
    - transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": @TYPES@.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            tls_params: {tls_maximum_protocol_version: TLSv1_3}
            tls_certificates:
            - certificate_chain: {filename: @CERT@}
              private_key: {filename: @KEY@}
      filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": @TYPES@.@MANAGER@.v3.HttpConnectionManager
          stat_prefix: pages
          http_filters:
          - name: envoy.filters.http.router
            typed_config:
              "@type": @TYPES@.filters.http.router.v3.Router
          route_config:
            virtual_hosts:
            - name: all
              domains: ["*"]
              routes:
              - match: {prefix: "/"}
                direct_response: {status: 200, body: {inline_string: "a page"}}
"""

DIRECT = 'direct_response: {status: 200, body: {inline_string: "a page"}}'
# The other hop, which is TLS as well.
UPSTREAM = """
  clusters:
  - name: pages
    load_assignment:
      cluster_name: pages
      endpoints:
      - lb_endpoints:
        - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: @UPSTREAM@}}}
    transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": @TYPES@.transport_sockets.tls.v3.UpstreamTlsContext
        sni: pages.test
        common_tls_context: {tls_params: {tls_maximum_protocol_version: TLSv1_3}}
"""
NEWEST = "{tls_params: {tls_maximum_protocol_version: TLSv1_3}}"


class Scene:
    """Two control groups of the sandbox, of which one is watched, and a certificate."""

    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.watched, self.unwatched = sandbox.cgroup / "watched", sandbox.cgroup / "unwatched"
        for cgroup in (self.watched, self.unwatched):
            cgroup.mkdir()
        self.cert, self.key = sandbox.folder / "cert.pem", sandbox.folder / "key.pem"
        self.both = sandbox.folder / "both.pem"
        names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
        sandbox.run(program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 2,
                    "-subj", "/CN=localhost", "-addext", names, "-keyout", self.key, "-out",
                    self.cert, inside=False)
        self.both.write_text(self.cert.read_text() + self.key.read_text())
        for path in (self.cert, self.key, self.both):
            path.chmod(0o644)

    def __getattr__(self, name):
        # What starts in a scene may ask for its folder, or run something outside.
        return getattr(self.sandbox, name)

    def write(self, name, text, **values):
        """A file of the sandbox with the names of its places filled in."""
        path = self.sandbox.folder / name
        path.write_text(servers.filled(text, folder=self.sandbox.folder, cert=self.cert,
                                       key=self.key, both=self.both, **values))
        return path

    def start(self, name, *words, cgroup=None, **options):
        """Starts a program in the watched group, or another."""
        words = ["sh", "-c", JOIN, cgroup or self.watched, *words]
        return self.sandbox.start(name, *words, **options)

    def serve(self, name, port, *words, cgroup=None, **options):
        """The same, and waits until it listens."""
        process = self.start(name, *words, cgroup=cgroup, **options)
        self.sandbox.wait_for_port(port, process, seconds=60)
        return process


def found(pattern):
    """A file among those that were unpacked for the tests."""
    folders = os.environ.get(MORE, "").split(":") + [str(TOOLS / "python/packages")]
    for folder in folders:
        for path in glob.glob(f"{folder}/{pattern}") if folder else ():
            return path
    raise Refused(f"{pattern} is not installed: {MORE} names the folders of unpacked wheels")


def changed_code(pid, library):
    """The bytes of a library's code that are others in a process than in its file."""
    changed = set()
    for line in pathlib.Path(f"/proc/{pid}/maps").read_text().splitlines():
        fields = line.split()
        if "x" not in fields[1] or library not in line:
            continue
        start, end = (int(part, 16) for part in fields[0].split("-"))
        with open(f"/proc/{pid}/mem", "rb") as memory, open(fields[5], "rb") as file:
            memory.seek(start)
            file.seek(int(fields[2], 16))
            there, here = memory.read(end - start), file.read(end - start)
        changed |= {there[at:at + 1] for at in range(min(len(there), len(here)))
                    if there[at] != here[at]}
    return changed


def nginx(scene, port, cgroup=None):
    config = scene.write(f"nginx-{port}.conf", NGINX, port=port)
    return scene.serve("nginx", port, program("nginx"), "-p", scene.sandbox.folder, "-c", config,
                       cgroup=cgroup)


def apache(scene, port):
    modules = "/usr/lib/apache2/modules"
    pages = servers.files(scene.sandbox) / "page"
    pages.mkdir()
    for number in range(EACH):
        (pages / str(number)).write_text("a page\n")
    config = scene.write("apache.conf", servers.APACHE + APACHE, port=port, mpm="event",
                         modules=modules)
    config.write_text(config.read_text().replace("CustomLog", "#"))
    return scene.serve("apache2", port, program("apache2"), "-D", "FOREGROUND", "-f", config,
                       start_new_session=True)


def haproxy(scene, port):
    config = scene.write("haproxy.cfg", HAPROXY, port=port)
    return scene.serve("haproxy", port, program("haproxy"), "-db", "-f", config)


def _script(scene, port, name, *command):
    script = servers.copied(scene.sandbox, name)
    return scene.serve(name, port, *command, script, port, scene.cert, scene.key)


def python_threads(scene, port):
    return _script(scene, port, "tls_pages.py", sys.executable)


def python_asyncio(scene, port):
    script = servers.copied(scene.sandbox, "tls_pages.py")
    return scene.serve("asyncio", port, sys.executable, script, port, scene.cert, scene.key,
                       "asyncio")


def python_uvloop(scene, port):
    script = servers.copied(scene.sandbox, "tls_pages.py")
    return scene.serve("uvloop", port, wheels_with("uvloop"), script, port, scene.cert, scene.key,
                       "uvloop")


def node(scene, port):
    return _script(scene, port, "tls_pages.js", program("node"))


def bun(scene, port):
    return _script(scene, port, "tls_pages.js", program("bun"))


def deno(scene, port):
    script = servers.copied(scene.sandbox, "tls_pages.deno.js")
    return scene.serve("deno", port, program("deno"), "run", "--allow-all", script, port,
                       scene.cert, scene.key)


def go_built(scene, *flags):
    """The Go program, built with flags of the linker."""
    compiler = next((str(path) for path in servers.GO if path.exists()), None) or program("go")
    binary = scene.sandbox.folder / "tls-pages-go"
    environment = os.environ | {"GOCACHE": "/tmp/redsight-live-go", "GO111MODULE": "off",
                                "GOTOOLCHAIN": "local"}
    scene.sandbox.run(compiler, "build", *flags, "-o", binary, PROGRAMS / "tls_pages.go",
                      inside=False, env=environment)
    return binary


def go(scene, port, *flags):
    return scene.serve("go", port, go_built(scene, *flags), "serve", port, scene.cert, scene.key)


def go_stripped(scene, port):
    return go(scene, port, "-ldflags=-s -w")


def go_pie(scene, port):
    return go(scene, port, "-buildmode=pie", "-ldflags=-s -w")


def caddy(scene, port):
    config = scene.write("Caddyfile", CADDY, port=port)
    try:
        binary = program("caddy")
    except Refused:
        binary = found("usr/bin/caddy")
    home = {"HOME": str(scene.sandbox.folder)}
    return scene.serve("caddy", port, binary, "run", "--adapter", "caddyfile", "--config", config,
                       env=os.environ | home)


def envoy(scene, port, config=ENVOY, upstream=0):
    binary = found("envoy/_bin/envoy")
    os.chmod(binary, 0o755)
    types = "type.googleapis.com/envoy.extensions"
    manager = "filters.network.http_connection_manager"
    config = scene.write("envoy.yaml", config, port=port, types=types, manager=manager,
                         upstream=upstream)
    return scene.serve("envoy", port, binary, "-c", config, "--concurrency", 2, "--base-id", 77)


def envoy_between(scene, port, upstream):
    """Envoy that asks another server what it is asked."""
    config = ENVOY.replace(DIRECT, "route: {cluster: pages}") + UPSTREAM
    return envoy(scene, port, config, upstream)


def envoy_as_it_comes(scene, port):
    """The same as nobody has configured it: TLS 1.2 to a server, nginx, that is not watched."""
    nginx(scene, port + 1, cgroup=scene.unwatched)
    config = ENVOY.replace(DIRECT, "route: {cluster: pages}") + UPSTREAM.replace(NEWEST, "{}")
    return envoy(scene, port, config, port + 1)


def gnutls(scene, port):
    try:
        binary, libraries = program("gnutls-serv"), {}
    except Refused:
        binary = found("usr/bin/gnutls-serv")
        folder = pathlib.Path(binary).parents[1] / "lib/x86_64-linux-gnu"
        libraries = {"LD_LIBRARY_PATH": str(folder)}
    return scene.serve("gnutls-serv", port, binary, "--http", "--quiet", "--port", port,
                       "--x509certfile", scene.cert, "--x509keyfile", scene.key,
                       env=os.environ | libraries)


def grpcio(scene, port, cgroup=None):
    script = servers.copied(scene.sandbox, "tls_calls.py")
    return scene.serve("calls", port, wheels_with("grpc"), script, "serve", port, scene.cert,
                       scene.key, cgroup=cgroup)


def grpcio_unwatched(scene, port):
    return grpcio(scene, port, cgroup=scene.unwatched)


def redis(scene, port):
    return scene.serve("redis", port, program("redis-server"), "--bind", "127.0.0.1", "--port", 0,
                       "--tls-port", port, "--tls-cert-file", scene.cert, "--tls-key-file",
                       scene.key, "--tls-auth-clients", "no", "--save", "", "--appendonly", "no")


def database(scene, port):
    """MariaDB, whose threads are all of one process."""
    options = ("--ssl-cert", scene.cert, "--ssl-key", scene.key)
    return mariadb.start(scene, *[f"{name}={value}" for name, value in
                                  zip(options[::2], options[1::2])], port=port)


def postgres(scene, port):
    """PostgreSQL, unwatched: it has a process for each connection."""
    process = shop.start_postgresql(scene.sandbox, port, tables="SELECT 1")
    folder = scene.folder / "postgresql"
    key = folder / "key.pem"
    key.write_text(scene.key.read_text())
    shutil.chown(key, "postgres", "postgres")
    key.chmod(0o600)
    settings = {"ssl_cert_file": scene.cert, "ssl_key_file": key, "ssl": "on"}
    psql = (postgresql("psql"), "-q", "-h", folder, "-p", port, "-d", "postgres")
    for name, value in settings.items():
        scene.run(*as_postgres(*psql, "-c", f"ALTER SYSTEM SET {name} = '{value}'"), inside=False)
    scene.run(*as_postgres(*psql, "-c", "SELECT pg_reload_conf()"), inside=False)
    return process


def ask(scene, port, version, connections):
    """The ordinary client, which is not watched: HTTP/1.1, some requests a connection."""
    script = servers.copied(scene.sandbox, "tls_client.py")
    return scene.start("client", sys.executable, script, port, version, connections, EACH,
                       cgroup=scene.unwatched, stdin=subprocess.PIPE)


def ask_redis(scene, port, version, connections):
    """redis-cli, one command a connection as often as there are requests."""
    del version
    ask_once = f"{program('redis-cli')} --tls --insecure -h 127.0.0.1 -p {port} -r {EACH} get key"
    command = f"read _; for n in $(seq {connections}); do {ask_once} || exit 1; done"
    return scene.start("redis-cli", "sh", "-c", command, cgroup=scene.unwatched,
                       stdin=subprocess.PIPE)


def ask_mariadb(scene, port, version, connections):
    del version
    questions = "; ".join(f"SELECT {number} FROM dual" for number in range(EACH))
    ask_once = f"{program('mariadb')} --no-defaults -h 127.0.0.1 -P {port} -u app -psecret --ssl " \
               f"--ssl-verify-server-cert=OFF shop -e '{questions}'"
    command = f"read _; for n in $(seq {connections}); do {ask_once} || exit 1; done"
    return scene.start("mariadb-client", "sh", "-c", command, cgroup=scene.unwatched,
                       stdin=subprocess.PIPE)


def ask_postgres(scene, port, version, connections):
    """psql that has a connection in clear before it makes those that are asked for."""
    del version
    def where(mode):
        return f"host=127.0.0.1 port={port} dbname=postgres sslmode={mode} gssencmode=disable"
    home = {"HOME": str(scene.folder / "postgresql")}
    process = scene.start("psql", *as_postgres(postgresql("psql"), "-X", "-q", where("disable")),
                          stdin=subprocess.PIPE, env=os.environ | home)
    process.lines = "".join(
        f'\\c "{where("require")}"\n' + "".join(f"SELECT {n};\n" for n in range(EACH))
        for _ in range(connections))
    return process


def ask_grpc(scene, port, version, connections, cgroup=None):
    del version
    script = servers.copied(scene.sandbox, "tls_calls.py")
    return scene.start("caller", wheels_with("grpc"), script, "call", port, scene.cert,
                       connections, EACH, cgroup=cgroup or scene.unwatched, stdin=subprocess.PIPE)


def client_grpc(scene, port, version, connections):
    return ask_grpc(scene, port, version, connections, cgroup=scene.watched)


def client_python(scene, port, version, connections):
    script = servers.copied(scene.sandbox, "tls_client.py")
    return scene.start("client", sys.executable, script, port, version, connections, EACH,
                       stdin=subprocess.PIPE)


def client_late(scene, port):
    script = servers.copied(scene.sandbox, "tls_late.py")
    return scene.start("late", sys.executable, script, port, EACH, stdin=subprocess.PIPE)


def client_with_own_library(scene, port, connections):
    """A client whose libssl is a copy that has been deleted."""
    library = next((path for path in glob.glob("/usr/lib/*/libssl.so.3")), None)
    if not library:
        raise Refused("libssl.so.3 is not installed")
    copy = str(shutil.copy(library, scene.folder / "libssl.so.3"))
    script = servers.copied(scene.sandbox, "tls_client.py")
    process = scene.start("client", sys.executable, script, port, "1.3", connections, EACH,
                          stdin=subprocess.PIPE,
                          env=os.environ | {"LD_LIBRARY_PATH": str(scene.folder)})
    maps = pathlib.Path(f"/proc/{process.pid}/maps")
    wait_until(lambda: copy in maps.read_text(), 5, "the copy is loaded")
    os.unlink(copy)
    return process


def client_curl(scene, port, version, connections):
    """curl takes what to do from its standard input, each URL on a connection of its own."""
    config = f'insecure\nsilent\ntls-max {version}\ntlsv{version}\nhttp1.1\n'
    config += 'header = "Connection: close"\n'
    urls = "".join(f'url = "https://localhost:{port}/{n}"\noutput = /dev/null\n'
                   for n in range(connections * EACH))
    process = scene.start("curl", program("curl"), "-K", "-", stdin=subprocess.PIPE)
    process.lines = config + urls
    return process


def client_wget(scene, port, version, connections):
    # Its --secure-protocol names the least version; this is GnuTLS's own word.
    ciphers = f"NORMAL:-VERS-ALL:+VERS-TLS{version}"
    process = scene.start("wget", program("wget"), "-q", "-O", "/dev/null",
                          "--no-check-certificate", f"--ciphers={ciphers}", "-i", "-",
                          stdin=subprocess.PIPE)
    process.lines = "".join(f"https://localhost:{port}/{n}\n" for n in range(connections * EACH))
    return process


def _client(name, interpreter, *options):
    def start(scene, port, version, connections):
        script = servers.copied(scene.sandbox, name)
        return scene.start(name, program(*interpreter), *options, script, port, version,
                           connections, EACH, stdin=subprocess.PIPE)
    return start


client_node = _client("tls_client.js", ["node"])
client_bun = _client("tls_client.js", ["bun"])
client_php = _client("tls_client.php", ["php"])
client_ruby = _client("tls_client.rb", ["ruby"])
client_perl = _client("tls_client.pl", ["perl"])


def client_go(scene, port, version, connections):
    return scene.start("go", go_built(scene, "-ldflags=-s -w"), "ask", port, version, connections,
                       EACH, stdin=subprocess.PIPE)
