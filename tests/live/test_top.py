"""`redsight top` in a terminal: from all services down to one exchange, by keys and by mouse."""

import unittest

import loads
import observed
import sandbox as place
import servers
from cases import LiveTest
from terminal import Terminal


class TopTest(LiveTest):
    """A proxy and its backend under a load, an agent, and a terminal."""

    def setUp(self):
        super().setUp()
        self.pyte = place.imported("pyte")
        servers.nginx(self.sandbox, port=servers.BACKEND)
        self.proxy = servers.proxy(self.sandbox)
        self.agent = self.observe()

    def top(self, **options):
        """`top` connected to the agent."""
        command = [observed.BINARY, "top", "--connect", self.agent.address, "--window", "0"]
        terminal = Terminal(self.pyte, command, **options)
        self.addCleanup(terminal.close)
        return terminal

    def ask(self):
        """Some requests through the proxy."""
        loads.ab(self.sandbox, self.proxy.url, 20, connections=2)

    def test_from_services_to_one_exchange_and_back(self):
        self.ask()
        top = self.top()
        shown = top.wait_for("services", "nginx", "http1", "ab")
        self.assertIn("% cov", shown)
        top.click(3, top.line_of(" nginx"))
        top.press("enter")
        top.wait_for("services › nginx", "GET", "listens")
        top.press("enter")
        top.wait_for("exchanges › nginx", "live")
        self.ask()
        shown = top.wait_for("exchanges › nginx", "GET", "200", "BEGAN")
        self.assertIn("nginx", shown)
        top.press("down", "enter")
        top.wait_for("operation  GET /", "status     200", "to the first byte", "both ends")
        # One after the other: an escape with a letter behind it is Alt and that letter.
        top.press("h", "h", "h")
        top.wait_for("redsight › services  ")
        top.press("q")
        self.assertEqual(top.end(), 0)
        # The main screen again, and the mouse is the terminal's own.
        self.assertIn(b"\x1b[?1049l", top.raw)
        self.assertIn(b"\x1b[?1000l", top.raw)

    def test_edges_are_a_tree_and_the_filter_says_what_it_does_not_understand(self):
        self.ask()
        top = self.top(columns=80, lines=24)
        top.wait_for("services", "nginx")
        top.press("e")
        top.wait_for("edges", "└ nginx", "  └ nginx")
        top.press("/", "lattency>1s")
        top.wait_for("did you mean latency?")
        top.press("esc")
        top.wait_for("t list")
        top.press("/", "service=nobody", "enter")
        top.wait_for("filter", "service=nobody", "none of")
        top.press("esc")
        top.wait_for("└ nginx")
        top.press("t")
        top.wait_for("CLIENT", "SERVER")
        top.press("?")
        top.wait_for("keys and columns", "edges as a tree or a list")
        top.press("ctrl-c")
        self.assertEqual(top.end(), 0)

    def test_any_size_and_no_colour(self):
        self.ask()
        top = self.top(columns=200, lines=60, environment={"NO_COLOR": "1"})
        top.wait_for("NAMED BY", "nginx", "ASKS/S")
        top.size(40, 12)
        top.wait_for("SERVICE", "nginx")
        top.size(100, 30)
        top.wait_for("CONN", "nginx")
        top.press(" ")
        top.wait_for("PAUSED")
        self.assertNotIn(b"\x1b[38;", top.raw)
        self.assertNotIn(b"\x1b[31m", top.raw)
        top.press("q")
        self.assertEqual(top.end(), 0)


if __name__ == "__main__":
    unittest.main()
