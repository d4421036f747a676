"""The key scan: what a gigabyte costs, by how much the agent grows, what who is scanned feels."""

import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import time

import paired
import sandbox as place
import servers
from agent import Agent
from table import Row

from groups.tls import certified

TITLE = "Key scan: for connections that no key log tells of"

PORT, RELAY_PORT = 18443, 18444
BALLAST_MB = 1000
SCAN_S, WINDOW_S = 10, 0.4
PROGRAMS = place.ROOT / "tests" / "live" / "programs"
# Objects, text, and what looks like chance, as heaps have them.
BALLAST = """
const ballast = [];
for (let n = 0; n < Number(process.env.BALLAST_MB); n++) {
  const block = Buffer.allocUnsafeSlow(1000000);
  require('crypto').randomFillSync(block, 0, 250000);
  for (let at = 250000; at < 500000; at += 8) block.writeDoubleLE(at * n, at);
  block.fill('{"name": "value", "more": [1, 2, 3]}\\n', 500000, 750000);
  block.fill(0, 750000);
  ballast.push(block);
}
// Kept from the collector.
globalThis.ballast = ballast;
require(process.env.SERVER);
"""
# For each line of input, a time in seconds, it asks that long and says what it saw.
CLIENT = """
import socket, ssl, statistics, sys, time
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
connection = context.wrap_socket(socket.create_connection(("127.0.0.1", int(sys.argv[1]))))
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
for line in sys.stdin:
    took, end = [], time.monotonic() + float(line)
    while (start := time.monotonic()) < end or len(took) < 2:
        connection.sendall(b"GET /small HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
        connection.recv(65536)
        took.append(time.monotonic() - start)
    print(statistics.quantiles(took, n=100)[98] * 1e6, len(took), flush=True)
"""


def program():
    """The search as the agent has it, in a program that does nothing else; or $KEYSCAN_BIN."""
    if "KEYSCAN_BIN" in os.environ:
        return os.environ["KEYSCAN_BIN"]
    command = ["cargo", "build", "--release", "-p", "redsight", "--example", "keyscan",
               "--message-format", "json"]
    done = subprocess.run(command, cwd=place.ROOT, text=True, capture_output=True, check=False)
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    paths = [item["executable"] for item in found
             if item.get("executable") and item["target"]["name"] == "keyscan"]
    if done.returncode or not paths:
        raise place.Refused(f"the scan is not built:\n{done.stderr[-500:]}")
    return paths[-1]


def files(sandbox):
    """A certificate and its key."""
    if not (sandbox.folder / "cert.pem").exists():
        certified(sandbox)
    return sandbox.folder / "cert.pem", sandbox.folder / "key.pem"


def node(sandbox, name, *command, port):
    """Node with a heap of its own size beside a server."""
    environment = os.environ | {"BALLAST_MB": str(BALLAST_MB),
                                "SERVER": str(PROGRAMS / "secure.js")}
    script = sandbox.folder / f"{name}.js"
    script.write_text(BALLAST)
    process = sandbox.start(name, *command, place.program("node"), script, *files(sandbox), port,
                            env=environment)
    sandbox.wait_for_port(port, process, seconds=60)
    return process


def cost(scan, target):
    """Seconds a gigabyte, of the search and of the clock."""
    done = subprocess.run([scan, str(target.pid), str(SCAN_S)], text=True, capture_output=True,
                          check=True)
    told = json.loads(done.stdout)
    gigabytes = told["bytes"] / 1e9
    each = f"{told['scans']} × {gigabytes / told['scans']:.2f} GB"
    figure = (f"**{told['processor_seconds'] / gigabytes:.3f} s** of one core, "
              f"{told['seconds'] / gigabytes:.3f} s elapsed ({each})")
    return Row("a GB of present memory, read and searched for AES keys", figure,
               f"keyscan PID {SCAN_S}", "≤ 0.3 s")


def felt(sandbox, scan, target, port, name, rounds):
    """The target's 99th percentile while it is scanned back to back, by that while it is not."""
    client = sandbox.start(f"client-{name}", sys.executable, "-c", CLIENT, port,
                           stdin=subprocess.PIPE)
    log = sandbox.logs / client.label
    seen = 0

    def window():
        nonlocal seen
        client.stdin.write(f"{WINDOW_S}\n".encode())
        client.stdin.flush()
        place.wait_until(lambda: log.read_text().count("\n") > seen, 30, "a window")
        seen += 1
        return float(log.read_text().splitlines()[-1].split()[0])

    scanner = subprocess.Popen([scan, str(target.pid), "600"], stdout=subprocess.DEVNULL)
    ratios, quiet = [], []
    try:
        scanner.send_signal(signal.SIGSTOP)
        window()
        for _ in range(rounds):
            before = window()
            scanner.send_signal(signal.SIGCONT)
            scanned = window()
            scanner.send_signal(signal.SIGSTOP)
            after = window()
            quiet.append((before + after) / 2)
            ratios.append(scanned / quiet[-1])
    finally:
        scanner.kill()
        scanner.wait()
        sandbox.stop(client)
    figure = f"{paired.spread(ratios)}, of {statistics.median(quiet):.0f} µs"
    return Row(f"99th percentile of {name}, scanned back to back / not", figure,
               f"keyscan PID 600, one TLS connection, windows of {WINDOW_S} s", "≤ 1.1")


def resident(pid):
    """Resident memory in MB."""
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(text.split("VmRSS:")[1].split()[0]) * 1024 / 1e6


def growth(bench, sandbox):
    """The agent's memory while it searches a gigabyte in every way it has, and finds nothing: the
    keys are those of another process, behind a relay."""
    folder = sandbox.cgroup / "relay"
    folder.mkdir()
    environment = os.environ | {"BALLAST_MB": str(BALLAST_MB)}
    relay = sandbox.start(
        "relay", "sh", "-c", 'echo 0 > "$0/cgroup.procs"; exec "$@"', folder, sys.executable,
        PROGRAMS / "relay.py", RELAY_PORT, PORT, *files(sandbox), env=environment)
    sandbox.wait_for_port(RELAY_PORT, relay, seconds=60)
    client = sandbox.start("client-relay", sys.executable, "-c", CLIENT, RELAY_PORT,
                           stdin=subprocess.PIPE)
    agent = Agent(sandbox, bench.binary, cgroup=folder)
    client.stdin.write(b"0.05\n")
    client.stdin.flush()
    time.sleep(0.2)
    before = most = resident(agent.process.pid)
    end, asked = time.monotonic() + 20, time.monotonic()
    while time.monotonic() < end:
        most = max(most, resident(agent.process.pid))
        if time.monotonic() - asked > 0.5:
            client.stdin.write(b"0.02\n")
            client.stdin.flush()
            asked = time.monotonic()
        time.sleep(0.005)
    health = json.loads(agent.get("/api/v1/health"))["health"]
    told = next(line["detail"] for line in health if line["name"] == "key scan")
    agent.stop()
    for process in (client, relay):
        sandbox.stop(process)
    return Row("growth of the agent while it searches 1 GB in every way, in vain",
               f"**{most - before:.1f} MB** of {before:.1f} MB; {told}",
               f"redsight run, BALLAST_MB={BALLAST_MB} relay.py", "≤ 8 MB")


def rows(bench):
    """A process of a gigabyte, one of a few megabytes, and the agent itself."""
    scan = program()
    rounds = min(bench.rounds, 30)
    with bench.sandbox() as sandbox:
        target = node(sandbox, "node", port=PORT)
        yield cost(scan, target)
        yield felt(sandbox, scan, target, PORT, "Node with 1 GB", rounds)
        yield growth(bench, sandbox)
        sandbox.stop(target)
        master = servers.nginx(sandbox, listen=certified(sandbox))
        children = pathlib.Path(f"/proc/{master.pid}/task/{master.pid}/children").read_text()
        worker = type("Worker", (), {"pid": int(children.split()[0])})
        yield felt(sandbox, scan, worker, servers.HTTP, "nginx", rounds)
