"""What the agent costs its subject: throughput on and off, paired within short rounds.

One load runs all the time. Every round measures off, on, off, 0.2 s each, and divides the middle by
the mean of its neighbours. On a machine where anything else runs too, this is the only way seen to
tell 2 % apart: drift is slower than a round, and the median does not ask about the outliers.

Throughput is the TCP segments sent in the namespace (/proc/PID/net/snmp), which needs no help of
the load and is proportional to requests for a load of one kind.
"""

import pathlib
import statistics
import time

import sandbox as place

SETTLE_S = 0.06
MEASURE_S = 0.2


def segments(pid):
    """TCP segments sent so far in the network namespace of the process."""
    lines = pathlib.Path(f"/proc/{pid}/net/snmp").read_text().splitlines()
    names, values = [line.split() for line in lines if line.startswith("Tcp:")]
    return int(values[names.index("OutSegs")])


def octets(pid):
    """Bytes sent so far, for loads that put more requests into a segment when they are slower."""
    lines = pathlib.Path(f"/proc/{pid}/net/netstat").read_text().splitlines()
    names, values = [line.split() for line in lines if line.startswith("IpExt:")]
    return int(values[names.index("OutOctets")])


def rate(pid, count):
    """Segments or bytes a second, over one phase."""
    time.sleep(SETTLE_S)
    start, before = time.monotonic(), count(pid)
    time.sleep(MEASURE_S)
    after, end = count(pid), time.monotonic()
    return (after - before) / (end - start)


def seconds(rounds):
    """How long a load has to last."""
    return int(rounds * 3 * (SETTLE_S + MEASURE_S)) + 5


def ratios(agent, load, rounds, count=segments):
    """On/off, one a round. The agent is attached at the start and at the end."""
    check_toggle(agent)
    agent.toggle()
    found = []
    for _ in range(rounds):
        before = rate(load.pid, count)
        agent.toggle()
        on = rate(load.pid, count)
        agent.toggle()
        after = rate(load.pid, count)
        if load.poll() is not None or not (before and after):
            raise place.Refused(f"{load.label} ended before the rounds did")
        found.append(on / ((before + after) / 2))
    agent.toggle()
    return found


def check_toggle(agent):
    """A switch that does not switch would make a flattering ratio of 1."""
    agent.toggle()
    time.sleep(SETTLE_S)
    first = agent.snapshot()["agent"]["tap_events"]
    time.sleep(2.5)
    # What was on its way may still arrive within the window that closes next.
    quiet = agent.snapshot()["agent"]["tap_events"]
    time.sleep(1.5)
    still = agent.snapshot()["agent"]["tap_events"]
    agent.toggle()
    time.sleep(2.5)
    again = agent.snapshot()["agent"]["tap_events"]
    if quiet != still or again == still:
        counts = f"{first}, {quiet}, {still}, {again}"
        raise place.Refused(f"SIGUSR1 does not detach and attach the taps: events {counts}")


def spread(values, digits=3):
    """Median and quartiles in words."""
    low, middle, high = statistics.quantiles(values, n=4)
    return f"**{middle:.{digits}f}** [{low:.{digits}f}, {high:.{digits}f}]"
