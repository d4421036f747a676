"""Redis GET, both ends observed, one at a time and 16 in a pipeline."""

import paired
import servers
from table import Row

TITLE = "Redis: GET, both ends observed"

# Ended by us; the count is only the bound.
COUNT_MAX = 500_000_000


def rows(bench):
    """Without pipelining, then with it."""
    with bench.sandbox() as sandbox:
        servers.redis(sandbox)
        agent = bench.agent(sandbox)
        for pipeline, aim in ((1, "≥ 0.90"), (16, "≥ 0.88")):
            command = servers.redis_benchmark("-n", COUNT_MAX, "-c", 16, "-P", pipeline, "-q")
            load = sandbox.start("redis-benchmark", *command)
            ratios = paired.ratios(agent, load, bench.rounds)
            sandbox.stop(load)
            yield Row(f"-P{pipeline}", paired.spread(ratios), servers.shown(command), aim)
        agent.stop()
