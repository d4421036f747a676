"""nginx and wrk, keep-alive, both ends observed: the cost of small requests and of big bodies."""

import paired
import servers
from table import Row

TITLE = "HTTP: nginx and wrk, both ends observed"


def rows(bench):
    """Small requests, then 10 MB bodies by sendfile."""
    with bench.sandbox() as sandbox:
        servers.nginx(sandbox)
        agent = bench.agent(sandbox)
        for what, page, connections, aim in (
            ("small, 16 connections", "small", 16, "≥ 0.90"),
            ("10 MB by sendfile", "bulk", 2, "≥ 0.97"),
        ):
            command = servers.wrk(paired.seconds(bench.rounds) + 10, page, connections)
            load = sandbox.start("wrk", *command)
            ratios = paired.ratios(agent, load, bench.rounds)
            sandbox.stop(load)
            yield Row(what, paired.spread(ratios), servers.shown(command), aim)
        agent.stop()
