"""Replay of HTTP/1 keep-alive on one core, beside tshark on the same file."""

import os
import subprocess
import time

import sandbox as place
import servers
from table import Row

TITLE = "Replay of a capture, one core"
CAPTURE_BYTES = 200_000_000
CAPTURE_S = 30


def record(sandbox):
    """A capture of nginx under wrk, of about 200 MB."""
    servers.nginx(sandbox)
    capture = sandbox.folder / "keepalive.pcap"
    lo = ("-i", "lo", "-s", 65535, "-B", 65536, "-Z", "root", "-w", capture)
    tcpdump = sandbox.start("tcpdump", place.program("tcpdump"), *lo, "port", servers.HTTP)
    place.wait_until(lambda: "listening on" in sandbox.log("tcpdump"), 10, "tcpdump listens")
    load = sandbox.start("wrk", *servers.wrk(CAPTURE_S))
    deadline = time.monotonic() + CAPTURE_S
    while time.monotonic() < deadline and capture.stat().st_size < CAPTURE_BYTES:
        time.sleep(0.1)
    sandbox.stop(load)
    sandbox.stop(tcpdump)
    return capture


def speed(command, size):
    """MB/s of one process held on the last core; the best of three, the file being in memory."""
    core = os.cpu_count() - 1
    times = []
    for _ in range(3):
        start = time.monotonic()
        subprocess.run(
            [place.program("taskset"), "-c", str(core), *map(str, command)],
            check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=300,
        )
        times.append(time.monotonic() - start)
    return size / 1e6 / min(times)


def rows(bench):
    """Our table, our exchanges as JSON, and tshark's count of requests."""
    with bench.sandbox() as sandbox:
        capture = record(sandbox)
        size = capture.stat().st_size
        what = f"{size / 1e6:.0f} MB of keep-alive"
        tshark = [place.program("tshark"), "-q", "-r", capture, "-z", "http,tree"]
        for name, command, aim in (
            ("redsight", [bench.binary, "replay", capture], "≥ 500 MB/s"),
            ("redsight --json", [bench.binary, "replay", "--json", capture], ""),
            ("tshark", tshark, "(beside it)"),
        ):
            shown = servers.shown(command).replace(str(sandbox.folder) + "/", "")
            yield Row(f"{name}, {what}", f"**{speed(command, size):,.0f} MB/s**", shown, aim)
