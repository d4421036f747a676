"""Durations: the live percentiles beside those of a packet capture of the same run.

Each row is the median of several runs: the capture takes its times at another place of the kernel,
and whatever interrupts the processor between the two shows in one of them only.
"""

import json
import re
import statistics

import pcap
import servers
from sandbox import program
from table import Row

TITLE = "Durations: live beside a packet capture of the same run"
RUNS = 5
REQUESTS = 3_000


def percentiles(lines):
    """The 50th and 99th of the whole exchanges, in microseconds."""
    durations = [line["duration_us"] for line in lines if line["incomplete"] is None]
    cuts = statistics.quantiles(durations, n=100, method="inclusive")
    return cuts[49], cuts[98]


def once(bench, options):
    """One run: live and captured percentiles."""
    with bench.sandbox() as sandbox:
        servers.nginx(sandbox)
        lines = sandbox.folder / "lines.jsonl"
        agent = bench.agent(sandbox, "--json", lines)
        command = [program("ab"), "-q", "-c", 4, "-n", REQUESTS, *options, f"{servers.URL}/small"]
        with pcap.capturing(sandbox, "run", servers.HTTP) as capture:
            output = sandbox.run(*command)
            agent.settled("http1", "GET", "/small")
        agent.stop()
        assert int(re.search(r"Complete requests:\s+(\d+)", output)[1]) == REQUESTS
        replay = sandbox.run(bench.binary, "replay", "--json", capture)
        live = [json.loads(line) for line in lines.read_text().splitlines()]
        truth = [json.loads(line) for line in replay.splitlines()]
        return percentiles(live), percentiles(truth), servers.shown(command)


def rows(bench):
    """ab with and without keep-alive."""
    for what, options in (("ab -k", ["-k"]), ("ab, no keep-alive", [])):
        runs = [once(bench, options) for _ in range(RUNS)]
        for name, at in (("p50", 0), ("p99", 1)):
            pairs = [(live[at], truth[at]) for live, truth, _ in runs]
            ratio = statistics.median(live / truth for live, truth in pairs)
            live, truth = (statistics.median(side) for side in zip(*pairs))
            figure = f"**{ratio:.4f}** ({live:.0f}/{truth:.0f} µs)"
            yield Row(f"{what}, {name}", figure, runs[0][2], "1 ± 0.011")
