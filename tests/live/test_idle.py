"""Ten thousand connections that say nothing."""

import resource
import sys
import unittest

import sandbox as place
import servers
from cases import LiveTest

COUNT = 10_000
MEMORY_MAX_KIB = 64 * 1024


class IdleTest(LiveTest):
    """One request each, then silence."""

    def test_10000_idle_connections_fit_in_64_mib(self):
        resource.setrlimit(resource.RLIMIT_NOFILE, (COUNT + 1000, COUNT + 1000))
        server = servers.nginx(self.sandbox)
        agent = self.observe()
        empty = agent.memory_kib()
        script = servers.copied(self.sandbox, "holder.py")
        holder = self.sandbox.start("holder", sys.executable, script, server.port, COUNT)
        place.wait_until(lambda: "holding" in self.sandbox.log("holder"), 60, "all are open")
        sums = self.account(agent, COUNT)
        full = agent.memory_kib()
        self.say(f"RSS {empty / 1024:.1f} MiB, with {COUNT} connections {full / 1024:.1f} MiB")
        self.assertEqual((sums.requests, sums.lost), (COUNT, 0))
        self.assertLessEqual(full, MEMORY_MAX_KIB)
        self.sandbox.stop(holder)
        self.assertEqual(len(self.ended(agent)), COUNT)


if __name__ == "__main__":
    unittest.main()
