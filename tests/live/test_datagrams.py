"""UDP: every datagram's bytes are in the account once, whichever ends are in scope."""

import subprocess
import sys
import unittest

import sandbox as place
import servers
from cases import LiveTest, each

PORT = 18600
NAMES = {"client": "sender", "server": "echo"}
BOTH, SERVER, CLIENT = ("client", "server"), ("server",), ("client",)
SMALL = (0, 1, 3, 17, 300, 1400)
# The last is the largest there is.
BIG = (4096, 4097, 9000, 65507)


class DatagramsTest(LiveTest):
    """A client and a server with a cgroup each, both children of the sandbox's."""

    def setUp(self):
        super().setUp()
        for name in BOTH:
            (self.sandbox.cgroup / name).mkdir()

    def placed(self, name, *words):
        """A command of the program that runs in the child cgroup."""
        join = 'echo 0 > "$0/cgroup.procs"; exec "$@"'
        script = servers.copied(self.sandbox, "postcards.py", f"{NAMES[name]}.py")
        return ["sh", "-c", join, self.sandbox.cgroup / name, sys.executable, script, *words]

    def serve(self, host):
        """The server, bound."""
        server = self.sandbox.start("server", *self.placed("server", "serve", host, PORT))
        log = self.sandbox.logs / "server"
        place.wait_until(lambda: "ready" in log.read_text(), 20, "the server is bound")
        return server

    def ask(self, host, *words):
        """Bytes sent and got."""
        command = self.placed("client", "ask", host, PORT, *words)
        client = self.sandbox.start("client", *command, stdin=subprocess.PIPE)
        log = self.sandbox.logs / "client"
        place.wait_until(lambda: "\n" in log.read_text() or client.poll(), 60, "all is answered")
        return map(int, log.read_text().split())

    def observe_scope(self, scope, *options):
        """An agent on the child cgroups."""
        return self.observe(*options, cgroups=[self.sandbox.cgroup / name for name in scope])

    def check(self, host, scope, how, count, sizes):
        self.serve(host)
        agent = self.observe_scope(scope)
        sent, got = self.ask(host, how, count, *sizes)
        self.assertEqual(sent, got)
        sums = self.account(agent)
        self.assertEqual(sums.lost, 0)
        self.assertEqual(sums.bytes, {"unknown": sent + got})
        self.say(f"{sums.seen} bytes")
        self.named(agent, scope, host)

    def named(self, agent, scope, host):
        """One edge, whose ends in scope are called by their owners."""
        edges = agent.ask("/api/v1/edges?window=0")["edges"]
        server = f"[{host}]:{PORT}" if ":" in host else f"{host}:{PORT}"
        said = {(edge["client"], edge["server"]) for edge in edges}
        self.assertEqual(said, {(NAMES["client"] if "client" in scope else host,
                                 NAMES["server"] if "server" in scope else server)})


@each({
    "one connected socket": ("127.0.0.1", BOTH, "connected", 50, SMALL),
    "one connected socket, the client only": ("127.0.0.1", CLIENT, "connected", 50, SMALL),
    "one connected socket, the server only": ("127.0.0.1", SERVER, "connected", 50, SMALL),
    "one unconnected socket": ("127.0.0.1", BOTH, "unconnected", 50, SMALL),
    "one unconnected socket, the client only": ("127.0.0.1", CLIENT, "unconnected", 50, SMALL),
    "one unconnected socket, the server only": ("127.0.0.1", SERVER, "unconnected", 50, SMALL),
    "a socket for each": ("127.0.0.1", BOTH, "fresh", 300, SMALL),
    "a socket for each, the client only": ("127.0.0.1", CLIENT, "fresh", 300, SMALL),
    "a socket for each, the server only": ("127.0.0.1", SERVER, "fresh", 300, SMALL),
    "IPv6": ("::1", BOTH, "connected", 50, SMALL),
    "IPv6, the client only": ("::1", CLIENT, "unconnected", 50, SMALL),
    "IPv6, the server only": ("::1", SERVER, "fresh", 50, SMALL),
    "IPv6, joined by the kernel": ("::1", BOTH, "joined", 40, (1200,)),
    "joined by the kernel": ("127.0.0.1", BOTH, "joined", 40, (1200,)),
    "joined by the kernel, the server only": ("127.0.0.1", SERVER, "joined", 40, (1200,)),
})
class EchoTest(DatagramsTest):
    """An echo, and the bytes of both ways."""


class FragmentsTest(DatagramsTest):
    """Datagrams larger than a packet."""

    mtu = 1500

    def test_larger_than_a_packet(self):
        self.check("127.0.0.1", BOTH, "connected", 10, BIG)

    def test_larger_than_a_packet_the_server_only(self):
        self.check("127.0.0.1", SERVER, "unconnected", 10, BIG)

    def test_larger_than_a_packet_over_ipv6_the_client_only(self):
        self.check("::1", CLIENT, "unconnected", 10, BIG)


class LossTest(DatagramsTest):
    """A ring far too small."""

    def test_what_a_small_ring_loses_is_in_the_account(self):
        self.serve("127.0.0.1")
        agent = self.observe_scope(BOTH, "--ring-bytes", 4096)
        # A new socket each: what is known to be unreadable is not copied, and cannot be lost.
        sent, got = self.ask("127.0.0.1", "fresh", 2000, 1000)
        self.assertEqual(sent, got)
        sums = self.account(agent)
        self.say(f"lost {sums.lost} of {sums.seen}")
        self.assertEqual(sums.seen, sent + got)
        self.assertGreater(sums.lost, 0)


class FlowsTest(DatagramsTest):
    """As many flows as a resolver makes."""

    def test_flows_that_end_are_forgotten(self):
        self.serve("127.0.0.1")
        agent = self.observe_scope(BOTH)
        sent, got = self.ask("127.0.0.1", "fresh", 5000, 40)
        sums = self.account(agent)
        self.assertEqual(sums.bytes, {"unknown": sent + got})
        left = sum(value for _, value in agent.metrics()["redsight_connections"])
        self.assertEqual(left, 0)


if __name__ == "__main__":
    unittest.main()
