"""Live exchanges are those of a packet capture of the same run.

How near their durations are is measured, not tested: `benches/run.py --only durations`.
"""

import collections
import json
import subprocess
import sys
import unittest

import loads
import observed
import pcap
import servers
from cases import LiveTest, each


def replayed(path):
    """The lines of a capture."""
    done = subprocess.run([observed.BINARY, "replay", "--json", path], capture_output=True,
                          text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def exchange(line):
    """What must be the same, seen live or in a capture."""
    same = ("protocol", "version", "client", "server", "operation", "target", "status",
            "request_bytes", "response_bytes", "incomplete")
    return tuple(line[name] for name in same)


def same(test, live, truth):
    """The same exchanges, each as often."""
    live, truth = (collections.Counter(map(exchange, lines)) for lines in (live, truth))
    test.assertEqual((live - truth, truth - live), ({}, {}), "live only, capture only")


@each({
    "nginx, in its microseconds, over keep-alive": (servers.nginx, True, "/"),
    "nginx, files of 1 MB": (servers.nginx, True, "/files/bulk"),
    "nginx, a connection a request": (servers.nginx, False, "/"),
    "Python, in its milliseconds": (servers.python, False, "/"),
    "Node": (servers.node, True, "/"),
})
class CaptureTest(LiveTest):
    """tcpdump and the agent watch the same run."""

    # What a capture can hold: packets of the loopback's own size are cut at 65535 bytes.
    mtu = 16436

    def check(self, serve, keep_alive, path):
        server = serve(self.sandbox)
        url = server.url.rstrip("/") + path
        agent = self.observe()
        # What the ring of tcpdump holds.
        count = 60 if "bulk" in path else 3000
        with pcap.capturing(self.sandbox, "run", server.port) as capture:
            loads.ab(self.sandbox, url, count, connections=4, keep_alive=keep_alive)
            sums = self.account(agent, count)
        live, capture_lines = self.ended(agent), replayed(capture)
        if sums.lost:
            self.say(f"lost {sums.lost} of {sums.seen} bytes")
        same(self, live, capture_lines)
        self.say(f"{len(live)} lines")


class SameTest(LiveTest):
    """Exchange by exchange, what is live is what a capture of it says."""

    mtu = 16436
    FAILURES = {
        ("/well", None): 22, ("/upload", None): 2, ("/until-the-end", None): 1,
        ("/pieces", None): 1, ("/missing", None): 1, ("/fail", "500"): 1,
        ("/reset", "connection_reset"): 1, ("/close", "connection_closed"): 1,
        ("/half", "connection_closed"): 1, ("/hang", "connection_closed"): 1,
    }

    def compare(self, ports, load, exchanges=None):
        """Runs the load between tcpdump and agent; all lines are the same."""
        agent = self.observe()
        with pcap.capturing(self.sandbox, "run", " or tcp port ".join(map(str, ports))) as capture:
            load()
            self.account(agent, exchanges)
        live = self.ended(agent)
        same(self, live, replayed(capture))
        self.say(f"{len(live)} lines")

    def test_a_proxy_and_its_backend(self):
        servers.python(self.sandbox, servers.BACKEND)
        proxy = servers.proxy(self.sandbox)
        self.compare((servers.HTTP, servers.BACKEND),
                     lambda: loads.ab(self.sandbox, proxy.url, 1000, connections=4), 2000)

    def test_exchanges_that_end_badly_or_carry_a_lot(self):
        script = servers.copied(self.sandbox, "unhappy.py")
        server = self.sandbox.start("unhappy", sys.executable, script, "serve", servers.HTTP)
        self.sandbox.wait_for_port(servers.HTTP, server)
        agent = self.observe()
        with pcap.capturing(self.sandbox, "run", servers.HTTP) as capture:
            self.sandbox.run(sys.executable, script, "ask", servers.HTTP)
            sums = self.account(agent, copied=False)
        failures = collections.Counter()
        for labels, count in agent.metrics()["http_server_request_duration_seconds_count"]:
            failures[labels["http_route"], labels.get("error_type")] += int(count)
        live, truth = self.ended(agent), replayed(capture)
        # Of a body in pieces, written faster than the agent can say which to copy, some heads may
        # be missing. Then the ledger says so, and the exchange has a gap.
        missing = sums.bytes.get("lost", 0)
        self.say(f"{missing} of {sums.seen} bytes missing")
        for line in live + truth:
            if missing and line["target"] in ("/pieces", "/upload"):
                line["request_bytes"] = line["response_bytes"] = line["incomplete"] = None
        same(self, live, truth)
        self.assertEqual(failures, self.FAILURES)

    def test_redis_pipelines(self):
        server = servers.redis(self.sandbox)
        self.compare((server.port,),
                     lambda: loads.redis_benchmark(self.sandbox, server.port, 1600, 16), 6400)

    def test_postgresql_in_all_modes(self):
        server = servers.database(self.sandbox)

        def load():
            for mode in ("simple", "extended", "prepared"):
                loads.pgbench(self.sandbox, server.port, mode, 30, 2, "tpcb-like")
        self.compare((server.port,), load, 3 * 30 * 2 * 7)


if __name__ == "__main__":
    unittest.main()
