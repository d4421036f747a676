"""pgbench -S, both ends observed, in the simple and in the extended protocol."""

import paired
import servers
from table import Row

TITLE = "PostgreSQL: pgbench -S, both ends observed"


def rows(bench):
    """One row a protocol mode."""
    with bench.sandbox() as sandbox:
        servers.database(sandbox)
        agent = bench.agent(sandbox)
        for mode in ("simple", "extended"):
            seconds = paired.seconds(bench.rounds) + 10
            command = servers.pgbench("-S", "-n", "-c", 4, "-M", mode, "-T", seconds)
            load = sandbox.start("pgbench", *command)
            ratios = paired.ratios(agent, load, bench.rounds)
            sandbox.stop(load)
            yield Row(mode, paired.spread(ratios), servers.shown(command), "≥ 0.95")
        agent.stop()
