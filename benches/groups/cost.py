"""What the agent itself uses: processor time an exchange, memory with few and many connections."""

import sys
import time

import sandbox as place
import servers
from table import Row

TITLE = "The agent itself"
MEASURE_S = 10
HOLDER = place.ROOT / "benches" / "hold_connections.py"


def processor(sandbox, agent, protocol, command, operation):
    """Microseconds of the agent's processor time an exchange, under a load that lasts."""
    load = sandbox.start("load", *command)
    time.sleep(2)
    cpu, count = agent.cpu_seconds(), agent.served(protocol, operation)
    time.sleep(MEASURE_S)
    cpu, count = agent.cpu_seconds() - cpu, agent.served(protocol, operation) - count
    sandbox.stop(load)
    figure = "none seen"
    if count:
        figure = f"**{cpu / count * 1e6:.2f} µs** at {count / MEASURE_S:,.0f}/s"
    what = f"processor time an exchange, {protocol}"
    return Row(what, figure, servers.shown(command), "≤ 0.5 µs")


def memory(sandbox, agent, connections):
    """Resident memory while that many connections are open and have each made one request."""
    command = [sys.executable, HOLDER, servers.HTTP, connections]
    holder = sandbox.start(f"holder-{connections}", *command)
    ready = lambda: "holding" in sandbox.log(holder.label)  # noqa: E731
    place.wait_until(ready, 120, f"{connections} connections are open")
    time.sleep(3)
    figure = f"**{agent.memory_mib():.1f} MiB**, {agent.snapshot()['agent']['connections']} live"
    sandbox.stop(holder)
    shown = f"hold_connections.py {servers.HTTP} {connections}"
    return Row(f"resident memory, {connections:,} connections", figure, shown, "≤ 64 MiB")


def rows(bench):
    """Processor, then memory by a fresh agent, since an allocator seldom gives back."""
    with bench.sandbox() as sandbox:
        servers.nginx(sandbox)
        servers.redis(sandbox)
        agent = bench.agent(sandbox)
        yield processor(sandbox, agent, "http1", servers.wrk(MEASURE_S + 8), "GET")
        command = servers.redis_benchmark("-n", 500_000_000, "-c", 16, "-P", 16, "-q")
        yield processor(sandbox, agent, "redis", command, "GET")
        agent.stop()
        agent = bench.agent(sandbox)
        for connections in (10, 10_000):
            yield memory(sandbox, agent, connections)
        agent.stop()
