"""Servers as they come from the distribution or the language, and their own count of requests.

Each function starts one and gives a `Server`. `counted()` ends it in order and gives how many
requests it answered, by the port of the client where it knows that.
"""

import collections
import os
import pathlib
import shutil
import subprocess
import sys

import shop
from sandbox import Refused, as_postgres, postgresql, program, python_with  # noqa: F401

PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
HTTP, BACKEND, REDIS, POSTGRESQL = 18080, 18081, 16379, 15432

NGINX = """
daemon off;
worker_processes @WORKERS@;
worker_rlimit_nofile 30000;
pid @FOLDER@/nginx-@PORT@.pid;
error_log @FOLDER@/log/nginx-errors-@PORT@ warn;
events { worker_connections 12000; }
http {
    log_format port "$remote_port $status";
    access_log @FOLDER@/access-@PORT@.log port buffer=256k;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    client_body_temp_path @FOLDER@/body;
    proxy_temp_path @FOLDER@/proxy;
    fastcgi_temp_path @FOLDER@/fastcgi;
    uwsgi_temp_path @FOLDER@/uwsgi;
    scgi_temp_path @FOLDER@/scgi;
    upstream backend { server 127.0.0.1:@BACKEND@; keepalive 16; keepalive_requests 100000000; }
    server {
        listen @HOST@:@PORT@ @LISTEN@ backlog=8192;
        @LOCATIONS@
    }
}
"""
PAGES = """
        location / { return 200 "a page\\n"; }
        location /files/ { root @FOLDER@; }
"""
PROXY = """
        location / {
            proxy_pass http://backend;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
        }
"""
APACHE = """
ServerRoot @FOLDER@
ServerName localhost
PidFile @FOLDER@/apache.pid
ErrorLog @FOLDER@/log/apache-errors
Listen 127.0.0.1:@PORT@
LoadModule mpm_@MPM@_module @MODULES@/mod_mpm_@MPM@.so
LoadModule authz_core_module @MODULES@/mod_authz_core.so
DocumentRoot @FOLDER@/files
MaxKeepAliveRequests 0
KeepAliveTimeout 60
LogFormat "%{remote}p %>s" port
CustomLog @FOLDER@/access-@PORT@.log port
<IfModule mpm_prefork_module>
MaxRequestWorkers 32
StartServers 4
</IfModule>
"""
GO = pathlib.Path("/usr/lib/go/bin/go"), pathlib.Path("/usr/local/go/bin/go")


class Server:
    """One that runs. `log` is its access log, or None where `GET /count` gives the number."""

    def __init__(self, sandbox, name, process, port, log=None, path="/", stop_signal=None):
        self.sandbox, self.name, self.process, self.port = sandbox, name, process, port
        self.url = f"http://127.0.0.1:{port}{path}"
        self.log = log

    def counted(self):
        """Ends it; requests by client port, or in total under the port 0."""
        if self.log is None:
            return {0: int(self.sandbox.run(
                sys.executable, "-c", ASK_COUNT, self.port, inside=False))}
        self.sandbox.stop(self.process)
        ports = collections.Counter()
        with open(self.log, encoding="ascii") as text:
            for line in text:
                ports[int(line.split()[0])] += 1
        return dict(ports)


ASK_COUNT = """
import sys, urllib.request
print(urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/count").read().decode())
"""


def files(sandbox):
    """A folder of pages."""
    folder = sandbox.folder / "files"
    folder.mkdir(exist_ok=True)
    (folder / "index.html").write_text("a page\n")
    (folder / "bulk").write_bytes(bytes(range(256)) * 4096)
    return folder


def filled(text, **values):
    """The text with every @NAME@ replaced."""
    for name, value in values.items():
        text = text.replace(f"@{name.upper()}@", str(value))
    return text


def nginx(sandbox, workers=1, host="127.0.0.1", port=HTTP, locations=PAGES, start=None,
          listen=""):
    """nginx that answers by itself."""
    files(sandbox)
    config = sandbox.folder / f"nginx-{port}.conf"
    text = filled(NGINX, locations=locations)
    config.write_text(filled(text, workers=workers, folder=sandbox.folder, host=host, port=port,
                             backend=BACKEND, listen=listen))
    start = start or sandbox.start
    process = start(f"nginx-{port}", program("nginx"), "-p", sandbox.folder, "-c", config)
    if host == "127.0.0.1":
        sandbox.wait_for_port(port, process)
    return Server(sandbox, "nginx", process, port, sandbox.folder / f"access-{port}.log")


def proxy(sandbox):
    """nginx that asks a backend."""
    return nginx(sandbox, locations=PROXY)


def apache(sandbox, mpm, more=""):
    """Apache with the given way to work."""
    files(sandbox)
    config = sandbox.folder / "apache.conf"
    config.write_text(filled(APACHE + more, folder=sandbox.folder, port=HTTP, mpm=mpm,
                             modules="/usr/lib/apache2/modules"))
    # It ends its whole process group, so that has to be its own.
    process = sandbox.start("apache2", program("apache2"), "-D", "FOREGROUND", "-f", config,
                            start_new_session=True)
    sandbox.wait_for_port(HTTP, process)
    return Server(sandbox, "apache2", process, HTTP, sandbox.folder / f"access-{HTTP}.log",
                  path="/index.html")


def copied(sandbox, name, rename=None):
    """A program of this suite, where the sandbox's programs may read it."""
    return shutil.copy(PROGRAMS / name, sandbox.folder / (rename or name))


def built(sandbox, name):
    """A C program of this suite, built into the sandbox's folder."""
    path = sandbox.folder / pathlib.Path(name).stem
    place_of = ["cc", "-O2", "-Wall", "-o", path, PROGRAMS / name]
    sandbox.run(program("cc"), *place_of[1:], inside=False)
    return path


def _own(sandbox, name, port, *command):
    process = sandbox.start(name, *command, port)
    sandbox.wait_for_port(port, process, seconds=40)
    return Server(sandbox, name, process, port)


def go(sandbox, port=HTTP):
    """Go's net/http."""
    compiler = next((str(path) for path in GO if path.exists()), None) or program("go")
    binary = sandbox.folder / "pages-go"
    environment = os.environ | {"GOCACHE": "/tmp/redsight-live-go", "GO111MODULE": "off",
                                "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    sandbox.run(compiler, "build", "-o", binary, PROGRAMS / "pages.go", inside=False,
                env=environment)
    return _own(sandbox, "pages-go", port, binary)


def go_module(sandbox, name):
    """A Go program of this suite with modules, built outside of the sandbox's network."""
    compiler = next((str(path) for path in GO if path.exists()), None) or program("go")
    binary = sandbox.folder / name.replace("_", "-")
    cache = {"GOCACHE": "/tmp/redsight-live-go", "GOMODCACHE": "/tmp/redsight-live-gomod",
             "GOFLAGS": "-mod=mod -modcacherw", "CGO_ENABLED": "0", "GOTOOLCHAIN": "local"}
    done = subprocess.run([compiler, "build", "-o", binary, "."], cwd=PROGRAMS / name,
                          env=os.environ | cache, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Refused(f"{name} is not installed: its modules cannot be had: {done.stderr[-300:]}")
    return binary


def node(sandbox, port=HTTP):
    """Node's http."""
    script = copied(sandbox, "pages.js", "pages-node.js")
    return _own(sandbox, "pages-node", port, program("node", "nodejs"), script)


def java(sandbox, port=HTTP):
    """Java's com.sun.net.httpserver, from one source file."""
    source = copied(sandbox, "Pages.java")
    return _own(sandbox, "Pages", port, program("java"), "-Xmx256m", source)


def python(sandbox, port=HTTP):
    """Python's http.server, one thread a connection."""
    script = copied(sandbox, "pages.py", "pages-python.py")
    return _own(sandbox, "pages-python", port, sys.executable, script)


def redis(sandbox):
    """Redis that keeps nothing on disk."""
    process = sandbox.start(
        "redis", program("redis-server"), "--bind", "127.0.0.1", "--port", REDIS, "--save", "",
        "--appendonly", "no", "--dir", sandbox.folder,
    )
    sandbox.wait_for_port(REDIS, process)
    return Server(sandbox, "redis-server", process, REDIS)


def database(sandbox):
    """PostgreSQL with the tables of pgbench."""
    process = shop.start_postgresql(sandbox, POSTGRESQL, tables="SELECT 1")
    where = ("-h", "127.0.0.1", "-p", POSTGRESQL, "postgres")
    sandbox.run(*as_postgres(postgresql("pgbench"), "-i", "-q", "-s", 1, *where))
    return Server(sandbox, "postgres", process, POSTGRESQL)
