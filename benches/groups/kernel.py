"""Kernel time a packet, by program, from the BPF run-time statistics (and their own 56 ns)."""

import contextlib
import json
import pathlib
import sys
import time

import servers
from sandbox import ROOT, program
from table import Row

TITLE = "Kernel time of the tap's programs"
SWITCH = pathlib.Path("/proc/sys/kernel/bpf_stats_enabled")
MEASURE_S = 5
POSTCARDS = "tests/live/programs/postcards.py"


@contextlib.contextmanager
def statistics():
    """Run-time statistics on, and afterwards as they were."""
    before = SWITCH.read_text()
    SWITCH.write_text("1")
    try:
        yield
    finally:
        SWITCH.write_text(before)


def counters(sandbox):
    """Run time and runs of each program attached to the sandbox's cgroup, by name."""
    bpftool = program("bpftool")
    listing = sandbox.run(bpftool, "-j", "cgroup", "show", sandbox.cgroup, inside=False)
    attached = json.loads(listing.strip() or "[]")
    found = {}
    for entry in attached:
        show = sandbox.run(bpftool, "-j", "prog", "show", "id", entry["id"], inside=False)
        shown = json.loads(show)
        found[shown["name"]] = (shown.get("run_time_ns", 0), shown.get("run_cnt", 0))
    return found


def measure(sandbox, command):
    """Nanoseconds a run of each program under a load."""
    load = sandbox.start("load", *command)
    time.sleep(1)
    before = counters(sandbox)
    time.sleep(MEASURE_S)
    after = counters(sandbox)
    sandbox.stop(load)
    for name, (ns, runs) in sorted(after.items()):
        past_ns, past_runs = before.get(name, (0, 0))
        if runs > past_runs:
            yield name, (ns - past_ns) / (runs - past_runs), (runs - past_runs) / MEASURE_S


def rows(bench):
    """Small requests, where every packet sent is copied, and bodies, where none is."""
    with bench.sandbox() as sandbox, statistics():
        servers.nginx(sandbox)
        agent = bench.agent(sandbox)
        for what, page, connections in (("small", "small", 16), ("10 MB bodies", "bulk", 2)):
            command = servers.wrk(MEASURE_S + 10, page, connections)
            for name, ns, rate in measure(sandbox, command):
                copied = page == "small" and "egress" in name
                aim = "≤ 350 ns" if copied else "≤ 120 ns"
                figure = f"**{ns:.0f} ns**, {rate:,.0f} runs/s"
                yield Row(f"{name}, {what}", figure, servers.shown(command), aim)
        yield from datagrams(sandbox)
        agent.stop()


def datagrams(sandbox):
    """An echo of nothing known: its flow is soon given up, and costs no copy from there on."""
    where = ("127.0.0.1", 18600)
    sandbox.start("echo", sys.executable, ROOT / POSTCARDS, "serve", *where)
    words = ("ask", *where, "connected", 1_000_000, 100)
    command = (sys.executable, ROOT / POSTCARDS, *words)
    for name, ns, rate in measure(sandbox, command):
        figure = f"**{ns:.0f} ns**, {rate:,.0f} runs/s"
        shown = servers.shown(("python3", POSTCARDS, *words))
        yield Row(f"{name}, UDP of a flow given up", figure, shown, "≤ 250 ns")
