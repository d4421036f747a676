"""Sockets that live unlike others: every request once, every byte booked, none made up."""

import pathlib
import subprocess
import sys
import unittest

import sandbox as place
from cases import LiveTest, each

PROGRAMS = pathlib.Path(__file__).parent / "programs"
PORT = 8480
CALLS = 5


# How the server listens, how the client calls, whether the client is in scope too.
ROWS = {
    "data that ends the handshake, of a client out of scope": ("defer", "plain", False),
    "data that ends the handshake, both ends in scope": ("defer", "plain", True),
    "data in the SYN, of a client out of scope": ("fastopen", "fastopen", False),
    "data in the SYN, both ends in scope": ("fastopen", "fastopen", True),
    "a socket that was refused once connects again": ("", "refused", True),
    "a socket that was disconnected connects again": ("", "again", True),
}


class Sockets(LiveTest):
    """A server, a client, and a count that both know."""

    def call(self, listening, calling, in_scope, *others):
        """The lines of a run, its account checked."""
        self.sandbox.run("sysctl", "-qw", "net.ipv4.tcp_fastopen=3", inside=False)
        python, box = sys.executable, self.sandbox
        server = box.start("greeter", python, PROGRAMS / "greeter.py", PORT, *listening.split())
        box.wait_for_port(PORT, server)
        for other in others:
            box.start(other, python, PROGRAMS / f"{other}.py")
        agent = self.observe()
        box.run(python, PROGRAMS / "caller.py", PORT, calling, CALLS, inside=in_scope)
        self.account(agent, 2 * CALLS)
        open_now = agent.metrics()["redsight_connections"]
        lines = self.ended(agent)
        whole = [line for line in lines if line["status"] == "200" and not line["incomplete"]]
        self.assertEqual((len(whole), len(lines)), (2 * CALLS, 2 * CALLS), lines)
        self.assertEqual({line["service"] for line in lines}, {"greeter"})
        return open_now


@each(ROWS)
class SocketsTest(Sockets):
    """One way to connect each."""

    def check(self, *row):
        open_now = self.call(*row)
        self.assertEqual(sum(value for _, value in open_now), 0, "a connection was left open")


class SealedTest(LiveTest):
    """A connection older than the agent, of which nothing is copied once it is known as sealed."""

    def test_the_first_bytes_of_the_other_end_are_in_the_account(self):
        program, pipe = PROGRAMS / "sealed.py", subprocess.PIPE
        sealed = self.sandbox.start("sealed", sys.executable, program, stdin=pipe, stdout=pipe)
        agent = self.observe()
        sealed.stdin.write(b"\n")
        sealed.stdin.flush()
        place.wait_until(lambda: agent.sums().bytes.get("sealed"), 20, "the first end has spoken")
        sent, _ = sealed.communicate(b"\n", timeout=20)
        self.assertEqual(self.account(agent).bytes, {"sealed": int(sent)})


class ResetTest(LiveTest):
    """Connections that nobody wants any more, when the end out of scope resets them."""

    def test_what_was_passed_over_before_a_reset_is_in_the_account(self):
        python, box = sys.executable, self.sandbox
        server = box.start("resets", python, PROGRAMS / "resets.py", "serve", PORT)
        box.wait_for_port(PORT, server)
        agent = self.observe()
        sent = box.run(python, PROGRAMS / "resets.py", "call", PORT, 5, inside=False)
        self.assertEqual(self.account(agent).bytes, {"unknown": int(sent)})


class RawSocketTest(Sockets):
    """A raw socket is nobody's connection."""

    def test_a_raw_socket_that_sees_all_packets_adds_nothing(self):
        self.call("", "plain", False, "listener")


if __name__ == "__main__":
    unittest.main()
