"""What becomes of the lines when nobody can take them."""

import unittest

import loads
import servers
from cases import LiveTest
from observed import Agent


class LinesTest(LiveTest):
    """The sums do not depend on the lines."""

    def test_a_full_disk_ends_the_lines_and_not_the_agent(self):
        server = servers.nginx(self.sandbox)
        agent = Agent(self.sandbox, lines="/dev/full")
        load = loads.ab(self.sandbox, server.url, requests=1000)
        sums = self.account(agent, load.answered)
        self.assertEqual(sums.requests, load.answered)
        self.assertIn("no more lines are written", self.sandbox.log("redsight"))
        self.assertEqual(agent.stop(), 0)


if __name__ == "__main__":
    unittest.main()
