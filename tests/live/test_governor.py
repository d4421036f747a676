"""The agent's own limit of CPU: less is copied before it is passed, and that is said everywhere."""

import json
import subprocess
import sys
import threading
import unittest

import loads
import observed
import sandbox as place
import servers
from cases import LiveTest

# Far below what the load costs, so that it is reached within seconds on any machine.
SHARE = "0.3%"
REQUESTS, ROUNDS_MAX = 200_000, 60
PORT = 18600


class GovernorTest(LiveTest):
    """Redis under pipelined load, and an agent that may use next to nothing."""

    def test_the_budget_is_lowered_and_everyone_is_told(self):
        server = servers.redis(self.sandbox)
        agent = self.observe("--limits-cpu", SHARE)
        is_lowered, sent = threading.Event(), 0

        def look():
            place.wait_until(lambda: self.budget(agent) == 0, 60, "the budget is lowered")
            is_lowered.set()
        watcher = threading.Thread(target=look, daemon=True)
        watcher.start()
        for _ in range(ROUNDS_MAX):
            sent += sum(loads.redis_benchmark(self.sandbox, server.port, REQUESTS, 16,
                                              commands="get").values())
            if is_lowered.is_set():
                break
        self.assertTrue(is_lowered.is_set(), "the load was over before the limit was reached")
        health = {line["name"]: line for line in agent.ask("/api/v1/snapshot")["health"]}
        self.assertEqual(health["cpu"]["state"], "degraded")
        self.assertIn("limits.cpu", health["cpu"]["remedy"])
        told = subprocess.run([observed.BINARY, "doctor", "--connect", agent.address, "-o", "json"],
                              capture_output=True, text=True, timeout=20, check=False)
        self.assertIn("nothing is copied", told.stdout)
        self.assertTrue(any(line["name"] == "cpu" for line in json.loads(told.stdout)))
        sums = self.account(agent, copied=False)
        # redis-benchmark asks CONFIG GET first: two of each run.
        self.assertLessEqual(sums.requests, sent * 1.001 + 100, "invented")
        unread = 1 - sums.bytes.get("parsed", 0) / sums.seen
        self.say(f"{sums.requests} of {sent} requests read, {unread:.0%} of the bytes not: "
                 f"{sums.bytes}")
        self.assertGreater(unread, 0)

    def test_a_budget_of_nothing_copies_nothing_and_the_ledger_adds_up(self):
        server = servers.nginx(self.sandbox)
        agent = self.observe("--turn-budget-bytes", 0)
        loads.ab(self.sandbox, server.url, 200)
        script = servers.copied(self.sandbox, "postcards.py")
        echo = self.sandbox.start("echo", sys.executable, script, "serve", "127.0.0.1", PORT)
        place.wait_until(lambda: "ready" in self.sandbox.log("echo"), 20, "the echo is bound")
        self.sandbox.start("sender", sys.executable, script, "ask", "127.0.0.1", PORT,
                           "connected", 50, 17, 300, stdin=subprocess.PIPE)
        place.wait_until(lambda: self.sandbox.log("sender"), 20, "all is answered")
        sent, got = map(int, self.sandbox.log("sender").split())
        sums = self.account(agent, copied=False)
        self.say(f"{sums.bytes}")
        self.assertEqual((sums.requests, sums.bytes.get("parsed", 0)), (0, 0))
        self.assertGreater(sums.seen, sent + got)
        self.assertEqual(self.sandbox.stop(echo), -15)
        self.assertEqual(self.ended(agent), [])

    @staticmethod
    def budget(agent):
        """Bytes of each turn that are copied now."""
        return agent.metrics()["redsight_turn_budget_bytes"][0][1]


if __name__ == "__main__":
    unittest.main()
