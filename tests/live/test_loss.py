"""With a ring far too small, every lost byte is in the ledger, and nothing is made up."""

import collections
import concurrent.futures
import sys
import unittest

import loads
import servers
from cases import LiveTest, each

WORDS = ("amber", "birch", "cedar", "delta", "ember")
TARGETS = tuple(f"/{word}" for word in WORDS)


@each({f"a ring of {size} bytes under full load": (size,) for size in (4096, 8192, 16384)})
class LossTest(LiveTest):
    """wrk at full speed; the agent keeps up as little as its ring lets it."""

    def check(self, ring_bytes):
        server = servers.nginx(self.sandbox)
        agent = self.observe("--ring-bytes", ring_bytes)
        load = loads.wrk(self.sandbox, server.url, seconds=2, targets=TARGETS)
        sums = self.account(agent)
        ledger = agent.ask("/api/v1/ledger?window=0")
        services = agent.ask("/api/v1/services?window=0")
        lines = self.ended(agent)
        served = server.counted()
        coverage = ledger["total"]["coverage"]
        self.say(f"{len(lines)} of {load.answered}, lost {sums.lost} of {sums.seen} bytes, "
                 f"coverage {coverage:.2f}")
        self.assertTrue(ledger["total"]["adds_up"])
        self.assertGreater(sums.lost, 0, "the ring was large enough: a larger load is needed")
        self.assertLess(coverage, 1)
        self.assertIn("coverage", str(services))
        self.invented_nothing(lines, served)

    def invented_nothing(self, lines, served):
        """Every line is one that was sent, and no connection has more of them than it had."""
        said = collections.Counter()
        for line in lines:
            self.assertIn(line["target"], TARGETS + ("",), line)
            self.assertIn(line["operation"], ("GET", ""), line)
            self.assertIn(line["status"], ("200", ""), line)
            said[int(line["client"].rsplit(":", 1)[1])] += line["incomplete"] is None
        for port, count in said.items():
            self.assertLessEqual(count, served.get(port, 0), f"invented on port {port}")


def quit_early(sandbox):
    """Connections that are reset by their close, from ports that are used over and over."""
    sandbox.run(sys.executable, servers.PROGRAMS / "quitter.py", servers.HTTP, 2000, TARGETS[0])


def ask_once(sandbox):
    """Connections of one request each."""
    loads.ab(sandbox, f"http://127.0.0.1:{servers.HTTP}{TARGETS[0]}", requests=8000)


@each({
    "connections reset by their close, with a full ring": (quit_early,),
    "connections of one request, with a full ring": (ask_once,),
})
class ShortTest(LiveTest):
    """What a socket has still to tell when it closes is told once, whatever follows from the same
    ports."""

    def check(self, connect):
        server = servers.nginx(self.sandbox)
        agent = self.observe("--ring-bytes", 4096)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            others = pool.submit(connect, self.sandbox)
            loads.wrk(self.sandbox, server.url, seconds=2, targets=TARGETS)
            others.result()
        sums = self.account(agent)
        self.say(f"lost {sums.lost} of {sums.seen} bytes")
        self.assertGreater(sums.lost, 0, "the ring was large enough: a larger load is needed")


if __name__ == "__main__":
    unittest.main()
