"""sysbench oltp_point_select on MariaDB, both ends observed, as text and prepared."""

import mariadb
import paired
import servers
from table import Row

TITLE = "MariaDB: sysbench oltp_point_select, both ends observed"

SCRIPT = "oltp_point_select"


def rows(bench):
    """One row a way to ask."""
    with bench.sandbox() as sandbox:
        mariadb.start(sandbox)
        sandbox.run(*mariadb.sysbench(SCRIPT, "prepare"))
        agent = bench.agent(sandbox)
        for name, mode in (("text", "disable"), ("prepared", "auto")):
            command = mariadb.sysbench(
                SCRIPT, "run", threads=4, events=0, time=paired.seconds(bench.rounds) + 10,
                db_ps_mode=mode)
            load = sandbox.start("sysbench", *command)
            ratios = paired.ratios(agent, load, bench.rounds)
            sandbox.stop(load)
            yield Row(name, paired.spread(ratios), servers.shown(command), "≥ 0.95")
        agent.stop()
