"""Reported/sent: does the agent count exactly what was sent, at the full speed of the client?"""

import pathlib
import re

import servers
from sandbox import program
from table import Row

TITLE = "Counted: reported/sent, server side"

PIPELINE = """
init = function()
  local one = wrk.format("GET", "/small")
  all = string.rep(one, 8)
end
request = function() return all end
"""


class Subject:
    """A sandbox with an agent that saw everything from the start, and the row it makes."""

    def __init__(self, sandbox, agent):
        self.sandbox = sandbox
        self.agent = agent

    def row(self, what, command, sent, *counted):
        """Runs the load; `sent` says from its output, or from the server, how many there were."""
        before = self.agent.settled(*counted)
        lost = self.agent.snapshot()["ledger"]["lost"]
        start = sent(None)
        output = self.sandbox.run(*command)
        reported = self.agent.settled(*counted) - before
        lost = self.agent.snapshot()["ledger"]["lost"] - lost
        total = sent(output) - start
        ratio = reported / total if total else float("nan")
        figure = f"**{ratio:.4f}** ({reported:,}/{total:,}), lost {lost:,} bytes"
        return Row(what, figure, servers.shown(command), "1.0000 while lost = 0")


def http(bench):
    """ab with and without keep-alive, wrk alone and eight deep."""
    with bench.sandbox() as sandbox:
        servers.nginx(sandbox)
        subject = Subject(sandbox, bench.agent(sandbox))
        counted = ("http1", "GET", "/small")
        ab = [program("ab"), "-q", "-c", 16]
        url = f"{servers.URL}/small"

        def by_ab(output):
            return int(re.search(r"Complete requests:\s+(\d+)", output)[1]) if output else 0

        def by_nginx(_):
            # Three numbers: accepted, handled, requests. The question itself is one of them.
            text = sandbox.run("python3", "-c", STATUS)
            by_nginx.asked += 1
            return int(text.split("requests")[1].split()[2]) - by_nginx.asked

        by_nginx.asked = 0
        yield subject.row("ab -k", [*ab, "-k", "-n", 20_000, url], by_ab, *counted)
        yield subject.row("ab, no keep-alive", [*ab, "-n", 5_000, url], by_ab, *counted)
        yield subject.row("wrk", servers.wrk(5), by_nginx, *counted)
        script = pathlib.Path(sandbox.folder / "pipeline.lua")
        script.write_text(PIPELINE)
        command = servers.wrk(5, "small", 16, "-s", script)
        yield subject.row("wrk, 8 in a pipeline", command, by_nginx, *counted)
        subject.agent.stop()


STATUS = f"""
import urllib.request as u
print(u.urlopen('{servers.URL}/status').read().decode())
"""


def redis(bench):
    """redis-benchmark, counted by its own -n."""
    with bench.sandbox() as sandbox:
        servers.redis(sandbox)
        subject = Subject(sandbox, bench.agent(sandbox))
        for pipeline in (1, 16):
            count = 200_000
            command = servers.redis_benchmark("-n", count, "-c", 16, "-P", pipeline, "-q")
            sent = lambda output, n=count: n if output else 0  # noqa: E731
            yield subject.row(f"redis-benchmark -P{pipeline}", command, sent, "redis", "GET")
        subject.agent.stop()


def postgresql(bench):
    """pgbench -S in its three protocol modes."""
    with bench.sandbox() as sandbox:
        servers.database(sandbox)
        subject = Subject(sandbox, bench.agent(sandbox))

        def by_pgbench(output):
            found = re.search(r"actually processed: (\d+)", output or "")
            return int(found[1]) if found else 0

        for mode in ("simple", "prepared", "extended"):
            command = servers.pgbench("-S", "-n", "-c", 4, "-t", 5_000, "-M", mode)
            counted = ("postgresql", "SELECT", "pgbench_accounts")
            yield subject.row(f"pgbench -S, {mode}", command, by_pgbench, *counted)
        subject.agent.stop()


def rows(bench):
    """Every client in turn."""
    yield from http(bench)
    yield from redis(bench)
    yield from postgresql(bench)
