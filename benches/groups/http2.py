"""nginx and h2load, both ends observed: the cost of many streams on a connection, and of bodies."""

import paired
import servers
from table import Row

TITLE = "HTTP/2: nginx and h2load, both ends observed"


def rows(bench):
    """Small pages, 32 streams a connection; then pages of 16 KiB."""
    with bench.sandbox() as sandbox:
        servers.nginx(sandbox, listen="http2")
        agent = bench.agent(sandbox)
        for what, page in (("small, 4 connections × 32 streams", "small"),
                           ("16 KiB, 4 connections × 32 streams", "page")):
            command = servers.h2load(paired.seconds(bench.rounds) + 10, page, 4, 32)
            load = sandbox.start("h2load", *command)
            ratios = paired.ratios(agent, load, bench.rounds, paired.octets)
            sandbox.stop(load)
            yield Row(what, paired.spread(ratios), servers.shown(command), "≥ 0.88")
        agent.stop()
