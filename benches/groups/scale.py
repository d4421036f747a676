"""A host full of services: 1,000 processes, 500 services, 5,000 edges, 100,000 connections.

The agent comes when all of them are there and connected, which is the harder case: every owner of
every socket is still to be found. Then the town talks once over every connection, and rests.
"""

import signal
import time

import sandbox as place
from table import Row

TITLE = "A host of 500 services"
SERVICES, NEIGHBOURS, EACH, IDLE = 500, 10, 20, 499
EDGES, CONNECTIONS = SERVICES * NEIGHBOURS, SERVICES * NEIGHBOURS * EACH
NAMES = "service-"
SOURCE = place.ROOT / "tests" / "live" / "programs" / "town.c"
START_MAX_S = 120
REST_S = 20


def town(sandbox):
    """All of it, once everybody has been answered."""
    binary = sandbox.folder / "town"
    sandbox.run(place.program("cc"), "-O2", "-o", binary, SOURCE, inside=False)
    process = sandbox.start("town", binary, SERVICES, NEIGHBOURS, EACH, IDLE)
    place.wait_until(lambda: "open" in sandbox.log("town"), START_MAX_S, "the town is connected")
    return process


def listed(agent):
    """How many of the town's services the agent knows by name."""
    return sum(row["entity"]["name"].startswith(NAMES) for row in agent.snapshot()["services"])


def talk(sandbox, agent, process):
    """One request over every connection; how many of them the agent counted, on how many edges."""
    process.send_signal(signal.SIGUSR1)
    answered = f"answered {2 * CONNECTIONS}"
    place.wait_until(lambda: answered in sandbox.log("town"), START_MAX_S, "all have answered")
    counted = agent.settled("http1", "GET", "/news")
    snapshot = agent.snapshot()
    ends = [(edge["client"], edge["server"]) for edge in snapshot["edges"]]
    edges = sum(all(end.startswith(NAMES) for end in pair) for pair in ends)
    return counted, edges, snapshot


def rows(bench):
    """Start, then what was counted, then the rest."""
    command = f"town.c {SERVICES} {NEIGHBOURS} {EACH} {IDLE}"
    with bench.sandbox() as sandbox:
        process = town(sandbox)
        before = time.monotonic()
        agent = bench.agent(sandbox)
        ready = time.monotonic() - before
        place.wait_until(lambda: listed(agent) == SERVICES, START_MAX_S, "all services are listed")
        known = time.monotonic() - before
        used = agent.cpu_seconds()
        figure = f"**{known:.1f} s**, ready after {ready:.1f} s, {used:.1f} s of processor"
        yield Row("start until all services are listed", figure, command, "< 5 s")

        counted, edges, snapshot = talk(sandbox, agent, process)
        figure = f"**{counted / CONNECTIONS:.2%}** of {CONNECTIONS:,}, on {edges:,} edges"
        yield Row("one request a connection: counted", figure, command, "100 %, 5,000 edges")
        lost = snapshot["ledger"]["lost"]
        yield Row("bytes lost", f"**{lost}**", command, "0")
        live = snapshot["agent"]["connections"]
        figure = f"**{agent.memory_mib():.0f} MiB**, {live:,} connections live"
        yield Row("resident memory", figure, command, "≤ 256 MiB")

        used, before = agent.cpu_seconds(), time.monotonic()
        time.sleep(REST_S)
        share = (agent.cpu_seconds() - used) / (time.monotonic() - before)
        yield Row("processor at rest, of one core", f"**{share:.2%}**", command, "≤ 0.5 %")
        agent.stop()
