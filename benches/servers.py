"""The servers and loads that are measured, as they come from the distribution."""

import os

import shop
from sandbox import as_postgres, postgresql, program

HTTP, REDIS, POSTGRESQL = 18080, 16379, 15432
URL = f"http://127.0.0.1:{HTTP}"
PAGE_BYTES, BULK_BYTES = 16 << 10, 10 << 20

NGINX = """
daemon off;
worker_processes 1;
worker_rlimit_nofile 30000;
pid @FOLDER@/nginx.pid;
error_log @FOLDER@/log/nginx-errors warn;
events { worker_connections 20000; }
http {
    access_log off;
    sendfile on;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
    client_body_temp_path @FOLDER@/body;
    proxy_temp_path @FOLDER@/proxy;
    fastcgi_temp_path @FOLDER@/fastcgi;
    uwsgi_temp_path @FOLDER@/uwsgi;
    scgi_temp_path @FOLDER@/scgi;
    server {
        listen 127.0.0.1:@PORT@ backlog=8192 @LISTEN@;
        root @FOLDER@/www;
        location = /status { stub_status; }
    }
}
"""


def nginx(sandbox, listen=""):
    """nginx with a small page, one of 16 KiB, one of 10 MB and its own count of requests."""
    pages = sandbox.folder / "www"
    pages.mkdir()
    (pages / "small").write_text("x" * 128)
    (pages / "page").write_bytes(bytes(PAGE_BYTES))
    (pages / "bulk").write_bytes(bytes(BULK_BYTES))
    for path in (sandbox.folder, pages, *pages.iterdir()):
        path.chmod(0o755)
    config = sandbox.folder / "nginx.conf"
    text = NGINX.replace("@FOLDER@", str(sandbox.folder)).replace("@PORT@", str(HTTP))
    config.write_text(text.replace("@LISTEN@", listen))
    process = sandbox.start("nginx", program("nginx"), "-p", sandbox.folder, "-c", config)
    sandbox.wait_for_port(HTTP, process)
    return process


def redis(sandbox):
    """Redis that keeps nothing on disk."""
    process = sandbox.start(
        "redis", program("redis-server"), "--bind", "127.0.0.1", "--port", REDIS,
        "--save", "", "--appendonly", "no", "--dir", sandbox.folder,
    )
    sandbox.wait_for_port(REDIS, process)
    return process


def database(sandbox):
    """PostgreSQL with the tables of pgbench at scale 1."""
    process = shop.start_postgresql(sandbox, POSTGRESQL, tables="SELECT 1")
    sandbox.run(*pgbench("-i", "-q", "-s", 1))
    return process


def pgbench(*options):
    """A pgbench command."""
    server = ("-h", "127.0.0.1", "-p", POSTGRESQL)
    return as_postgres(postgresql("pgbench"), *options, *server, "postgres")


def wrk(seconds, page="small", connections=16, *options):
    """A wrk command of one thread."""
    return [program("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", *options, f"{URL}/{page}"]


def h2load(seconds, page, connections, streams):
    """An h2load command of one thread."""
    return [program("h2load"), "-t1", f"-c{connections}", f"-m{streams}", f"-D{seconds}",
            f"{URL}/{page}"]


def redis_benchmark(*options):
    """A redis-benchmark command that only gets."""
    where = ("-h", "127.0.0.1", "-p", REDIS)
    return [program("redis-benchmark"), *where, "-t", "get", *options]


def shown(command):
    """A command as one would type it."""
    words = [str(word) for word in command]
    if "--init-groups" in words:
        words = words[words.index("--init-groups") + 1:]
    return " ".join([os.path.basename(words[0]), *words[1:]])
