"""TLS handshakes, one request each: what the key-log probe costs the server; none may fail."""

import pathlib
import statistics
import subprocess
import sys

import sandbox as place
from agent import TICKS
from table import Row

TITLE = "TLS handshakes: nginx and a client at 200 a second, the server observed"

PORT, RATE = 18443, 200
NGINX = """
daemon off; pid @FOLDER@/nginx.pid; error_log @FOLDER@/log/nginx-errors; worker_processes 1;
events {}
http {
    access_log off;
    server {
        listen 127.0.0.1:@PORT@ ssl;
        ssl_certificate @FOLDER@/cert.pem; ssl_certificate_key @FOLDER@/key.pem;
        ssl_session_tickets off;
        location / { return 200 "a page\\n"; }
    }
}
"""
CLIENT = """
import socket, ssl, sys, time
port, rate, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
done = failed = 0
start = time.monotonic()
while (elapsed := time.monotonic() - start) < seconds:
    if done + failed > elapsed * rate:
        time.sleep(0.001)
        continue
    try:
        with socket.create_connection(("127.0.0.1", port), 5) as plain, \\
             context.wrap_socket(plain, server_hostname="localhost") as end:
            end.sendall(b"GET / HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n")
            answer = b""
            while piece := end.recv(4096):
                answer += piece
        assert answer.startswith(b"HTTP/1.1 200")
        done += 1
    except (OSError, AssertionError):
        failed += 1
print(done, failed)
"""


def nginx(sandbox):
    """One worker, so that its time can be read."""
    sandbox.run(place.program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:prime256v1", "-nodes", "-days", 2, "-subj", "/CN=localhost",
                "-keyout", sandbox.folder / "key.pem", "-out", sandbox.folder / "cert.pem",
                inside=False)
    config = sandbox.folder / "nginx.conf"
    text = NGINX.replace("@FOLDER@", str(sandbox.folder)).replace("@PORT@", str(PORT))
    config.write_text(text)
    process = sandbox.start("nginx", place.program("nginx"), "-c", config)
    sandbox.wait_for_port(PORT, process)
    return process


def worker_seconds(server):
    """Processor time of the worker so far."""
    children = pathlib.Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    text = pathlib.Path(f"/proc/{children[0]}/stat").read_text()
    fields = text.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def phase(sandbox, server, seconds):
    """Handshakes done and failed, and the server's microseconds for each."""
    before = worker_seconds(server)
    done, failed = map(int, sandbox.run(
        sys.executable, "-c", CLIENT, PORT, RATE, seconds, inside=False).split())
    return done, failed, (worker_seconds(server) - before) / max(done, 1) * 1e6


def rows(bench):
    """Rounds of six seconds without probes and six with them: 60 of each."""
    found = {"--no-tls": [], "--tls=on": []}
    with bench.sandbox() as sandbox:
        server = nginx(sandbox)
        phase(sandbox, server, 2)
        for _ in range(10 if bench.rounds > 8 else 2):
            for option, phases in found.items():
                agent = bench.agent(sandbox, option, "--tls-cache", sandbox.folder / "cache")
                phase(sandbox, server, 1)
                phases.append(phase(sandbox, server, 6))
                agent.stop()
        assert server.poll() is None, sandbox.log("nginx")
    off, on = found.values()
    rate = [sum(p[0] for p in phases) / (6 * len(phases)) for phases in (off, on)]
    failed = [sum(p[1] for p in phases) for phases in (off, on)]
    cost = [statistics.median(p[2] for p in phases) for phases in (off, on)]
    openssl = subprocess.getoutput("openssl version").split()[1]
    how = f"{len(on)} × 6 s each, OpenSSL {openssl}"
    yield Row("handshakes a second, with probes / without", f"**{rate[1] / rate[0]:.3f}** "
              f"({rate[1]:.0f} / {rate[0]:.0f})", how, "≥ 0.95")
    count = f"**{failed[1]}** / {failed[0]}"
    yield Row("failed handshakes, with probes / without", count, how, "0")
    yield Row("processor time of the server for one, with probes / without",
              f"**{cost[1] / cost[0]:.3f}** ({cost[1]:.0f} / {cost[0]:.0f} µs)", how, "≤ 1.05")
